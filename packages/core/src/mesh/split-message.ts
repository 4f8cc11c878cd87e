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

  /** A copy of the bytes from `from` to `to`, behind `room` bytes that are the caller's to write. */
  slice(from: number, to: number, room = 0): Uint8Array {
    const bytes = new Uint8Array(room + to - from)
    const headBytes = this.head.byteLength
    if (from < headBytes) bytes.set(this.head.subarray(from, to), room)
    if (to > headBytes) {
      const at = Math.max(from, headBytes)
      bytes.set(this.body.subarray(at - headBytes, to - headBytes), room + at - from)
    }
    return bytes
  }
}
