import type { Process } from '../actor/actor.ts'
import type { Behavior } from '../actor/behavior.ts'
import type { Kernel } from '../actor/kernel.ts'
import { type Envelope, mailboxLimitDefault } from '../actor/mailbox.ts'
import { actorName, samePid } from '../actor/pid.ts'
import type { RemoteWork } from '../actor/thread-starter.ts'
import type { InboundCall } from './inbound-call.ts'
import type { InboundCalls } from './inbound-calls.ts'
import { notPrimary } from './not-primary.ts'

/** The names under which the node's own actors are registered. A user's name can't begin with `system.`. */
export const rpcServerName = 'system.RpcServer'
export const rpcProcessesName = 'system.RpcProcesses'

/**
 * Takes the requests of callers whose turn has come, and has RpcProcesses start a process for each. It holds no calls: one that is with it when it crashes is refused as not run, running ones go on.
 */
export function rpcServer(kernel: Kernel, inbound: InboundCalls): Behavior {
  return {
    name: 'RpcServer',
    module: undefined,
    trapExit: true,
    mailboxLimit: mailboxLimitDefault,
    createProcess: (_runtime, self): Process => ({
      init() {},
      handle(envelope: Envelope) {
        if (envelope.type === 'request') serve(kernel, inbound, (envelope.args as readonly [InboundCall])[0])
        else if (envelope.type === 'EXIT') {
          if (self.parent !== undefined && samePid(self.parent, envelope.from)) self.stop(envelope.reason)
        }
      },
    }),
  }
}

function serve(kernel: Kernel, inbound: InboundCalls, call: InboundCall): void {
  // Cancelled while it waited here: nobody wants the work, nobody is told.
  if (!inbound.isWanted(call.call)) return
  const timeLeftMs = call.request.timeLeftMs - (kernel.platform.clock.monotonic() - call.arrivedMs)
  if (timeLeftMs <= 0) {
    call.fail({ code: 'ERR_RPC_TIMEOUT', outcome: 'not-run', message: 'Its time was up before it was begun' })
    return
  }
  // Once more where it runs, but no thread is started in vain.
  if (call.served.procedure.primaryOnly && kernel.remote?.isPrimary === false) {
    call.fail(notPrimary(kernel.remote))
    return
  }
  const processes = kernel.names.whereis(actorName(rpcProcessesName).name)
  const actor = processes === undefined ? undefined : kernel.actor(processes)
  if (actor === undefined) {
    call.fail({ code: 'ERR_NOT_READY', outcome: 'not-run', message: 'The node is restarting its processes' })
    return
  }
  const work: RemoteWork = { call: call.call, request: { ...call.request, timeLeftMs }, arrivedMs: call.arrivedMs }
  const { procedure } = call.served
  actor.receive({ type: 'request', name: 'run', args: [procedure, work], encoded: false, replier: call })
}
