import type { ReplyResult } from '../actor/signal.ts'

/** How long and how much a node remembers of what was done under idempotency keys. */
export interface IdempotencyLimits {
  /** How long a result is given to those who ask again, in milliseconds. Default 120,000. */
  readonly keepMs: number
  /**
   * Keys that are known, with the work that still runs. Default 50,000. At the bound the key that was finished longest ago
   * is forgotten before its time; if all of them still run, the call is refused (`ERR_OVERLOADED`, not run).
   */
  readonly keysMax: number
  /**
   * Bytes of results that are kept. Default 16 MiB. Beyond it the oldest results are dropped, and their keys stay: who asks
   * again is told `ERR_RESULT_GONE`, ran.
   */
  readonly resultBytesMax: number
}

export const idempotencyLimitsDefault: IdempotencyLimits = {
  keepMs: 120_000,
  keysMax: 50_000,
  resultBytesMax: 16 * 1024 * 1024,
}

/** What is known of a key: the work that runs under it, or what came of it. */
export type KeyEntry<Run> = { readonly state: 'running'; readonly run: Run } | ({ readonly state: 'done' } & Finished)

export interface Finished {
  readonly key: string
  readonly untilMs: number
  /** None: it was too much to be kept. */
  result: ReplyResult | undefined
  /** The calls that waited for it, and those that were told since while nobody else had heard of it. */
  readonly calls: Set<string>
  /** Whether anybody was told. */
  heard: boolean
}

/**
 * What was done under which key, in the life of one node: bounded, and forgotten after a while. Pure but for its own
 * state: the time is a parameter.
 */
export class IdempotencyWindow<Run> {
  readonly #limits: IdempotencyLimits
  readonly #running = new Map<string, Run>()
  /** In the order in which they were finished, which is that of their ends. */
  readonly #done = new Map<string, Finished & { readonly state: 'done' }>()
  /** Those of `#done` whose bytes count. */
  readonly #sized = new Map<string, number>()
  #bytes = 0
  /** Keys that were forgotten, and results that were dropped, before their time. */
  forgotten = 0

  constructor(limits: IdempotencyLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#running.size + this.#done.size
  }

  get resultBytes(): number {
    return this.#bytes
  }

  find(key: string, nowMs: number): KeyEntry<Run> | undefined {
    this.#expire(nowMs)
    const run = this.#running.get(key)
    return run === undefined ? this.#done.get(key) : { state: 'running', run }
  }

  /** Work begins under a key that is not known. `false`: there is no room. */
  begin(key: string, run: Run): boolean {
    if (this.size >= this.#limits.keysMax) {
      const oldest = this.#done.keys().next()
      if (oldest.done === true) return false
      this.forget(oldest.value)
      this.forgotten += 1
    }
    this.#running.set(key, run)
    return true
  }

  /** It is finished, and what came of it is kept. */
  finish(key: string, { result, calls, heard }: Omit<Finished, 'key' | 'untilMs'>, nowMs: number): void {
    this.#running.delete(key)
    this.#done.set(key, { state: 'done', key, untilMs: nowMs + this.#limits.keepMs, result, calls, heard })
    const bytes = bytesOf(result)
    this.#sized.set(key, bytes)
    this.#bytes += bytes
    for (const one of this.#sized.keys()) {
      if (this.#bytes <= this.#limits.resultBytesMax) break
      this.#dropResult(one)
      this.forgotten += 1
    }
  }

  /** As if the key had never been used. */
  forget(key: string): void {
    this.#running.delete(key)
    this.#dropResult(key)
    this.#done.delete(key)
  }

  #dropResult(key: string): void {
    const bytes = this.#sized.get(key)
    if (bytes === undefined) return
    this.#sized.delete(key)
    this.#bytes -= bytes
    const entry = this.#done.get(key)
    if (entry !== undefined) entry.result = undefined
  }

  #expire(nowMs: number): void {
    for (const { key, untilMs } of this.#done.values()) {
      if (untilMs > nowMs) return
      this.forget(key)
    }
  }
}

// A failure's texts are bounded where it is made; counting them would cost more than it is worth.
const failureBytes = 2_048

function bytesOf(result: ReplyResult | undefined): number {
  if (result?.ok !== true) return failureBytes
  return result.value instanceof Uint8Array ? result.value.byteLength : 0
}
