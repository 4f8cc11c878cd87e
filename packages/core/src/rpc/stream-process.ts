import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Actor, Process } from '../actor/actor.ts'
import type { Attachment } from '../actor/attachments.ts'
import type { Runtime } from '../actor/behavior.ts'
import { Exit, portableError, printReason } from '../actor/exit-reason.ts'
import type { Addressable } from '../actor/host.ts'
import { type Pid, samePid } from '../actor/pid.ts'
import type { Failure, ReplyResult, Signal, StreamRequest } from '../actor/signal.ts'
import type { RemoteWork } from '../actor/thread-starter.ts'
import { errorData } from '../base/error-data.ts'
import { RuntimeError } from '../base/runtime-error.ts'
import type { ServedTimes } from '../platform/telemetry.ts'
import { runInTrace } from '../platform/trace-context.ts'
import { resultFailure, valueOf } from './body.ts'
import { isStreamSignal } from './call-stream.ts'
import { notBegunFailure } from './exit-failure.ts'
import { notPrimary } from './not-primary.ts'
import type { ProcedureContext } from './procedure-context.ts'
import { decodedTooMuch } from './remote-process.ts'
import { checkValue } from './schema-check.ts'
import { StreamEnd } from './stream-end.ts'
import { pump, type Source } from './stream-pump.ts'

export interface StreamProcessCode {
  run(ctx: ProcedureContext, input: unknown, incoming: AsyncIterable<unknown>): Source
  readonly input: StandardSchemaV1 | undefined
  readonly item: StandardSchemaV1 | undefined
  readonly incoming: StandardSchemaV1 | undefined
  readonly primaryOnly: boolean
}

/**
 * The process that runs one streaming procedure for one call: its items go to the call as there is room for them, the
 * caller's come from there, and the answer is the end of all. Linked to the call like any remote process, from `run` on.
 */
export function streamProcess(
  runtime: Runtime,
  actor: Actor,
  ctx: ProcedureContext,
  work: RemoteWork,
  code: StreamProcessCode,
): Process {
  return {
    init() {
      ctx.begin(work)
      const { stream, isCast } = work.request
      if (stream === undefined) {
        const failure: Failure = { code: 'ERR_NO_PROCEDURE', outcome: 'not-run', message: 'It is a stream, not a call' }
        if (isCast === true) {
          ctx.castNotRun(failure)
          ctx.end('normal')
        } else ctx.answerAndEnd(work.call, { ok: false, failure })
        return
      }
      const served = new ServedStream(runtime, actor, ctx, work, stream)
      void served.run(code)
    },
    handle: (envelope) => ctx.accept(envelope),
  }
}

/** The serving end's address, and what runs behind it. */
class ServedStream implements Addressable, Attachment {
  readonly pid: Pid
  readonly #runtime: Runtime
  readonly #ctx: ProcedureContext
  readonly #work: RemoteWork
  readonly #end: StreamEnd
  #isOver = false

