import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import { badOption } from './options.ts'

/** A node's name and the key that proves it. */
export interface Identity {
  readonly id: string
  readonly key: Ed25519PrivateKey
}

/** A fresh Ed25519 identity as plain data. */
export async function generateIdentity(): Promise<{ id: string; privateKey: string }> {
  const { id, key } = await freshIdentity()
  return { id, privateKey: toString(privateKeyToProtobuf(key), 'base64pad') }
}

/** The identity in the option `privateKey`, or a fresh one. Throws `ERR_TRANSPORT_START` when it can't be read. */
export async function readIdentity(privateKey: string | undefined): Promise<Identity> {
  if (privateKey === undefined) return await freshIdentity()
  const key = parsedKey(privateKey)
  // Other key types let an author be forged in this line of gossipsub, and their ids don't carry the public key.
  if (key.type !== 'Ed25519') throw badOption('privateKey', `is a key of type ${key.type}, not Ed25519`)
  return { id: peerIdFromPrivateKey(key).toString(), key }
}

async function freshIdentity(): Promise<Identity> {
  const key = await generateKeyPair('Ed25519')
  return { id: peerIdFromPrivateKey(key).toString(), key }
}

function parsedKey(privateKey: string): ReturnType<typeof privateKeyFromProtobuf> {
  try {
    return privateKeyFromProtobuf(fromString(privateKey.replace(/=+$/, ''), 'base64'))
  } catch (cause) {
    throw badOption('privateKey', 'is not a key made by createIdentity', { cause })
  }
}
