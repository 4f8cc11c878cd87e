import type { Actor, Process } from '../actor/actor.ts'
import type { Behavior, ModuleMeta, Runtime } from '../actor/behavior.ts'
import { Context, type Message } from '../actor/context.ts'
import type { ExitReason } from '../actor/exit-reason.ts'
import {
  type Envelope,
  type ExitMessage,
  mailboxOptions,
  type MailboxSpec,
  type Replier,
  type Request,
} from '../actor/mailbox.ts'
import { samePid } from '../actor/pid.ts'
import type { CastSignal, MessageSignal } from '../actor/signal.ts'
import { errorData } from '../base/error-data.ts'
import { HandleEvents } from './handle-events.ts'

/** The context of a GenServer's handlers: its state, and the ways to answer other than by returning. */
export interface ServerContext<State> extends Context {
  state: State
  /**
   * Return it from a call handler to answer later, from any handler: `deferred.reply(value)`. Until then the caller
   * waits (its time-out still runs); if the server ends first the caller is told.
   */
  defer<Reply>(): DeferredReply<Reply>
  /** Return it from any handler to end in order, after answering `reply` where the handler is a call's. */
  stop<Reply = never>(reason: ExitReason, ...reply: [] | [Reply]): Stop<Reply>
}

/** The context of `init`: there is no state yet. */
export interface InitContext extends Omit<ServerContext<never>, 'state' | 'defer'> {
  /**
   * Return it to give up the start without a failure, as where a feature is switched off: there is no actor then, and whoever
   * starts it gets `ERR_START_IGNORED`. Those linked to it see a `normal` end. A static supervisor goes on and keeps the
   * child, stopped, so that `restartChild` may try again; it forgets a temporary one, a dynamic supervisor any.
   *
   * @example
   * init: (ctx, url?: string) => (url === undefined ? ctx.ignore() : { url })
   */
  ignore(): Ignore
}

/** An answer that is given later. The second answer, and one after the caller gave up, are dropped and counted. */
export class DeferredReply<out Reply> {
  declare readonly answer?: Reply
  readonly #replier: Replier
  readonly #actor: Actor

  constructor(replier: Replier, actor: Actor) {
    this.#replier = replier
    this.#actor = actor
  }

  reply(value: unknown): void {
    if (this.#actor.alive) this.#actor.closeRequest(this.#replier)
    // After the server's end its caller has been told so: then this is a late answer, and counted as one.
    this.#replier.reply(value)
  }
}

/** What `ctx.stop` returns. */
export class Stop<out Reply> {
  declare readonly answer?: Reply
  readonly reason: ExitReason
  readonly reply: { readonly value: unknown } | undefined