  constructor(runtime: Runtime, actor: Actor, ctx: ProcedureContext, work: RemoteWork, stream: StreamRequest) {
    this.pid = runtime.allocatePid()
    this.#runtime = runtime
    this.#ctx = ctx
    this.#work = work
    this.#end = new StreamEnd({
      runtime,
      window: stream,
      account: runtime.credit.of(work.caller),
      silentMs: stream.silentMs,
      on: {
        silent: () => {
          const message = `Nothing was heard of the caller for ${stream.silentMs} ms`
          this.#fail({ code: 'ERR_STREAM_SILENT', outcome: 'ran', message })
        },
        broken: (failure) => this.#fail({ ...failure, outcome: 'ran' }),
        itemsEnd: () => this.#end.stopReceiving(),
      },
    })
    runtime.add(this)
    actor.attach(this)
    if (!stream.hasIncoming) this.#end.stopReceiving()
    this.#end.begin(this.pid, work.call)
  }

  deliver(signal: Signal): void {
    if (isStreamSignal(signal) && samePid(signal.from, this.#work.call)) this.#end.take(signal)
    // An item of ours that could not be sent.
    else if (signal.type === 'reply' && !signal.result.ok && signal.via === undefined) {
      this.#fail({ ...signal.result.failure, outcome: 'ran' })
    } else this.#runtime.counters.refusedSignals += 1
  }

  // Its process ends with the caller's node or thread.
  peerLost(): void {}

  ownerExited(): void {
    this.#isOver = true
    this.#runtime.forget(this.pid)
    this.#end.abandon()
  }

  async run(code: StreamProcessCode): Promise<void> {
    const events = this.#ctx.serve(this.#work)
    const result = await this.#resultOf(code)
    this.#answer(result, events?.ended(result.ok ? undefined : result.failure))
  }

  async #resultOf(code: StreamProcessCode): Promise<ReplyResult> {
    const { codec, trace } = this.#ctx
    const { input } = this.#work.request
    const isHeld = (): boolean => !(input instanceof Uint8Array) || this.#ctx.holdsDecoded()
    const checked = await runInTrace(trace, () => inputOf(code, () => valueOf(codec, input), isHeld))
    this.#work.request.input = undefined
    if ('failure' in checked) return { ok: false, failure: checked.failure }
    return this.#ctx.inTurn(() => runInTrace(trace, () => this.#begun(code, checked.input)))
  }

  /** Asked last, as for a call. Only who begins greets: the caller goes to another node if this one refuses, with all its items. */
  async #begun(code: StreamProcessCode, input: unknown): Promise<ReplyResult> {
    this.#ctx.notePrimary()
    if (code.primaryOnly && !this.#ctx.isPrimary) return { ok: false, failure: notPrimary(this.#ctx) }
    if (!this.#ctx.begins()) return { ok: false, failure: notBegunFailure('killed') }
    this.#end.greet()
    try {
      const source = code.run(this.#ctx, input, this.#incoming(code.incoming))
      await pump(this.#end, source, (item) => this.#encoded(item, code.item), this.#runtime)
      return { ok: true, value: this.#ctx.codec.encode(undefined, 'end'), encoded: true }
    } catch (thrown) {
      return { ok: false, failure: this.#failureOf(thrown) }
    }
  }

  async #encoded(item: unknown, schema: StandardSchemaV1 | undefined): Promise<Uint8Array> {
    const checked = await checkValue(schema, item, 'An item')
    if (!checked.ok) throw new ItemError('ERR_INVALID_OUTPUT', checked.message)
    try {
      return this.#ctx.encodeBody(checked.value, 'item')
    } catch (error) {
      const { code, message } = resultFailure(error)
      throw new ItemError(code, message)
    }
  }

  async *#incoming(schema: StandardSchemaV1 | undefined): AsyncGenerator<unknown, void, undefined> {
    try {
      for (;;) {
        const bytes = await this.#end.read()
        if (bytes === undefined) return
        const checked = await checkValue(schema, this.#ctx.codec.decode(bytes), 'An incoming item')
        if (!checked.ok) throw new RuntimeError('ERR_INVALID_INPUT', checked.message)
        yield checked.value
      }
    } finally {
      this.#end.stopReceiving()
      this.#end.dropUnread()
      this.#end.endItems()
    }
  }

  // An Exit too is told as an answer, which keeps its place behind the items; an exit signal may take another way.
  #failureOf(thrown: unknown): Failure {
    if (thrown instanceof ItemError) return { code: thrown.code, outcome: 'ran', message: thrown.message }
    if (thrown instanceof Exit) {
      const message = `The remote process ended without an answer: ${printReason(thrown.reason)}`
      return { code: 'ERR_REMOTE_EXIT', outcome: 'ran', message, reason: thrown.reason }
    }
    const cause = portableError(errorData(thrown), this.#ctx.codec)
    return { code: 'ERR_REMOTE_ERROR', outcome: 'ran', message: `threw ${cause.name}: ${cause.message}`, cause }
  }

  #fail(failure: Failure): void {
    this.#answer({ ok: false, failure })
  }

  #answer(result: ReplyResult, served?: ServedTimes): void {
    // Its process was ended meanwhile, and what it would have said is not missed.
    if (this.#isOver) return
    this.#ctx.answerAndEnd(this.#work.call, result, served)
  }
}

/** An item that can't be sent as it is: the end of its stream. */
class ItemError extends RuntimeError {}

async function inputOf(
  code: StreamProcessCode,
  decode: () => unknown,
  isHeld: () => boolean,
): Promise<{ readonly input: unknown } | { readonly failure: Failure }> {
  let input: unknown
  try {
    input = decode()
  } catch (error) {
    const message = 'The argument could not be decoded'
    return { failure: { code: 'ERR_NOT_DECODABLE', outcome: 'not-run', message, cause: errorData(error) } }
  }
  if (!isHeld()) return { failure: decodedTooMuch }
  const checked = await checkValue(code.input, input, 'The argument')
  if (checked.ok) return { input: checked.value }
  const { message, cause } = checked
  return { failure: { code: 'ERR_INVALID_INPUT', outcome: 'not-run', message, ...(cause !== undefined && { cause }) } }
}
