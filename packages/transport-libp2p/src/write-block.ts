// Of a smaller one the memory costs nothing worth the account.
const keptBytesMin = 8 * 1024
/** The largest block. */
export const writeBlockBytesMax: number = 64 * 1024
// Of a thread, not of a lane: an idle lane has none.
const spareBytesMax = 1024 * 1024

/** Blocks that nobody reads any more, by their size. */
const spares = new Map<number, WriteBlock[]>()
let spareBytes = 0
const inUse = new WeakMap<ArrayBufferLike, WriteBlock>()

/**
 * Bytes that frames are written to one behind another, until they are written to the stream. Once all of them were copied from there, to be encrypted,
 * the block is used again: memory of its own for each write makes the garbage collector mark the whole heap, though it lives for
 * microseconds. Where nobody says that they were copied, it is left to the collector.
 */
export class WriteBlock {
  readonly bytes: Uint8Array
  /** Written up to here. Whoever writes moves it. */
  end = 0
  #copiedBytes = 0
  #isSealed = false

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** Nothing more is written to it. All that was is handed over, or never will be read by anybody. */
  seal(): void {
    this.#isSealed = true
    this.#spareIfRead()
  }

  /** Each byte is copied once, and counts once. */
  copied(bytes: number): void {
    this.#copiedBytes += bytes
    this.#spareIfRead()
  }

  #spareIfRead(): void {
    const { byteLength } = this.bytes
    if (!this.#isSealed || this.#copiedBytes !== this.end || byteLength < keptBytesMin) return
    if (spareBytes + byteLength > spareBytesMax) return
    this.end = 0
    this.#copiedBytes = 0
    this.#isSealed = false
    spareBytes += byteLength
    const alike = spares.get(byteLength)
    if (alike === undefined) spares.set(byteLength, [this])
    else alike.push(this)
  }
}

/** An empty one, of a power of two of bytes, from 256 on: `bytes` at least. */
export function writeBlock(bytes: number): WriteBlock {
  const size = Math.max(256, 1 << (32 - Math.clz32(bytes - 1)))
  const spare = spares.get(size)?.pop()
  if (spare !== undefined) {
    spareBytes -= size
    return spare
  }
  // With a buffer of its own, by which it is known.
  const block = new WriteBlock(size < keptBytesMin ? new Uint8Array(size) : Buffer.allocUnsafeSlow(size))
  if (size >= keptBytesMin) inUse.set(block.bytes.buffer, block)
  return block
}

/** These bytes were copied by the one who was to write them, and nobody reads them again where they are. Anybody's, if no block has them. */
export function wasCopied(bytes: Uint8Array): void {
  inUse.get(bytes.buffer)?.copied(bytes.byteLength)
}