  constructor(reason: ExitReason, reply: { readonly value: unknown } | undefined) {
    this.reason = reason
    this.reply = reply
  }
}

/** What `ctx.ignore` returns. */
export class Ignore {
  // So that no other type is taken for it.
  protected readonly ignored = true
}

type AnswerOf<Returned> =
  Awaited<Returned> extends infer R ? (R extends DeferredReply<infer A> ? A : R extends Stop<infer A> ? A : R) : never

type CallHandlers<State> = Record<string, (ctx: ServerContext<State>, ...args: never[]) => unknown>
type CastHandlers<State> = Record<string, (ctx: ServerContext<State>, ...args: never[]) => unknown>

// Handlers that were left out are inferred as "any name"; a default for the type parameter would fix that, but takes the
// handlers' context type away.
type Given<Handlers> = string extends keyof Handlers ? Record<never, never> : Handlers

/** The protocol of a server, derived from its handlers. */
export interface ServerProtocol<Call, Cast> {
  call: {
    [Name in keyof Call]: Call[Name] extends (ctx: never, ...args: infer Args) => infer Returned
      ? (...args: Args) => AnswerOf<Returned>
      : never
  }
  cast: {
    [Name in keyof Cast]: Cast[Name] extends (ctx: never, ...args: infer Args) => unknown
      ? (...args: Args) => void
      : never
  }
}

/** What `init` may give in place of a state. */
type NoState = Stop<never> | Ignore

/** `init` must stand first, so that the state's type is known to the handlers. */
export interface GenServerDefinition<State, Args extends readonly unknown[], Call, Cast> {
  /** `import.meta`, so that other threads can load it by URL and export name. Without it the server runs on its starter's thread only. */
  readonly module?: ModuleMeta
  /** The export's name, where `module` is given; otherwise what the logs call it. */
  readonly name: string
  /** Makes the state. What it throws, or gives to `ctx.stop`, is the reason why the start failed; `ctx.ignore` is no failure. */
  init(ctx: InitContext, ...args: Args): State | NoState | Promise<State | NoState>
  readonly call?: Call
  readonly cast?: Cast
  /** Plain messages, `DOWN`, and `EXIT` when trapping. Absent: they are logged and dropped. */
  info?(ctx: ServerContext<State>, message: Message): unknown
  /** Runs before an orderly end: `ctx.stop`, an error, and the parent's exit signal if this server traps exits. */
  terminate?(ctx: ServerContext<State>, reason: ExitReason): unknown
  /** Exit signals arrive as messages. Default false; a server with `terminate` that must run at shutdown wants true. */
  readonly trapExit?: boolean
  /**
   * `'members'`: actors of other nodes may send signals to it from its beginning. Default: once its Pid was sent to one. To
   * others it is not there.
   */
  readonly remote?: 'members'
  /** How many messages may wait, and what happens to the next one. Default: 65,536, then it is rejected. */
  readonly mailbox?: MailboxSpec
}

/**
 * A server: handlers for calls (answered) and casts (not answered), run one at a time over a state of its own. A
 * handler that throws ends the server: the caller gets the error and the supervisor decides what happens next.
 *
 * @example
 * export const hits = genServer({ module: import.meta, name: 'hits', init: (_ctx, start: number) => ({ count: start }),
 *   call: { add: (ctx, by: number) => (ctx.state.count += by) } })
 * await ctx.call(await ctx.start(hits, [0]), 'add', [2])
 */
export function genServer<
  State,
  Args extends readonly unknown[],
  Call extends CallHandlers<State>,
  Cast extends CastHandlers<State>,
>(definition: GenServerDefinition<State, Args, Call, Cast>): Behavior<Args, ServerProtocol<Given<Call>, Given<Cast>>> {
  const plain = definition as unknown as PlainDefinition
  const code: ServerCode = {
    definition: plain,
    calls: new HandlerTable(plain.call),
    casts: new HandlerTable(plain.cast),
  }
  return {
    name: definition.name,
    module: definition.module?.url,
    trapExit: definition.trapExit ?? false,
    remote: definition.remote,
    ...mailboxOptions(definition.mailbox),
    createProcess: (runtime, actor, args) => new GenServer(code, new GenServerContext(runtime, actor), args),
  }
}

type Handler = (ctx: GenServerContext, ...args: readonly unknown[]) => unknown

/** The definition as the machine sees it, without its types. */
interface PlainDefinition {
  init(ctx: GenServerContext, ...args: readonly unknown[]): unknown
  readonly call?: Readonly<Record<string, Handler>>
  readonly cast?: Readonly<Record<string, Handler>>
  info?(ctx: GenServerContext, message: Message): unknown
  terminate?(ctx: GenServerContext, reason: ExitReason): unknown
}

/** What all servers of one definition share. */
interface ServerCode {
  readonly definition: PlainDefinition
  readonly calls: HandlerTable
  readonly casts: HandlerTable
}

class GenServerContext extends Context implements ServerContext<unknown> {
  state: unknown = undefined
  /** The call in hand: handlers run one at a time, so there is at most one. */
  current: Replier | undefined = undefined
  readonly actor: Actor
  readonly kernel: Runtime

  constructor(kernel: Runtime, actor: Actor) {
    super(kernel, actor)
    this.actor = actor
    this.kernel = kernel
  }

  defer<Reply>(): DeferredReply<Reply> {
    if (this.current === undefined) throw new Error('ctx.defer() is for call handlers')
    return new DeferredReply(this.current, this.actor)
  }

