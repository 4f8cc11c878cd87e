import type { ExitReason } from '../actor/exit-reason.ts'
import type { LostPeer } from '../actor/edges.ts'
import type { Kernel } from '../actor/kernel.ts'
import type { Replier } from '../actor/mailbox.ts'
import { formatPid, type Pid } from '../actor/pid.ts'
import type { CancelSignal, Failure, SpawnRequest, SpawnSignal } from '../actor/signal.ts'
import { always, chance, reachable, sometimes } from '../platform/property.ts'
import { tellRefusal } from './serve-events.ts'
import { InboundCall } from './inbound-call.ts'
import type { InboundCalls } from './inbound-calls.ts'
import { rpcProcessesName, rpcServerName } from './rpc-server.ts'
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

export function createRpcInbox(kernel: Kernel, inbound: InboundCalls, procedures: ServedProcedures): RpcInbox {
  const { clock } = kernel.platform
  let closed = false
  inbound.on = {
    begins(call) {
      const server = find(rpcServerName)
      if (server === undefined) refuse(call, restarting)
      else server.receive({ type: 'request', name: 'spawn', args: [call], encoded: false, replier: call })
    },
    refused(call, failure) {
      kernel.counters.overloads += 1
      answer(call.call, call.request, failure)
    },
  }

  return {
    spawn(signal) {
      const failure = take(signal)
      if (failure === undefined) return
      if (failure.code === 'ERR_OVERLOADED') kernel.counters.overloads += 1
      answer(signal.from, signal.request, failure)
    },
    cancel(signal) {
      const process = inbound.end(signal.from)
      // None: it was answered, refused or not begun when the cancellation came.
      sometimes(process === undefined, 'skerry/a cancellation found nothing to end')
      if (process === undefined) return
      reachable('skerry/a remote process was cancelled')
      stop(process, signal.reason)
    },
    peerLost(lost) {
      for (const process of inbound.endLost(lost)) stop(process, 'noconnection')
    },
    close() {
      closed = true
      inbound.giveBackWaiting(leaving)
    },
  }

  /** Takes a request, or gives the reason why not. */
  function take(signal: SpawnSignal): Failure | undefined {
    if (closed) return leaving
    if (find(rpcServerName) === undefined) return notReady('The node is not ready yet')
    const { procedure: name, version } = signal.request
    const served = procedures.find({ name, version })
    if (served === undefined) return noProcedure(procedures.versionsOf(name), version)
    if (chance('skerry/refuse a call as overloaded')) return overloaded('The node has as many calls as it takes')
    const refusal = inbound.arrive(new InboundCall(signal, served, clock.monotonic(), refuse))
    if (refusal !== 'known') return refusal
    always(false, 'skerry/a call arrives once', { call: formatPid(signal.from) })
    kernel.counters.refusedSignals += 1
    return undefined
  }

  function refuse({ call, request }: InboundCall, failure: Failure): void {
    inbound.end(call)
    answer(call, request, failureOfNode(failure))
  }

  function answer(call: Pid, request: SpawnRequest, failure: Failure): void {
    tellRefusal(kernel, call, request, failure)
    if (request.isCast === true) kernel.counters.castsNotRun += 1
    else kernel.route({ type: 'reply', to: call, ref: 0, result: { ok: false, failure } })
  }

  function stop(process: Pid, reason: ExitReason): void {
    find(rpcProcessesName)?.receive({
      type: 'request',
      name: 'stop',
      args: [process, reason],
      encoded: false,
      replier: nobody,
    })
  }

  function find(name: string): ReturnType<Kernel['actor']> {
    const pid = kernel.names.whereis(name)
    return pid === undefined ? undefined : kernel.actor(pid)
  }
}

// A stop order is not answered, and if RpcProcesses ends first, so do all processes.
const nobody: Replier = { reply() {}, fail() {} }

const leaving: Failure = {
  code: 'ERR_DRAINING',
  outcome: 'not-run',
  message: 'The node is leaving and takes no new work',
}
const restarting: Failure = notReady('The node is restarting its own actors')

/** The node's own actors crashed or are flooded: to the caller it's one and the same, the node could not take the call. */
function failureOfNode(failure: Failure): Failure {
  if (failure.code === 'ERR_MAILBOX_FULL') return overloaded('The node has too many requests waiting')
  if (failure.code !== 'ERR_CALLEE_EXITED') return failure
  return { ...failure, code: 'ERR_NOT_READY', message: `The node could not take the call: ${failure.message}` }
}

function noProcedure(versions: readonly number[], wanted: number): Failure {
  const here = versions.length === 0 ? 'no procedure of that name' : `only version ${versions.join(', ')}`
  const message = `The node has ${here}; version ${wanted} was asked for`
  return { code: 'ERR_NO_PROCEDURE', outcome: 'not-run', message }
}

function notReady(message: string): Failure {
  return { code: 'ERR_NOT_READY', outcome: 'not-run', message }
}

function overloaded(message: string): Failure {
  return { code: 'ERR_OVERLOADED', outcome: 'not-run', message }
}
