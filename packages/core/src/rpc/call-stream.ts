import type { ExitReason } from '../actor/exit-reason.ts'
import type { Pid } from '../actor/pid.ts'
import type { RpcOptions } from '../actor/remote-verbs.ts'
import type { Failure, Signal, StreamRequest, StreamSignal } from '../actor/signal.ts'

/** The call that carries a stream, as the stream uses it. */
export interface StreamCarrier {
  readonly pid: Pid
  /** Ends it from this side: the remote process is told. */
  abandon(failure: Failure, reason: ExitReason): void
}

/** What a call carries besides its one answer, which then is the end of it. */
export interface CallStream {
  readonly request: StreamRequest
  /** Its process has greeted: it has begun, and items may have gone. What refuses it from then on is not its node. */
  readonly hasBegun: boolean
  /** The request goes to a node now; perhaps not for the first time, but then no other node has begun it. */
  sent(carrier: StreamCarrier): void
  /** Nobody is asked for now, and nobody will be heard: until it is sent, or is over. */
  waits(carrier: StreamCarrier): void
  take(signal: StreamSignal): void
}

/** The options of a call that carries a stream. */
export interface StreamedOptions extends RpcOptions {
  readonly stream?: CallStream
}

export function isStreamSignal(signal: Signal): signal is StreamSignal {
  return signal.type === 'item' || signal.type === 'credit' || signal.type === 'itemsEnd'
}
