import type { Attachment } from '../actor/attachments.ts'
import type { Deadline, DeadlinePlace } from '../actor/deadline-queue.ts'
import type { ExitReason } from '../actor/exit-reason.ts'
import type { Kernel } from '../actor/kernel.ts'
import type { ProcedureName, RemoteOwner } from '../actor/remote-verbs.ts'
import type { RpcReport } from '../actor/rpc-report.ts'
import type { Failure, StreamRequest, StreamSignal } from '../actor/signal.ts'
import { errorData } from '../base/error-data.ts'
import { CodecError } from '../codec/errors.ts'
import { BodyError, encodeBody, inputFailure } from './body.ts'
import type { CallStream, StreamCarrier, StreamedOptions } from './call-stream.ts'
import { RpcError } from './errors.ts'
import { StreamEnd } from './stream-end.ts'
import { pump, type Source } from './stream-pump.ts'
import type { StreamWindow } from './stream-window.ts'

export interface StreamPlan {
  readonly kernel: Kernel
  readonly owner: RemoteOwner
  readonly procedure: ProcedureName
  readonly request: StreamRequest
  /** What may be under way to us at most; the request asks for less while other streams hold much. */
  readonly window: StreamWindow
  readonly incoming: Source | undefined
  readonly timeoutMs: number
  readonly idleTimeoutMs: number | undefined
  readonly signal: AbortSignal | undefined
  readonly wait: boolean | undefined
  readonly explain: ((report: RpcReport) => void) | undefined
  /** Makes the call that carries it. */
  call(options: StreamedOptions): Promise<unknown>
}

/**
 * The caller's side of a stream: a call whose answer is the end, and the items that come before it. It belongs to the one
 * who made it, as a call does.
 */
export class StreamCall implements CallStream, Attachment {
  readonly request: StreamRequest
  readonly #plan: StreamPlan
  readonly #end: StreamEnd
  readonly #idle: IdleDeadline
  #carrier: StreamCarrier | undefined
  #settled: Promise<void> = Promise.resolve()
  #failure: RpcError | undefined
  #isOver = false

  constructor(plan: StreamPlan) {
    const { kernel, request, idleTimeoutMs } = plan
    this.#plan = plan
    this.request = request
    this.#end = new StreamEnd({
      runtime: kernel,
      window: plan.window,
      account: kernel.credit.own,
      silentMs: request.silentMs,
      on: {
        silent: () => {
          const message = `Nothing was heard of the procedure for ${request.silentMs} ms: its thread may be stuck`
          this.#abandon({ code: 'ERR_STREAM_SILENT', outcome: 'unknown', message })
        },
        broken: (failure) => this.#abandon(failure),
        itemsEnd: () => this.#end.stopSending(),
      },
    })
    this.#end.gave(request)
    this.#idle = new IdleDeadline(() => {
      const message = `No item within ${idleTimeoutMs} ms`
      this.#abandon({ code: 'ERR_RPC_TIMEOUT', outcome: 'unknown', message, reason: 'timeout' }, 'timeout')
    })
  }

  begin(): void {
    const { owner, signal, wait, explain, timeoutMs, call, kernel, incoming } = this.#plan
    owner.attach(this)
    const asked = {
      ...(signal !== undefined && { signal }),
      ...(wait !== undefined && { wait }),
      ...(explain !== undefined && { explain }),
    }
    this.#settled = call({ timeoutMs, ...asked, stream: this }).then(
      () => this.#over(false),
      (error: unknown) => {
        this.#failure = error as RpcError
        this.#over(error instanceof RpcError && error.code === 'ERR_RPC_ABORTED')
      },
    )
    if (incoming === undefined) return
    const encode = (item: unknown): Uint8Array => encodeBody(kernel, item, 'item')
    pump(this.#end, incoming, encode, kernel).then(
      () => this.#end.endItems(),
      (error: unknown) => this.#abandon(failedIncoming(error)),
    )
  }

  /** The next item; `noMore` at the end. Rejects once with what ended it otherwise. */
  async read(): Promise<unknown> {
    const { kernel, idleTimeoutMs, signal } = this.#plan
    // What has come and was not read is dropped, as soon as the call has settled.
    if (signal?.aborted === true) await this.#settled
    if (idleTimeoutMs !== undefined && !this.#isOver) kernel.deadlines.add(this.#idle, idleTimeoutMs)
    const item = await this.#end.read()
    kernel.deadlines.remove(this.#idle)
    if (item !== undefined) {
      try {
        return kernel.codec.decode(item)
      } catch (error) {
        const message = 'An item could not be decoded'
        this.#abandon({ code: 'ERR_NOT_DECODABLE', outcome: 'unknown', message, cause: errorData(error) })
        await this.#settled
      }
    }
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure
    return noMore
  }

  /** Nobody reads on. */
  leave(): void {
    this.#abandon({ code: 'ERR_RPC_ABORTED', outcome: 'unknown', message: 'The reader left' })
    this.#over(true)
  }

  /** An actor's promises settle no more; plain code is told by the call. */
  ownerExited(): void {
    if (!this.#plan.owner.alive) this.#over(true)
  }

  // --- as the call that carries it sees it ---

  get hasBegun(): boolean {
    return this.#end.hasBegun
  }

  sent(carrier: StreamCarrier): void {
    this.#carrier = carrier
    this.#end.begin(carrier.pid)
  }

  waits(carrier: StreamCarrier): void {
    this.#carrier = carrier
    this.#end.rest()
  }

  take(signal: StreamSignal): void {
    this.#end.take(signal)
  }

  #abandon(failure: Failure, reason: ExitReason = 'cancelled'): void {
    this.#carrier?.abandon(failure, reason)
  }

  #over(drop: boolean): void {
    this.#end.close(drop)
    if (this.#isOver) return
    this.#isOver = true
    this.#plan.owner.detach(this)
    this.#plan.kernel.deadlines.remove(this.#idle)
  }
}

/** What `read` gives at the end: an item may be `undefined`. */
export const noMore: unique symbol = Symbol('no more items')

function failedIncoming(error: unknown): Failure {
  if (error instanceof CodecError || error instanceof BodyError) {
    const failure = inputFailure(error)
    return { ...failure, outcome: 'unknown', message: `An incoming item: ${failure.message}` }
  }
  const cause = errorData(error)
  return { code: 'ERR_RPC_ABORTED', outcome: 'unknown', message: 'The incoming items failed', cause }
}

class IdleDeadline implements Deadline {
  place: DeadlinePlace | undefined
  durationMs = 0
  readonly expire: () => void

  constructor(expire: () => void) {
    this.expire = expire
  }
}
