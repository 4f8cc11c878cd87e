import type { Attachment } from '../actor/actor.ts'
import type { Deadline, DeadlinePlace } from '../actor/deadline-queue.ts'
import { isLost, type LostPeer } from '../actor/edges.ts'
import { type ExitReason, printReason } from '../actor/exit-reason.ts'
import type { Addressable } from '../actor/host.ts'
import type { Kernel } from '../actor/kernel.ts'
import type { NodeId, Pid } from '../actor/pid.ts'
import type { ProcedureName, RemoteOwner, RpcOptions } from '../actor/remote-verbs.ts'
import type { Failure, Outcome, Signal, SpawnRequest } from '../actor/signal.ts'
import { errorData } from '../base/error-data.ts'
import { sometimes } from '../platform/property.ts'
import type { ServedTimes } from '../platform/telemetry.ts'
import type { RegionTableNode } from '../region/region-table-layout.ts'
import { CallEvents, traceOf } from './call-events.ts'
import type { TokenOptions } from './causal-token.ts'
import { isStreamSignal, type StreamCarrier, type StreamedOptions } from './call-stream.ts'
import { type Attempt, RpcError } from './errors.ts'
import { mayTryElsewhere } from './retry.ts'

/** The nodes that one call tries before it gives up, each after a certain "not run" from the one before. */
const attemptsMax = 3
/** The default time for a call by region, in milliseconds: Fly RPC's. */
const rpcTimeoutMsDefault = 5_000

/** What a call needs to know of what its caller asked for. */
export interface CallPlan {
  readonly procedure: ProcedureName
  readonly input: unknown
  readonly options: RpcOptions
  /** What the caller asked for, as text; none for a call to one node. */
  readonly region: string | undefined
  readonly callerRegion: string
  choose(tried: ReadonlySet<NodeId>): RegionTableNode | Failure
}

/**
 * One call by region, owned by the actor (or the plain code) that made it. It has an address of its own, and the remote
 * process is linked to that address: so the process's end settles the call and never touches the owner, and the
 * owner's end, an abort or the deadline ends the process.
 */
export class RemoteCall implements Addressable, Attachment, Deadline, StreamCarrier {
  readonly pid: Pid
  place: DeadlinePlace | number | undefined
  #deadlineMs = 0

