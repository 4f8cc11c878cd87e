import type { Process } from '../actor/actor.ts'
import type { Behavior } from '../actor/behavior.ts'
import { isIgnored } from '../actor/errors.ts'
import { type ExitReason, printReason } from '../actor/exit-reason.ts'
import { type Envelope, mailboxLimitDefault, type Request } from '../actor/mailbox.ts'
import { formatPid, isPid, type Pid, samePid } from '../actor/pid.ts'
import type { BackoffOptions } from '../base/backoff.ts'
import { errorData } from '../base/error-data.ts'
import { argsOf, beginChild, startFailure, stopChild, SupervisorContext } from './child-life.ts'
import { type ChildOptions, type ChildSpec, childSpec } from './child-spec.ts'
import type { ChildCounts, ChildInfo } from './child-table.ts'
import { SpecError } from './errors.ts'
import { checkedBackoff, nextWait } from './restart-backoff.ts'
import { tellRestart } from './restart-events.ts'
import { checkedIntensity, type Intensity, RestartWindow } from './restart-intensity.ts'
import { shouldRestart } from './restart-strategy.ts'

export interface DynamicSupervisorSpec<Args extends readonly unknown[], Protocol> {
  /** What every child runs. */
  readonly behavior: Behavior<Args, Protocol>
  /** How children are restarted, stopped and placed; as of a child of any supervisor, but for name and significance. */
  readonly child?: Omit<ChildOptions, 'register' | 'significant'>
  /** Default 3 restarts within 5,000 ms, counted over all children; then this supervisor ends with `shutdown`. */
  readonly intensity?: Intensity
  /** How long a child that ended waits before it is started again, as of any supervisor. Default: no wait. */
  readonly backoff?: BackoffOptions
  /** The children that there may be at a time, from 1; one more is refused with `ERR_MAX_CHILDREN`. Default 100,000. */
  readonly maxChildren?: number
}

/** What can be asked of a dynamic supervisor. */
export interface DynamicSupervisorProtocol<Args extends readonly unknown[] = readonly never[], Protocol = unknown> {
  call: {
    /** Starts one more child with these arguments; answers when its init is done. */
    startChild(...args: Args): Pid<Protocol>
    /** Stops a child for good, or ends its wait for a restart. `false` if it is none of this supervisor's. */
    terminateChild(pid: Pid): boolean
    whichChildren(): ChildInfo[]
    countChildren(): ChildCounts
  }
  cast: Record<never, never>
}

/**
 * A supervisor whose children are started on demand, all with one behavior, from any thread or node, since only the
 * arguments travel. Children are independent of each other (`oneForOne`), and are stopped all at once, each within its own
 * time. The idea and the rules are those of Elixir's DynamicSupervisor.
 *
 * A start is refused with `ERR_MAX_CHILDREN` (not run), or fails with `ERR_START_FAILED`, whose `cause` is init's error, or
 * with `ERR_START_IGNORED`; nothing is kept of it. A child that ignores its restart is forgotten.
 * While a child's init runs, other requests wait.
 *
 * @example
 * export const rooms = dynamicSupervisor('rooms', { behavior: room, child: { restart: 'transient' } })
 * child('rooms', rooms, [], { register: roomsName, shutdownMs: Infinity })
 * const pid = await ctx.call(roomsName, 'startChild', ['lobby'])
 */
export function dynamicSupervisor<Args extends readonly unknown[], Protocol>(
  name: string,
  spec: DynamicSupervisorSpec<Args, Protocol>,
): Behavior<[], DynamicSupervisorProtocol<Args, Protocol>> {
  const intensity = checkedIntensity(name, spec.intensity)
  const maxChildren = spec.maxChildren ?? 100_000
  if (!Number.isSafeInteger(maxChildren) || maxChildren < 1) {
    throw new SpecError(`Supervisor "${name}": maxChildren must be a whole number from 1`)
  }
  const backoff = checkedBackoff(name, spec.backoff)
  const template = childSpec(spec.behavior.name, spec.behavior, [], 'worker', spec.child ?? {})
  return {
    name,
    module: undefined,
    trapExit: true,
    mailboxLimit: mailboxLimitDefault,
    createProcess: (runtime, actor) =>
      new DynamicSupervisor(new SupervisorContext(runtime, actor), { template, intensity, backoff, maxChildren }),
  }
}

interface Settings {
  readonly template: ChildSpec
  readonly intensity: Intensity
  readonly backoff: BackoffOptions | undefined
  readonly maxChildren: number
}

