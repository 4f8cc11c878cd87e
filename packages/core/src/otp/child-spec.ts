import type { Behavior } from '../actor/behavior.ts'
import type { ActorName } from '../actor/pid.ts'
import type { Bearing } from '../actor/protocol.ts'
import type { Placement } from '../actor/thread-starter.ts'
import type { BackoffOptions } from '../base/backoff.ts'
import { type AutoShutdown, checkSignificant } from './auto-shutdown.ts'
import { SpecError } from './errors.ts'
import type { Intensity } from './restart-intensity.ts'
import type { Restart, Strategy } from './restart-strategy.ts'

export interface ChildOptions<Named = unknown> {
  /** Default `'permanent'`. */
  readonly restart?: Restart
  /**
   * How long the child may take to end after its supervisor's `shutdown`, in milliseconds, before it is killed. `'kill'`
   * kills at once; `Infinity` waits. Default 5,000, for supervisors `Infinity`.
   */
  readonly shutdownMs?: number | 'kill'
  /** How long init may take, in milliseconds, before the child is killed and the start has failed. Default 30,000. */
  readonly startMs?: number
  /** A name for the child on its node, the same after each restart. */
  readonly register?: ActorName<Named>
  /**
   * `'own'`: on a worker thread of its own, where a runaway loop can be killed at once; `'pool'` or `{ pool: key }`: on a
   * thread of the pool; `'main'`. Default: its supervisor's thread.
   */
  readonly thread?: Placement
  /**
   * Whether its end for good is one that its supervisor's `autoShutdown` waits for: any end of a temporary child, a clean end
   * of a transient one; not of a permanent one, which is refused. Being stopped by its supervisor is no such end. Default false.
   */
  readonly significant?: boolean
  /**
   * `'members'`: it takes signals of other nodes from its beginning, as if its behavior said so; of a supervisor, that
   * every member of the cluster may change its children. Not for those that it starts. Default: what its behavior says, and
   * for a supervisor that its Pid must have been sent out first. See `remoteSignals` of `startNode`.
   */
  readonly remote?: 'members'
}

/** One child of a supervisor, as plain data beside the behavior that it names. */
export interface ChildSpec {
  readonly id: string
  readonly behavior: Behavior
  readonly args: readonly unknown[]
  readonly type: 'worker' | 'supervisor'
  readonly restart: Restart
  readonly shutdownMs: number | 'kill'
  readonly startMs: number
  readonly register: string | undefined
  readonly thread: Placement
  readonly significant: boolean
  /** Of a supervisor: what it supervises, so that a tree can be drawn and changed as data. */
  readonly supervises?: SupervisorSpec
}

export interface SupervisorSpec {
  /** Default `'oneForOne'`. */
  readonly strategy?: Strategy
  /** Default 3 restarts within 5,000 ms, counted over all children. */
  readonly intensity?: Intensity
  /**
   * How long a child that ended waits before it is started again, as `'restarting'`; longer each time, until it has run for
   * `maxMs`. Every restart counts for the intensity when its wait begins, so `withinMs` wants to be longer than the waits.
   * Default: no wait.
   */
  readonly backoff?: BackoffOptions
  /**
   * Whether it ends, with `shutdown` and after its other children, when the first or the last of its significant children has
   * ended for good. Default `'never'`.
   */
  readonly autoShutdown?: AutoShutdown
  /** Started in this order, stopped in the reverse one. */
  readonly children: readonly ChildSpec[]
}

/**
 * A worker child. Its arguments are checked against the behavior's init.
 *
 * @example
 * child('hits', hits, [0], { restart: 'permanent', shutdownMs: 5_000 })
 */
export function child<Args extends readonly unknown[], Protocol extends Bearing<Named>, Named = unknown>(
  id: string,
  behavior: Behavior<Args, Protocol>,
  args: NoInfer<Args>,
  options: ChildOptions<Named> = {},
): ChildSpec {
  return childSpec(id, behavior, args, 'worker', options)
}

export function childSpec(
  id: string,
  behavior: Behavior,
  args: readonly unknown[],
  type: 'worker' | 'supervisor',
  options: ChildOptions,
): ChildSpec {
  if (id === '') throw new SpecError('A child needs an id that is not empty')
  const spec: ChildSpec = {
    id,
    behavior: options.remote === undefined ? behavior : { ...behavior, remote: options.remote },
    args,
    type,
    restart: options.restart ?? 'permanent',
    shutdownMs: options.shutdownMs ?? (type === 'supervisor' ? Infinity : 5_000),
    startMs: options.startMs ?? 30_000,
    register: options.register?.name,
    thread: options.thread ?? 'same',
    significant: options.significant ?? false,
  }
  if (typeof spec.shutdownMs === 'number' && !(spec.shutdownMs >= 0)) {
    throw new SpecError(`Child "${id}": shutdownMs must be 0 or more, Infinity or 'kill'`)
  }
  if (!(spec.startMs > 0)) throw new SpecError(`Child "${id}": startMs must be more than 0`)
  if (spec.thread !== 'same' && spec.thread !== 'main' && behavior.module === undefined) {
    throw new SpecError(`Child "${id}": another thread needs a behavior with \`module: import.meta\``)
  }
  return spec
}

/** A spec that somebody asks a running supervisor to start, who may have given anything. Throws `ERR_BAD_SPEC`. */
export function checkedSpec(supervisor: string, value: unknown, autoShutdown: AutoShutdown): ChildSpec {
  const spec = (typeof value === 'object' && value !== null ? value : {}) as Partial<ChildSpec>
  if (typeof spec.id !== 'string' || typeof spec.behavior?.createProcess !== 'function') {
    throw new SpecError(`Supervisor "${supervisor}": a child to start must be what \`child\` or \`supervisor\` made`)
  }
  checkSignificant(supervisor, spec as ChildSpec, autoShutdown)
  return spec as ChildSpec
}
