import type { Process } from '../actor/actor.ts'
import type { Behavior } from '../actor/behavior.ts'
import { type ExitReason, Exit, printReason } from '../actor/exit-reason.ts'
import { type Envelope, mailboxLimitDefault, type Request } from '../actor/mailbox.ts'
import { type Pid, samePid } from '../actor/pid.ts'
import type { BackoffOptions } from '../base/backoff.ts'
import { errorData } from '../base/error-data.ts'
import { sometimes } from '../platform/property.ts'
import { beginChild, stopChild, SupervisorContext } from './child-life.ts'
import { type ChildOptions, type ChildSpec, childSpec, type SupervisorSpec } from './child-spec.ts'
import { SpecError } from './errors.ts'
import { checkedBackoff, nextWait } from './restart-backoff.ts'
import { addRestart, checkedIntensity, type Intensity } from './restart-intensity.ts'
import { concernedBy, shouldRestart, type Strategy } from './restart-strategy.ts'

/** A child as `whichChildren` shows it. */
export interface ChildInfo {
  readonly id: string
  readonly pid: Pid | undefined
  readonly type: 'worker' | 'supervisor'
  readonly status: 'running' | 'restarting' | 'stopped'
  readonly behavior: string
}

export interface ChildCounts {
  readonly specs: number
  readonly active: number
  readonly supervisors: number
  readonly workers: number
}

/** What can be asked of a supervisor. */
export interface SupervisorProtocol {
  call: { whichChildren(): ChildInfo[]; countChildren(): ChildCounts }
  cast: Record<never, never>
}

/**
 * A supervisor as a child of another.
 *
 * @example
 * supervisor('jobs', { strategy: 'oneForAll', children: [child('a', a, []), child('b', b, [])] })
 */
export function supervisor(id: string, spec: SupervisorSpec, options: ChildOptions = {}): ChildSpec {
  return { ...childSpec(id, supervisorBehavior(id, spec), [], 'supervisor', options), supervises: spec }
}

/** The behavior of a supervisor, to be started like any other. */
export function supervisorBehavior(name: string, spec: SupervisorSpec): Behavior<[], SupervisorProtocol> {
  const ids = new Set<string>()
  for (const { id } of spec.children) {
    if (ids.has(id)) throw new SpecError(`Supervisor "${name}" has two children with the id "${id}"`)
    ids.add(id)
  }
  const settings: Settings = {
    strategy: spec.strategy ?? 'oneForOne',
    intensity: checkedIntensity(name, spec.intensity),
    backoff: checkedBackoff(name, spec.backoff),
  }
  return {
    name,
    module: undefined,
    trapExit: true,
    mailboxLimit: mailboxLimitDefault,
    createProcess: (runtime, actor) => new Supervisor(new SupervisorContext(runtime, actor), spec.children, settings),
  }
}

interface Settings {
  readonly strategy: Strategy
  readonly intensity: Intensity
  readonly backoff: BackoffOptions | undefined
}

interface Child {
  readonly spec: ChildSpec
  pid: Pid | undefined
  status: 'running' | 'restarting' | 'stopped'
  /** When it was last up, while it is or until it is known how long it was; absent where no back-off asks for it. */
  upSinceMs: number | undefined
  /** The waits before its last restarts that count for the next one. */
  waits: number
  /** What will start it again. */
  retry: { readonly number: number; readonly cancel: () => void } | undefined
}

/** A restart that failed or waits is tried by this message, so that other requests and exits come in between. */
interface RetryRestart {
  readonly retryRestart: number
}

class Supervisor implements Process {
  readonly #ctx: SupervisorContext
  readonly #settings: Settings
  #children: Child[]
  #restartsMs: readonly number[] = []
  #lastRetry = 0

  constructor(ctx: SupervisorContext, specs: readonly ChildSpec[], settings: Settings) {
    this.#ctx = ctx
    this.#settings = settings
    this.#children = specs.map(newChild)
  }

