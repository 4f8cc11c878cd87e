import { assert } from '../base/assert.ts'
import { headWord, payloadBytesMax, slotStart, wordBytes } from './region-table-layout.ts'

/**
 * The shared words. Production code always goes through `Atomics`: plain accesses of one thread may be seen in another
 * order by a second one (ARM64 does that), and then the argument below falls.
 */
export interface SharedWords {
  readonly byteLength: number
  load(index: number): number
  store(index: number, word: number): void
}

export function atomicWords(buffer: SharedArrayBuffer): SharedWords {
  const words = new Int32Array(buffer)
  return {
    byteLength: buffer.byteLength,
    load: (index) => Atomics.load(words, index),
    store: (index, word) => void Atomics.store(words, index, word),
  }
}

/**
 * How one writer hands tables to any number of readers without a lock or a message.
 *
 * The table of version v is in slot v & 1. To write v + 1 the writer fills the *other* slot, and only then stores v + 1 in
 * the head. A reader loads the head (v), copies slot v & 1 word by word, and loads the head again. If it is still v, the
 * copy is whole: the next write to that slot belongs to version v + 2, comes after the head became v + 1, and Atomics
 * put all of these accesses in one order that everybody agrees on. If it is not, the reader begins anew.
 *
 * So a writer that dies half-way leaves the head, and the table it points at, untouched; its successor writes the same
 * slot again. A reader never waits for the writer; it begins anew only when a whole table was published while it copied.
 * There must be one writer at a time, and it must not be interrupted by another in the middle of `publish`.
 *
 * Versions are 32-bit and wrap after 4 billion tables; a reader that slept through exactly that many would err.
 */
export function publish(words: SharedWords, table: Uint8Array): number {
  assert(table.length <= payloadBytesMax(words.byteLength), 'the table does not fit into its slot')
  const version = versionAfter(words.load(headWord))
  const start = slotStart(version, words.byteLength)
  const padded = new Int32Array(Math.ceil(table.length / wordBytes))
  new Uint8Array(padded.buffer).set(table)
  words.store(start, table.length)
  for (let index = 0; index < padded.length; index += 1) words.store(start + 1 + index, padded[index] as number)
  words.store(headWord, version)
  return version
}

// 0 says "nothing yet", so that the count leaves it out when it wraps; 2 has the same slot.
function versionAfter(version: number): number {
  const next = (version + 1) | 0
  return next === 0 ? 2 : next
}

export function currentVersion(words: SharedWords): number {
  return words.load(headWord)
}

/** One whole table, with its version. */
export interface Snapshot {
  readonly version: number
  readonly table: Uint8Array
}

/**
 * A copy of the current table; `undefined` when there is none yet, or when in each of `tries` tries the writer published
 * another one meanwhile. The caller then goes on with what it has.
 */
export function takeSnapshot(words: SharedWords, tries: number): Snapshot | undefined {
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const version = words.load(headWord)
    if (version === 0) return undefined
    const table = copySlot(words, slotStart(version, words.byteLength))
    if (table !== undefined && words.load(headWord) === version) return { version, table }
  }
  return undefined
}

function copySlot(words: SharedWords, start: number): Uint8Array | undefined {
  const length = words.load(start)
  // A length from another table than the words would still be a length; anything else is not ours, and must not be trusted.
  if (length < 0 || length > payloadBytesMax(words.byteLength)) return undefined
  const copy = new Int32Array(Math.ceil(length / wordBytes))
  for (let index = 0; index < copy.length; index += 1) copy[index] = words.load(start + 1 + index)
  return new Uint8Array(copy.buffer, 0, length)
}
