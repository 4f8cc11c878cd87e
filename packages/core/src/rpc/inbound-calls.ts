import type { Clock } from '../platform/clock.ts'
import { always } from '../platform/property.ts'
import { formatPid, type Pid } from '../actor/pid.ts'
import { isLost, type LostPeer } from '../actor/edges.ts'

/** A call that another node, thread or actor made and that this node has not finished. */
export interface InboundCall {
  readonly call: Pid
  /** The remote process that runs it; none while it waits for its turn. */
  process: Pid | undefined
}

/**
 * The calls that this node works on, by the address of the call. It outlives the RpcServer actor, as a cancellation must
 * find its process also after a crash there. A cancellation is noted here the moment its frame is read, before any
 * request of the same buffer is begun.
 */
export class InboundCalls {
  readonly #calls = new Map<string, InboundCall>()
  readonly #limit: number
  #onEmpty: (() => void) | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#calls.size
  }

  /** Notes a request; `false` when the node has as many as it takes. */
  arrive(call: Pid): boolean {
    if (this.#calls.size >= this.#limit) return false
    const key = formatPid(call)
    always(!this.#calls.has(key), 'skerry/a call arrives once', { call: key })
    this.#calls.set(key, { call, process: undefined })
    return true
  }

  /** Whether its caller still waits for it. */
  isWanted(call: Pid): boolean {
    return this.#calls.has(formatPid(call))
  }

  running(call: Pid, process: Pid): void {
    const inbound = this.#calls.get(formatPid(call))
    if (inbound !== undefined) inbound.process = process
  }

  /** It is over, whatever came of it; gives back its process, if it has begun. */
  end(call: Pid): Pid | undefined {
    const key = formatPid(call)
    const inbound = this.#calls.get(key)
    this.#calls.delete(key)
    if (this.#calls.size === 0) this.#onEmpty?.()
    return inbound?.process
  }

  /** Resolves when no call is left, or after `atMostMs`. */
  whenEmpty(clock: Clock, atMostMs: number): Promise<void> {
    if (this.#calls.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = clock.after(atMostMs, resolve)
      this.#onEmpty = () => {
        timer.cancel()
        resolve()
      }
    })
  }

  /** All remote processes are gone: forgets their calls. Those that wait for their turn stay. */
  endRunning(): void {
    for (const { call, process } of [...this.#calls.values()]) if (process !== undefined) this.end(call)
  }

  /** Ends all calls of a lost node or thread; gives back the processes that still run for them. */
  endLost(lost: LostPeer): Pid[] {
    const processes: Pid[] = []
    for (const { call } of [...this.#calls.values()]) {
      if (!isLost(call, lost)) continue
      const process = this.end(call)
      if (process !== undefined) processes.push(process)
    }
    return processes
  }
}
