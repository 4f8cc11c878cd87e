import type { Replier } from '../actor/mailbox.ts'
import type { NodeId, Pid } from '../actor/pid.ts'
import type { LostPeer } from '../actor/edges.ts'
import type { ExitReason } from '../actor/exit-reason.ts'
import type { Failure, SpawnRequest, SpawnSignal } from '../actor/signal.ts'
import type { RemoteWork } from '../actor/thread-starter.ts'
import { crowdedPart, type ProcedureLimits, waitPart } from './load-limits.ts'
import type { OfferedProcedure } from './procedure.ts'
import { uncountedBytesMax } from '../base/held-bytes.ts'
import { type WaitingCall, WaitingCalls } from './waiting-calls.ts'

/** The process that runs a call. */
export interface StartedProcess {
  /** Tells it to end, soon. Nothing if it has ended already. */
  stop(reason: ExitReason): void
  /** The same, as the node or thread of its caller was lost. */
  callerLost(lost: LostPeer): void
}

/** A call that another node, thread or actor made and that this node has not finished: what its process has to do. */
export class InboundCall implements Replier, RemoteWork, WaitingCall<InboundCall> {
  readonly call: Pid
  /** The node that asked. */
  readonly caller: NodeId
  /** It is not that node's own, but stands in for calls of it with one idempotency key. */
  readonly isStandIn: boolean
  /** `allow` has said so already, when it came to join the work of its key. */
  readonly isAllowed: boolean
  request: SpawnRequest
  /** What its input counts as held of `caller`. */
  heldBytes: number
  /** Who counts that. Known once it is let in. */
  holder: { holdsMore(call: InboundCall, bytes: number): boolean } | undefined = undefined
  readonly served: ServedProcedure
  readonly arrivedMs: number
  readonly giveUpMs: number
  /** How much of its time was left when its work was last looked at, and when that was. */
  leftMs: number
  seenMs: number
  older: InboundCall | undefined = undefined
  newer: InboundCall | undefined = undefined
  /** `starting`: let in; its process is not there yet. */
  state: 'waiting' | 'starting' | 'running' = 'waiting'
  /** Whether its caller still waits for it. */
  isWanted = true
  hasBegun = false
  /** The remote process that runs it. */
  process: StartedProcess | undefined = undefined
  readonly #refuse: (call: InboundCall, failure: Failure) => void

  constructor(
    signal: SpawnSignal,
    served: ServedProcedure,
    arrivedMs: number,
    refuse: (call: InboundCall, failure: Failure) => void,
    isAllowed = false,
  ) {
    const { from, caller, request } = signal
    this.call = from
    this.caller = (caller ?? from).node
    this.isStandIn = caller !== undefined
    this.isAllowed = isAllowed
    this.request = request
    this.heldBytes = heldBytesOf(signal)
    this.served = served
    this.arrivedMs = arrivedMs
    this.leftMs = request.timeLeftMs
    this.seenMs = arrivedMs
    // A stream's caller takes the node for silent long before its deadline.
    this.giveUpMs = arrivedMs + Math.min(request.timeLeftMs, request.stream?.silentMs ?? Infinity) * waitPart
    this.#refuse = refuse
  }

  /** Whether its node can hold so much more for it, which it does from here on. */
  holdsMore(bytes: number): boolean {
    return this.holder?.holdsMore(this, bytes) ?? true
  }

  /** What runs answers the call itself. */
  reply(): void {}

  /** It was not run. */
  fail(failure: Failure): void {
    this.#refuse(this, failure)
  }
}

/** What the input of a request counts while it is held: nothing of this node's own, nor a small one. */
export function heldBytesOf({ from, to, caller, request: { input } }: SpawnSignal): number {
  if (!(input instanceof Uint8Array) || input.byteLength <= uncountedBytesMax) return 0
  return (caller ?? from).node === to.node ? 0 : input.byteLength
}

/** The calls of one procedure that this node works on, and those that wait for their turn. */
export class ProcedureLoad {
  readonly limits: ProcedureLimits
  readonly waiting: WaitingCalls<InboundCall> = new WaitingCalls()
  inFlight = 0
  /** Whether it stands in line for the node's next turn. */
  inLine = false

  constructor(limits: ProcedureLimits) {
    this.limits = limits
  }

  /** Whether so many wait that the next block of requests may not find room. */
  get isCrowded(): boolean {
    return this.waiting.length >= this.limits.maxWaiting * crowdedPart
  }
}

/** A procedure that a node offers, with what it has to do there. */
export interface ServedProcedure {
  readonly procedure: OfferedProcedure
  readonly load: ProcedureLoad
}
