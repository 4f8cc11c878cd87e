import { reachable } from '../platform/property.ts'
import { actorExits } from '../platform/telemetry.ts'
import type { Turn } from '../platform/turn-queue.ts'
import { type Deferred, deferred } from '../base/deferred.ts'
import { errorData } from '../base/error-data.ts'
import { unreachable } from '../base/assert.ts'
import { traceCall } from './call-trace.ts'
import { type Attachment, Attachments } from './attachments.ts'
import { ActorError } from './errors.ts'
import type { EdgeHolder, LostPeer } from './edges.ts'
import { type ExitReason, isCleanExit, portableReason, printReason, reasonOfThrown } from './exit-reason.ts'
import { withOwnBody } from './held-letter.ts'
import type { Host } from './host.ts'
import {
  type Envelope,
  type Letter,
  Mailbox,
  type MailboxPolicy,
  type Notice,
  type Replier,
  type Request,
} from './mailbox.ts'
import { formatPid, type Pid, samePid } from './pid.ts'
import { Relations } from './relations.ts'
import type { Failure, Signal } from './signal.ts'

/** What an actor runs: made from its behavior, one for each life. A promise blocks this actor until it settles, and nobody else. */
export interface Process {
  init(): void | Promise<void>
  handle(envelope: Envelope): void | Promise<void>
  /** Runs before an orderly end and after an error, not on a kill or an untrapped exit signal. */
  terminate?(reason: ExitReason): void | Promise<void>
}

export interface ActorOptions {
  /** What the logs call it. */
  readonly label: string
  readonly parent: Pid | undefined
  readonly trapExit: boolean
  readonly mailboxLimit: number
  readonly mailboxPolicy?: MailboxPolicy | undefined
  /** One of the node's own actors: signals from other nodes don't reach it. */
  readonly system: boolean
  /** What is handed to it is never copied. */
  readonly takesCode: boolean
  /** Other nodes may send signals to it from the beginning. */
  readonly isSentOut: boolean
  /** Told of its end within it, behind its links. */
  readonly keeper?: Attachment | undefined
}

/** From so many letters on what waits is copied out of the block that it came in. */
const backlogLong = 64

type Life = 'starting' | 'running' | 'stopping' | 'exited'

/** One life of one actor: from spawn to exit. */
export class Actor implements Turn, EdgeHolder {
  readonly pid: Pid
  readonly label: string
  readonly parent: Pid | undefined
  readonly system: boolean
  readonly takesCode: boolean
  isSentOut: boolean
  readonly mailbox: Mailbox
  trapExit: boolean
  life: Life = 'starting'

  /** Links and monitors, both ways. */
  readonly relations: Relations

  readonly #host: Host
  readonly #keeper: Attachment | undefined
  #process: Process | undefined
  #busy = false
  #queued = false
  // Made on first use: most actors have none of most of these, and there may be 100,000 actors.
  /** Who waits for the start, and how it failed. */
  #start: { deferred?: Deferred<void>; error?: () => unknown } | undefined
  /** Why it ended in its start, if nobody had asked for that by then. */
  #unstarted: ExitReason | undefined
  #attachments: Attachments | undefined
  #abort: AbortController | undefined
  /** Callers that wait for an answer from this actor: the call in hand and those it deferred. */
  #openRequests: Set<Replier> | undefined

  constructor(host: Host, pid: Pid, options: ActorOptions) {
    this.#host = host
    this.pid = pid
    this.label = options.label
    this.parent = options.parent
    this.trapExit = options.trapExit
    this.system = options.system
    this.takesCode = options.takesCode
    this.isSentOut = options.isSentOut
    this.#keeper = options.keeper
    this.mailbox = new Mailbox(options.mailboxLimit, options.mailboxPolicy, host.letters)
    this.relations = new Relations(host, this)
  }

  /** Runs `process`, its init first, from the next turn on. */
  begin(process: Process): void {
    this.#process = process
    this.#schedule()
  }

