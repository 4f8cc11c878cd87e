import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Process } from '../actor/actor.ts'
import type { Envelope } from '../actor/mailbox.ts'
import { Exit, portableError } from '../actor/exit-reason.ts'
import type { Failure, ReplyResult } from '../actor/signal.ts'
import type { RemoteWork } from '../actor/thread-starter.ts'
import { errorData } from '../base/error-data.ts'
import { wasRead } from '../base/received-bytes.ts'
import { isTraceFollowed, runInTrace } from '../platform/trace-context.ts'
import { resultFailure, valueOf } from './body.ts'
import { notBegunFailure } from './exit-failure.ts'
import { notPrimary } from './not-primary.ts'
import type { ProcedureContext } from './procedure-context.ts'
import { type Checked, checkValue } from './schema-check.ts'
import type { ServeEvents } from './serve-events.ts'

export interface RemoteProcessCode {
  run(ctx: ProcedureContext, input: unknown): unknown
  readonly input: StandardSchemaV1 | undefined
  readonly output: StandardSchemaV1 | undefined
  readonly primaryOnly: boolean
}

/**
 * The process that runs one procedure for one call: decode and check the input, run, check and encode the result, answer,
 * end. From `run` on it is linked to the call: if it ends in any other way, the caller hears of it by its exit signal. Before that
 * RpcProcesses tells it, as not run.
 */
export class RemoteProcess implements Process {
  readonly #ctx: ProcedureContext
  readonly #work: RemoteWork
  readonly #code: RemoteProcessCode

  constructor(ctx: ProcedureContext, work: RemoteWork, code: RemoteProcessCode) {
    this.#ctx = ctx
    this.#work = work
    this.#code = code
  }

  init(): void {
    const ctx = this.#ctx
    const work = this.#work
    const code = this.#code
    ctx.begin(work)
    if (work.request.isCast === true) void runToEnd(ctx, work, code)
    else if (work.sentOver === undefined) runForCall(ctx, work, code)
    // Over there the thread that asked is told first that it has begun.
    else void ctx.inTurn(() => runForCall(ctx, work, code))
  }

  handle(envelope: Envelope): void {
    this.#ctx.accept(envelope)
  }
}

/** In one turn, without any promise, if neither the procedure nor a schema makes one. */
export function runForCall(ctx: ProcedureContext, work: RemoteWork, code: RemoteProcessCode): void {
  if (work.request.stream !== undefined) {
    ctx.answerAndEnd(work.call, failed('ERR_NO_PROCEDURE', 'not-run', 'It is a call, not a stream'))
    return
  }
  const events = ctx.serve(work)
  let result: MaybePromise<ReplyResult>
  try {
    result = answer(ctx, work, code)
  } catch (thrown) {
    endByThrown(ctx, work, events, thrown)
    return
  }
  if (!(result instanceof Promise)) {
    endByAnswer(ctx, work, events, result)
    return
  }
  void result.then(
    (answered) => endByAnswer(ctx, work, events, answered),
    (thrown: unknown) => endByThrown(ctx, work, events, thrown),
  )
}

function endByAnswer(
  ctx: ProcedureContext,
  work: RemoteWork,
  events: ServeEvents | undefined,
  result: ReplyResult,
): void {
  ctx.answerAndEnd(work.call, result, events?.ended(result.ok ? undefined : result.failure))
}

function endByThrown(ctx: ProcedureContext, work: RemoteWork, events: ServeEvents | undefined, thrown: unknown): void {
  // An Exit is an end on purpose, not an error: the caller gets it as the exit signal of the linked process.
  if (thrown instanceof Exit) {
    ctx.end(thrown.reason)
    return
  }
  const cause = portableError(errorData(thrown), ctx.codec)
  const message = `threw ${cause.name}: ${cause.message}`
  endByAnswer(ctx, work, events, { ok: false, failure: { code: 'ERR_REMOTE_ERROR', outcome: 'ran', message, cause } })
}

/** A cast's process has nobody to answer. What it throws is its own error: logged and counted, as an actor's is. */
async function runToEnd(ctx: ProcedureContext, work: RemoteWork, code: RemoteProcessCode): Promise<void> {
  const events = ctx.serve(work)
  try {
    const result = await answer(ctx, work, code)
    events?.ended(result.ok ? undefined : result.failure)
    if (!result.ok && result.failure.outcome === 'not-run') ctx.castNotRun(result.failure)
    ctx.end('normal')
  } catch (thrown) {
    ctx.crash(thrown)
  }
}

