import type { Process } from '../actor/actor.ts'
import type { Behavior } from '../actor/behavior.ts'
import type { Kernel } from '../actor/kernel.ts'
import { type Envelope, mailboxLimitDefault, type Request } from '../actor/mailbox.ts'
import { actorName, samePid } from '../actor/pid.ts'
import type { ProcedureName } from '../actor/remote-verbs.ts'
import type { SpawnSignal } from '../actor/signal.ts'
import type { InboundCalls } from './inbound-calls.ts'
import type { OfferedProcedure } from './procedure.ts'

/** The names under which the node's own actors are registered. A user's name can't begin with `system.`. */
export const rpcServerName = 'system.RpcServer'
export const rpcProcessesName = 'system.RpcProcesses'

/**
 * Takes the requests of callers, in the order in which they arrived, finds the procedure and has RpcProcesses start a
 * process for it. It holds no calls: one that is with it when it crashes is refused as not run, running ones go on.
 */
export function rpcServer(kernel: Kernel, inbound: InboundCalls, procedures: readonly OfferedProcedure[]): Behavior {
  return {
    name: 'RpcServer',
    module: undefined,
    trapExit: true,
    mailboxLimit: mailboxLimitDefault,
    createProcess: (_runtime, self): Process => ({
      init() {},
      handle(envelope: Envelope) {
        if (envelope.type === 'request') serve(kernel, inbound, procedures, envelope)
        else if (envelope.type === 'EXIT') {
          if (self.parent !== undefined && samePid(self.parent, envelope.from)) self.stop(envelope.reason)
        }
      },
    }),
  }
}

/** The request in a RpcServer's mailbox: the spawn signal, and the moment (monotonic) when it arrived. */
export interface ArrivedSpawn {
  readonly signal: SpawnSignal
  readonly arrivedMs: number
}

function serve(kernel: Kernel, inbound: InboundCalls, procedures: readonly OfferedProcedure[], request: Request): void {
  const [{ signal, arrivedMs }] = request.args as readonly [ArrivedSpawn]
  // Cancelled while it waited here: nobody wants the work, nobody is told.
  if (!inbound.isWanted(signal.from)) return
  const waitedMs = kernel.platform.clock.monotonic() - arrivedMs
  const timeLeftMs = signal.request.timeLeftMs - waitedMs
  if (timeLeftMs <= 0) {
    request.replier.fail({
      code: 'ERR_RPC_TIMEOUT',
      outcome: 'not-run',
      message: 'Its time was up before it was begun',
    })
    return
  }
  const wanted: ProcedureName = { name: signal.request.procedure, version: signal.request.version }
  const procedure = findProcedure(procedures, wanted)
  if (procedure === undefined) {
    const here = procedures.filter((one) => one.name === wanted.name).map((one) => one.version)
    const versions = here.length === 0 ? 'no procedure of that name' : `only version ${here.join(', ')}`
    request.replier.fail({
      code: 'ERR_NO_PROCEDURE',
      outcome: 'not-run',
      message: `The node has ${versions}; version ${wanted.version} was asked for`,
    })
    return
  }
  const processes = kernel.names.whereis(actorName(rpcProcessesName).name)
  const actor = processes === undefined ? undefined : kernel.actor(processes)
  if (actor === undefined) {
    request.replier.fail({ code: 'ERR_NOT_READY', outcome: 'not-run', message: 'The node is restarting its processes' })
    return
  }
  const work = { call: signal.from, request: { ...signal.request, timeLeftMs } }
  actor.receive({ type: 'request', name: 'run', args: [procedure, work], encoded: false, replier: request.replier })
}

/** The procedure that serves a caller of that version: the same version, or one that lists it as compatible. */
function findProcedure(procedures: readonly OfferedProcedure[], wanted: ProcedureName): OfferedProcedure | undefined {
  return (
    procedures.find((one) => one.name === wanted.name && one.version === wanted.version) ??
    procedures.find((one) => one.name === wanted.name && one.compatible.includes(wanted.version))
  )
}