  /** Runs `process`, whose init is running already. Followed by {@link begun}, in the same turn. */
  beginWithin(process: Process): void {
    this.#process = process
  }

  /** The init of its process, which ran outside of its own turns, is over. */
  begun(): void {
    this.#initDone()
  }

  /** Whether its handler awaits something: what it receives waits for no turn then. */
  get busy(): boolean {
    return this.#busy
  }

  get alive(): boolean {
    return this.life !== 'exited'
  }

  /** Aborts when this life ends. Made when first asked for: a controller costs ten calls. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (!this.alive) this.#abort.abort(exitedError(this.pid))
    return this.#abort.signal
  }

  /** Settles when init is over. Made when first asked for, as an error with its stack is: most actors are only spawned. */
  get started(): Promise<void> {
    this.#start ??= {}
    const { deferred: known, error } = this.#start
    if (known !== undefined) return known.promise
    const started = deferred<void>()
    this.#start.deferred = started
    // A start that nobody awaits is no unhandled rejection.
    started.promise.catch(() => undefined)
    if (error !== undefined) started.reject(error())
    else if (this.#unstarted !== undefined) started.reject(this.#startError(this.#unstarted))
    else if (this.life !== 'starting') started.resolve()
    return started.promise
  }

  /** The start is over, without success. The first error stays. */
  startFailed(error: () => unknown): void {
    if (this.#unstarted !== undefined) return
    this.#start ??= {}
    if (this.#start.error !== undefined) return
    this.#start.error = error
    this.#start.deferred?.reject(error())
  }

  /** Gives up its start, which is no failure: those linked to it see a normal end. */
  ignoreStart(): void {
    if (this.life !== 'starting') return
    const message = `${this.label} was not started: its init gave up by ctx.ignore()`
    this.startFailed(() => new ActorError('ERR_START_IGNORED', message, { reason: 'normal' }))
    this.exit('normal')
  }

  runTurn(): void {
    this.#queued = false
    if (this.#busy || this.#process === undefined) return
    if (this.life !== 'running') {
      if (this.life === 'starting') this.#runInit(this.#process)
      return
    }
    const envelope = this.mailbox.shift()
    if (envelope === undefined) return
    let pending: void | Promise<void>
    try {
      pending = this.#process.handle(envelope)
    } catch (thrown) {
      this.crash(thrown)
      return
    }
    if (pending !== undefined) this.#wait(pending)
    else if (this.mailbox.length > 0) this.#schedule()
  }

  // Apart, so that a turn which waits for nothing makes no closures.
  #wait(pending: Promise<void>): void {
    this.#busy = true
    pending.then(
      () => this.#resume(),
      (thrown: unknown) => this.crash(thrown),
    )
  }

  /** Puts in the mailbox what the runtime itself says. */
  notify(notice: Notice): void {
    this.mailbox.pushNotice(notice)
    if (!this.#busy) this.#schedule()
  }

  /** Puts a letter in the mailbox. What has no room, this one or an older one, is counted, and a call's caller told. */
  receive(envelope: Letter): void {
    if (!this.mailbox.push(envelope)) this.#giveUp(this.mailbox.displace(envelope))
    if (!this.#busy) this.#schedule()
  }

  #receiveSent(envelope: Letter): void {
    const { held } = envelope
    if (held === undefined) {
      this.receive(envelope)
      return
    }
    if (!this.mailbox.pushHeld(envelope, held)) this.#giveUp(this.mailbox.displace(envelope))
    if (!this.#busy) this.#schedule()
  }

  #giveUp(envelope: Letter): void {
    if (envelope.type !== 'request') {
      this.#host.counters.mailboxDrops += 1
      return
    }
    this.#host.counters.mailboxRefusals += 1
    const message = `The mailbox of ${this.label} is full`
    envelope.replier.fail({ code: 'ERR_MAILBOX_FULL', outcome: 'not-run', message })
  }

  /** Acts on a signal from another thread or node, or on a system signal of this thread. */
  deliver(signal: Signal): void {
    switch (signal.type) {
      case 'message':
      case 'cast':
        this.#receiveSent(this.mailbox.length < backlogLong ? signal : withOwnBody(signal))
        return
      case 'call': {
        const { name, args, encoded, held } = this.mailbox.length < backlogLong ? signal : withOwnBody(signal)
        const replier = this.#host.replierTo(signal.from, signal.ref)
        const request: Request =
          held === undefined
            ? { type: 'request', name, args, encoded, replier }
            : { type: 'request', name, args, encoded, replier, held }
        if (signal.trace !== undefined) traceCall(request, signal.trace)
        this.#receiveSent(request)
        return
      }
      case 'link':
        if (this.#host.mayJoin(signal)) this.relations.addLink(signal.from)
        return
      case 'unlink':
        this.relations.removeLink(signal.from)
        return
      case 'exit':
        this.#receiveExit(signal.from, signal.reason, signal.viaLink)
        return
      case 'monitor':
        if (this.#host.mayJoin(signal)) this.relations.addWatcher(signal.ref, signal.from)
        return
      case 'demonitor':
        this.relations.removeWatcher(signal.ref, signal.from)
        return
      case 'down':
        if (this.relations.removeMonitor(signal.ref, signal.from) !== undefined) {
          this.notify({ type: 'DOWN', ref: signal.ref, pid: signal.from, reason: signal.reason })
        }
        return
      case 'reply':
      case 'spawn':
      case 'cancel':
      case 'item':
      case 'credit':
      case 'itemsEnd':
        // These are addressed to calls and to the node; a peer that sends one to an actor is wrong or hostile.
        this.#host.counters.refusedSignals += 1
        return
      default:
        unreachable(signal)
    }
  }

  peerLost(lost: LostPeer, reason: (pid: Pid) => ExitReason): void {
    if (!this.alive) return
    const { links, monitors } = this.relations.breakWith(lost)
    for (const { ref, pid } of monitors) this.notify({ type: 'DOWN', ref, pid, reason: reason(pid) })
    for (const pid of links) this.#receiveExit(pid, reason(pid), true)
  }

  // --- requests in hand ---

  openRequest(replier: Replier): void {
    this.#openRequests ??= new Set()
    this.#openRequests.add(replier)
  }

  closeRequest(replier: Replier): void {
    this.#openRequests?.delete(replier)
  }

  attach(attachment: Attachment): void {
    this.#attachments ??= new Attachments()
    this.#attachments.add(attachment)
  }

  detach(attachment: Attachment): void {
    this.#attachments?.delete(attachment)
  }

  // --- ends ---

  /** Ends in order: `terminate` first, with the kill as the only thing that can cut it short. */
  stop(reason: ExitReason): void {
    if (this.life === 'exited' || this.life === 'stopping') return
    if (this.life === 'starting') {
      // There is nothing yet that `terminate` could end.
      this.exit(reason)
      return
    }
    this.life = 'stopping'
    let pending: void | Promise<void> = undefined
    try {
      pending = this.#process?.terminate?.(reason)
    } catch (thrown) {
      this.#logCrash(thrown)
      this.exit(reasonOfThrown(thrown))
      return
    }
    if (pending === undefined) {
      this.exit(reason)
      return
    }
    pending.then(
      () => this.exit(reason),
      (thrown: unknown) => {
        if (this.alive) this.#logCrash(thrown)
        this.exit(reasonOfThrown(thrown))
      },
    )
  }

  /** Ends at once, for links, monitors and names. A handler that still awaits something resumes without any effect. */
  exit(given: ExitReason): void {
    if (this.life === 'exited') return
    const reason = portableReason(given, this.#host.codec)
    const wasStarting = this.life === 'starting'
    this.life = 'exited'
    this.#host.remove(this, reason)
    this.#host.platform.onActor?.({ type: 'exit', pid: this.pid, label: this.label, reason })
    if (actorExits.hasSubscribers) actorExits.publish({ ...this.pid, label: this.label, system: this.system, reason })
    if (wasStarting) this.#endStart(reason)
    this.#abort?.abort(exitedError(this.pid))
    this.#attachments?.ownerExited(reason)
    this.#failRequests(reason)
    this.relations.tellEnd(this.pid, reason)
    this.#keeper?.ownerExited(reason)
  }

  // A process that is one function ends in its start, and nobody asks after that.
  #endStart(reason: ExitReason): void {
    if (this.#start === undefined) this.#unstarted = reason
    else this.startFailed(() => this.#startError(reason))
  }

  #startError(reason: ExitReason): ActorError {
    return new ActorError('ERR_START_FAILED', `${this.label} did not start: ${printReason(reason)}`, { reason })
  }

  #failRequests(reason: ExitReason): void {
    if (this.#openRequests === undefined && this.mailbox.length === 0) return
    const message = `${this.label} ended: ${printReason(reason)}`
    const begun: Failure = { code: 'ERR_CALLEE_EXITED', outcome: 'ran', message, reason }
    for (const replier of this.#openRequests ?? []) replier.fail(begun)
    for (const envelope of this.mailbox.drain()) {
      if (envelope.type === 'request') envelope.replier.fail({ ...begun, outcome: 'not-run' })
      else if (envelope.type === 'message' || envelope.type === 'cast') this.#host.counters.deadLetters += 1
    }
  }

  #receiveExit(from: Pid, reason: ExitReason, viaLink: boolean): void {
    if (!this.alive) return
    if (viaLink) {
      // A link that was removed meanwhile makes the signal void.
      if (!this.relations.removeLink(from)) return
    } else if (reason === 'kill') {
      this.exit('killed')
      return
    }
    if (this.trapExit) {
      this.notify({ type: 'EXIT', from, reason })
    } else if (reason !== 'normal') {
      this.exit(reason)
    } else if (samePid(from, this.pid)) {
      this.exit('normal')
    }
  }

  #runInit(process: Process): void {
    let pending: void | Promise<void>
    try {
      pending = process.init()
    } catch (thrown) {
      this.crash(thrown)
      return
    }
    if (pending === undefined) {
      this.#initDone()
      return
    }
    this.#busy = true
    pending.then(
      () => this.#initDone(),
      (thrown: unknown) => this.crash(thrown),
    )
  }

  #initDone(): void {
    this.#busy = false
    if (this.life !== 'starting') return
    this.life = 'running'
    this.#start?.deferred?.resolve()
    this.#start = undefined
    if (this.mailbox.length > 0) this.#schedule()
  }

  #resume(): void {
    this.#busy = false
    if (this.life === 'running' && this.mailbox.length > 0) this.#schedule()
  }

  /** Ends because its code threw this: `terminate` runs, the reason is the error. After the end it is counted and ignored. */
  crash(thrown: unknown): void {
    this.#busy = false
    if (!this.alive) {
      reachable('skerry/a handler failed after its actor had ended')
      this.#host.counters.errorsAfterExit += 1
      return
    }
    const reason = reasonOfThrown(thrown)
    if (!isCleanExit(reason)) this.#logCrash(thrown)
    this.stop(reason)
  }

  #logCrash(thrown: unknown): void {
    this.#host.counters.crashes += 1
    const fields = { actor: formatPid(this.pid), label: this.label, err: errorData(thrown) }
    this.#host.platform.log.error(fields, 'an actor ended by an error')
  }

  #schedule(): void {
    if (this.#queued) return
    this.#queued = true
    this.#host.platform.turns.enqueue(this)
  }
}

function exitedError(pid: Pid): ActorError {
  return new ActorError('ERR_ACTOR_EXITED', `The actor ${formatPid(pid)} has ended`)
}
