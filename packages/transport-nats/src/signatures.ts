import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { type Identity, keyOfId } from './identity.ts'

/** Signs and checks Ed25519 signatures without waiting. */
export interface Signatures {
  sign(bytes: Uint8Array): Uint8Array
  /** `false` for anything that is not `author`'s signature over `bytes`, garbage included. */
  verify(author: string, bytes: Uint8Array, signature: Uint8Array): boolean
}

// Parsed keys of authors, so that the usual check is one call into OpenSSL. At the bound the oldest is dropped.
const parsedKeysMax = 1024
export const signatureBytes = 64

export function createSignatures({ key }: Identity): Signatures {
  const parsedKeys = new Map<string, KeyObject>()

  function keyOf(author: string): KeyObject | undefined {
    const known = parsedKeys.get(author)
    if (known !== undefined) return known
    const parsed = publicKey(author)
    if (parsed === undefined) return undefined
    if (parsedKeys.size >= parsedKeysMax) {
      const [oldest] = parsedKeys.keys()
      if (oldest !== undefined) parsedKeys.delete(oldest)
    }
    parsedKeys.set(author, parsed)
    return parsed
  }

  return {
    sign(bytes) {
      const signature = sign(null, bytes, key)
      return new Uint8Array(signature.buffer, signature.byteOffset, signature.byteLength)
    },
    verify(author, bytes, signature) {
      if (signature.byteLength !== signatureBytes) return false
      const authorKey = keyOf(author)
      return authorKey !== undefined && verify(null, bytes, authorKey, signature)
    },
  }
}

/** The name of a node is its public key, so that no key has to be known beforehand. */
function publicKey(author: string): KeyObject | undefined {
  if (keyOfId(author) === undefined) return undefined
  try {
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: author }, format: 'jwk' })
  } catch {
    // Not a point on the curve: nobody can have signed as this author.
    return undefined
  }
}