  readonly #kernel: Kernel
  readonly #owner: RemoteOwner
  readonly #plan: CallPlan
  readonly #input: Uint8Array
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: RpcError) => void
  readonly #attempts: Attempt[] = []
  readonly #tried = new Set<NodeId>()
  #node: RegionTableNode | undefined
  #target: Pid | undefined
  #open = true
  #events: CallEvents | undefined
  readonly #onAbort = (): void => {
    const cause = errorData(this.#plan.options.signal?.reason)
    this.#giveUp({ code: 'ERR_RPC_ABORTED', outcome: 'unknown', message: 'Aborted by the caller', cause }, 'cancelled')
  }

  constructor(
    kernel: Kernel,
    owner: RemoteOwner,
    plan: CallPlan,
    input: Uint8Array,
    resolve: (value: unknown) => void,
    reject: (error: RpcError) => void,
  ) {
    this.pid = kernel.allocatePid()
    this.#kernel = kernel
    this.#owner = owner
    this.#plan = plan
    this.#input = input
    this.#resolve = resolve
    this.#reject = reject
  }

  begin(): void {
    const { options } = this.#plan
    // A nested call never gets more time than its caller has left.
    const ownerLeftMs = (this.#owner.deadlineMs ?? Infinity) - this.#kernel.platform.clock.monotonic()
    const timeoutMs = Math.max(1, Math.min(options.timeoutMs ?? rpcTimeoutMsDefault, ownerLeftMs))
    this.#kernel.add(this)
    this.#owner.attach(this)
    this.#events = CallEvents.begin({ kernel: this.#kernel, owner: this.#owner, plan: this.#plan })
    options.signal?.addEventListener('abort', this.#onAbort, { once: true })
    this.#deadlineMs = this.#kernel.deadlines.add(this, timeoutMs)
    this.#attempt()
  }

  deliver(signal: Signal): void {
    const fromTarget = signal.to.serial === this.pid.serial
    if (!fromTarget) return
    if (signal.type === 'reply' && (signal.via === undefined || signal.via === this.#target?.node)) {
      if (signal.result.ok && signal.result.token !== undefined) {
        ;(this.#plan.options as TokenOptions).onToken?.(signal.result.token)
      }
      if (signal.result.ok) this.#succeed(signal.result.value, signal.result.encoded, signal.served)
      else this.#failed(signal.result.failure)
    } else if (signal.type === 'exit' && signal.from.node === this.#target?.node) {
      this.#failed(exitFailure(signal.reason))
    } else if (isStreamSignal(signal) && signal.from.node === this.#target?.node) {
      ;(this.#plan.options as StreamedOptions).stream?.take(signal)
    } else {
      this.#kernel.counters.refusedSignals += 1
    }
  }

  peerLost(lost: LostPeer, reason: (pid: Pid) => ExitReason): void {
    if (this.#target === undefined || !isLost(this.#target, lost)) return
    this.#failed({
      code: 'ERR_NODE_LOST',
      outcome: 'unknown',
      message: 'The connection to the node was lost while it had the request',
      reason: reason(this.#target),
    })
  }

  /** The owning actor is gone: nobody waits. Plain code still does when its node stops, and is told. */
  ownerExited(reason: ExitReason): void {
    this.#giveUp(
      { code: 'ERR_NODE_STOPPED', outcome: 'unknown', message: 'The calling node was stopped', reason },
      reason,
    )
  }

  /** Whoever reads its items gives up. */
  abandon(failure: Failure, reason: ExitReason): void {
    this.#giveUp(failure, reason)
  }

  expire(): void {
    this.#giveUp(
      {
        code: 'ERR_RPC_TIMEOUT',
        outcome: 'unknown',
        message: 'No answer in time; the remote process is being stopped',
        reason: 'timeout',
      },
      'timeout',
    )
  }

  #attempt(): void {
    const chosen = this.#plan.choose(this.#tried)
    if ('outcome' in chosen) {
      // The reason why the last node would not do says more than that there is no further one.
      this.#finish(this.#lastFailure ?? chosen)
      return
    }
    const target: Pid = { node: chosen.node, life: chosen.life, thread: 0, serial: 0 }
    this.#node = chosen
    this.#target = target
    this.#tried.add(chosen.node)
    this.#kernel.addEdge(target, this)
    const { stream } = this.#plan.options as StreamedOptions
    const request: SpawnRequest = {
      procedure: this.#plan.procedure.name,
      version: this.#plan.procedure.version,
      timeLeftMs: this.#deadlineMs - this.#kernel.platform.clock.monotonic(),
      idempotencyKey: this.#plan.options.idempotencyKey,
      callerRegion: this.#plan.callerRegion,
      input: this.#input,
      trace: this.#events === undefined ? traceOf(this.#owner) : this.#events.trace,
      ...(stream !== undefined && { stream: stream.request }),
    }
    this.#events?.sent(chosen)
    stream?.sent(this)
    this.#kernel.routeSpawn({ type: 'spawn', from: this.pid, to: target, request })
  }

  #lastFailure: Failure | undefined

  #failed(failure: Failure): void {
    if (!this.#open) return
    const node = this.#node as RegionTableNode
    this.#attempts.push({ node: node.node, code: failure.code, outcome: failure.outcome })
    this.#lastFailure = failure
    this.#events?.failed(failure)
    this.#leaveTarget()
    const again = mayTryElsewhere(failure) && this.#attempts.length < attemptsMax
    sometimes(again, 'skerry/a call was tried at another node')
    if (again) this.#attempt()
    else this.#finish(failure)
  }

  #succeed(value: unknown, encoded: boolean, served: ServedTimes | undefined): void {
    if (!this.#open) return
    let opened: unknown
    try {
      opened = this.#kernel.open(value, encoded)
    } catch (error) {
      this.#failed({
        code: 'ERR_NOT_DECODABLE',
        outcome: 'ran',
        message: 'The result could not be decoded',
        cause: errorData(error),
      })
      return
    }
    this.#close()
    this.#events?.succeeded(served)
    if (this.#owner.alive) this.#resolve(opened)
  }

  /** Ends it from this side: the remote process is told, the caller gets the failure. */
  #giveUp(failure: Failure, reason: ExitReason): void {
    if (!this.#open) return
    this.#cancelRemote(reason)
    if (this.#node !== undefined)
      this.#attempts.push({ node: this.#node.node, code: failure.code, outcome: failure.outcome })
    this.#finish(failure)
  }

  #finish(failure: Failure): void {
    this.#close()
    this.#events?.gaveUp(failure)
    if (!this.#owner.alive) return
    this.#reject(
      new RpcError(failure, {
        procedure: this.#plan.procedure.name,
        node: this.#node?.node,
        region: this.#node?.region ?? this.#plan.region,
        attempts: this.#attempts,
      }),
    )
  }

  #cancelRemote(reason: ExitReason): void {
    if (this.#open && this.#target !== undefined) {
      this.#kernel.routeSpawn({ type: 'cancel', from: this.pid, to: this.#target, reason })
    }
  }

  #close(): void {
    this.#open = false
    this.#leaveTarget()
    this.#kernel.forget(this.pid)
    this.#kernel.deadlines.remove(this)
    this.#owner.detach(this)
    this.#plan.options.signal?.removeEventListener('abort', this.#onAbort)
  }

  #leaveTarget(): void {
    if (this.#target !== undefined) this.#kernel.removeEdge(this.#target, this)
    this.#target = undefined
  }
}

function exitFailure(reason: ExitReason): Failure {
  // Which of these can't be told apart from "it had not begun": the link is made in the frame that spawns.
  const outcome: Outcome = reason === 'threadlost' || reason === 'noconnection' ? 'unknown' : 'ran'
  if (reason === 'timeout') {
    return { code: 'ERR_RPC_TIMEOUT', outcome: 'ran', message: 'Its deadline passed there and it was stopped', reason }
  }
  return {
    code: 'ERR_REMOTE_EXIT',
    outcome,
    message: `The remote process ended without an answer: ${printReason(reason)}`,
    reason,
  }
}
