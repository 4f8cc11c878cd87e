import { frameOverheadBytes } from './io-message.ts'

/** What the other thread has not taken yet of one lane, as its sender counts it. */
export class SentWindow {
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  get isFull(): boolean {
    return this.#bytes >= this.#bytesMax
  }

  /** Whether there is so much room again that it is worth telling. */
  get isHalfEmpty(): boolean {
    return this.#bytes <= this.#bytesMax / 2
  }

  sent(frameBytes: number): void {
    this.#bytes += frameBytes + frameOverheadBytes
  }

  taken(bytes: number): void {
    this.#bytes -= bytes
  }
}

/** What one lane has taken and not told yet: it is told in quarters of the window, as every telling is a post. */
export class TakenWindow {
  readonly #quarter: number
  #untold = 0

  constructor(bytesMax: number) {
    this.#quarter = bytesMax / 4
  }

  /** The bytes to tell now; 0: later, together with others. */
  took(frameBytes: number): number {
    this.#untold += frameBytes + frameOverheadBytes
    return this.#untold < this.#quarter ? 0 : this.takeUntold()
  }

  takeUntold(): number {
    const untold = this.#untold
    this.#untold = 0
    return untold
  }
}
