import type { Process } from '../actor/actor.ts'
import type { Behavior } from '../actor/behavior.ts'
import type { Envelope, Replier, Request } from '../actor/mailbox.ts'
import { partitionName } from '../actor/partition.ts'
import { type ActorName, actorName, type PartitionName } from '../actor/pid.ts'
import type { Failure } from '../actor/signal.ts'
import { argsOf, SupervisorContext } from './child-life.ts'
import { child, type ChildOptions, type ChildSpec, type SupervisorSpec } from './child-spec.ts'
import type { ChildCounts, ChildInfo } from './child-table.ts'
import { SpecError } from './errors.ts'
import { supervisor } from './supervisor.ts'

export interface PartitionedSpec<Args extends readonly unknown[], Protocol> {
  /** What every partition runs. */
  readonly behavior: Behavior<Args, Protocol>
  /** The arguments of the partition of that number, from 0. */
  readonly args: (partition: number) => Args
  /** How many there are, from 1 to 1,024: all in use at first, and never more. */
  readonly partitions: number
  /** How partitions are restarted, stopped and placed; their names are given. */
  readonly child?: Omit<ChildOptions, 'register' | 'significant'>
  readonly intensity?: SupervisorSpec['intensity']
  readonly backoff?: SupervisorSpec['backoff']
}

/** What can be asked of a partitioned supervisor, from any thread or node. */
export interface PartitionedProtocol {
  call: {
    /**
     * Sets how many partitions are in use, from 0 to the number that it was defined with, and gives how many there were.
     * Fewer: keys belong to the first ones from then on, and then the others are stopped, the last one first. More: the
     * next ones are started, and keys belong to them when all are up. Messages that wait in a stopped one are lost, as is
     * its state: moving that is up to the partitions. `ERR_BAD_SPEC` for another number; `ERR_START_FAILED` with init's
     * error as `cause`, and then all is as it was. It takes as long as the partitions do: `timeoutMs`.
     */
    resize(partitions: number): number
    /** How many partitions are in use. */
    partitions(): number
    /** Those out of use are `'stopped'`. */
    whichChildren(): ChildInfo[]
    countChildren(): ChildCounts
  }
  cast: Record<never, never>
}

export interface Partitioned<Protocol> {
  /** The supervisor, as a child of another. */
  readonly spec: ChildSpec
  /** The supervisor's name on its node, which is its id. */
  readonly name: ActorName<PartitionedProtocol>
  /**
   * The partition that the key belongs to, looked up by each verb that takes it: an integer by its size, any other key by a
   * hash of its text, each modulo the number of partitions in use on this node. Nobody when that is 0.
   */
  of(key: string | number): PartitionName<Protocol>
}

const partitionsMax = 1_024

/**
 * Several actors of one behavior under a supervisor, each with a share of the keys, so that one does not hold up all. They
 * have names (`id/0`, `id/1`, …) and the supervisor has the name `id`, so a key finds its partition from every thread of
 * the node, and again after a restart. While a partition is restarted, calls to it reject with `ERR_NOPROC`. A supervisor
 * that is itself restarted has all partitions in use again. The idea is that of Elixir's PartitionSupervisor. Throws
 * `ERR_BAD_SPEC`.
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
  if (!isCount(partitions, 1, partitionsMax)) {
    throw new SpecError(`Supervisor "${id}": partitions must be a whole number from 1 to ${partitionsMax}`)
  }
  const children = Array.from({ length: partitions }, (_, partition) =>
    child<readonly unknown[], unknown>(`${partition}`, behavior, args(partition), {
      ...options,
      register: actorName(partitionName(id, partition)),
    }),
  )
  const parts = { children, ...(intensity !== undefined && { intensity }), ...(backoff !== undefined && { backoff }) }
  const inner = supervisor(id, parts)
  const outer: Behavior = {
    ...inner.behavior,
    createProcess: (runtime, actor, none) =>
      new PartitionedSupervisor(
        new SupervisorContext(runtime, actor),
        id,
        children,
        inner.behavior.createProcess(runtime, actor, none),
      ),
  }
  return { spec: { ...inner, behavior: outer }, name: actorName(id), of: (key) => ({ name: id, key }) }
}

function isCount(value: unknown, min: number, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
}

/** A supervisor of which some of the children, the first ones, are in use: all else is left to `inner`. */
class PartitionedSupervisor implements Process {
  readonly #ctx: SupervisorContext
  readonly #name: string
  readonly #specs: readonly ChildSpec[]
  readonly #inner: Process
  #inUse: number

