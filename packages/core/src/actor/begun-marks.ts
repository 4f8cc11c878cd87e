/** Remote processes on other threads of one node that can be told apart; those beyond it may have begun, as far as main knows. */
const marksMax = 16_384

const waiting = 0
const begun = 1
const revoked = 2

/**
 * A byte for each remote process on another thread, shared with all of them: set before the first line of its procedure runs, read when
 * its thread can say nothing any more. So the caller of one that was killed in front of that, while its input was still being checked,
 * can be told that nothing was done. Main, which gives and takes back the places, may also forbid one to begin: either that
 * or the beginning comes first, and both ends know which.
 */
export class BegunMarks {
  readonly buffer: SharedArrayBuffer
  readonly #bytes: Uint8Array
  readonly #free: number[] = []
  #used = 0

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(marksMax)) {
    this.buffer = buffer
    this.#bytes = new Uint8Array(buffer)
  }

  /** A place for a process that has not begun; `undefined`: all are taken. */
  take(): number | undefined {
    const at = this.#free.pop() ?? (this.#used < this.#bytes.length ? this.#used++ : undefined)
    if (at !== undefined) Atomics.store(this.#bytes, at, waiting)
    return at
  }

  /** Its process has ended. One that nobody can say so of keeps its place, which nobody else may be given. */
  giveBack(at: number | undefined): void {
    if (at !== undefined) this.#free.push(at)
  }

  /** The procedure runs from here on. `false`: it must not. */
  begin(at: number): boolean {
    return Atomics.compareExchange(this.#bytes, at, waiting, begun) === waiting
  }

  /** It does not begin any more. `false`: it may have. */
  revoke(at: number | undefined): boolean {
    return at !== undefined && Atomics.compareExchange(this.#bytes, at, waiting, revoked) !== begun
  }
}