  async init(): Promise<void> {
    for (const child of this.#children) {
      // It may have been killed, or stopped, while the last child started: then nobody would end the next one.
      if (this.#ctx.actor.life !== 'starting') return
      try {
        await this.#start(child)
      } catch (error) {
        await this.#stopChildren(this.#children)
        throw new Exit({ type: 'shutdown', failedChild: child.spec.id, cause: errorData(error) } as ExitReason)
      }
    }
  }

  handle(envelope: Envelope): void | Promise<void> {
    switch (envelope.type) {
      case 'request':
        this.#answer(envelope)
        return
      case 'EXIT': {
        if (this.#ctx.actor.parent !== undefined && samePid(envelope.from, this.#ctx.actor.parent)) {
          this.#ctx.actor.stop(envelope.reason)
          return
        }
        const child = this.#children.find((one) => one.pid !== undefined && samePid(one.pid, envelope.from))
        // Not a child any more: one that was stopped on purpose, or a stranger that linked itself.
        return child === undefined ? undefined : this.#childEnded(child, envelope.reason)
      }
      case 'message': {
        const message = envelope.message as Partial<RetryRestart> | undefined
        const child = this.#children.find(({ retry }) => retry !== undefined && retry.number === message?.retryRestart)
        return child === undefined ? undefined : this.#retry(child)
      }
      case 'cast':
      case 'DOWN':
        this.#ctx.log.debug({ supervisor: this.#ctx.actor.label }, 'a supervisor dropped a message')
    }
  }

  terminate(): Promise<void> {
    return this.#stopChildren(this.#children)
  }

  #answer(request: Request): void {
    switch (request.name) {
      case 'whichChildren':
        request.replier.reply(
          this.#children.map(({ spec, pid, status }): ChildInfo => ({
            id: spec.id,
            pid,
            type: spec.type,
            status,
            behavior: spec.behavior.name,
          })),
        )
        return
      case 'countChildren':
        request.replier.reply({
          specs: this.#children.length,
          active: this.#children.filter((one) => one.status === 'running').length,
          supervisors: this.#children.filter((one) => one.spec.type === 'supervisor').length,
          workers: this.#children.filter((one) => one.spec.type === 'worker').length,
        } satisfies ChildCounts)
        return
      default:
        request.replier.fail({
          code: 'ERR_NO_HANDLER',
          outcome: 'not-run',
          message: `Supervisors have no "${request.name}"`,
        })
    }
  }

  #childEnded(child: Child, reason: ExitReason): void | Promise<void> {
    child.pid = undefined
    child.status = 'stopped'
    const fields = { supervisor: this.#ctx.actor.label, child: child.spec.id, reason }
    if (!shouldRestart(child.spec.restart, reason)) {
      this.#ctx.log.debug(fields, 'a child ended and is not restarted')
      if (child.spec.restart === 'temporary') this.#children = this.#children.filter((one) => one !== child)
      return
    }
    this.#ctx.log.warn(fields, `restarting a child that ended: ${printReason(reason)}`)
    return this.#restart(child)
  }

  /** Counts a restart of this child, stops whom it concerns, and starts them again: now, or after the back-off's wait. */
  async #restart(child: Child): Promise<void> {
    const { intensity, backoff } = this.#settings
    const now = this.#ctx.clock.monotonic()
    const { restartsMs, exceeded } = addRestart(this.#restartsMs, now, intensity)
    this.#restartsMs = restartsMs
    sometimes(exceeded, 'skerry/a supervisor gave up after too many restarts')
    if (exceeded) {
      const fields = { supervisor: this.#ctx.actor.label, child: child.spec.id, ...intensity }
      this.#ctx.log.error(fields, 'too many restarts: the supervisor gives up')
      this.#ctx.actor.stop('shutdown')
      return
    }
    this.#ctx.kernel.counters.restarts += 1
    const concerned = await this.#stopConcerned(child)
    if (backoff === undefined) {
      await this.#startAll(concerned)
      return
    }
    const ranMs = child.upSinceMs === undefined ? 0 : now - child.upSinceMs
    const { delayMs, waits } = nextWait(child.waits, ranMs, backoff, this.#ctx.random.float())
    child.waits = waits
    for (const one of concerned) one.status = 'restarting'
    this.#retryAfter(child, delayMs)
  }

  /** Stops the others whom this child's restart concerns; gives all that are to be started, in order. */
  async #stopConcerned(child: Child): Promise<readonly Child[]> {
    const { strategy } = this.#settings
    const concerned = concernedBy(strategy, this.#children.indexOf(child), this.#children.length).map(
      (position) => this.#children[position] as Child,
    )
    const others = concerned.filter((one) => one !== child)
    await this.#stopChildren(others)
    // Temporary children that a sibling's restart took down are not started again.
    this.#children = this.#children.filter((one) => !(others.includes(one) && one.spec.restart === 'temporary'))
    return concerned.filter((one) => this.#children.includes(one))
  }

  async #startAll(concerned: readonly Child[]): Promise<void> {
    for (const one of concerned) {
      // As in init: a supervisor that is over, or is stopping, starts nobody.
      if (this.#ctx.actor.life !== 'running') return
      try {
        await this.#start(one)
      } catch (error) {
        if (this.#ctx.actor.life !== 'running') return
        const fields = { supervisor: this.#ctx.actor.label, child: one.spec.id, err: errorData(error) }
        this.#ctx.log.warn(fields, 'a child did not restart: trying again')
        await this.#restartFailed(one)
        return
      }
    }
  }

  async #restartFailed(child: Child): Promise<void> {
    child.status = 'restarting'
    // With a back-off the next try counts now and waits; without, it counts when its turn has come.
    if (this.#settings.backoff === undefined) this.#retryAfter(child, undefined)
    else await this.#restart(child)
  }

  #retryAfter(child: Child, delayMs: number | undefined): void {
    const message: RetryRestart = { retryRestart: ++this.#lastRetry }
    let cancel = (): void => undefined
    if (delayMs === undefined) this.#ctx.send(this.#ctx.self, message)
    else cancel = this.#ctx.sendAfter(delayMs, this.#ctx.self, message)
    child.retry = { number: message.retryRestart, cancel }
  }

  async #retry(child: Child): Promise<void> {
    child.retry = undefined
    if (this.#settings.backoff === undefined) await this.#restart(child)
    else await this.#startAll(await this.#stopConcerned(child))
  }

  async #start(child: Child): Promise<void> {
    child.upSinceMs = undefined
    const { pid, started } = beginChild(this.#ctx, child.spec)
    child.pid = pid
    try {
      await started
      child.status = 'running'
      if (this.#settings.backoff !== undefined) child.upSinceMs = this.#ctx.clock.monotonic()
    } catch (error) {
      child.pid = undefined
      throw error
    }
  }

  /** Stops in reverse start order, each with its own time; one that does not end in it is killed. */
  async #stopChildren(children: readonly Child[]): Promise<void> {
    for (const child of [...children].reverse()) {
      const { pid } = child
      child.pid = undefined
      child.status = 'stopped'
      child.retry?.cancel()
      child.retry = undefined
      if (pid !== undefined) await stopChild(this.#ctx, pid, child.spec)
    }
  }
}

function newChild(spec: ChildSpec): Child {
  return { spec, pid: undefined, status: 'stopped', upSinceMs: undefined, waits: 0, retry: undefined }
}
