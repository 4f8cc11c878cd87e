import { timingSafeEqual } from 'node:crypto'
import { mac } from './handshake.ts'
import { idOfKey, keyBytes, keyOfId } from './identity.ts'
import { type Signatures, signatureBytes } from './signatures.ts'

const version = 1
const macBytes = 16
const headBytes = 2 + keyBytes
const topicBytesMax = 255
const recordBytesMax: number = 16 * 1024
/** Nothing longer is looked at. */
const broadcastBytesMax: number = headBytes + topicBytesMax + recordBytesMax + macBytes + signatureBytes

/** What a node says to all of its cluster: a record, or, without a topic, only that it is there. */
export interface Broadcast {
  readonly via: string
  readonly topic: string
  readonly record: Uint8Array
}

export interface BroadcastKeys {
  /** The digest of the cluster's name: what is meant for one cluster means nothing in another. */
  readonly tag: string
  /** Made from the secrets; any of them is believed, the first is used. */
  readonly secrets: readonly Uint8Array[]
  readonly signatures: Signatures
}

/** The version, the length of the topic, who says it, the topic, the record, a proof of the secret, and a signature of the node. */
export function encodeBroadcast({ via, topic, record }: Broadcast, keys: BroadcastKeys): Uint8Array {
  const topicText = Buffer.from(topic)
  const body = Buffer.concat([
    Uint8Array.of(version, topicText.byteLength),
    keyOfId(via) ?? new Uint8Array(0),
    topicText,
    record,
  ])
  const proved = Buffer.concat([body, proof(keys.secrets[0] as Uint8Array, keys.tag, body)])
  return Buffer.concat([proved, keys.signatures.sign(signed(keys.tag, proved))])
}

/** Whether a topic and a record are small enough. */
export function fits(topic: string, record: Uint8Array): boolean {
  return Buffer.byteLength(topic) <= topicBytesMax && record.byteLength <= recordBytesMax
}

/** `undefined` for what no node of this cluster said. The secret is looked at first: it costs a hundredth of the signature. */
export function openBroadcast(bytes: Uint8Array, keys: BroadcastKeys): Broadcast | undefined {
  const topicEnd = headBytes + (bytes[1] ?? 0)
  const recordEnd = bytes.byteLength - macBytes - signatureBytes
  if (bytes.byteLength > broadcastBytesMax || bytes[0] !== version || topicEnd > recordEnd) return undefined
  const provedEnd = recordEnd + macBytes
  const given = bytes.subarray(recordEnd, provedEnd)
  const body = bytes.subarray(0, recordEnd)
  if (!keys.secrets.some((secret) => timingSafeEqual(given, proof(secret, keys.tag, body)))) return undefined
  const via = idOfKey(bytes.subarray(2, headBytes))
  if (!keys.signatures.verify(via, signed(keys.tag, bytes.subarray(0, provedEnd)), bytes.subarray(provedEnd))) {
    return undefined
  }
  const topic = Buffer.from(bytes.subarray(headBytes, topicEnd)).toString()
  // A copy: what one message of the client is a view of may be much larger, and stays as long as it does.
  return { via, topic, record: bytes.slice(topicEnd, recordEnd) }
}

function proof(secret: Uint8Array, tag: string, body: Uint8Array): Uint8Array {
  return mac(secret, signed(tag, body))
}

function signed(tag: string, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`skerry nats broadcast\0${tag}\0`), bytes])
}
