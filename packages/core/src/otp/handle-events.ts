import type { Actor } from '../actor/actor.ts'
import type { Attachment } from '../actor/attachments.ts'
import { type CallTrace, traceOfCall } from '../actor/call-trace.ts'
import { type ExitReason, printReason } from '../actor/exit-reason.ts'
import type { Request } from '../actor/mailbox.ts'
import { type ActorCallEvent, actorCalls } from '../platform/telemetry.ts'
import { runInTrace, type TraceContext } from '../platform/trace-context.ts'

interface Handling {
  readonly actor: Actor
  readonly clock: { monotonic(): number }
  /** Where calls that the handler makes go on from. */
  trace: TraceContext | undefined
}

/** What whoever listens is told of one call that a server handles, and the trace that its handler works in. */
export class HandleEvents implements Attachment {
  readonly #handling: Handling
  readonly #event: ActorCallEvent
  readonly #beganMs: number
  #isOver = false

  private constructor(handling: Handling, { name }: Request, traced: CallTrace) {
    const { actor, clock } = handling
    const { pid, label } = actor
    this.#handling = handling
    this.#beganMs = clock.monotonic()
    this.#event = {
      node: pid.node,
      life: pid.life,
      thread: pid.thread,
      serial: pid.serial,
      actor: label,
      call: name,
      parent: traced.trace,
      trace: undefined,
      queueMs: traced.madeMs === undefined ? undefined : this.#beganMs - traced.madeMs,
      runMs: 0,
      error: undefined,
    }
    if (actorCalls.hasSubscribers) actorCalls.begin(this.#event)
  }

  /** `undefined`: the call is part of no trace. */
  static begin(handling: Handling, request: Request): HandleEvents | undefined {
    const traced = traceOfCall(request)
    return traced && new HandleEvents(handling, request, traced)
  }

  /** Runs the handler. */
  run(handler: () => unknown): unknown {
    const trace = this.#event.trace ?? this.#event.parent
    this.#handling.trace = trace
    let answer: unknown
    try {
      answer = runInTrace(trace, handler)
    } catch (thrown) {
      this.#threw(thrown)
      throw thrown
    }
    if (!isThenable(answer)) {
      this.#over()
      return answer
    }
    this.#handling.actor.attach(this)
    return Promise.resolve(answer).then(
      (value: unknown) => {
        this.#over()
        return value
      },
      (thrown: unknown) => {
        this.#threw(thrown)
        throw thrown
      },
    )
  }

  ownerExited(reason: ExitReason): void {
    this.#fail(`The server ended: ${printReason(reason)}`)
  }

  #threw(thrown: unknown): void {
    this.#fail(String(thrown))
  }

  #fail(message: string): void {
    if (this.#isOver) return
    this.#event.error = { code: 'ERR_CALLEE_EXITED', outcome: 'ran', message }
    this.#over()
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#handling.trace = undefined
    this.#handling.actor.detach(this)
    this.#event.runMs = this.#handling.clock.monotonic() - this.#beganMs
    if (actorCalls.hasSubscribers) actorCalls.end(this.#event)
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
