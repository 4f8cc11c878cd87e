import { noteReceived, type ReceivedBlock } from '@skerry/core/transport'
import { giveBack, isAlone } from './give-back.ts'

/**
 * A block that came, which is freed once nobody reads a frame of it any more and no further one is cut out of it. A frame of which
 * nobody ever says so leaves it to the collector.
 */
export class ReadBlock implements ReceivedBlock {
  readonly #buffer: ArrayBuffer
  #kept = 0
  #isLeft = false

  constructor(buffer: ArrayBuffer) {
    this.#buffer = buffer
  }

  /** A frame of it was handed out. */
  partWasKept(): void {
    this.#kept += 1
  }

  partWasRead(): void {
    this.#kept -= 1
    this.#freeIfRead()
  }

  /** No further frame is cut out of it. */
  leave(): void {
    this.#isLeft = true
    this.#freeIfRead()
  }

  #freeIfRead(): void {
    if (this.#isLeft && this.#kept === 0) giveBack(new Uint8Array(this.#buffer))
  }
}

/** What counts the readers of a block. `undefined`: others share its buffer, or it is too small to be worth it. */
export function readBlock(block: Uint8Array): ReadBlock | undefined {
  const { buffer } = block
  if (!isAlone(block) || !(buffer instanceof ArrayBuffer)) return undefined
  const readers = new ReadBlock(buffer)
  noteReceived(buffer, readers)
  return readers
}