function answer(ctx: ProcedureContext, work: RemoteWork, code: RemoteProcessCode): MaybePromise<ReplyResult> {
  let input: unknown
  const isBytes = work.request.input instanceof Uint8Array
  try {
    input = inputOf(ctx, work)
  } catch (error) {
    return failed('ERR_NOT_DECODABLE', 'not-run', 'The argument could not be decoded', error)
  }
  if (isBytes && !ctx.holdsDecoded()) return { ok: false, failure: decodedTooMuch }
  const result = runChecked(ctx, code, input, true)
  if (!(result instanceof Promise)) return encoded(ctx, result)
  work.request.input = undefined
  return result.then((ran) => encoded(ctx, ran))
}

/** Decodes it, for good: only the work of a key may be begun again. */
function inputOf(ctx: ProcedureContext, { request }: RemoteWork): unknown {
  const { input, idempotencyKey } = request
  const value = valueOf(ctx.codec, input)
  if (input instanceof Uint8Array && idempotencyKey === undefined) {
    request.input = undefined
    wasRead(input)
  }
  return value
}

/** What the inputs of a node's calls became is as much as is held of it: others may have room. */
export const decodedTooMuch: Failure = {
  code: 'ERR_OVERLOADED',
  outcome: 'not-run',
  message:
    'What the inputs of calls of its node, or of all nodes, became when they were decoded takes as much as the node holds',
}

function encoded(ctx: ProcedureContext, result: RunResult): ReplyResult {
  if (!result.ok) return result
  try {
    const value = ctx.bodyOf(result.value, 'result')
    // It is this call's alone.
    result.value = value
    result.encoded = value instanceof Uint8Array
    return result
  } catch (error) {
    return { ok: false, failure: resultFailure(error) }
  }
}

type MaybePromise<T> = T | Promise<T>
type RunResult =
  { readonly ok: true; value: unknown; encoded: boolean } | { readonly ok: false; readonly failure: Failure }

/** Checks the input, runs the procedure, checks the result. Throws or rejects with what the procedure throws. */
export function runChecked(
  ctx: ProcedureContext,
  code: RemoteProcessCode,
  input: unknown,
  isOwnProcess = false,
): MaybePromise<RunResult> {
  if (code.input === undefined) return run(ctx, code, input)
  return checkInput(ctx, code, input, isOwnProcess)
}

async function checkInput(
  ctx: ProcedureContext,
  code: RemoteProcessCode,
  input: unknown,
  isOwnProcess: boolean,
): Promise<RunResult> {
  const checked = await checkValue(code.input, input, 'The argument')
  if (!checked.ok) return refused('ERR_INVALID_INPUT', 'not-run', checked)
  const begin = (): MaybePromise<RunResult> => run(ctx, code, checked.value)
  return isOwnProcess ? ctx.inTurn(begin) : begin()
}

function run(ctx: ProcedureContext, code: RemoteProcessCode, input: unknown): MaybePromise<RunResult> {
  // Asked last, and on the thread where it runs: whoever knows by now that it is not the primary does not begin.
  ctx.notePrimary()
  if (code.primaryOnly && !ctx.isPrimary) return { ok: false, failure: notPrimary(ctx) }
  if (!ctx.begins()) return { ok: false, failure: notBegunFailure('killed') }
  const value = isTraceFollowed() ? runInTrace(ctx.trace, () => code.run(ctx, input)) : code.run(ctx, input)
  return code.output === undefined && !isThenable(value)
    ? { ok: true, value, encoded: false }
    : checkOutput(code, value)
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

async function checkOutput({ output }: RemoteProcessCode, pending: unknown): Promise<RunResult> {
  const checked = await checkValue(output, await pending, 'The result')
  return checked.ok ? { ok: true, value: checked.value, encoded: false } : refused('ERR_INVALID_OUTPUT', 'ran', checked)
}

function failed(
  code: string,
  outcome: 'not-run' | 'ran',
  message: string,
  cause?: unknown,
): { ok: false; failure: Failure } {
  const failure: Failure = { code, outcome, message, ...(cause !== undefined && { cause: errorData(cause) }) }
  return { ok: false, failure }
}

function refused(
  code: string,
  outcome: 'not-run' | 'ran',
  { message, cause }: Extract<Checked, { ok: false }>,
): { ok: false; failure: Failure } {
  return { ok: false, failure: { code, outcome, message, ...(cause !== undefined && { cause }) } }
}
