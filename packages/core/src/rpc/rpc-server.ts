import type { Process } from '../actor/actor.ts'
import type { Behavior } from '../actor/behavior.ts'
import type { Kernel } from '../actor/kernel.ts'
import { type Envelope, mailboxLimitDefault } from '../actor/mailbox.ts'
import { samePid } from '../actor/pid.ts'
import type { Failure } from '../actor/signal.ts'
import { askAllow, notAllowed, tooLate } from './ask-allow.ts'
import type { BegunCalls } from './begun-calls.ts'
import { callerOf } from './caller.ts'
import type { InboundCall } from './inbound-call.ts'
import type { InboundCalls } from './inbound-calls.ts'
import { notPrimary } from './not-primary.ts'

/** The names under which the node's own actors are registered. A user's name can't begin with `system.`. */
export const rpcServerName = 'system.RpcServer'
export const rpcProcessesName = 'system.RpcProcesses'
/** What its only request is called. */
export const spawnName = 'spawn'

/**
 * Takes the requests of callers whose turn has come, and has RpcProcesses start a process for each. It holds no calls: one that is with it when it crashes is refused as not run, running ones go on.
 */
export function rpcServer(serving: Serving): Behavior {
  return {
    name: 'RpcServer',
    module: undefined,
    trapExit: true,
    mailboxLimit: mailboxLimitDefault,
    createProcess: (_runtime, self): Process => ({
      init() {},
      handle(envelope: Envelope) {
        if (envelope.type === 'request') {
          if (envelope.name === spawnName) serveAll(serving, (envelope.args as readonly [BegunCalls])[0])
          else
            envelope.replier.fail({ code: 'ERR_NO_HANDLER', outcome: 'not-run', message: 'RpcServer has no such call' })
        } else if (envelope.type === 'EXIT') {
          if (self.parent !== undefined && samePid(self.parent, envelope.from)) self.stop(envelope.reason)
        }
      },
    }),
  }
}

/** What RpcServer works with. */
export interface Serving {
  readonly kernel: Kernel
  readonly inbound: InboundCalls
}

function serveAll(serving: Serving, calls: BegunCalls): void {
  try {
    // One look at the clock for all: to begin one takes about a microsecond, and a look a tenth of that.
    const nowMs = serving.kernel.platform.clock.monotonic()
    serving.inbound.gather(() => {
      for (let call = calls.take(); call !== undefined; call = calls.take()) serve(serving, call, nowMs)
    }, nowMs)
  } catch (thrown) {
    calls.fail({ code: 'ERR_CALLEE_EXITED', outcome: 'not-run', message: 'RpcServer ended by an error' })
    throw thrown
  }
}

function serve(serving: Serving, call: InboundCall, beganMs: number): void {
  const allow = call.isAllowed ? undefined : call.served.procedure.allow
  // What `allow` of the calls before took is no time that this one has.
  if (!hasTime(call, allow === undefined ? beganMs : serving.kernel.platform.clock.monotonic())) return
  if (allow === undefined) {
    begin(serving, call)
    return
  }
  const question = { procedure: call.request.procedure, caller: callerOf(call), timeLeftMs: call.leftMs }
  const answer = askAllow(serving.kernel, question, allow)
  if (typeof answer === 'boolean') beginIfAllowed(serving, call, answer)
  else {
    serving.inbound.takesTime(call)
    void answer.then((isAllowed) => {
      // It may have been cancelled meanwhile, or its time may be up.
      if (!hasTime(call, serving.kernel.platform.clock.monotonic())) return
      if (isAllowed === undefined) call.fail(tooLate)
      else beginIfAllowed(serving, call, isAllowed)
    })
  }
}

function beginIfAllowed(serving: Serving, call: InboundCall, isAllowed: boolean): void {
  if (isAllowed) {
    begin(serving, call)
    return
  }
  serving.kernel.counters.notAllowed += 1
  call.fail(notAllowed(call.caller))
}

/** Whether something is to be done now for this call; if not, its caller was told if it still waits. */
function hasTime(call: InboundCall, nowMs: number): boolean {
  // Cancelled while it waited here: nobody wants the work, nobody is told.
  if (!call.isWanted) return false
  const waitedMs = nowMs - call.arrivedMs
  const timeLeftMs = call.request.timeLeftMs - waitedMs
  if (timeLeftMs <= 0) {
    call.fail(tooLate)
    return false
  }
  // Deadlines are of whole milliseconds, and those of one duration cost less: see DeadlineQueue.
  call.leftMs = waitedMs < 1 ? call.request.timeLeftMs : timeLeftMs
  call.seenMs = nowMs
  return true
}

function begin({ kernel, inbound }: Serving, call: InboundCall): void {
  const { procedure } = call.served
  // Once more where it runs, but no thread is started in vain.
  if (procedure.primaryOnly && kernel.remote?.isPrimary === false) {
    call.fail(notPrimary(kernel.remote))
    return
  }
  if (inbound.processes === undefined) call.fail(notReady)
  else inbound.processes.start(call)
}

const notReady: Failure = {
  code: 'ERR_NOT_READY',
  outcome: 'not-run',
  message: 'The node is restarting its processes',
}