  ignore(): Ignore {
    return new Ignore()
  }

  stop<Reply = never>(reason: ExitReason, ...reply: [] | [Reply]): Stop<Reply> {
    return new Stop(reason, reply.length === 0 ? undefined : { value: reply[0] })
  }
}

class GenServer implements Process {
  readonly #code: ServerCode
  readonly #ctx: GenServerContext
  readonly #args: readonly unknown[]

  constructor(code: ServerCode, ctx: GenServerContext, args: readonly unknown[]) {
    this.#code = code
    this.#ctx = ctx
    this.#args = args
  }

  init(): void | Promise<void> {
    const made = this.#code.definition.init(this.#ctx, ...this.#args)
    if (isPromise(made)) return made.then((state) => this.#begin(state))
    this.#begin(made)
  }

  // Short, and each way out of it apart: then the compiler takes it and what comes most often into the turn that runs it.
  handle(envelope: Envelope): void | Promise<void> {
    if (envelope.type === 'request') return this.#handleCall(envelope)
    if (envelope.type === 'cast') return this.#handleCast(envelope)
    if (envelope.type === 'message') return this.#handleMessage(envelope)
    // The parent's end is the order to end, also for a server that traps: otherwise an orphan would live on.
    if (envelope.type === 'EXIT' && this.#isFromParent(envelope)) this.#ctx.actor.stop(envelope.reason)
    else return this.#handleInfo(envelope)
  }

  terminate(reason: ExitReason): void | Promise<void> {
    const pending = this.#code.definition.terminate?.(this.#ctx, reason)
    if (isPromise(pending)) return pending.then(() => undefined)
  }

  #begin(state: unknown): void {
    if (state instanceof Ignore) this.#ctx.actor.ignoreStart()
    else if (state instanceof Stop) this.#ctx.actor.exit(state.reason)
    else this.#ctx.state = state
  }

  #isFromParent({ from }: ExitMessage): boolean {
    const { parent } = this.#ctx.actor
    return parent !== undefined && samePid(from, parent)
  }

  #handleCall(request: Request): void | Promise<void> {
    const handler = this.#code.calls.get(request.name)
    if (handler === undefined) {
      this.#refuseUnknown(request)
      return
    }
    let args: readonly unknown[]
    try {
      args = this.#ctx.kernel.openArgs(request.args, request.encoded)
    } catch (error) {
      this.#refuseUndecodable(request, error)
      return
    }
    this.#ctx.current = request.replier
    let answer: unknown
    try {
      answer = this.#ctx.kernel.tracing.isOn
        ? invokeTold(request, handler, this.#ctx, args)
        : invoke(handler, this.#ctx, args)
    } catch (thrown) {
      this.#ctx.actor.openRequest(request.replier)
      throw thrown
    }
    if (isPromise(answer)) return this.#answerLater(request, answer)
    this.#ctx.current = undefined
    this.#answer(request, answer)
  }

  #refuseUnknown({ name, replier }: Request): void {
    const message = `${this.#ctx.actor.label} has no call handler "${name}"`
    replier.fail({ code: 'ERR_NO_HANDLER', outcome: 'not-run', message })
  }

  #refuseUndecodable({ replier }: Request, error: unknown): void {
    this.#ctx.kernel.counters.undecodable += 1
    const message = 'The arguments could not be decoded'
    replier.fail({ code: 'ERR_NOT_DECODABLE', outcome: 'not-run', message, cause: errorData(error) })
  }

  // Apart, so that a call whose handler awaits nothing makes no closure.
  #answerLater(request: Request, answer: Promise<unknown>): Promise<void> {
    const { replier } = request
    request.args = undefined
    this.#ctx.actor.openRequest(replier)
    return answer.then((value) => {
      this.#ctx.current = undefined
      if (!this.#ctx.actor.alive) return
      this.#ctx.actor.closeRequest(replier)
      this.#answer(request, value)
    })
  }

