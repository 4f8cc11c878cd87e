/** What a thread writes for another one to read while it is stuck: a heartbeat, and whose turn it is. */
export interface BlockWords {
  /** See the indexes below. */
  readonly words: Int32Array
  /** Labels by index: their length in bytes, then UTF-8. */
  readonly labels: Uint8Array
}

/** Counts heartbeats. */
export const beatWord = 0
/** The serial of the actor whose turn it is, lower 32 bits; with {@link serialHighWord} 0: nobody's. */
export const serialWord = 1
export const labelWord = 2
/** 1: the watchdog should end. */
export const stopWord = 3
export const serialHighWord = 4
/** Counts turns. */
export const turnWord = 5
const wordsCount = 6

/** Labels that are told apart; those after are all called by the first entry. */
export const labelsMax = 256
export const labelBytes = 64

/** Serials are up to 2^53: two words hold one. */
export const highUnit = 0x1_0000_0000

export function newBlockWords(): BlockWords {
  return {
    words: new Int32Array(new SharedArrayBuffer(wordsCount * 4)),
    labels: new Uint8Array(new SharedArrayBuffer(labelsMax * (labelBytes + 1))),
  }
}

/** The actor whose turn it is; `undefined` for code after an `await`, in a timer or in a callback, which is nobody's turn. */
export function readBlocker({ words, labels }: BlockWords): { serial: number; label: string } | undefined {
  const serial = (Atomics.load(words, serialWord) >>> 0) + Atomics.load(words, serialHighWord) * highUnit
  if (serial === 0) return undefined
  const start = Atomics.load(words, labelWord) * (labelBytes + 1)
  const bytes = labels.slice(start + 1, start + 1 + (labels[start] ?? 0))
  return { serial, label: new TextDecoder().decode(bytes) }
}

/** How often a thread gives a sign of life and its watchdog looks for one. */
export function checkMsOf(blockedMs: number): number {
  return Math.max(10, Math.min(250, blockedMs / 4))
}
