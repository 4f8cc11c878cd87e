import type { Process } from '../actor/actor.ts'
import type { Behavior } from '../actor/behavior.ts'
import { isIgnored } from '../actor/errors.ts'
import { type ExitReason, Exit, printReason } from '../actor/exit-reason.ts'
import { type Envelope, mailboxLimitDefault, type Replier, type Request } from '../actor/mailbox.ts'
import { type Pid, samePid } from '../actor/pid.ts'
import type { Failure } from '../actor/signal.ts'
import type { BackoffOptions } from '../base/backoff.ts'
import { errorData } from '../base/error-data.ts'
import { sometimes } from '../platform/property.ts'
import { tellRestart } from './restart-events.ts'
import { type AutoShutdown, checkSignificant, endsSupervisor } from './auto-shutdown.ts'
import { argsOf, beginChild, startFailure, stopChild, SupervisorContext } from './child-life.ts'
import { checkedSpec, type ChildOptions, type ChildSpec, childSpec, type SupervisorSpec } from './child-spec.ts'
import {
  type Child,
  type ChildCounts,
  childCounts,
  type ChildInfo,
  childInfo,
  newChild,
  noSuchChild,
  whyNotAdd,
  whyNotStopped,
} from './child-table.ts'
import { SpecError } from './errors.ts'
import { checkedBackoff, nextWait } from './restart-backoff.ts'
import { checkedIntensity, type Intensity, RestartWindow } from './restart-intensity.ts'
import { concernedBy, shouldRestart, type Strategy } from './restart-strategy.ts'

/**
 * What can be asked of a supervisor. The children of a running one are changed as in OTP, by id and after those that it has;
 * a refusal is a `CallError` with `not-run`, and `ERR_NO_CHILD` where there is none of that id. A change does not count for
 * the intensity. While a child starts or ends, other requests wait, so a `call` may want a longer `timeoutMs`.
 *
 * @example
 * const pid = await ctx.call(jobs, 'startChild', [child('mailer', mailer, [])])
 * await ctx.call(jobs, 'terminateChild', ['mailer'])
 * await ctx.call(jobs, 'deleteChild', ['mailer'])
 */
export interface SupervisorProtocol {
  call: {
    /**
     * Adds a child, at most 10,000, and answers when its init is done. A spec holds code, so only actors of the supervisor's
     * thread can ask for it. `ERR_ALREADY_STARTED`, `ERR_ALREADY_PRESENT` (stopped: see `restartChild`), `ERR_BAD_SPEC`,
     * `ERR_MAX_CHILDREN`; `ERR_START_FAILED` with init's error as `cause`, and then the child is forgotten;
     * `ERR_START_IGNORED`, and then it stays, stopped, unless it is temporary.
     */
    startChild(spec: ChildSpec): Pid
    /** Stops a child, or ends its wait for a restart. It stays, stopped, unless it is temporary. */
    terminateChild(id: string): void
    /** Starts a stopped child. `ERR_CHILD_RUNNING`, `ERR_CHILD_RESTARTING`; `ERR_START_FAILED` or `ERR_START_IGNORED`, and then it stays stopped. */
    restartChild(id: string): Pid
    /** Forgets a stopped child. `ERR_CHILD_RUNNING`, `ERR_CHILD_RESTARTING`. */
    deleteChild(id: string): void
    whichChildren(): ChildInfo[]
    countChildren(): ChildCounts
  }
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
  const autoShutdown = spec.autoShutdown ?? 'never'
  const ids = new Set<string>()
  for (const one of spec.children) {
    if (ids.has(one.id)) throw new SpecError(`Supervisor "${name}" has two children with the id "${one.id}"`)
    ids.add(one.id)
    checkSignificant(name, one, autoShutdown)
  }
  const settings: Settings = {
    strategy: spec.strategy ?? 'oneForOne',
    intensity: checkedIntensity(name, spec.intensity),
    backoff: checkedBackoff(name, spec.backoff),
    autoShutdown,
  }
  return {
    name,
    module: undefined,
    trapExit: true,
    takesCode: true,
    mailboxLimit: mailboxLimitDefault,
    createProcess: (runtime, actor) => new Supervisor(new SupervisorContext(runtime, actor), spec.children, settings),
  }
}

interface Settings {
  readonly strategy: Strategy
  readonly intensity: Intensity
  readonly backoff: BackoffOptions | undefined
  readonly autoShutdown: AutoShutdown
}

/** A restart that failed or waits is tried by this message, so that other requests and exits come in between. */
interface RetryRestart {
  readonly retryRestart: number
}

class Supervisor implements Process {
  readonly #ctx: SupervisorContext
  readonly #settings: Settings
  #children: Child[]
  readonly #restarts: RestartWindow
  #lastRetry = 0

  constructor(ctx: SupervisorContext, specs: readonly ChildSpec[], settings: Settings) {
    this.#ctx = ctx
    this.#settings = settings
    this.#restarts = new RestartWindow(settings.intensity)
    this.#children = specs.map(newChild)
  }

  async init(): Promise<void> {
    for (const child of this.#children) {
      // It may have been killed, or stopped, while the last child started: then nobody would end the next one.
      if (this.#ctx.actor.life !== 'starting') return
      try {
        await this.#start(child)
      } catch (error) {
        if (isIgnored(error)) {
          this.#ignored(child)
          continue
        }
        await this.#stopChildren(this.#children)
        throw new Exit({ type: 'shutdown', failedChild: child.spec.id, cause: errorData(error) } as ExitReason)
      }
    }
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
      case 'nodeUp':
      case 'nodeDown':
        this.#ctx.log.debug({ supervisor: this.#ctx.actor.label }, 'a supervisor dropped a message')
    }
  }

