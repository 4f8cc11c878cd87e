import type { KernelCounters } from '../actor/counters.ts'
import type { Addressable } from '../actor/host.ts'
import type { Pid } from '../actor/pid.ts'
import type { ReplyResult, Signal, SpawnSignal } from '../actor/signal.ts'
import type { ServedTimes } from '../platform/telemetry.ts'
import { exitFailure } from './exit-failure.ts'

/** A call that can't be joined to the work of its key yet: `allow` is being asked, or the work that was given up must end first. */
export interface HeldCall {
  readonly signal: SpawnSignal
  readonly arrivedMs: number
  /** What its input counts meanwhile. */
  readonly heldBytes: number
  /** The work whose end it waits for. */
  readonly behind: KeyedRun | undefined
}

/** The stand-in for all calls with one key, as long as its work runs. */
export class KeyedRun implements Addressable {
  readonly key: string
  readonly pid: Pid
  readonly waiting: Map<string, Pid> = new Map()
  /** The calls that waited when the connection to their node was lost. */
  readonly lost: Map<string, Pid> = new Map()
  /** All calls that have ever waited and did not give up. */
  readonly calls: Set<string> = new Set()
  /** It was told to end, since nobody wanted it. */
  ended: boolean = false
  /** Those that came since, and go on when it is over. */
  readonly next: Set<HeldCall> = new Set()
  #settled = false
  readonly #onSettled: (result: ReplyResult, served: ServedTimes | undefined) => void
  readonly #counters: KernelCounters

  constructor(
    key: string,
    pid: Pid,
    counters: KernelCounters,
    onSettled: (result: ReplyResult, served: ServedTimes | undefined) => void,
  ) {
    this.key = key
    this.pid = pid
    this.#counters = counters
    this.#onSettled = onSettled
  }

  /** What a peer says is no word of its process, which is of this node. */
  deliver(signal: Signal): void {
    if (signal.type === 'reply' && signal.via === undefined) this.settle(signal.result, signal.served)
    else if (signal.type === 'exit' && signal.from.node === this.pid.node) {
      this.settle({ ok: false, failure: exitFailure(signal.reason) })
    } else this.#counters.refusedSignals += 1
  }

  // Its process is on this node, whose threads RpcProcesses watches.
  peerLost(): void {}

  settle(result: ReplyResult, served?: ServedTimes): void {
    if (this.#settled) return
    this.#settled = true
    this.#onSettled(result, served)
  }
}