  #answer(request: Request, answer: unknown): void {
    const { replier } = request
    if (typeof answer !== 'object' || answer === null) {
      replier.reply(answer)
    } else if (answer instanceof DeferredReply) {
      request.args = undefined
      this.#ctx.actor.openRequest(replier)
    } else if (answer instanceof Stop) {
      if (answer.reply === undefined) this.#ctx.actor.openRequest(replier)
      else replier.reply(answer.reply.value)
      this.#ctx.actor.stop(answer.reason)
    } else {
      replier.reply(answer)
    }
  }

  #handleCast({ name, args: given, encoded }: CastSignal): void | Promise<void> {
    const handler = this.#code.casts.get(name)
    if (handler === undefined) {
      this.#dropUnknown(name)
      return
    }
    let args: readonly unknown[]
    try {
      args = this.#ctx.kernel.openArgs(given, encoded)
    } catch (error) {
      this.#dropUndecodable(error)
      return
    }
    return this.#afterwards(invoke(handler, this.#ctx, args))
  }

  #dropUnknown(cast: string): void {
    this.#ctx.kernel.limitedLog.warn({ actor: this.#ctx.actor.label, cast }, 'a cast that has no handler was dropped')
    this.#ctx.kernel.counters.deadLetters += 1
  }

  #handleMessage(envelope: MessageSignal): void | Promise<void> {
    if (!envelope.encoded) return this.#handleInfo(envelope.message as Message)
    let message: unknown
    try {
      message = this.#ctx.kernel.open(envelope.message, true)
    } catch (error) {
      this.#dropUndecodable(error)
      return
    }
    return this.#handleInfo(message as Message)
  }

  #handleInfo(message: Message): void | Promise<void> {
    const { definition } = this.#code
    if (definition.info === undefined) {
      this.#ctx.log.debug({ actor: this.#ctx.actor.label }, 'a message to a server without an info handler was dropped')
      return
    }
    return this.#afterwards(definition.info(this.#ctx, message))
  }

  #afterwards(returned: unknown): void | Promise<void> {
    if (isPromise(returned)) return returned.then((value) => this.#stopIf(value))
    this.#stopIf(returned)
  }

  #stopIf(value: unknown): void {
    if (value instanceof Stop) this.#ctx.actor.stop(value.reason)
  }

  #dropUndecodable(error: unknown): void {
    this.#ctx.kernel.counters.undecodable += 1
    this.#ctx.kernel.limitedLog.warn(
      { actor: this.#ctx.actor.label, err: errorData(error) },
      'a message could not be decoded and was dropped',
    )
  }
}

/** A definition's handlers. Own properties only: a peer must not reach `constructor` or anything else that an object inherits. */
class HandlerTable {
  readonly #handlers = new Map<string, Handler>()
  // The last one that was found: who asks often mostly asks the same, and a comparison of two names is cheaper than a map.
  #name = ''
  #handler: Handler | undefined

  constructor(handlers: Readonly<Record<string, Handler>> = {}) {
    for (const name of Object.getOwnPropertyNames(handlers)) this.#handlers.set(name, handlers[name] as Handler)
  }

  get(name: string): Handler | undefined {
    if (name === this.#name) return this.#handler
    const handler = this.#handlers.get(name)
    if (handler !== undefined) {
      this.#name = name
      this.#handler = handler
    }
    return handler
  }
}

/** `handler(ctx, ...args)`; to spread a few costs a fifteenth of a call. */
function invoke(handler: Handler, ctx: GenServerContext, args: readonly unknown[]): unknown {
  switch (args.length) {
    case 0:
      return handler(ctx)
    case 1:
      return handler(ctx, args[0])
    case 2:
      return handler(ctx, args[0], args[1])
    default:
      return handler(ctx, ...args)
  }
}

// A function of its own: a closure in the handler of calls would cost each of them.
function invokeTold(request: Request, handler: Handler, ctx: GenServerContext, args: readonly unknown[]): unknown {
  const events = HandleEvents.begin(ctx, request)
  return events === undefined ? invoke(handler, ctx, args) : events.run(() => invoke(handler, ctx, args))
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
