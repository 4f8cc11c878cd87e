import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { peerIdFromString } from '@libp2p/peer-id'
import { toString } from 'uint8arrays/to-string'
import type { Identity } from './identity.ts'

/** Signs and checks Ed25519 signatures without waiting. */
export interface Signatures {
  sign(bytes: Uint8Array): Uint8Array
  /** `false` for anything that is not `author`'s signature over `bytes`, garbage included. */
  verify(author: string, bytes: Uint8Array, signature: Uint8Array): boolean
}

// Parsed keys of authors, so that the usual check is one call into OpenSSL. At the bound the oldest is dropped.
const parsedKeysMax = 1024
const signatureBytes = 64

export function createSignatures(identity: Identity): Signatures {
  const ownKey = privateKeyObject(identity)
  const parsedKeys = new Map<string, KeyObject>()

  function keyOf(author: string): KeyObject | undefined {
    const known = parsedKeys.get(author)
    if (known !== undefined) return known
    const key = publicKeyObject(author)
    if (key === undefined) return undefined
    if (parsedKeys.size >= parsedKeysMax) {
      const [oldest] = parsedKeys.keys()
      if (oldest !== undefined) parsedKeys.delete(oldest)
    }
    parsedKeys.set(author, key)
    return key
  }

  return {
    sign(bytes) {
      const signature = sign(null, bytes, ownKey)
      return new Uint8Array(signature.buffer, signature.byteOffset, signature.byteLength)
    },
    verify(author, bytes, signature) {
      if (signature.byteLength !== signatureBytes) return false
      const key = keyOf(author)
      return key !== undefined && verify(null, bytes, key, signature)
    },
  }
}

function privateKeyObject({ key }: Identity): KeyObject {
  // libp2p's raw form is the seed and then the public key.
  const d = toString(key.raw.subarray(0, 32), 'base64url')
  const x = toString(key.publicKey.raw, 'base64url')
  return createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', d, x }, format: 'jwk' })
}

/** An Ed25519 peer id holds the public key itself, so that no key has to be known beforehand. */
function publicKeyObject(author: string): KeyObject | undefined {
  try {
    const peer = peerIdFromString(author)
    // An id can be spelled in other bases too; only the usual spelling is a node's name.
    if (peer.type !== 'Ed25519' || peer.toString() !== author) return undefined
    const x = toString(peer.publicKey.raw, 'base64url')
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  } catch {
    // Not a peer id, or not a point on the curve: nobody can have signed as this author.
    return undefined
  }
}
