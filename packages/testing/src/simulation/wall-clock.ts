import type { SimKernel } from '../kernel/sim-kernel.ts'

// November 2023: any date that is not 1970 will do.
const startMs = 1_700_000_000_000

/** The wall clock of one machine: right, until it is made to jump or drift. */
export class WallClock {
  readonly #kernel: SimKernel
  #offsetMs = 0
  #driftPpm = 0
  #driftFromUs = 0

  constructor(kernel: SimKernel) {
    this.#kernel = kernel
  }

  /** Milliseconds since 1970, as this machine believes. */
  now(): number {
    const driftedUs = ((this.#kernel.nowUs - this.#driftFromUs) * this.#driftPpm) / 1_000_000
    return Math.floor(startMs + (this.#kernel.nowUs + driftedUs) / 1_000 + this.#offsetMs)
  }

  /** Jumps by so much, either way, and goes wrong by so many microseconds a second from now on. */
  skew({ jumpMs, driftPpm }: { readonly jumpMs: number; readonly driftPpm: number }): void {
    this.#offsetMs += jumpMs
    this.#driftPpm = driftPpm
    this.#driftFromUs = this.#kernel.nowUs
  }

  /** It is set right again, which may be a jump backwards. */
  correct(): void {
    this.#offsetMs = 0
    this.#driftPpm = 0
  }
}
