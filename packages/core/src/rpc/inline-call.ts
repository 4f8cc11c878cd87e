import type { Actor, Process } from '../actor/actor.ts'
import type { Attachment } from '../actor/attachments.ts'
import { Exit, type ExitReason } from '../actor/exit-reason.ts'
import type { Kernel } from '../actor/kernel.ts'
import { mailboxLimitDefault } from '../actor/mailbox.ts'
import type { ProcedureName, RemoteOwner, RpcOptions } from '../actor/remote-verbs.ts'
import type { Failure } from '../actor/signal.ts'
import type { RemoteWork } from '../actor/thread-starter.ts'
import { errorData } from '../base/error-data.ts'
import type { TraceContext } from '../platform/trace-context.ts'
import { CallEvents, traceOf } from './call-events.ts'
import { exitFailure, notBegunFailure } from './exit-failure.ts'
import { ProcedureContext } from './procedure-context.ts'
import { type RemoteProcessCode, runChecked } from './remote-process.ts'

export interface InlineProcedure extends ProcedureName {
  readonly code: RemoteProcessCode
}

export interface InlineCall {
  readonly kernel: Kernel
  readonly owner: RemoteOwner
  readonly procedure: InlineProcedure
  readonly input: unknown
  readonly options: RpcOptions
  readonly region: string
  readonly timeoutMs: number
  /** Told once what came of it; never if the calling actor has ended. */
  readonly settled: (result: InlineResult) => void
}

export type InlineResult =
  | { readonly ok: true; readonly value: unknown; readonly token?: string | undefined }
  | { readonly ok: false; readonly failure: Failure }

/**
 * Runs a procedure as a function call of the calling actor, as Fly RPC does in its own region; for plain code, in a bare actor
 * of the moment. Only the wait is bounded: at the deadline, or when it is aborted, the caller is told `unknown`, and what
 * still runs goes on.
 */
export function callInline(call: InlineCall): void {
  const { kernel, owner, procedure, options, region, timeoutMs, settled } = call
  const events = CallEvents.begin({ kernel, owner, plan: { procedure, region, callerRegion: region } })
  const trace = events === undefined ? traceOf(owner) : events.trace
  events?.sent({ node: kernel.node, region })
  let open = true
  const settle = (result: InlineResult): void => {
    if (!open) return
    open = false
    timer.cancel()
    owner.detach(attachment)
    options.signal?.removeEventListener('abort', onAbort)
    if (result.ok) events?.succeeded(undefined)
    else events?.gaveUp(result.failure)
    if (owner.alive) settled(result)
  }
  const fail = (failure: Failure): void => settle({ ok: false, failure })
  const onAbort = (): void => {
    const cause = errorData(options.signal?.reason)
    fail({ code: 'ERR_RPC_ABORTED', outcome: 'unknown', message: 'Aborted by the caller; it may run on', cause })
  }
  const attachment: Attachment = {
    ownerExited: (reason: ExitReason) =>
      fail({ code: 'ERR_NODE_STOPPED', outcome: 'unknown', message: 'The calling node was stopped', reason }),
  }
  const timer = kernel.platform.clock.after(timeoutMs, () =>
    fail({ code: 'ERR_RPC_TIMEOUT', outcome: 'unknown', message: 'No answer in time; it runs on', reason: 'timeout' }),
  )
  owner.attach(attachment)
  options.signal?.addEventListener('abort', onAbort, { once: true })
  if (owner.actor !== undefined) void run(call, owner.actor, trace).then(settle)
  else
    kernel.spawn({ ...momentary, createProcess: (_runtime, actor) => momentaryProcess(call, actor, trace, settle) }, [])
}

const momentary = { name: 'inline', module: undefined, trapExit: false, mailboxLimit: mailboxLimitDefault }

function momentaryProcess(
  call: InlineCall,
  actor: Actor,
  trace: TraceContext | undefined,
  settle: (result: InlineResult) => void,
): Process {
  let hasBegun = false
  actor.attach({
    ownerExited(reason) {
      const failure = hasBegun ? { ...exitFailure(reason), outcome: 'unknown' as const } : notBegunFailure(reason)
      settle({ ok: false, failure })
    },
  })
  return {
    init() {
      hasBegun = true
      void run(call, actor, trace).then((result) => {
        settle(result)
        actor.stop('normal')
      })
    },
    handle() {},
  }
}

async function run(call: InlineCall, actor: Actor, trace: TraceContext | undefined): Promise<InlineResult> {
  const { kernel, procedure, input, options, region, timeoutMs } = call
  const ctx = new ProcedureContext(kernel, actor)
  const work: RemoteWork = {
    call: actor.pid,
    caller: kernel.node,
    arrivedMs: kernel.platform.clock.monotonic(),
    hasBegun: true,
    request: {
      procedure: procedure.name,
      version: procedure.version,
      timeLeftMs: timeoutMs,
      idempotencyKey: options.idempotencyKey,
      callerRegion: region,
      input: nothing,
      trace,
    },
  }
  ctx.begin(work)
  const events = ctx.serve(work)
  const ended = (result: InlineResult): InlineResult => {
    events?.ended(result.ok ? undefined : result.failure)
    return result
  }
  try {
    const result = await runChecked(ctx, procedure.code, input)
    return ended(result.ok ? { ...result, token: ctx.committed } : result)
  } catch (thrown) {
    // An Exit would end the remote process. Here it ends nobody.
    if (thrown instanceof Exit) return ended({ ok: false, failure: exitFailure(thrown.reason) })
    const cause = errorData(thrown)
    const message = `threw ${cause.name}: ${cause.message}`
    return ended({ ok: false, failure: { code: 'ERR_REMOTE_ERROR', outcome: 'ran', message, cause } })
  }
}

// What it is given was never encoded.
const nothing = new Uint8Array()