  constructor(ctx: SupervisorContext, name: string, specs: readonly ChildSpec[], inner: Process) {
    this.#ctx = ctx
    this.#name = name
    this.#specs = specs
    this.#inner = inner
    this.#inUse = specs.length
  }

  async init(): Promise<void> {
    await this.#use(this.#inUse)
    await this.#inner.init()
  }

  handle(envelope: Envelope): void | Promise<void> {
    if (envelope.type !== 'request') return this.#inner.handle(envelope)
    switch (envelope.name) {
      case 'resize':
        return this.#resize(envelope)
      case 'partitions':
        envelope.replier.reply(this.#inUse)
        return
      case 'startChild':
      case 'terminateChild':
      case 'restartChild':
      case 'deleteChild': {
        const message = `Partitioned supervisors have no "${envelope.name}": resize them`
        envelope.replier.fail({ code: 'ERR_NO_HANDLER', outcome: 'not-run', message })
        return
      }
      default:
        return this.#inner.handle(envelope)
    }
  }

  terminate(reason: Parameters<NonNullable<Process['terminate']>>[0]): void | Promise<void> {
    return this.#inner.terminate?.(reason)
  }

  async #resize(request: Request): Promise<void> {
    const { replier } = request
    const args = argsOf(this.#ctx, request)
    if (args === undefined) return
    const [wanted] = args
    const max = this.#specs.length
    if (!isCount(wanted, 0, max)) {
      const message = `"${this.#name}" can have from 0 to ${max} partitions in use`
      replier.fail({ code: 'ERR_BAD_SPEC', outcome: 'not-run', message })
      return
    }
    const before = this.#inUse
    // From here on the caller is told if this supervisor ends.
    this.#ctx.actor.openRequest(replier)
    const failure = wanted > before ? await this.#startUpTo(wanted) : undefined
    if (failure !== undefined) await this.#stopFrom(before, wanted)
    else if (wanted !== before) {
      await this.#use(wanted)
      await this.#stopFrom(wanted, before)
    }
    if (!this.#ctx.actor.alive) return
    this.#ctx.actor.closeRequest(replier)
    if (failure === undefined) replier.reply(before)
    else replier.fail(failure)
  }

  /** Tells every thread of the node how many partitions the keys belong to. */
  async #use(partitions: number): Promise<void> {
    // The dead have no names.
    if (!this.#ctx.actor.alive) return
    await this.#ctx.kernel.registerName(this.#name, this.#ctx.self, partitions)
    this.#inUse = partitions
  }

  /** Starts the partitions that are not in use, in order, until one fails to. */
  async #startUpTo(wanted: number): Promise<Failure | undefined> {
    for (const spec of this.#specs.slice(this.#inUse, wanted)) {
      if (!this.#ctx.actor.alive) return undefined
      let failure = await this.#ask('restartChild', spec.id)
      // A temporary one is forgotten when it is stopped.
      if (failure?.code === 'ERR_NO_CHILD') failure = await this.#ask('startChild', spec)
      if (failure !== undefined) return failure
    }
    return undefined
  }

  /** Stops those from one number to before another, the last one first. */
  async #stopFrom(first: number, end: number): Promise<void> {
    // One that was not started, or is temporary and has ended, is nobody's loss.
    for (const spec of this.#specs.slice(first, end).reverse()) await this.#ask('terminateChild', spec.id)
  }

  /** Has `inner` do it as if somebody had asked for it. Gives why it was not done. */
  async #ask(name: string, arg: unknown): Promise<Failure | undefined> {
    let failure: Failure | undefined
    const replier: Replier = { reply: () => undefined, fail: (given) => void (failure = given) }
    await this.#inner.handle({ type: 'request', name, args: [arg], encoded: false, replier })
    return failure
  }
}
