/** What connections are split into streams by. */
export const muxerProtocol = '/yamux/1.0.0'

// What libp2p itself takes, if only it looked while a length goes on.
const messageBytesMax = 1024
// The greeting, and as many protocols as one may offer: eight secrets are the most that we do.
const messagesMax = 16
const more = 0x80

/**
 * Watches a negotiation (multistream-select: texts behind their length) from outside, until a protocol is chosen. libp2p reads a
 * length for as long as its bytes say that another one follows, with some hundred bytes of memory and ever more time for each:
 * 64 KiB of them, from anybody who reaches the port, kept a node busy for seconds.
 */
export class MultistreamGuard {
  readonly #isChosen: (protocol: string) => boolean
  #isOver = false
  #messages = 0
  #lengthBytes = 0
  #length = 0
  /** Of the text that is being read; `undefined` while its length is. */
  #text: number[] | undefined

  /** `isChosen`: whether the negotiation ends with this protocol. */
  constructor(isChosen: (protocol: string) => boolean) {
    this.#isChosen = isChosen
  }

  /** From here on the bytes are somebody else's, and need not be shown. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Throws at the first byte that belongs to no negotiation of ours. */
  check(chunk: Uint8Array | Iterable<Uint8Array>): void {
    for (const block of chunk instanceof Uint8Array ? [chunk] : chunk) {
      for (const byte of block) {
        if (this.#isOver) return
        if (this.#text === undefined) this.#takeLength(byte)
        else this.#takeText(this.#text, byte)
      }
    }
  }

  #takeLength(byte: number): void {
    this.#length += (byte & ~more) * (this.#lengthBytes === 0 ? 1 : more)
    this.#lengthBytes += 1
    if (byte >= more) {
      if (this.#lengthBytes === 2) throw new Error('Not a negotiation: a length without an end')
      return
    }
    if (this.#length === 0 || this.#length > messageBytesMax) {
      throw new Error(`Not a negotiation: a text of ${this.#length} bytes`)
    }
    this.#messages += 1
    if (this.#messages > messagesMax) throw new Error(`Not a negotiation: more than ${messagesMax} texts`)
    this.#text = []
  }

  #takeText(text: number[], byte: number): void {
    text.push(byte)
    if (text.length < this.#length) return
    this.#isOver = this.#isChosen(String.fromCharCode(...text.slice(0, -1)))
    this.#text = undefined
    this.#length = 0
    this.#lengthBytes = 0
  }
}