  terminate(): Promise<void> {
    return this.#stopChildren(this.#children)
  }

  #answer(request: Request): void | Promise<void> {
    const { name, replier } = request
    switch (name) {
      case 'whichChildren':
        replier.reply(this.#children.map(childInfo))
        return
      case 'countChildren':
        replier.reply(childCounts(this.#children))
        return
      case 'startChild': {
        const args = argsOf(this.#ctx, request)
        return args === undefined ? undefined : this.#startChild(args[0], replier)
      }
      case 'terminateChild':
      case 'restartChild':
      case 'deleteChild': {
        const args = argsOf(this.#ctx, request)
        if (args === undefined) return
        const child = this.#children.find((one) => one.spec.id === args[0])
        if (child === undefined) {
          replier.fail(noSuchChild(args[0]))
          return
        }
        if (name === 'terminateChild') return this.#terminateChild(child, replier)
        const refusal = whyNotStopped(child)
        if (refusal !== undefined) replier.fail(refusal)
        else if (name === 'restartChild') return this.#startFor(child, replier)
        else {
          this.#forget(child)
          replier.reply(undefined)
        }
        return
      }
      default:
        replier.fail({ code: 'ERR_NO_HANDLER', outcome: 'not-run', message: `Supervisors have no "${name}"` })
    }
  }

  #startChild(spec: unknown, replier: Replier): void | Promise<void> {
    let refusal: Failure | undefined
    try {
      refusal = whyNotAdd(this.#children, checkedSpec(this.#ctx.actor.label, spec, this.#settings.autoShutdown).id)
    } catch (error) {
      refusal = { code: 'ERR_BAD_SPEC', outcome: 'not-run', message: errorData(error).message }
    }
    if (refusal !== undefined) {
      replier.fail(refusal)
      return
    }
    const child = newChild(spec as ChildSpec)
    this.#children.push(child)
    return this.#startFor(child, replier, () => this.#forget(child))
  }

  /** Starts a child because somebody asked for it. */
  async #startFor(child: Child, replier: Replier, onFailed?: () => void): Promise<void> {
    // From here on the caller is told if this supervisor ends.
    this.#ctx.actor.openRequest(replier)
    try {
      await this.#start(child)
      if (!this.#ctx.actor.alive) return
      this.#ctx.actor.closeRequest(replier)
      replier.reply(child.pid)
    } catch (error) {
      if (!this.#ctx.actor.alive) return
      if (isIgnored(error)) this.#ignored(child)
      else onFailed?.()
      this.#ctx.actor.closeRequest(replier)
      replier.fail(startFailure(child.spec, error))
    }
  }

  async #terminateChild(child: Child, replier: Replier): Promise<void> {
    this.#ctx.actor.openRequest(replier)
    await this.#stopChildren([child])
    if (!this.#ctx.actor.alive) return
    if (child.spec.restart === 'temporary') this.#forget(child)
    this.#ctx.actor.closeRequest(replier)
    replier.reply(undefined)
  }

  #forget(child: Child): void {
    this.#children = this.#children.filter((one) => one !== child)
  }

  #childEnded(child: Child, reason: ExitReason): void | Promise<void> {
    child.pid = undefined
    child.status = 'stopped'
    const fields = { supervisor: this.#ctx.actor.label, child: child.spec.id, reason }
    if (!shouldRestart(child.spec.restart, reason)) {
      this.#ctx.log.debug(fields, 'a child ended and is not restarted')
      if (child.spec.restart === 'temporary') this.#forget(child)
      if (endsSupervisor(this.#settings.autoShutdown, child, reason, this.#children)) {
        this.#ctx.log.info(fields, 'a supervisor ends with its significant children')
        this.#ctx.actor.stop('shutdown')
      }
      return
    }
    this.#ctx.log.warn(fields, `restarting a child that ended: ${printReason(reason)}`)
    return this.#restart(child)
  }

  /** Counts a restart of this child, stops whom it concerns, and starts them again: now, or after the back-off's wait. */
  async #restart(child: Child): Promise<void> {
    const { intensity, backoff } = this.#settings
    const now = this.#ctx.clock.monotonic()
    const exceeded = this.#restarts.add(now)
    sometimes(exceeded, 'skerry/a supervisor gave up after too many restarts')
    if (exceeded) {
      const fields = { supervisor: this.#ctx.actor.label, child: child.spec.id, ...intensity }
      this.#ctx.log.error(fields, 'too many restarts: the supervisor gives up')
      this.#ctx.actor.stop('shutdown')
      return
    }
    this.#ctx.kernel.counters.restarts += 1
    tellRestart(this.#ctx.actor, child.spec.id)
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
        if (isIgnored(error)) {
          this.#ignored(one)
          continue
        }
        const fields = { supervisor: this.#ctx.actor.label, child: one.spec.id, err: errorData(error) }
        this.#ctx.log.warn(fields, 'a child did not restart: trying again')
        await this.#restartFailed(one)
        return
      }
    }
  }

  /** Its init gave up, which is no failure: it stays, stopped, as OTP keeps it with no pid. */
  #ignored(child: Child): void {
    this.#ctx.log.debug({ supervisor: this.#ctx.actor.label, child: child.spec.id }, 'a child ignored its start')
    child.status = 'stopped'
    if (child.spec.restart === 'temporary') this.#forget(child)
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
