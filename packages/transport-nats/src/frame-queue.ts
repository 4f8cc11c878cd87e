const lengthBytes = 4

/** Frames that wait to be sent, as the bytes of a lane: each behind its length in four bytes. Unbounded: its owner watches `bytes`. */
export class FrameQueue {
  readonly #pieces: Uint8Array[] = []
  /** Pieces before it are sent. */
  #first = 0
  /** How much of the first piece is sent. */
  #offset = 0
  #bytes = 0

  /** The bytes that wait, lengths included. */
  get bytes(): number {
    return this.#bytes
  }

  push(frame: Uint8Array): void {
    this.#pushLength(frame.byteLength)
    this.#pushPiece(frame)
  }

  /** A frame of two pieces. */
  pushPieces(head: Uint8Array, body: Uint8Array): void {
    this.#pushLength(head.byteLength + body.byteLength)
    this.#pushPiece(head)
    this.#pushPiece(body)
  }

  /** Moves the oldest bytes to `target`, from `at` on, at most to its end. Returns how many. */
  moveTo(target: Uint8Array, at: number): number {
    let end = at
    while (this.#first < this.#pieces.length && end < target.byteLength) {
      const piece = this.#pieces[this.#first] as Uint8Array
      const part = piece.subarray(this.#offset, this.#offset + target.byteLength - end)
      target.set(part, end)
      end += part.byteLength
      this.#offset += part.byteLength
      if (this.#offset === piece.byteLength) this.#next()
    }
    this.#bytes -= end - at
    return end - at
  }

  clear(): void {
    this.#pieces.length = 0
    this.#first = 0
    this.#offset = 0
    this.#bytes = 0
  }

  #pushLength(length: number): void {
    const bytes = new Uint8Array(lengthBytes)
    new DataView(bytes.buffer).setUint32(0, length)
    this.#pushPiece(bytes)
  }

  #pushPiece(piece: Uint8Array): void {
    if (piece.byteLength === 0) return
    this.#pieces.push(piece)
    this.#bytes += piece.byteLength
  }

  #next(): void {
    this.#first += 1
    this.#offset = 0
    // What was sent is let go of in strides: a shift of each piece would move all the others.
    if (this.#first < 1_024 && this.#first < this.#pieces.length) return
    this.#pieces.splice(0, this.#first)
    this.#first = 0
  }
}
