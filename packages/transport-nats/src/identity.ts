import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { badOption } from './options.ts'

/** A node's name and the key that proves it. The name is the public key in base64url: 43 characters, fit for a subject. */
export interface Identity {
  readonly id: string
  readonly key: KeyObject
}

// What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410).
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex')
export const keyBytes = 32

/** A fresh Ed25519 identity as plain data. */
export function generateIdentity(): { id: string; privateKey: string } {
  const { id, key } = freshIdentity()
  const seed = key.export({ format: 'der', type: 'pkcs8' }).subarray(pkcs8Head.byteLength)
  return { id, privateKey: seed.toString('base64') }
}

/** The identity in the option `privateKey`, or a fresh one. Throws `ERR_TRANSPORT_START` when it can't be read. */
export function readIdentity(privateKey: string | undefined): Identity {
  if (privateKey === undefined) return freshIdentity()
  const seed = Buffer.from(privateKey, 'base64')
  if (seed.byteLength !== keyBytes) throw badOption('privateKey', 'is not a key made by createIdentity')
  return identityOf(seed)
}

/** The bytes of the public key that a node's name is; `undefined` for what names no node. */
export function keyOfId(id: string): Buffer | undefined {
  const key = id.length === 43 ? Buffer.from(id, 'base64url') : undefined
  // Its last character has bits to spare: only one spelling is the name.
  return key?.byteLength === keyBytes && idOfKey(key) === id ? key : undefined
}

export function idOfKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('base64url')
}

function freshIdentity(): Identity {
  // As bytes, for the reason that freshAgreementKey gives.
  const { privateKey } = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  })
  return identityOf(privateKey.subarray(pkcs8Head.byteLength))
}

function identityOf(seed: Uint8Array): Identity {
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' })
  return { id: createPublicKey(key).export({ format: 'jwk' }).x as string, key }
}
