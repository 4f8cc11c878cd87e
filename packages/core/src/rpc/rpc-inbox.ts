import type { ExitReason } from '../actor/exit-reason.ts'
import type { LostPeer } from '../actor/edges.ts'
import type { Kernel } from '../actor/kernel.ts'
import type { Replier } from '../actor/mailbox.ts'
import type { Pid } from '../actor/pid.ts'
import type { CancelSignal, Failure, SpawnSignal } from '../actor/signal.ts'
import { chance, reachable, sometimes } from '../platform/property.ts'
import type { InboundCalls } from './inbound-calls.ts'
import { type ArrivedSpawn, rpcProcessesName, rpcServerName } from './rpc-server.ts'

/** Where requests and cancellations enter this node, from its own threads and from others. */
export interface RpcInbox {
  spawn(signal: SpawnSignal): void
  cancel(signal: CancelSignal): void
  /** The callers of a lost node or thread want nothing any more. */
  peerLost(lost: LostPeer): void
  /** Refuses new work from now on, as not run; what runs goes on. */
  close(): void
}

export function createRpcInbox(kernel: Kernel, inbound: InboundCalls): RpcInbox {
  let closed = false

  return {
    spawn(signal) {
      const replier = refuser(kernel, inbound, signal.from)
      const actor = find(rpcServerName)
      if (closed) {
        replier.fail({ code: 'ERR_DRAINING', outcome: 'not-run', message: 'The node is leaving and takes no new work' })
      } else if (actor === undefined) {
        replier.fail({ code: 'ERR_NOT_READY', outcome: 'not-run', message: 'The node is not ready yet' })
      } else if (chance('skerry/refuse a call as overloaded') || !inbound.arrive(signal.from)) {
        replier.fail({ code: 'ERR_OVERLOADED', outcome: 'not-run', message: 'The node has as many calls as it takes' })
      } else {
        const arrived: ArrivedSpawn = { signal, arrivedMs: kernel.platform.clock.monotonic() }
        actor.receive({ type: 'request', name: 'spawn', args: [arrived], encoded: false, replier })
      }
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
    },
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

/** The way back for a request that is not run. What is run answers the call itself. */
function refuser(kernel: Kernel, inbound: InboundCalls, call: Pid): Replier {
  return {
    reply() {},
    fail(failure: Failure) {
      inbound.end(call)
      const refused =
        failure.code === 'ERR_CALLEE_EXITED' || failure.code === 'ERR_MAILBOX_FULL' ? notReady(failure) : failure
      kernel.route({ type: 'reply', to: call, ref: 0, result: { ok: false, failure: refused } })
    },
  }
}

/** The node's own actors crashed or are flooded: to the caller it's one and the same, the node could not take the call. */
function notReady(failure: Failure): Failure {
  return failure.code === 'ERR_MAILBOX_FULL'
    ? { ...failure, code: 'ERR_OVERLOADED', message: 'The node has too many requests waiting' }
    : { ...failure, code: 'ERR_NOT_READY', message: `The node could not take the call: ${failure.message}` }
}