interface DynamicChild {
  readonly number: number
  readonly spec: ChildSpec
  /** Absent while it is being restarted. */
  pid: Pid | undefined
  /** The last Pid that others may know it by. */
  knownAs: Pid | undefined
  /** When it was last up, until it is known how long it was; absent where no back-off asks for it. */
  upSinceMs: number | undefined
  /** The waits before its last restarts that count for the next one. */
  waits: number
  cancelWait: (() => void) | undefined
}

/** A restart that failed or waits is tried by this message, so that other requests and exits come in between. */
interface RetryRestart {
  readonly retryRestart: number
}

class DynamicSupervisor implements Process {
  readonly #ctx: SupervisorContext
  readonly #settings: Settings
  readonly #children = new Map<number, DynamicChild>()
  /** The numbers of the children by their printed Pids; of one that is being restarted, by its last. */
  readonly #numbers = new Map<string, number>()
  #lastNumber = 0
  readonly #restarts: RestartWindow

  constructor(ctx: SupervisorContext, settings: Settings) {
    this.#ctx = ctx
    this.#settings = settings
    this.#restarts = new RestartWindow(settings.intensity)
  }

  init(): void {
    // It begins without children.
  }

  handle(envelope: Envelope): void | Promise<void> {
    switch (envelope.type) {
      case 'request':
        return this.#answer(envelope)
      case 'EXIT': {
        if (this.#ctx.actor.parent !== undefined && samePid(envelope.from, this.#ctx.actor.parent)) {
          this.#ctx.actor.stop(envelope.reason)
          return
        }
        const child = this.#childAt(envelope.from)
        // Not a child any more: one that was stopped on purpose, or a stranger that linked itself.
        if (child?.pid === undefined || !samePid(child.pid, envelope.from)) return
        return this.#childEnded(child, envelope.reason)
      }
      case 'message': {
        const message = envelope.message as Partial<RetryRestart> | undefined
        const child = this.#children.get(message?.retryRestart ?? 0)
        return child === undefined || child.pid !== undefined ? undefined : this.#retry(child)
      }
      case 'cast':
      case 'DOWN':
      case 'nodeUp':
      case 'nodeDown':
        this.#ctx.log.debug({ supervisor: this.#ctx.actor.label }, 'a supervisor dropped a message')
    }
  }

