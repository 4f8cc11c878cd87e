import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Process } from '../actor/actor.ts'
import { Exit, portableError } from '../actor/exit-reason.ts'
import type { Failure, ReplyResult } from '../actor/signal.ts'
import type { RemoteWork } from '../actor/thread-starter.ts'
import { errorData } from '../base/error-data.ts'
import { runInTrace } from '../platform/trace-context.ts'
import { notPrimary } from './not-primary.ts'
import type { ProcedureContext } from './procedure-context.ts'
import { type Checked, checkValue } from './schema-check.ts'

export interface RemoteProcessCode {
  run(ctx: ProcedureContext, input: unknown): unknown
  readonly input: StandardSchemaV1 | undefined
  readonly output: StandardSchemaV1 | undefined
  readonly primaryOnly: boolean
}

/**
 * The process that runs one procedure for one call: decode and check the input, run, check and encode the result, answer,
 * end. It is linked to the call: if it ends in any other way, the caller hears of it by its exit signal.
 */
export function remoteProcess(ctx: ProcedureContext, work: RemoteWork, code: RemoteProcessCode): Process {
  return {
    init() {
      ctx.begin(work)
      if (work.request.stream !== undefined) {
        ctx.answerAndEnd(work.call, failed('ERR_NO_PROCEDURE', 'not-run', 'It is a call, not a stream'))
      } else if (work.request.isCast === true) void runToEnd(ctx, work, code)
      else void runToAnswer(ctx, work, code)
    },
    handle: (envelope) => ctx.accept(envelope),
  }
}

async function runToAnswer(ctx: ProcedureContext, work: RemoteWork, code: RemoteProcessCode): Promise<void> {
  let result: ReplyResult
  const events = ctx.serve(work)
  try {
    result = await answer(ctx, work, code)
  } catch (thrown) {
    // An Exit is an end on purpose, not an error: the caller gets it as the exit signal of the linked process.
    if (thrown instanceof Exit) {
      ctx.end(thrown.reason)
      return
    }
    const cause = portableError(errorData(thrown), ctx.codec)
    const message = `threw ${cause.name}: ${cause.message}`
    result = { ok: false, failure: { code: 'ERR_REMOTE_ERROR', outcome: 'ran', message, cause } }
  }
  ctx.answerAndEnd(work.call, result, events?.ended(result.ok ? undefined : result.failure))
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

async function answer(ctx: ProcedureContext, work: RemoteWork, code: RemoteProcessCode): Promise<ReplyResult> {
  let input: unknown
  try {
    input = ctx.codec.decode(work.request.input)
  } catch (error) {
    return failed('ERR_NOT_DECODABLE', 'not-run', 'The argument could not be decoded', error)
  }
  const result = await runChecked(ctx, code, input)
  if (!result.ok) return result
  try {
    return { ok: true, value: ctx.codec.encode(result.value, 'result'), encoded: true }
  } catch (error) {
    return failed('ERR_RESULT_NOT_ENCODABLE', 'ran', error instanceof Error ? error.message : String(error))
  }
}

/** Checks the input, runs the procedure, checks the result. Rejects with what the procedure throws. */
export async function runChecked(
  ctx: ProcedureContext,
  code: RemoteProcessCode,
  input: unknown,
): Promise<{ readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly failure: Failure }> {
  const checkedInput = await checkValue(code.input, input, 'The argument')
  if (!checkedInput.ok) return refused('ERR_INVALID_INPUT', 'not-run', checkedInput)
  // Asked last, and on the thread where it runs: whoever knows by now that it is not the primary does not begin.
  const isPrimary = ctx.notePrimary()
  if (code.primaryOnly && !isPrimary) return { ok: false, failure: notPrimary(ctx) }
  const value = await runInTrace(ctx.trace, () => code.run(ctx, checkedInput.value))
  const checkedResult = await checkValue(code.output, value, 'The result')
  if (!checkedResult.ok) return refused('ERR_INVALID_OUTPUT', 'ran', checkedResult)
  return { ok: true, value: checkedResult.value }
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
