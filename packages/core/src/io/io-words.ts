import type { NodeLoad } from '../mesh/heartbeat.ts'

/** Words that main writes and the thread of its transport reads, also while main is stuck. */
const beatWord = 0
const loadWord = 1
const inFlightWord = 2
const wordsCount = 3
const loadUnit = 1_000_000

export function newIoWords(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(wordsCount * Int32Array.BYTES_PER_ELEMENT))
}

/** Main is alive, and that busy. */
export function beatIoWords(words: Int32Array, { load, inFlight }: NodeLoad): void {
  Atomics.store(words, loadWord, Math.round(load * loadUnit))
  Atomics.store(words, inFlightWord, inFlight | 0)
  Atomics.add(words, beatWord, 1)
}

/** What main said last: how often it has beaten, and how busy it was. */
export function readIoWords(words: Int32Array): { beats: number; load: number; inFlight: number } {
  return {
    beats: Atomics.load(words, beatWord),
    load: Atomics.load(words, loadWord) / loadUnit,
    inFlight: Atomics.load(words, inFlightWord) >>> 0,
  }
}

/** What another thread knows of main's life. */
export interface MainPulse {
  readonly beats: number
  /** For how long main has not beaten while this thread ran. */
  readonly stuckMs: number
  readonly lookedAt: number
}

/**
 * After one more look, `everyMs` or more after the one before. A longer wait was a pause of the process or the machine, in which main
 * could not run either: of it only `2 * everyMs` count.
 */
export function nextMainPulse(pulse: MainPulse, beats: number, now: number, everyMs: number): MainPulse {
  if (beats !== pulse.beats) return { beats, stuckMs: 0, lookedAt: now }
  const passedMs = Math.min(now - pulse.lookedAt, 2 * everyMs)
  return { beats, stuckMs: pulse.stuckMs + passedMs, lookedAt: now }
}
