import { Uint8ArrayList } from 'uint8arraylist'

type Chunk = Uint8Array | Uint8ArrayList

// A larger piece is not worth a copy.
const copiedBytesMax = 1_024
const blockBytes = 4 * 1_024
// Whoever reads the messages refuses a longer one.
const lengthBytesMax = 8

/**
 * Joins the small pieces that messages come in, each message behind its length as a varint: they wait until the message is whole, or 4 KiB of them are
 * there. Whoever reads the messages keeps the pieces of one that is not whole, each with some 125 bytes beside its own, and in how many
 * it comes is for the peer to say. The bytes are the same, and what cannot be a length goes through as it comes, for the reader to refuse.
 */
export class MessageJoiner {
  /** Of the length that is being read. */
  #lengthBytes = 0
  #length = 0
  /** Bytes of the message that are still to come. */
  #left = 0
  #isLost = false
  #block: Uint8Array | undefined
  #blockBytes = 0

  /** What may go on now that these have come, if anything. */
  take<Read extends Chunk>(chunk: Read): Read | Uint8ArrayList | undefined {
    const given: Chunk = chunk
    const pieces = given instanceof Uint8Array ? [given] : [...given]
    for (const piece of pieces) this.#read(piece)
    const isWhole = this.#isLost || (this.#left === 0 && this.#lengthBytes === 0)
    // As nearly all do.
    if (isWhole && this.#blockBytes === 0) return chunk
    const out = new Uint8ArrayList()
    for (const piece of pieces) this.#add(piece, out)
    if (isWhole) this.#letGo(out)
    return out.byteLength > 0 ? out : undefined
  }

  /** What waits, where no more comes. */
  rest(): Uint8ArrayList | undefined {
    const out = new Uint8ArrayList()
    this.#letGo(out)
    return out.byteLength > 0 ? out : undefined
  }

  #read(piece: Uint8Array): void {
    for (let at = 0; at < piece.byteLength && !this.#isLost;) {
      if (this.#left > 0) {
        const bytes = Math.min(this.#left, piece.byteLength - at)
        this.#left -= bytes
        at += bytes
      } else {
        this.#readLength(piece[at] as number)
        at += 1
      }
    }
  }

  #readLength(byte: number): void {
    this.#length += (byte & 0x7f) * 2 ** (7 * this.#lengthBytes)
    this.#lengthBytes += 1
    if (byte >= 0x80) {
      this.#isLost = this.#lengthBytes === lengthBytesMax
      return
    }
    this.#left = this.#length
    this.#length = 0
    this.#lengthBytes = 0
  }

  #add(piece: Uint8Array, out: Uint8ArrayList): void {
    if (piece.byteLength > copiedBytesMax || this.#blockBytes + piece.byteLength > blockBytes) this.#letGo(out)
    if (piece.byteLength > copiedBytesMax) {
      out.append(piece)
      return
    }
    this.#block ??= new Uint8Array(blockBytes)
    this.#block.set(piece, this.#blockBytes)
    this.#blockBytes += piece.byteLength
  }

  #letGo(out: Uint8ArrayList): void {
    if (this.#block !== undefined && this.#blockBytes > 0) out.append(this.#block.subarray(0, this.#blockBytes))
    this.#block = undefined
    this.#blockBytes = 0
  }
}

/** The same messages, in few pieces. */
export async function* inWholeMessages<Read extends Chunk>(
  source: AsyncIterable<Read>,
): AsyncGenerator<Read | Uint8ArrayList, undefined> {
  const joiner = new MessageJoiner()
  for await (const chunk of source) {
    const joined = joiner.take(chunk)
    if (joined !== undefined) yield joined
  }
  const rest = joiner.rest()
  if (rest !== undefined) yield rest
}
