import type { Turn, TurnObserver } from '../platform/turn-queue.ts'
import {
  beatWord,
  type BlockWords,
  highUnit,
  labelBytes,
  labelsMax,
  labelWord,
  newBlockWords,
  serialHighWord,
  serialWord,
  turnWord,
} from './block-words.ts'

/** Notes in shared memory whose turn it is, for a thread that can look while this one is stuck. */
export class BlockMarker implements TurnObserver, BlockWords {
  readonly words: Int32Array
  readonly labels: Uint8Array
  readonly #indexes = new Map<string, number>()

  constructor({ words, labels }: BlockWords = newBlockWords()) {
    this.words = words
    this.labels = labels
    this.#indexOf('(one of many actors)')
  }

  began(turn: Turn): void {
    const { words } = this
    words[labelWord] = turn.label === undefined ? 0 : (this.#indexes.get(turn.label) ?? this.#indexOf(turn.label))
    const serial = turn.pid?.serial ?? 0
    words[serialHighWord] = serial / highUnit
    words[turnWord] = (words[turnWord] as number) + 1
    Atomics.store(words, serialWord, serial)
  }

  ended(): void {
    this.words[serialHighWord] = 0
    Atomics.store(this.words, serialWord, 0)
  }

  beat(): void {
    Atomics.add(this.words, beatWord, 1)
  }

  #indexOf(label: string): number {
    const index = this.#indexes.size
    if (index >= labelsMax) return 0
    this.#indexes.set(label, index)
    const start = index * (labelBytes + 1)
    const { written } = new TextEncoder().encodeInto(label, this.labels.subarray(start + 1, start + 1 + labelBytes))
    this.labels[start] = written
    return index
  }
}
