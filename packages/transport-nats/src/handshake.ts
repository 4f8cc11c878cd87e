import {
  createHash,
  createHmac,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto'
import { idOfKey, keyBytes, keyOfId } from './identity.ts'
import { type Signatures, signatureBytes } from './signatures.ts'

/*
 * Who wants a link says `open` to the other node's subject; it answers with `answer` or `refuse`. Both sides sign, with the
 * identity that their id is, a fresh key for an agreement (X25519), and both show that they know a secret of the cluster; the
 * keys of the link are made from the agreement, the secret and all that was said. So they are known to nobody else who
 * listens on the server, not even later to one who learns the secret. The pattern is SIGMA's (Krawczyk 2003), with the
 * cluster's secret mixed in as Noise does with a pre-shared key.
 */

/** The first byte of everything that is sent to a node's subject or to a link's. */
export const messageKinds = { open: 1, answer: 2, refuse: 3, sealed: 4 } as const

/** The version of everything below. A node refuses any other. */
const version = 1
const macBytes = 16
const macsMax = 8
const lifeBytes = 16
const openHeadBytes = 2 + keyBytes + lifeBytes + 4 + 4 + keyBytes + 1
const answerBytes = 3 + keyBytes + lifeBytes + 4 + 4 + keyBytes + macBytes + signatureBytes
const refuseBytes = 2 + signatureBytes
/** Nothing longer is looked at. */
const openBytesMax: number = openHeadBytes + macsMax * macBytes + signatureBytes

/** Where one end of a link hears, and what it takes. */
export interface LinkEndpoint {
  /** 16 random bytes, made at the node's start, in base64url. */
  readonly life: string
  readonly number: number
  /** How many bytes of a lane may be on their way to it. */
  readonly windowBytes: number
}

export interface Open {
  readonly from: string
  readonly endpoint: LinkEndpoint
  readonly agreementKey: Uint8Array
  readonly macs: readonly Uint8Array[]
}

export interface Answer {
  readonly endpoint: LinkEndpoint
  readonly agreementKey: Uint8Array
  /** Which of the dialler's secrets the peer knows too, by its place. */
  readonly secret: number
}

/** Why a node refuses another. */
export const refusals = { secret: 1, version: 2, busy: 3, identity: 4 } as const
export type Refusal = keyof typeof refusals

export function encodeOpen(
  { from, endpoint, agreementKey }: Omit<Open, 'macs'>,
  { to, tag, secrets, signatures }: { to: string; tag: string; secrets: readonly Uint8Array[]; signatures: Signatures },
): Uint8Array {
  const head = concat([
    Uint8Array.of(messageKinds.open, version),
    keyOf(from),
    encodeEndpoint(endpoint),
    agreementKey,
    Uint8Array.of(secrets.length),
  ])
  const body = concat([head, ...secrets.map((secret) => openMac(secret, { to, tag, head }))])
  return concat([body, signatures.sign(context('open', tag, to, body))])
}

/** Where to answer an open of whatever version: its first bytes stay what they are. `undefined` for what is no open. */
export function endpointOfOpen(bytes: Uint8Array): LinkEndpoint | undefined {
  if (bytes[0] !== messageKinds.open || bytes.byteLength < openHeadBytes || bytes.byteLength > openBytesMax)
    return undefined
  return decodeEndpoint(bytes.subarray(2 + keyBytes))
}

/** The parts of an open; `undefined` for one of another version. Nothing is checked yet. Only after {@link endpointOfOpen}. */
export function decodeOpen(bytes: Uint8Array): Open | undefined {
  if (bytes[1] !== version) return undefined
  const count = bytes[openHeadBytes - 1] as number
  if (bytes.byteLength !== openHeadBytes + count * macBytes + signatureBytes) return undefined
  let at = 2
  const next = (length: number): Uint8Array => bytes.subarray(at, (at += length))
  const from = idOfKey(next(keyBytes))
  const endpoint = decodeEndpoint(next(lifeBytes + 8))
  const agreementKey = next(keyBytes)
  at += 1
  return { from, endpoint, agreementKey, macs: Array.from({ length: count }, () => next(macBytes)) }
}

/** The first of our secrets that the dialler knows: its place with us, and with the dialler. */
export function commonSecret(
  bytes: Uint8Array,
  { macs }: Open,
  { to, tag, secrets }: { to: string; tag: string; secrets: readonly Uint8Array[] },
): { readonly ours: number; readonly theirs: number } | undefined {
  const head = bytes.subarray(0, openHeadBytes)
  for (const [ours, secret] of secrets.entries()) {
    const right = openMac(secret, { to, tag, head })
    const theirs = macs.findIndex((given) => timingSafeEqual(given, right))
    if (theirs !== -1) return { ours, theirs }
  }
  return undefined
}

/** Whether the node that the open names signed it, for us. */
export function isOpenSigned(
  bytes: Uint8Array,
  { from }: Open,
  { to, tag, signatures }: { to: string; tag: string; signatures: Signatures },
): boolean {
  const bodyBytes = bytes.byteLength - signatureBytes
  const body = bytes.subarray(0, bodyBytes)
  return signatures.verify(from, context('open', tag, to, body), bytes.subarray(bodyBytes))
}

export function encodeAnswer(
  { endpoint, agreementKey, secret }: Answer,
  { from, open, key, signatures }: { from: string; open: Uint8Array; key: Uint8Array; signatures: Signatures },
): Uint8Array {
  const head = concat([
    Uint8Array.of(messageKinds.answer, version, secret),
    keyOf(from),
    encodeEndpoint(endpoint),
    agreementKey,
  ])
  const body = concat([head, answerMac(key, open, head)])
  return concat([body, signatures.sign(answerContext(open, body))])
}

/** The answer, where it is one of `from` to this very open, and `from` knows the secret that it names. */
export function openAnswer(
  bytes: Uint8Array,
  {
    from,
    open,
    secrets,
    signatures,
  }: { from: string; open: Uint8Array; secrets: readonly Uint8Array[]; signatures: Signatures },
): Answer | undefined {
  if (bytes.byteLength !== answerBytes || bytes[1] !== version) return undefined
  const secret = bytes[2] as number
  const key = secrets[secret]
  let at = 3
  const next = (length: number): Uint8Array => bytes.subarray(at, (at += length))
  if (key === undefined || idOfKey(next(keyBytes)) !== from) return undefined
  const endpoint = decodeEndpoint(next(lifeBytes + 8))
  const agreementKey = next(keyBytes)
  const head = bytes.subarray(0, at)
  if (!timingSafeEqual(next(macBytes), answerMac(key, open, head))) return undefined
  if (!signatures.verify(from, answerContext(open, bytes.subarray(0, at)), next(signatureBytes))) return undefined
  return { endpoint, agreementKey, secret }
}

export function encodeRefuse(
  refusal: Refusal,
  { open, signatures }: { open: Uint8Array; signatures: Signatures },
): Uint8Array {
  const head = Uint8Array.of(messageKinds.refuse, refusals[refusal])
  return concat([head, signatures.sign(refuseContext(open, head))])
}

/** Why `from` refused this very open; `undefined` where it did not. */
export function openRefuse(
  bytes: Uint8Array,
  { from, open, signatures }: { from: string; open: Uint8Array; signatures: Signatures },
): Refusal | undefined {
  if (bytes.byteLength !== refuseBytes) return undefined
  const [reason] = Object.entries(refusals).find(([, code]) => code === bytes[1]) ?? []
  if (!signatures.verify(from, refuseContext(open, bytes.subarray(0, 2)), bytes.subarray(2))) return undefined
  return reason as Refusal | undefined
}

export interface LinkKeys {
  readonly dialler: KeyObject
  readonly peer: KeyObject
}

/** The keys of a link: for what the dialler sends, and for what its peer sends. `undefined` for a key that agrees on nothing. */
export function linkKeys(given: {
  readonly ours: KeyObject
  readonly theirs: Uint8Array
  readonly secret: Uint8Array
  readonly open: Uint8Array
  readonly answer: Uint8Array
}): LinkKeys | undefined {
  const shared = agreement(given.ours, given.theirs)
  if (shared === undefined) return undefined
  const said = createHash('sha256').update(given.open).update(given.answer).digest()
  const keys = new Uint8Array(hkdfSync('sha256', shared, given.secret, concat([text('skerry nats link'), said]), 64))
  return { dialler: createSecretKey(keys.subarray(0, 32)), peer: createSecretKey(keys.subarray(32)) }
}

/** What the secrets are to the handshake and to broadcasts: never the secrets themselves. Without any, one that all know. */
export function secretKeys(secrets: readonly string[]): readonly Uint8Array[] {
  const known = secrets.length === 0 ? [''] : secrets
  return known.map((secret) => createHmac('sha256', 'skerry nats secret').update(secret).digest())
}

function agreement(ours: KeyObject, theirs: Uint8Array): Buffer | undefined {
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: idOfKey(theirs) }, format: 'jwk' })
  try {
    return diffieHellman({ privateKey: ours, publicKey })
  } catch {
    // One of the few points with which everybody agrees on the same: no honest node makes such a key.
    return undefined
  }
}

