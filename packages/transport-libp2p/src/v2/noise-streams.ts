import type { Socket } from 'node:net'
import { Uint8ArrayList } from 'uint8arraylist'
import { allocUnsafe } from 'uint8arrays/alloc'
import { giveBack } from '../give-back.ts'
import { wasCopied } from '../write-block.ts'
import { inFewPieces } from './few-pieces.ts'
import { sendQueueOf } from './send-queue.ts'

/** What Noise's handshake leaves: both directions' keys, and how many messages each has seen. */
export interface Ciphers {
  encrypt(plaintext: Uint8Array | Uint8ArrayList): Uint8Array | Uint8ArrayList
  decrypt(ciphertext: Uint8Array | Uint8ArrayList, into?: Uint8Array): Uint8Array | Uint8ArrayList
}

type Chunk = Uint8Array | Uint8ArrayList

/** The most that one Noise message carries: its length has two bytes, and a tag of 16 bytes counts. */
export const noisePlaintextBytesMax: number = 65_519
const messageBytesMax = 65_535
const lengthBytes = 2
const tagBytes = 16
// From here on libp2p's Noise encrypts with node:crypto, and a list of pieces comes back as pieces: nothing is put together again.
const nativeBytesMin = 1_200
// Up to here the pieces of a message are put together: a write of several costs more than the copy. Larger ones would leave Node's pool.
const joinedBytesMax = 4_000
// So much is encrypted for one write; the socket says then whether it takes more.
const writeBytesMax = 4 * messageBytesMax

/**
 * The plaintext of a stream of Noise messages, each a length in two bytes, big-endian, and that many bytes. What libp2p makes of
 * one chunk comes as one chunk. It fails at the first message that is too short or was not made with the key.
 */
export async function* decrypted(source: AsyncIterable<Chunk>, ciphers: Ciphers): AsyncGenerator<Uint8ArrayList> {
  const reader = new MessageReader()
  for await (const chunk of source) {
    for (const block of chunk instanceof Uint8Array ? [chunk] : chunk) {
      reader.push(block)
      const plaintext = new Uint8ArrayList()
      for (let message = reader.take(); message !== undefined; message = reader.take()) {
        if (message.byteLength < tagBytes) throw new Error(`A Noise message of ${message.byteLength} bytes`)
        plaintext.append(ciphers.decrypt(message))
      }
      giveBack(block)
      if (plaintext.byteLength > 0) yield inFewPieces(plaintext)
    }
  }
  if (reader.isWithin) throw new Error('The connection ended within a Noise message')
}

/** Cuts blocks into Noise messages. One that straddles blocks is put together in a place that is always the same. */
class MessageReader {
  #block: Uint8Array = new Uint8Array(0)
  #at = 0
  #straddling: Uint8Array | undefined
  #straddlingBytes = 0

  /** Whether a message has begun and is not complete. */
  get isWithin(): boolean {
    return this.#straddlingBytes > 0
  }

  push(block: Uint8Array): void {
    this.#block = block
    this.#at = 0
  }

  /** The next message without its length; `undefined` when more bytes are needed. To be read before the next is taken. */
  take(): Uint8Array | undefined {
    if (this.#straddlingBytes > 0) return this.#takeStraddling()
    const available = this.#block.byteLength - this.#at
    const bytes = available < lengthBytes ? messageBytesMax : lengthBytes + lengthAt(this.#block, this.#at)
    if (available < bytes) {
      if (available > 0) this.#copy(available)
      return undefined
    }
    const message = this.#block.subarray(this.#at + lengthBytes, this.#at + bytes)
    this.#at += bytes
    return message
  }

  #takeStraddling(): Uint8Array | undefined {
    if (this.#straddlingBytes < lengthBytes) this.#copy(lengthBytes - this.#straddlingBytes)
    const straddling = this.#straddling as Uint8Array
    if (this.#straddlingBytes < lengthBytes) return undefined
    const bytes = lengthBytes + lengthAt(straddling, 0)
    this.#copy(bytes - this.#straddlingBytes)
    if (this.#straddlingBytes < bytes) return undefined
    this.#straddlingBytes = 0
    return straddling.subarray(lengthBytes, bytes)
  }

  #copy(bytesMax: number): void {
    const part = this.#block.subarray(this.#at, this.#at + bytesMax)
    this.#straddling ??= allocUnsafe(lengthBytes + messageBytesMax)
    this.#straddling.set(part, this.#straddlingBytes)
    this.#straddlingBytes += part.byteLength
    this.#at += part.byteLength
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) * 256 + (bytes[at + 1] as number)
}

/**
 * Encrypts what the muxer sends and writes it to the socket: what waits there at the moment leaves in one write, small pieces together
 * in one message. Resolves when the source ended or the socket is gone; what is left of the source is not read then.
 */
export async function encryptTo(socket: Socket, source: AsyncIterable<Chunk>, ciphers: Ciphers): Promise<void> {
  const chunks = source[Symbol.asyncIterator]()
  const writer = new MessageWriter(socket, ciphers)
  const queue = sendQueueOf(source)
  queue?.begin()
  try {
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      writer.add(next.value)
      queue?.taken(next.value)
      if (writer.bytes < writeBytesMax && hasMore(source)) continue
      if (socket.writable) writer.write()
      if (socket.writableNeedDrain) await drained(socket)
      if (!socket.writable) {
        await chunks.return?.()
        return
      }
    }
    if (socket.writable) writer.write()
  } finally {
    queue?.end()
  }
}

/** A pushable tells how much waits in it. */
function hasMore(source: AsyncIterable<Chunk>): boolean {
  return 'readableLength' in source && typeof source.readableLength === 'number' && source.readableLength > 0
}

async function drained(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
    if (socket.destroyed) done()
  })
}

