import type { Behavior } from '../actor/behavior.ts'
import { type ActorName, actorName } from '../actor/pid.ts'
import { child, type ChildOptions, type ChildSpec, type SupervisorSpec } from './child-spec.ts'
import { SpecError } from './errors.ts'
import { supervisor } from './supervisor.ts'

export interface PartitionedSpec<Args extends readonly unknown[], Protocol> {
  /** What every partition runs. */
  readonly behavior: Behavior<Args, Protocol>
  /** The arguments of the partition of that number, from 0. */
  readonly args: (partition: number) => Args
  /** How many there are, from 1 to 1,024; fixed, as a key belongs to one of them. */
  readonly partitions: number
  /** How partitions are restarted, stopped and placed; their names are given. */
  readonly child?: Omit<ChildOptions, 'register' | 'significant'>
  readonly intensity?: SupervisorSpec['intensity']
  readonly backoff?: SupervisorSpec['backoff']
}

export interface Partitioned<Protocol> {
  /** The supervisor, as a child of another. */
  readonly spec: ChildSpec
  /** The partition that the key belongs to, always the same: an integer by its size, any other key by a hash of its text. */
  of(key: string | number): ActorName<Protocol>
}

const partitionsMax = 1_024

/**
 * Several actors of one behavior under a supervisor, each with a share of the keys, so that one does not hold up all. They
 * have names (`id/0`, `id/1`, …), so a key finds its partition again after a restart, on this node. While it is restarted,
 * calls to it reject with `ERR_NOPROC`. The idea is that of Elixir's PartitionSupervisor. Throws `ERR_BAD_SPEC`.
 *
 * @example
 * export const carts = partitionedSupervisor('carts', { behavior: cart, args: () => [], partitions: 8 })
 * export const shop = defineApp({ name: 'shop', children: [carts.spec] })
 * await ctx.call(carts.of(customerId), 'add', [item])
 */
export function partitionedSupervisor<Args extends readonly unknown[], Protocol>(
  id: string,
  { behavior, args, partitions, child: options, intensity, backoff }: PartitionedSpec<Args, Protocol>,
): Partitioned<Protocol> {
  if (!Number.isSafeInteger(partitions) || partitions < 1 || partitions > partitionsMax) {
    throw new SpecError(`Supervisor "${id}": partitions must be a whole number from 1 to ${partitionsMax}`)
  }
  const names = Array.from({ length: partitions }, (_, partition) => actorName<Protocol>(`${id}/${partition}`))
  const children = names.map((register, partition) =>
    child<readonly unknown[], unknown>(`${partition}`, behavior, args(partition), { ...options, register }),
  )
  const spec = { children, ...(intensity !== undefined && { intensity }), ...(backoff !== undefined && { backoff }) }
  return {
    spec: supervisor(id, spec),
    of: (key) => names[partitionOf(key, partitions)] as ActorName<Protocol>,
  }
}

/** The number of the partition that the key belongs to. */
export function partitionOf(key: string | number, partitions: number): number {
  if (typeof key === 'number' && Number.isSafeInteger(key)) return Math.abs(key) % partitions
  // FNV-1a over UTF-16 code units.
  let hash = 0x811c9dc5
  const text = String(key)
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return (hash >>> 0) % partitions
}
