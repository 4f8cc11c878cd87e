import { beatWord, type BlockWords, checkMsOf, readBlocker, turnWord } from './block-words.ts'

/** How long a turn may go on after its actor was sent a kill, in milliseconds, before its thread is taken for stuck. */
export const killGraceMs = 100

/** What is known of a thread that gives no sign of life. */
export interface Stuck {
  /** Whose turn it is; `undefined` for code after an `await`, in a timer or in a callback. */
  readonly actor: { readonly serial: number; readonly label: string } | undefined
  readonly blockedMs: number
}

/** Watches the words of one thread. Asked again and again, it says when the thread has been stuck for too long. */
export class PoolWatch {
  readonly #words: BlockWords
  readonly #blockedMs: number
  #beats: number
  #lookedMs: number
  #silentMs = 0

  constructor(words: BlockWords, blockedMs: number, nowMs: number) {
    this.#words = words
    this.#blockedMs = blockedMs
    this.#beats = this.#readBeats()
    this.#lookedMs = nowMs
  }

  /** Whether it is some actor's turn now: also in a thread that has not said anything yet. */
  get isInTurn(): boolean {
    return readBlocker(this.#words) !== undefined
  }

  /** The thread could have beaten in all of the time between two looks, unless this one was paused itself: then not in more than two. */
  look(nowMs: number): Stuck | undefined {
    const waitedMs = Math.min(nowMs - this.#lookedMs, 2 * checkMsOf(this.#blockedMs))
    this.#lookedMs = nowMs
    const beats = this.#readBeats()
    this.#silentMs = beats === this.#beats ? this.#silentMs + waitedMs : 0
    this.#beats = beats
    if (this.#silentMs < this.#blockedMs) return undefined
    return { actor: readBlocker(this.#words), blockedMs: Math.round(this.#silentMs) }
  }

  /** Marks the turn that is going on: later it tells whether that is this actor's and still going on, or another one of it is. */
  turnOf(serial: number): { stillRuns(): boolean; runsAnother(): boolean } {
    const turn = this.#readTurns()
    const runs = (): boolean => readBlocker(this.#words)?.serial === serial
    const ran = runs()
    const stillRuns = (): boolean => ran && runs() && this.#readTurns() === turn
    return { stillRuns, runsAnother: () => runs() && !stillRuns() }
  }

  #readBeats(): number {
    return Atomics.load(this.#words.words, beatWord)
  }

  #readTurns(): number {
    return Atomics.load(this.#words.words, turnWord)
  }
}
