// What a frame costs beside its bytes, so that a flood of empty ones is bounded too.
const frameOverheadBytes = 64

/** What came on the further lanes of a link before its accept, which it may overtake; at most `bytesMax` bytes, overhead included. */
export class EarlyFrames {
  readonly #bytesMax: number
  #frames: Uint8Array[] = []
  #bytes = 0
  #next = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** `false`: that was too much. */
  push(frame: Uint8Array): boolean {
    this.#frames.push(frame)
    this.#bytes += frame.byteLength + frameOverheadBytes
    return this.#bytes <= this.#bytesMax
  }

  /** The next one, in order; `undefined` when there is none. */
  shift(): Uint8Array | undefined {
    const frame = this.#frames[this.#next]
    if (frame === undefined) this.drop()
    else this.#next += 1
    return frame
  }

  drop(): void {
    this.#frames = []
    this.#next = 0
  }
}
