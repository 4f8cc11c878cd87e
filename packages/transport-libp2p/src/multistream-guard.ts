import type { Uint8ArrayList } from 'uint8arraylist'

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
  check(chunk: Uint8Array | Uint8ArrayList): void {
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

/** The same bytes; it fails where the negotiation at their beginning is none. Once that is over, nothing stands between. */
export function guarded<Chunk extends Uint8Array | Uint8ArrayList>(
  source: AsyncIterable<Chunk> | Iterable<Chunk>,
  isChosen: (protocol: string) => boolean,
): AsyncGenerator<Chunk> {
  const guard = new MultistreamGuard(isChosen)
  const chunks = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : asyncOf(source)
  const checked = async (): Promise<IteratorResult<Chunk, undefined>> => {
    const result = await chunks.next()
    if (result.done !== true) guard.check(result.value)
    return result
  }
  const end = async (): Promise<void> => void (await chunks.return?.())
  const iterator: AsyncGenerator<Chunk> = {
    [Symbol.asyncIterator]: () => iterator,
    next: () => (guard.isOver ? chunks.next() : checked()),
    return: async (value) => (await end(), { done: true, value }),
    async throw(error) {
      await end()
      throw error
    },
    [Symbol.asyncDispose]: end,
  }
  return iterator
}

async function* asyncOf<Chunk>(source: Iterable<Chunk>): AsyncGenerator<Chunk, undefined> {
  yield* source
}
