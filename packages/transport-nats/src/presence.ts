import type { Clock, Random, Timer } from '@skerry/core/platform'

export interface PresenceOptions {
  readonly clock: Clock
  readonly random: Random
  /** Says to all that we are here. */
  readonly say: () => void
  readonly isLinked: (node: string) => boolean
  /** Whether we have no link at all. */
  readonly isAlone: () => boolean
  /** It should be dialled from now on, until it is withdrawn. */
  readonly offer: (node: string) => void
  readonly withdraw: (node: string) => void
}

// Every node says that it is here this often, and more rarely the more others there are: so that each hears about twenty a
// second, however many they are.
const everyMs = 10_000
const perNodeMs = 50
// How many of all nodes answer one that is new to them, about.
const answersMean = 8
// Nodes heard of lately, and nodes that are offered to core. Of more we have no need: records lead to the others.
const heardMax = 4_096
const offeredMax = 1_024
// A node that missed so many of its turns to say that it is here is gone.
const missedMax = 4

/**
 * Finds the others: whoever uses the same servers and knows the secret. Usually a record leads to a node before this does.
 * So a node is offered at once only while we have no link at all; later, once it was heard of twice and still is not linked. It is
 * withdrawn when it is linked, or not heard of any more.
 */
export class Presence {
  readonly #options: PresenceOptions
  /** When a node was heard of first. The oldest goes. */
  readonly #heard = new Map<string, number>()
  /** Those that are offered: when each was heard of last. */
  readonly #offered = new Map<string, number>()
  #timer: Timer | undefined

  constructor(options: PresenceOptions) {
    this.#options = options
  }

  /** Says it now, and again and again. Also to be called when the server is back. */
  start(): void {
    this.stop()
    this.#options.say()
    this.#again()
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** A node said that it is here. */
  heard(node: string): void {
    const { clock, random, isAlone, isLinked, offer } = this.#options
    const now = clock.monotonic()
    const since = this.#heard.get(node)
    if (since === undefined) {
      this.#heard.set(node, now)
      const [oldest] = this.#heard.keys()
      if (this.#heard.size > heardMax && oldest !== undefined) this.#heard.delete(oldest)
      // It is new here and hears nobody until somebody speaks; a few of us are enough.
      if (random.float() * this.#heard.size < answersMean) this.#options.say()
    }
    if (this.#offered.has(node)) this.#offered.set(node, now)
    else {
      if (this.#offered.size >= offeredMax || isLinked(node) || (since === undefined && !isAlone())) return
      this.#offered.set(node, now)
      offer(node)
    }
  }

  #again(): void {
    const { clock, random, say } = this.#options
    const meanMs = Math.max(everyMs, this.#heard.size * perNodeMs)
    this.#timer = clock.after(meanMs * (0.5 + random.float()), () => {
      say()
      this.#withdrawOld(meanMs * missedMax)
      this.#again()
    })
  }

  #withdrawOld(silentMs: number): void {
    const { clock, isLinked, withdraw } = this.#options
    const now = clock.monotonic()
    for (const [node, heardMs] of this.#offered) {
      if (!isLinked(node) && now - heardMs <= silentMs) continue
      this.#offered.delete(node)
      withdraw(node)
    }
  }
}
