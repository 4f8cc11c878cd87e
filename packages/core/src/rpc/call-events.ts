import type { RemoteOwner } from '../actor/remote-verbs.ts'
import type { Failure } from '../actor/signal.ts'
import { type EventChoice, type EventError, type RpcCallEvent, rpcAttempts, rpcCalls } from '../platform/telemetry.ts'
import { activeTrace, carriedTrace, type TraceContext } from '../platform/trace-context.ts'
import { keepLast } from './tries.ts'

/** What tells of a call. */
interface Told {
  readonly kernel: {
    readonly node: string
    readonly life: number
    readonly thread: number
    readonly platform: { readonly clock: { monotonic(): number } }
  }
  readonly owner: RemoteOwner
  readonly plan: {
    readonly procedure: { readonly name: string; readonly version: number }
    readonly region: string | undefined
    readonly callerRegion: string
  }
}

/** What whoever listens is told of one call by region. Where nobody does it only knows which trace the call carries. */
export class CallEvents {
  /** What the request carries. */
  readonly trace: TraceContext | undefined
  readonly #event: RpcCallEvent
  readonly #clock: { monotonic(): number }
  readonly #beganMs: number
  #previous: EventError | undefined

  private constructor(event: RpcCallEvent, clock: { monotonic(): number }) {
    this.#event = event
    this.#clock = clock
    this.#beganMs = clock.monotonic()
    rpcCalls.begin(event)
    this.trace = carriedTrace(event.trace ?? event.parent)
  }

  /** `undefined`: nobody listens. */
  static begin({ kernel, owner, plan }: Told): CallEvents | undefined {
    if (!rpcCalls.hasSubscribers) return undefined
    const event: RpcCallEvent = {
      node: kernel.node,
      life: kernel.life,
      thread: kernel.thread,
      procedure: plan.procedure.name,
      version: plan.procedure.version,
      callerRegion: plan.callerRegion,
      target: plan.region,
      parent: traceOf(owner),
      trace: undefined,
      explain: false,
      choices: [],
      attempts: 0,
      toNode: undefined,
      toRegion: undefined,
      durationMs: 0,
      served: undefined,
      error: undefined,
    }
    return new CallEvents(event, kernel.platform.clock)
  }

  /** Whether whoever listens wants to know why a node was chosen. */
  get explains(): boolean {
    return this.#event.explain
  }

  chose(choice: EventChoice | undefined): void {
    if (choice !== undefined && this.#event.explain) keepLast(this.#event.choices, choice)
  }

  sent({ node, region }: { readonly node: string; readonly region: string }): void {
    const event = this.#event
    event.attempts += 1
    event.toNode = node
    event.toRegion = region
    if (!rpcAttempts.hasSubscribers) return
    rpcAttempts.publish({
      call: event,
      attempt: event.attempts,
      toNode: node,
      toRegion: region,
      previous: this.#previous,
    })
  }

  /** An attempt failed; there may be another. */
  failed({ code, outcome, message }: Failure): void {
    this.#previous = { code, outcome, message }
  }

  succeeded(served: RpcCallEvent['served']): void {
    this.#event.served = served
    this.#end()
  }

  gaveUp({ code, outcome, message }: Failure): void {
    this.#event.error = { code, outcome, message }
    this.#end()
  }

  #end(): void {
    this.#event.durationMs = this.#clock.monotonic() - this.#beganMs
    rpcCalls.end(this.#event)
  }
}

/** The trace of a request whose call nobody listens to: that of its caller's work. */
export function traceOf(owner: RemoteOwner): TraceContext | undefined {
  return carriedTrace(activeTrace() ?? owner.trace)
}
