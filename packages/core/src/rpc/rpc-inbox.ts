import type { ExitReason } from '../actor/exit-reason.ts'
import type { LostPeer } from '../actor/edges.ts'
import type { Kernel } from '../actor/kernel.ts'
import { formatPid, type Pid } from '../actor/pid.ts'
import type { CancelSignal, Failure, SpawnRequest, SpawnSignal } from '../actor/signal.ts'
import { always, chance, reachable, sometimes } from '../platform/property.ts'
import { askAllow } from './ask-allow.ts'
import type { BegunCalls } from './begun-calls.ts'
import { GatheredCalls } from './gathered-calls.ts'
import { tellRefusal } from './serve-events.ts'
import { InboundCall } from './inbound-call.ts'
import type { IdempotencyLimits } from './idempotency-window.ts'
import type { InboundCalls } from './inbound-calls.ts'
import { KeyedCalls } from './keyed-calls.ts'
import { failureOfNode, leaving, noProcedure, notReady, overloaded, restarting } from './node-refusals.ts'
import { rpcServerName, spawnName } from './rpc-server.ts'
import type { ServedProcedures } from './served-procedures.ts'

/** Where requests and cancellations enter this node, from its own threads and from others. */
export interface RpcInbox {
  spawn(signal: SpawnSignal): void
  cancel(signal: CancelSignal): void
  /** The callers of a lost node or thread want nothing any more. */
  peerLost(lost: LostPeer): void
  /** Refuses new work from now on, as not run; what runs goes on. */
  close(): void
}

export interface RpcInboxOptions {
  readonly kernel: Kernel
  readonly inbound: InboundCalls
  readonly procedures: ServedProcedures
  readonly idempotency: IdempotencyLimits
  /** What this node may act as. */
  readonly roles: readonly string[]
}