/** Fills Noise messages one after another, and hands them to the socket. */
class MessageWriter {
  readonly #socket: Socket
  readonly #ciphers: Ciphers
  readonly #plaintext = allocUnsafe(noisePlaintextBytesMax)
  #plaintextBytes = 0
  /** Encrypted and not written. */
  #sealed: Uint8Array[] = []
  #sealedBytes = 0

  constructor(socket: Socket, ciphers: Ciphers) {
    this.#socket = socket
    this.#ciphers = ciphers
  }

  /** Added since the last write. */
  get bytes(): number {
    return this.#sealedBytes + this.#plaintextBytes
  }

  add(chunk: Chunk): void {
    // A frame of the muxer that fits one message gets one, so that the other side finds it in one piece.
    if (this.#plaintextBytes + chunk.byteLength > noisePlaintextBytesMax) this.#seal()
    for (const block of chunk instanceof Uint8Array ? [chunk] : chunk) this.#append(block)
  }

  write(): void {
    this.#seal()
    const sealed = this.#sealed
    if (sealed.length === 0) return
    this.#sealed = []
    this.#sealedBytes = 0
    const { length } = sealed
    if (length === 1) {
      this.#socket.write(sealed[0] as Uint8Array)
      return
    }
    this.#socket.cork()
    for (let index = 0; index < length - 1; index += 1) this.#socket.write(sealed[index] as Uint8Array)
    // Called whether or not it succeeded: the system has copied the bytes, or will not.
    this.#socket.write(sealed[length - 1] as Uint8Array, () => sealed.forEach(giveBack))
    this.#socket.uncork()
  }

  #append(block: Uint8Array): void {
    for (let from = 0; from < block.byteLength;) {
      if (this.#plaintextBytes === noisePlaintextBytesMax) this.#seal()
      const part = block.subarray(from, from + noisePlaintextBytesMax - this.#plaintextBytes)
      this.#plaintext.set(part, this.#plaintextBytes)
      this.#plaintextBytes += part.byteLength
      from += part.byteLength
    }
    wasCopied(block)
  }

  #seal(): void {
    if (this.#plaintextBytes === 0) return
    const plaintext = this.#plaintext.subarray(0, this.#plaintextBytes)
    this.#plaintextBytes = 0
    const isSmall = plaintext.byteLength < nativeBytesMin
    const ciphertext = this.#ciphers.encrypt(isSmall ? plaintext : new Uint8ArrayList(plaintext))
    const bytes = ciphertext.byteLength
    this.#sealedBytes += bytes
    const pieces = ciphertext instanceof Uint8Array ? [ciphertext] : [...ciphertext]
    const isJoined = bytes <= joinedBytesMax
    const head = allocUnsafe(lengthBytes + (isJoined ? bytes : 0))
    head[0] = bytes >> 8
    head[1] = bytes
    this.#sealed.push(head)
    if (!isJoined) this.#sealed.push(...pieces)
    else pieces.reduce((at, piece) => (head.set(piece, at), at + piece.byteLength), lengthBytes)
  }
}
