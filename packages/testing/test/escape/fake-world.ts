import type { Timer } from '@skerry/core/platform'
import type { Escape, EscapeWorld } from '../../src/escape/escape-world.ts'
import { createDrain } from '../../src/kernel/drain.ts'
import { seededRandom } from '../../src/platform/seeded-random.ts'

export const startMs = 1_700_000_000_000

/** A world in small: events that are run one by one, and what escaped from them. */
export class FakeWorld implements EscapeWorld {
  inside = false
  nowMs = 0
  readonly escapes: Escape[] = []
  /** What `escaped` throws; `undefined`: it only notes. */
  refusal: Error | undefined
  random: EscapeWorld['random']
  readonly clock = {
    wall: (): number => startMs + this.nowMs,
    monotonic: (): number => this.nowMs,
    after: (delayMs: number, run: () => void): Timer => this.#add(this.nowMs + delayMs, run),
  }
  readonly #drain = createDrain('tick')
  #due: { readonly at: number; readonly run: () => void }[] = []

  constructor(seed = 1) {
    this.random = seededRandom(seed)
  }

  soon(run: () => void): Timer {
    return this.#add(this.nowMs, run)
  }

  escaped(escape: Escape): void {
    this.escapes.push(escape)
    if (this.refusal !== undefined) throw this.refusal
  }

  /** Runs `first` as an event, then everything that becomes due, each to its end. Resolves with what `first` gave. */
  async run<T>(first: () => T | Promise<T>, untilMs = Number.POSITIVE_INFINITY): Promise<T> {
    let result: Promise<T> | undefined
    this.soon(() => {
      const start = async (): Promise<T> => first()
      result = start()
      // Whoever awaits it does so when the event is long over.
      result.catch(() => undefined)
    })
    await new Promise<void>((resolve, reject) => {
      realSetImmediate(() => {
        try {
          while (this.#step(untilMs));
          resolve()
        } catch (error) {
          reject(error)
        }
      })
    })
    return result as Promise<T>
  }

  #step(untilMs: number): boolean {
    const [next] = this.#due.toSorted((one, other) => one.at - other.at)
    if (next === undefined || next.at > untilMs) return false
    this.#due = this.#due.filter((each) => each !== next)
    this.nowMs = next.at
    this.inside = true
    try {
      next.run()
      this.#drain.sync?.()
    } finally {
      this.inside = false
    }
    return true
  }

  #add(at: number, run: () => void): Timer {
    const entry = { at, run }
    this.#due.push(entry)
    return { cancel: () => (this.#due = this.#due.filter((each) => each !== entry)) }
  }
}

const realSetImmediate = setImmediate
