import type { Attachment } from '../actor/attachments.ts'
import { type ExitReason, printReason } from '../actor/exit-reason.ts'
import type { NodeId, Pid } from '../actor/pid.ts'
import type { Failure, SpawnRequest } from '../actor/signal.ts'
import type { RemoteWork } from '../actor/thread-starter.ts'
import { rpcRefusals, type RpcServeEvent, rpcServes, type ServedTimes } from '../platform/telemetry.ts'
import type { TraceContext } from '../platform/trace-context.ts'

interface Serving {
  readonly self: Pid
  readonly clock: { monotonic(): number; wall(): number }
  readonly actor: { attach(attachment: Attachment): void; detach(attachment: Attachment): void }
}

/** What whoever listens, and a caller who traces, is told of one remote process. */
export class ServeEvents implements Attachment {
  /** The place in a trace that the procedure's work has. */
  readonly trace: TraceContext | undefined
  readonly #serving: Serving
  readonly #event: RpcServeEvent
  readonly #beganMs: number
  #isOver = false

  constructor(serving: Serving, work: RemoteWork) {
    const { clock, self } = serving
    const { caller, request } = work
    this.#serving = serving
    this.#beganMs = clock.monotonic()
    this.#event = {
      node: self.node,
      life: self.life,
      thread: self.thread,
      procedure: request.procedure,
      version: request.version,
      callerNode: caller,
      callerRegion: request.callerRegion,
      isCast: request.isCast === true,
      parent: request.trace,
      trace: undefined,
      queueMs: queueMs(work, this.#beganMs, clock),
      runMs: 0,
      error: undefined,
    }
    if (rpcServes.hasSubscribers) rpcServes.begin(this.#event)
    this.trace = this.#event.trace ?? request.trace
    serving.actor.attach(this)
  }

  /** Whether somebody listens, or the caller traces. */
  static areWanted(work: RemoteWork): boolean {
    return rpcServes.hasSubscribers || work.request.trace !== undefined
  }

  /** The procedure is done; gives the times, for the caller. */
  ended(failure: Failure | undefined): ServedTimes {
    if (failure !== undefined && !this.#isOver) {
      const { code, outcome, message } = failure
      this.#event.error = { code, outcome, message }
    }
    this.#over()
    return { queueMs: this.#event.queueMs, runMs: this.#event.runMs }
  }

  /** The process ended before its procedure did: stopped, killed, or by its own wish. */
  ownerExited(reason: ExitReason): void {
    const code = reason === 'timeout' ? 'ERR_RPC_TIMEOUT' : 'ERR_REMOTE_EXIT'
    this.#event.error = { code, outcome: 'ran', message: `The process ended without an answer: ${printReason(reason)}` }
    this.#over()
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#serving.actor.detach(this)
    this.#event.runMs = this.#serving.clock.monotonic() - this.#beganMs
    if (rpcServes.hasSubscribers) rpcServes.end(this.#event)
  }
}

/** Each thread's monotonic clock has its own beginning: over to another thread the wall clock must do. */
function queueMs(
  { arrivedMs, sentOver }: Pick<RemoteWork, 'arrivedMs' | 'sentOver'>,
  nowMs: number,
  clock: { wall(): number },
): number {
  if (sentOver === undefined) return nowMs - arrivedMs
  return sentOver.queueMs + Math.max(0, clock.wall() - sentOver.wallMs)
}

/** Tells whoever listens that this node does not run a request. */
export function tellRefusal(
  { node, life, thread }: { readonly node: string; readonly life: number; readonly thread: number },
  callerNode: NodeId,
  { procedure, version, callerRegion }: SpawnRequest,
  { code, outcome, message }: Failure,
): void {
  if (!rpcRefusals.hasSubscribers) return
  const error = { code, outcome, message }
  rpcRefusals.publish({ node, life, thread, procedure, version, callerNode, callerRegion, error })
}