export function createRpcInbox({ kernel, inbound, procedures, idempotency, roles }: RpcInboxOptions): RpcInbox {
  const { clock, turns } = kernel.platform
  let closed = false
  let turnMs = 0
  let lastTurn: number | undefined
  const gathered = new GatheredCalls(turns, handOver)
  const keyed = new KeyedCalls({ kernel, limits: idempotency, take: takeKeyed, end, inbound, mayJoin })
  inbound.on = {
    begins: (call) => gathered.add(call, call.caller === kernel.node),
    refused(call, failure) {
      countRefusal(failure)
      answer(call, failure)
    },
  }

  return {
    spawn(signal) {
      gathered.came()
      const { idempotencyKey, isCast, stream } = signal.request
      // A cast has nobody who could be told of an outcome, and the items of a stream are for one reader.
      if (idempotencyKey !== undefined && isCast !== true && stream === undefined) {
        keyed.spawn(signal)
        return
      }
      const failure = take(signal, arrivalMs(), false)
      if (failure !== undefined)
        answer({ call: signal.from, caller: signal.from.node, request: signal.request }, failure)
    },
    cancel(signal) {
      gathered.came()
      if (!keyed.cancel(signal)) end(signal.from, signal.reason)
    },
    peerLost(lost) {
      keyed.peerLost(lost)
      // If RpcProcesses is gone, so are all processes.
      const isUp = inbound.processes !== undefined
      for (const process of inbound.endLost(lost)) if (isUp) process.callerLost(lost)
    },
    close() {
      closed = true
      inbound.giveBackWaiting(leaving)
    },
  }

  /**
   * What is read in one turn, as in memory, came before it: one look at the clock for all, which would cost a call as much as to
   * look it up in all tables.
   */
  function arrivalMs(): number {
    const turn = turns.turn?.()
    if (turn === undefined || turn !== lastTurn) turnMs = clock.monotonic()
    lastTurn = turn
    return turnMs
  }

  function handOver(calls: BegunCalls): void {
    const server = find(rpcServerName)
    if (server === undefined) calls.fail(restarting)
    else server.receive({ type: 'request', name: spawnName, args: [calls], encoded: false, replier: calls })
  }

  function end(call: Pid, reason: ExitReason): boolean {
    const process = inbound.end(call)
    // None: it was answered, refused or not begun when the cancellation came.
    sometimes(process === undefined, 'skerry/a cancellation found nothing to end')
    if (process === undefined) return false
    reachable('skerry/a remote process was cancelled')
    // If RpcProcesses is gone, so are all processes.
    if (inbound.processes !== undefined) process.stop(reason)
    return true
  }

  /** Of another node its link says what it may act as. Of one shape with what comes in a frame: a call would cost a tenth more. */
  function ofThisNode(request: SpawnRequest): SpawnRequest {
    const { procedure, version, timeLeftMs, idempotencyKey, callerRegion, input, trace } = request
    const own = { procedure, version, timeLeftMs, idempotencyKey, callerRegion, callerRoles: roles, input, trace }
    return request.isCast === true || request.stream !== undefined ? { ...request, ...own } : own
  }

  function mayJoin({ from, request }: SpawnSignal): boolean | Promise<boolean | undefined> {
    const { procedure, version, timeLeftMs, callerRegion: region, callerRoles } = request
    const allow = procedures.find({ name: procedure, version })?.procedure.allow
    if (allow === undefined) return true
    const ownRoles = from.node === kernel.node ? roles : undefined
    const caller = { node: from.node, region, roles: ownRoles ?? callerRoles ?? [] }
    return askAllow(kernel, { procedure, caller, timeLeftMs }, allow)
  }

  function takeKeyed(signal: SpawnSignal, arrivedMs: number, isAllowed: boolean): Failure | undefined {
    const failure = take(signal, arrivedMs, isAllowed)
    if (failure !== undefined) tellRefusal(kernel, (signal.caller ?? signal.from).node, signal.request, failure)
    return failure
  }

  /** Takes a request, or gives the reason why not. */
  function take(signal: SpawnSignal, arrivedMs: number, isAllowed: boolean): Failure | undefined {
    const refusal = tryToTake(signal, arrivedMs, isAllowed)
    if (refusal !== undefined) countRefusal(refusal)
    return refusal
  }

  function countRefusal({ code }: Failure): void {
    if (code === 'ERR_OVERLOADED') kernel.counters.overloads += 1
  }

  function tryToTake(signal: SpawnSignal, arrivedMs: number, isAllowed: boolean): Failure | undefined {
    if (closed) return leaving
    // With calls that wait for its turn it is there.
    if (!gathered.areOpen && find(rpcServerName) === undefined) return notReady('The node is not ready yet')
    const { procedure: name, version } = signal.request
    const served = procedures.find({ name, version })
    if (served === undefined) return noProcedure(procedures.versionsOf(name), version)
    if (chance('skerry/refuse a call as overloaded')) return overloaded('The node has as many calls as it takes')
    const call = new InboundCall(signal, served, arrivedMs, refuse, isAllowed)
    if (call.caller === kernel.node) call.request = ofThisNode(call.request)
    const refusal = inbound.arrive(call)
    // More may come in one read, and must find room.
    if (gathered.areHeldBack && served.load.isCrowded) gathered.release()
    if (refusal !== 'known') return refusal
    always(false, 'skerry/a call arrives once', { call: formatPid(signal.from) })
    kernel.counters.refusedSignals += 1
    return undefined
  }

  function refuse(call: InboundCall, failure: Failure): void {
    inbound.end(call.call)
    answer(call, failureOfNode(failure))
  }

  function answer({ call, caller, request }: Refused, failure: Failure): void {
    tellRefusal(kernel, caller, request, failure)
    if (request.isCast === true) kernel.counters.castsNotRun += 1
    else kernel.route({ type: 'reply', to: call, ref: 0, result: { ok: false, failure } })
  }

  function find(name: string): ReturnType<Kernel['actor']> {
    const pid = kernel.names.whereis(name)
    return pid === undefined ? undefined : kernel.actor(pid)
  }
}

type Refused = Pick<InboundCall, 'call' | 'caller' | 'request'>
