import type { Codec } from '../codec/codec.ts'
import { errorData } from '../base/error-data.ts'
import { giveAway } from '../base/given-bytes.ts'
import type { ServedTimes } from '../platform/telemetry.ts'
import type { Actor, Process } from './actor.ts'
import { ActorTimer } from './actor-timer.ts'
import type { Behavior, ModuleMeta, Runtime } from './behavior.ts'
import { Context, type DemonitorOptions, type Message, type MonitorRef } from './context.ts'
import { ActorError } from './errors.ts'
import type { ExitReason } from './exit-reason.ts'
import { neverSettles } from './life-promises.ts'
import { type Envelope, Mailbox, mailboxLimitDefault, mailboxOptions, type MailboxSpec } from './mailbox.ts'
import type { Pid } from './pid.ts'
import type { MessageSignal, ReplyResult } from './signal.ts'

export interface ReceiveOptions {
  /** Milliseconds until `receive` rejects with `ERR_RECEIVE_TIMEOUT`. Default: it waits as long as the actor lives. */
  readonly timeoutMs?: number
}

/** The context of a bare actor: it takes its messages itself. */
export interface BareContext extends Context {
  /** The next message, in order of arrival. */
  receive(options?: ReceiveOptions): Promise<Message>
}

export interface ActorDefinition<Args extends readonly unknown[]> {
  /** The export's name, where `module` is given; otherwise what the logs call it. */
  readonly name: string
  /** `import.meta`, so that other threads can load it. */
  readonly module?: ModuleMeta
  /** How many messages may wait to be received, and what happens to the next one. Default: 65,536, then it is rejected. */
  readonly mailbox?: MailboxSpec
  /**
   * `'members'`: actors of other nodes may send signals to it from its beginning. Default: once its Pid was sent to one.
   */
  readonly remote?: 'members'
  /** The body. When it returns the actor ends `normal`; what it throws is its exit reason. */
  run(ctx: BareContext, ...args: Args): void | Promise<void>
}

/**
 * A bare actor: a function that runs once. For a server with handlers use `genServer`.
 *
 * @example
 * const echo = actor({ name: 'echo', async run(ctx, to: Pid) { for (;;) ctx.send(to, await ctx.receive()) } })
 * ctx.spawn(echo, [ctx.self])
 */
export function actor<Args extends readonly unknown[]>(definition: ActorDefinition<Args>): Behavior<Args> {
  const { mailboxLimit, mailboxPolicy } = mailboxOptions(definition.mailbox)
  return {
    name: definition.name,
    module: definition.module?.url,
    trapExit: false,
    mailboxLimit,
    mailboxPolicy,
    remote: definition.remote,
    createProcess(runtime, self, args) {
      const ctx = new ReceivingContext(runtime, self, new Mailbox(mailboxLimit, mailboxPolicy, runtime.letters))
      return bareProcess(ctx, () => definition.run(ctx, ...(args as unknown as Args)))
    },
  }
}

/** The process of an actor whose whole life is one function. */
function bareProcess(ctx: ReceivingContext, run: () => void | Promise<void>): Process {
  return {
    init() {
      // The body runs beside the mailbox, not in front of it: it is the one that takes the messages out.
      const pending = run()
      if (pending === undefined) ctx.end('normal')
      else
        pending.then(
          () => ctx.end('normal'),
          (thrown: unknown) => ctx.crash(thrown),
        )
    },
    handle(envelope) {
      ctx.accept(envelope)
    },
  }
}

/** A context with the messages that arrived and were not yet received. Bounded by the mailbox's limit. */
export class ReceivingContext extends Context implements BareContext {
  readonly #host: Runtime
  /** Its own mailbox is emptied at every turn, so that the bound holds here. */
  #arrived: Mailbox | undefined
  #waiting: ((message: Message) => void) | undefined
  /** What is counted of it must be given back at the end. */
  #isCounted = false

  constructor(kernel: Runtime, self: Actor | undefined, arrived?: Mailbox) {
    super(kernel, self)
    this.#arrived = arrived
    this.#host = kernel
  }

