/** A smaller piece behind others is put next to them. */
const joinedBytesMax = 1_024
const blockBytes = 4 * 1_024

/**
 * Bytes that came and wait to be read, in order. Its owner bounds how many they are; small pieces are joined, so that they take
 * no more memory than large ones: a peer may send its whole window byte by byte, and each would be an object of its own otherwise.
 */
export class PieceQueue {
  readonly #pieces: Uint8Array[] = []
  /** The block that the last piece is the beginning of, if it is one of ours. */
  #block: Uint8Array | undefined
  #blockBytes = 0

  /** How many pieces wait, joined ones as one. */
  get length(): number {
    return this.#pieces.length
  }

  push(piece: Uint8Array): void {
    if (this.#pieces.length === 0 || piece.byteLength >= joinedBytesMax) {
      this.#block = undefined
      this.#pieces.push(piece)
      return
    }
    if (this.#block === undefined || this.#blockBytes + piece.byteLength > blockBytes) {
      this.#block = new Uint8Array(blockBytes)
      this.#blockBytes = 0
      this.#pieces.push(this.#block)
    }
    this.#block.set(piece, this.#blockBytes)
    this.#blockBytes += piece.byteLength
    this.#pieces[this.#pieces.length - 1] = this.#block.subarray(0, this.#blockBytes)
  }

  shift(): Uint8Array | undefined {
    const piece = this.#pieces.shift()
    if (this.#pieces.length === 0) this.#block = undefined
    return piece
  }

  clear(): void {
    this.#pieces.length = 0
    this.#block = undefined
  }
}
