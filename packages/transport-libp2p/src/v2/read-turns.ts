// So long may a thread be busy with what came over one connection, without a pause in which nothing came.
const busyMsMax = 5
// What took longer than this is cut, so that the next does not.
const pieceMs = 2
const pieceBytesMin = 1_024

/**
 * How much of what came over a connection is handed on at once, and when others have their turn first. A socket of Node is read up to 2 MiB before any
 * other, each time that it is looked at, and how long that takes is for the peer to say: as yamux's frames of one byte it was three seconds.
 */
export class ReadTurns {
  #busyMs = 0
  #pieceBytes = Infinity

  /** At least 1,024, and `Infinity` while pieces take no time worth to speak of. */
  get pieceBytes(): number {
    return this.#pieceBytes
  }

  /** A piece of so many bytes was waited for and then kept the thread busy. Whether others are to have their turn before the next. */
  took(bytes: number, waitedMs: number, ms: number): boolean {
    this.#pieceBytes = ms < pieceMs / 2 ? Infinity : Math.max(pieceBytesMin, Math.floor((bytes * pieceMs) / ms))
    this.#busyMs = Math.max(0, this.#busyMs - waitedMs) + ms
    if (this.#busyMs < busyMsMax) return false
    this.#busyMs = 0
    return true
  }
}
