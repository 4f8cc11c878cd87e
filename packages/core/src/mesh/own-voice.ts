import type { SealedRecord } from './node-record.ts'
import { OwnNewsPace } from './own-news-pace.ts'
import type { OwnNews, OwnRecord } from './own-record.ts'
import type { NodeId } from './transport.ts'

/**
 * When this node speaks of itself: at once for reasons of its own, at a pace of its own for what others call forth. One word answers all
 * that came before it.
 *
 * @example
 * const waitMs = voice.refute(accusation.version, now)
 * if (waitMs === 'now') spread(voice.say({}).sealed)
 * else if (waitMs !== 'planned') clock.after(waitMs, () => voice.cameDue(clock.monotonic()) && spread(voice.say({}).sealed))
 */
export class OwnVoice {
  readonly #own: OwnRecord
  readonly #pace: OwnNewsPace
  /** The version of the last word. */
  #said: number

  /** `own`: as it is known by now. */
  constructor(own: OwnRecord, now: number) {
    this.#own = own
    this.#pace = new OwnNewsPace(now)
    this.#said = own.record.version
  }

  say(news: OwnNews): SealedRecord {
    this.#pace.said()
    const word = this.#own.say(news)
    this.#said = word.record.version
    return word
  }

  /** Something is to be said because of what others said: `now`, after so many milliseconds by `cameDue`, or as is `planned`. */
  calledForth(now: number): 'now' | 'planned' | number {
    return this.#pace.calledForth(now)
  }

  /** The same because somebody believes that version, or accuses it: the next word is above it. */
  refute(version: number, now: number): 'now' | 'planned' | number {
    this.#own.outbid(version)
    return this.#pace.calledForth(now)
  }

  /** The planned time came. `false`: all that was to be said was said meanwhile. */
  cameDue(now: number): boolean {
    return this.#pace.cameDue(now)
  }

  /** Up to which version accusations of this node are refuted, or will be with the word that is planned, and the version of its last one. */
  spokenFor(): { readonly node: NodeId; readonly answered: number; readonly said: number } {
    const { node, version } = this.#own.record
    return { node, answered: this.#pace.isOwed ? version : version - 1, said: this.#said }
  }
}
