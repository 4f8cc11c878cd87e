/** A frame's link message with a large body: in two pieces, so that the body is not copied to stand behind the header. */
export class SplitMessage {
  /** The kind of the link message, and the header of the frame. */
  readonly head: Uint8Array
  /** Must not change any more: it is read when its parts are sent. */
  readonly body: Uint8Array
  readonly byteLength: number

  constructor(head: Uint8Array, body: Uint8Array) {
    this.head = head
    this.body = body
    this.byteLength = head.byteLength + body.byteLength
  }

  /** Both pieces behind each other: a copy. */
  join(): Uint8Array {
    return this.slice(0, this.byteLength)
  }

  /** A copy of the bytes from `from` to `to`. */
  slice(from: number, to: number): Uint8Array {
    const bytes = new Uint8Array(to - from)
    const headBytes = this.head.byteLength
    if (from < headBytes) bytes.set(this.head.subarray(from, to))
    const body = this.#bodyBetween(from, to)
    bytes.set(body, bytes.byteLength - body.byteLength)
    return bytes
  }

  /** The bytes from `from` to `to` behind `room` bytes that are the caller's to write. What is of the body is no copy. */
  cut(from: number, to: number, room: number): SplitMessage {
    const ofHead = this.head.subarray(from, to)
    const head = new Uint8Array(room + ofHead.byteLength)
    head.set(ofHead, room)
    return new SplitMessage(head, this.#bodyBetween(from, to))
  }

  #bodyBetween(from: number, to: number): Uint8Array {
    const headBytes = this.head.byteLength
    return this.body.subarray(Math.max(from - headBytes, 0), Math.max(to - headBytes, 0))
  }
}