  receive(options: ReceiveOptions = {}): Promise<Message> {
    if (!this.ownActor.alive) return neverSettles()
    const arrived = this.#arrived?.shift()
    if (arrived !== undefined) return Promise.resolve(messageIn(arrived))
    return new Promise((resolve, reject) => {
      if (options.timeoutMs === undefined) {
        this.#waiting = resolve
        return
      }
      const timer = new ActorTimer(this.ownActor, this.clock, options.timeoutMs, () => {
        this.#waiting = undefined
        reject(new ActorError('ERR_RECEIVE_TIMEOUT', `No message within ${options.timeoutMs} ms`))
      })
      this.#waiting = (message) => {
        timer.cancel()
        resolve(message)
      }
    })
  }

  override demonitor(monitor: MonitorRef, options: DemonitorOptions = {}): void {
    super.demonitor(monitor, options)
    if (options.flush === true) this.#arrived?.removeDown(monitor.ref)
  }

  accept(envelope: Envelope): void {
    switch (envelope.type) {
      case 'request':
        envelope.replier.fail({ code: 'ERR_NO_HANDLER', outcome: 'not-run', message: 'The actor is not a GenServer' })
        return
      case 'cast':
        this.#host.counters.deadLetters += 1
        return
      case 'EXIT':
      case 'DOWN':
      case 'nodeUp':
      case 'nodeDown':
        if (this.#waiting === undefined) this.#mailbox().pushNotice(envelope)
        else this.#hand(this.#waiting, envelope)
        return
      case 'message':
        this.#takeOpened(envelope)
    }
  }

  // What a peer sends must not end this actor.
  #takeOpened(envelope: MessageSignal): void {
    let message: unknown
    try {
      message = this.#host.open(envelope.message, envelope.encoded)
    } catch (error) {
      this.#host.counters.undecodable += 1
      this.#host.limitedLog.warn(
        { actor: this.ownActor.label, err: errorData(error) },
        'a message could not be decoded and was dropped',
      )
      return
    }
    this.#take(envelope.encoded ? { ...envelope, message, encoded: false } : envelope)
  }

  end(reason: ExitReason): void {
    this.ownActor.exit(reason)
  }

  /** The codec of this node. */
  get codec(): Codec {
    return this.#host.codec
  }

  /** Answers the call that this process runs for, and ends: the answer takes the place of the exit signal. */
  answerAndEnd(call: Pid, result: ReplyResult, served?: ServedTimes): void {
    if (!this.ownActor.alive) {
      this.#host.counters.afterExit += 1
      return
    }
    this.ownActor.relations.removeLink(call)
    if (result.ok && result.encoded && !this.#host.isLocal(call)) giveAway(result.value as Uint8Array)
    this.#host.route(
      served === undefined
        ? { type: 'reply', to: call, ref: 0, result }
        : { type: 'reply', to: call, ref: 0, result, served },
    )
    this.ownActor.exit('normal')
  }

  crash(thrown: unknown): void {
    this.ownActor.crash(thrown)
  }

  #take(letter: MessageSignal): void {
    if (this.#waiting !== undefined) {
      this.#hand(this.#waiting, letter)
      return
    }
    const mailbox = this.#mailbox()
    const { held } = letter
    if (held !== undefined && !this.#isCounted) {
      this.#isCounted = true
      this.ownActor.attach({ ownerExited: () => void mailbox.drain() })
    }
    if (held === undefined ? !mailbox.push(letter) : !mailbox.pushHeld(letter, held)) {
      mailbox.displace(letter)
      this.#host.counters.mailboxDrops += 1
    }
  }

  // Most remote processes receive nothing.
  #mailbox(): Mailbox {
    this.#arrived ??= new Mailbox(mailboxLimitDefault, 'reject', this.#host.letters)
    return this.#arrived
  }

  #hand(waiting: (message: Message) => void, envelope: Envelope): void {
    this.#waiting = undefined
    waiting(messageIn(envelope))
  }
}

function messageIn(envelope: Envelope): Message {
  return (envelope.type === 'message' ? envelope.message : envelope) as Message
}