  async terminate(): Promise<void> {
    const children = [...this.#children.values()]
    this.#children.clear()
    this.#numbers.clear()
    await Promise.all(
      // Their waits end with this actor, as all its timers do.
      children.map(async ({ pid, spec }) => {
        if (pid !== undefined) await stopChild(this.#ctx, pid, spec)
      }),
    )
  }

  #answer(request: Request): void | Promise<void> {
    const { replier } = request
    switch (request.name) {
      case 'startChild':
      case 'terminateChild': {
        const args = argsOf(this.#ctx, request)
        if (args === undefined) return
        return request.name === 'startChild' ? this.#startChild(args, request) : this.#terminateChild(args[0], request)
      }
      case 'whichChildren':
        replier.reply([...this.#children.values()].map(childInfo))
        return
      case 'countChildren': {
        const counts: ChildCounts = {
          specs: this.#children.size,
          active: [...this.#children.values()].filter(({ pid }) => pid !== undefined).length,
          supervisors: 0,
          workers: this.#children.size,
        }
        replier.reply(counts)
        return
      }
      default: {
        const message = `Dynamic supervisors have no "${request.name}"`
        replier.fail({ code: 'ERR_NO_HANDLER', outcome: 'not-run', message })
      }
    }
  }

  async #startChild(args: readonly unknown[], { replier }: Request): Promise<void> {
    const { template, maxChildren } = this.#settings
    if (this.#children.size >= maxChildren) {
      const message = `${this.#ctx.actor.label} has ${maxChildren} children, as many as it may`
      replier.fail({ code: 'ERR_MAX_CHILDREN', outcome: 'not-run', message })
      return
    }
    const number = ++this.#lastNumber
    const spec: ChildSpec = { ...template, id: `${template.id}-${number}`, args }
    const child = newChild(number, spec)
    // From here on the caller is told if this supervisor ends.
    this.#ctx.actor.openRequest(replier)
    try {
      const pid = await this.#start(child)
      if (pid === undefined) return
      this.#ctx.actor.closeRequest(replier)
      replier.reply(pid)
    } catch (error) {
      if (!this.#ctx.actor.alive) return
      this.#forget(child)
      this.#ctx.actor.closeRequest(replier)
      replier.fail(startFailure(spec, error))
    }
  }

  async #terminateChild(target: unknown, { replier }: Request): Promise<void> {
    const child = isPid(target) ? this.#childAt(target) : undefined
    if (child === undefined) {
      replier.reply(false)
      return
    }
    const { pid, spec } = child
    this.#forget(child)
    if (pid === undefined) {
      replier.reply(true)
      return
    }
    this.#ctx.actor.openRequest(replier)
    await stopChild(this.#ctx, pid, spec)
    if (!this.#ctx.actor.alive) return
    this.#ctx.actor.closeRequest(replier)
    replier.reply(true)
  }

  /** Starts it and gives its Pid; `undefined` if this supervisor has meanwhile ended, which ended the child as well. */
  async #start(child: DynamicChild): Promise<Pid | undefined> {
    child.upSinceMs = undefined
    const { pid, started } = beginChild(this.#ctx, child.spec)
    // Before it is up, so that it is stopped with the others if this supervisor is stopped now.
    this.#children.set(child.number, child)
    this.#numbers.set(formatPid(pid), child.number)
    child.pid = pid
    try {
      await started
    } catch (error) {
      this.#numbers.delete(formatPid(pid))
      child.pid = undefined
      throw error
    }
    if (child.knownAs !== undefined) this.#numbers.delete(formatPid(child.knownAs))
    child.knownAs = pid
    if (this.#settings.backoff !== undefined) child.upSinceMs = this.#ctx.clock.monotonic()
    return this.#ctx.actor.life === 'running' ? pid : undefined
  }

  #childEnded(child: DynamicChild, reason: ExitReason): void | Promise<void> {
    const fields = { supervisor: this.#ctx.actor.label, child: child.spec.id, reason }
    child.pid = undefined
    if (!shouldRestart(child.spec.restart, reason)) {
      this.#ctx.log.debug(fields, 'a child ended and is not restarted')
      this.#forget(child)
      return
    }
    this.#ctx.log.warn(fields, `restarting a child that ended: ${printReason(reason)}`)
    return this.#restart(child)
  }

  /** Counts a restart of this child and starts it again: now, or after the back-off's wait. */
  async #restart(child: DynamicChild): Promise<void> {
    const { intensity, backoff } = this.#settings
    const now = this.#ctx.clock.monotonic()
    const exceeded = this.#restarts.add(now)
    const fields = { supervisor: this.#ctx.actor.label, child: child.spec.id }
    if (exceeded) {
      this.#ctx.log.error({ ...fields, ...intensity }, 'too many restarts: the supervisor gives up')
      this.#ctx.actor.stop('shutdown')
      return
    }
    this.#ctx.kernel.counters.restarts += 1
    tellRestart(this.#ctx.actor, child.spec.id)
    if (backoff === undefined) {
      await this.#startAgain(child)
      return
    }
    const ranMs = child.upSinceMs === undefined ? 0 : now - child.upSinceMs
    const { delayMs, waits } = nextWait(child.waits, ranMs, backoff, this.#ctx.random.float())
    child.waits = waits
    const retry: RetryRestart = { retryRestart: child.number }
    child.cancelWait = this.#ctx.sendAfter(delayMs, this.#ctx.self, retry)
  }

  async #startAgain(child: DynamicChild): Promise<void> {
    try {
      await this.#start(child)
    } catch (error) {
      if (this.#ctx.actor.life !== 'running') return
      if (isIgnored(error)) {
        this.#forget(child)
        return
      }
      const fields = { supervisor: this.#ctx.actor.label, child: child.spec.id, err: errorData(error) }
      this.#ctx.log.warn(fields, 'a child did not restart: trying again')
      // With a back-off the next try counts now and waits; without, it counts when its turn has come.
      if (this.#settings.backoff !== undefined) {
        await this.#restart(child)
        return
      }
      const retry: RetryRestart = { retryRestart: child.number }
      this.#ctx.send(this.#ctx.self, retry)
    }
  }

  async #retry(child: DynamicChild): Promise<void> {
    child.cancelWait = undefined
    if (this.#settings.backoff === undefined) await this.#restart(child)
    else await this.#startAgain(child)
  }

  #childAt(pid: Pid): DynamicChild | undefined {
    return this.#children.get(this.#numbers.get(formatPid(pid)) ?? 0)
  }

  #forget(child: DynamicChild): void {
    this.#children.delete(child.number)
    child.cancelWait?.()
    for (const pid of [child.pid, child.knownAs]) if (pid !== undefined) this.#numbers.delete(formatPid(pid))
  }
}

function newChild(number: number, spec: ChildSpec): DynamicChild {
  const state = { pid: undefined, knownAs: undefined, upSinceMs: undefined, waits: 0, cancelWait: undefined }
  return { number, spec, ...state }
}

function childInfo({ spec, pid }: DynamicChild): ChildInfo {
  const status = pid === undefined ? 'restarting' : 'running'
  return { id: spec.id, pid, type: 'worker', status, behavior: spec.behavior.name }
}
