import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'

const cipher = 'aes-256-gcm'
const counterBytes = 6
const nonceBytes = 12
const tagBytes = 16
/** By how much a packet grows when it is sealed. */
export const sealBytes: number = counterBytes + tagBytes
const counterMax = 2 ** 48 - 1

/**
 * Seals the packets of one direction of one link: encrypted, authenticated, and counted from 0. A packet is its number in
 * the clear (six bytes), the ciphertext, and the tag. No key is used for two links or two directions, so no nonce twice.
 */
export class Sealer {
  readonly #key: KeyObject
  readonly #nonce = Buffer.alloc(nonceBytes)
  #next = 0

  constructor(key: KeyObject) {
    this.#key = key
  }

  /** The sealed packet, behind `head` bytes that the caller fills. Throws after 2^48 packets, which takes centuries. */
  seal(packet: Uint8Array, head: number): Uint8Array {
    if (this.#next > counterMax) throw new Error('Assertion failed: a link carries at most 2^48 packets')
    this.#nonce.writeUIntBE(this.#next, nonceBytes - counterBytes, counterBytes)
    const sealed = new Uint8Array(head + packet.byteLength + sealBytes)
    sealed.set(this.#nonce.subarray(nonceBytes - counterBytes), head)
    const encryption = createCipheriv(cipher, this.#key, this.#nonce)
    sealed.set(encryption.update(packet), head + counterBytes)
    encryption.final()
    sealed.set(encryption.getAuthTag(), head + counterBytes + packet.byteLength)
    this.#next += 1
    return sealed
  }
}

/**
 * What came of a sealed packet. `forged`: not from the peer, or changed. `repeated`: one that came before. `lost`: it is the
 * peer's, but so many before it never came.
 */
export type Opened =
  | { readonly kind: 'packet'; readonly packet: Uint8Array }
  | { readonly kind: 'forged' | 'repeated' }
  | { readonly kind: 'lost'; readonly packets: number }

/** The reverse of a `Sealer`. Only what the peer sealed moves it on, so that nobody else can make it miss a packet. */
export class Opener {
  readonly #key: KeyObject
  readonly #nonce = Buffer.alloc(nonceBytes)
  #next = 0

  constructor(key: KeyObject) {
    this.#key = key
  }

  open(sealed: Uint8Array): Opened {
    if (sealed.byteLength < sealBytes) return { kind: 'forged' }
    this.#nonce.set(sealed.subarray(0, counterBytes), nonceBytes - counterBytes)
    const number = this.#nonce.readUIntBE(nonceBytes - counterBytes, counterBytes)
    if (number < this.#next) return { kind: 'repeated' }
    const packet = this.#decrypted(sealed)
    if (packet === undefined) return { kind: 'forged' }
    if (number > this.#next) return { kind: 'lost', packets: number - this.#next }
    this.#next += 1
    return { kind: 'packet', packet }
  }

  #decrypted(sealed: Uint8Array): Uint8Array | undefined {
    const decryption = createDecipheriv(cipher, this.#key, this.#nonce, { authTagLength: tagBytes })
    decryption.setAuthTag(sealed.subarray(sealed.byteLength - tagBytes))
    const packet = decryption.update(sealed.subarray(counterBytes, sealed.byteLength - tagBytes))
    try {
      decryption.final()
    } catch {
      // The tag does not fit: somebody else's bytes, which nobody is to read.
      return undefined
    }
    return new Uint8Array(packet.buffer, packet.byteOffset, packet.byteLength)
  }
}