function openMac(secret: Uint8Array, { to, tag, head }: { to: string; tag: string; head: Uint8Array }): Uint8Array {
  return mac(secret, context('open', tag, to, head))
}

function answerMac(secret: Uint8Array, open: Uint8Array, head: Uint8Array): Uint8Array {
  return mac(secret, concat([text('skerry nats answer mac\0'), digest(open), head]))
}

export function mac(secret: Uint8Array, bytes: Uint8Array): Uint8Array {
  return createHmac('sha256', secret).update(bytes).digest().subarray(0, macBytes)
}

function context(what: string, tag: string, to: string, bytes: Uint8Array): Uint8Array {
  return concat([text(`skerry nats ${what}\0${tag}\0${to}\0`), bytes])
}

function answerContext(open: Uint8Array, body: Uint8Array): Uint8Array {
  return concat([text('skerry nats answer\0'), digest(open), body])
}

function refuseContext(open: Uint8Array, head: Uint8Array): Uint8Array {
  return concat([text('skerry nats refuse\0'), digest(open), head])
}

function encodeEndpoint({ life, number, windowBytes }: LinkEndpoint): Uint8Array {
  const bytes = Buffer.alloc(lifeBytes + 8)
  bytes.set(Buffer.from(life, 'base64url'))
  bytes.writeUInt32BE(number, lifeBytes)
  bytes.writeUInt32BE(windowBytes, lifeBytes + 4)
  return bytes
}

function decodeEndpoint(bytes: Uint8Array): LinkEndpoint {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    life: view.toString('base64url', 0, lifeBytes),
    number: view.readUInt32BE(lifeBytes),
    windowBytes: view.readUInt32BE(lifeBytes + 4),
  }
}

function keyOf(id: string): Uint8Array {
  const key = keyOfId(id)
  if (key === undefined) throw new Error(`Assertion failed: ${id} is a node id`)
  return key
}

function digest(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest()
}

function text(value: string): Uint8Array {
  return Buffer.from(value)
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}
