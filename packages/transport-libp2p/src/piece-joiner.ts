// A larger piece is not worth a copy.
const copiedBytesMax = 1_024
const blockBytes = 4 * 1_024
// What comes whole goes on as it came if it has no more pieces, or larger ones.
const piecesMax = 8
const pieceBytesMin = 256

/** How a stream is cut into messages: what stands before each says how many bytes follow. */
export interface Framing {
  /** The next byte before a message: how many bytes follow, `undefined` while there are more before it, or `'none'` where that can't be said. */
  read(byte: number): number | 'none' | undefined
}

/**
 * Joins the small pieces that messages come in: they wait until the message is whole, or 4 KiB of them are there. Whoever reads the messages keeps the
 * pieces of one that is not whole, each with 125 bytes and more beside its own, and takes a time that grows with the square of their number; and in how many it
 * comes is for the peer to say. The bytes are the same, and what can't be a message goes through as it comes, for the reader to refuse.
 */
export class PieceJoiner {
  readonly #framing: Framing
  /** Whether the framing has read a part of what stands before a message. */
  #isBefore = false
  /** Bytes of the message that are still to come. */
  #left = 0
  #isLost = false
  #block: Uint8Array | undefined
  #blockBytes = 0

  constructor(framing: Framing) {
    this.#framing = framing
  }

  /** What may go on now that these have come: the same array if that is all that there is. */
  take(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
    let byteLength = 0
    for (const piece of pieces) {
      this.#read(piece)
      byteLength += piece.byteLength
    }
    const isWhole = this.#isLost || (this.#left === 0 && !this.#isBefore)
    const isInFew = pieces.length <= piecesMax || byteLength >= pieces.length * pieceBytesMin
    // As nearly all do.
    if (isWhole && isInFew && this.#blockBytes === 0) return pieces
    const out: Uint8Array[] = []
    for (const piece of pieces) this.#add(piece, out)
    if (isWhole) this.#letGo(out)
    return out
  }

  /** What waits, where no more comes. */
  rest(): readonly Uint8Array[] {
    const out: Uint8Array[] = []
    this.#letGo(out)
    return out
  }

  #read(piece: Uint8Array): void {
    for (let at = 0; at < piece.byteLength && !this.#isLost;) {
      if (this.#left > 0) {
        const bytes = Math.min(this.#left, piece.byteLength - at)
        this.#left -= bytes
        at += bytes
      } else {
        const said = this.#framing.read(piece[at] as number)
        at += 1
        this.#isBefore = said === undefined
        if (said === 'none') this.#isLost = true
        else if (said !== undefined) this.#left = said
      }
    }
  }

  #add(piece: Uint8Array, out: Uint8Array[]): void {
    const isCopied = piece.byteLength <= copiedBytesMax
    if (!isCopied || this.#blockBytes + piece.byteLength > blockBytes) this.#letGo(out)
    if (!isCopied) {
      out.push(piece)
      return
    }
    this.#block ??= new Uint8Array(blockBytes)
    this.#block.set(piece, this.#blockBytes)
    this.#blockBytes += piece.byteLength
  }

  #letGo(out: Uint8Array[]): void {
    if (this.#block !== undefined && this.#blockBytes > 0) out.push(this.#block.subarray(0, this.#blockBytes))
    this.#block = undefined
    this.#blockBytes = 0
  }
}
