import { assert } from '../base/assert.ts'
import { ByteReader, MalformedError } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { nodeRecordLimits } from './node-record.ts'
import { digestParts, type RecordDigest } from './record-digest.ts'

/**
 * The newest form of what the mesh actors tell each other, as the greeting says it. 1: records, which every node reads. 2:
 * accusations and digests too.
 */
export const meshVersion = 2

/** Where a transport with gossip publishes records, one sealed record each. */
export const membershipTopic = 'skerry/members/1'

/** What the mesh actor of one node tells that of another, in a control payload. */
export type MeshMessage =
  /** Sealed records, unverified. */
  | { readonly kind: 'records'; readonly records: readonly Uint8Array[] }
  /** Sealed accusations, unverified. */
  | { readonly kind: 'accusations'; readonly accusations: readonly Uint8Array[] }
  /** What the sender vouches for. Answered by the records in which it differs and, unless it is an answer, by a digest. */
  | { readonly kind: 'digest'; readonly digest: RecordDigest; readonly isAnswer: boolean }

/** The first byte. Never reuse one: see docs/wire-format.md. */
const formats = { records: 1, accusations: 2, digest: 3 } as const
const headerBytes = 1
const lengthBytes = 4

/**
 * Sealed records, or accusations, as chunks of at most `chunkBytesMax` bytes, each readable by itself, so that a lost or
 * late one does no harm. None: no chunks. One that no chunk can hold is left out and counted in `skipped`.
 */
export function encodeSealed(
  kind: 'records' | 'accusations',
  sealed: Iterable<Uint8Array>,
  chunkBytesMax: number,
): { chunks: Uint8Array[]; skipped: number } {
  assert(chunkBytesMax > headerBytes + lengthBytes, 'a chunk holds at least a byte')
  const chunks: Uint8Array[] = []
  let skipped = 0
  let writer: ByteWriter | undefined
  for (const one of sealed) {
    const cost = lengthBytes + one.byteLength
    if (headerBytes + cost > chunkBytesMax) {
      skipped += 1
      continue
    }
    if (writer !== undefined && writer.length + cost > chunkBytesMax) {
      chunks.push(writer.finish())
      writer = undefined
    }
    writer ??= new ByteWriter(1024).u8(formats[kind])
    writer.bytes(one)
  }
  if (writer !== undefined) chunks.push(writer.finish())
  return { chunks, skipped }
}

/** One of them, however large it is. */
export function wholeMessage(kind: 'records' | 'accusations', sealed: Uint8Array): Uint8Array {
  return new ByteWriter(headerBytes + lengthBytes + sealed.byteLength).u8(formats[kind]).bytes(sealed).finish()
}

export function encodeDigest(digest: RecordDigest, isAnswer: boolean): Uint8Array {
  const writer = new ByteWriter(2 + digestParts * 4).u8(formats.digest).u8(isAnswer ? 1 : 0)
  for (const part of digest) writer.u32(part)
  return writer.finish()
}

/** The same, as it is read: a peer's message may hold more than should be looked at in one turn. */
export type MeshReading =
  | { readonly kind: 'records' | 'accusations'; readonly sealed: SealedList }
  | { readonly kind: 'digest'; readonly digest: RecordDigest; readonly isAnswer: boolean }

/** What is sealed in one message, taken one after the other. */
export class SealedList {
  readonly #reader: ByteReader

  /** Throws a `MalformedError` unless all of it can be read, which is found out before anything is made of it. */
  constructor(bytes: Uint8Array) {
    const check = new ByteReader(bytes)
    // Each turn takes at least the length, so the size bounds the loop.
    while (check.left > 0) check.bytes(nodeRecordLimits.sealedBytes)
    this.#reader = new ByteReader(bytes)
  }

  /** How many bytes were not taken yet. */
  get left(): number {
    return this.#reader.left
  }

  /** A copy, so that keeping it does not keep the whole message. */
  next(): Uint8Array | undefined {
    return this.left === 0 ? undefined : this.#reader.bytes(nodeRecordLimits.sealedBytes).slice()
  }

  /** Gives up the rest. What it gives back: how many there were. */
  drop(): number {
    let dropped = 0
    for (; this.left > 0; dropped += 1) this.#reader.bytes(nodeRecordLimits.sealedBytes)
    return dropped
  }
}

/** The reverse of both. `undefined` when the bytes are none of them: count it. */
export function readMeshMessage(bytes: Uint8Array): MeshReading | undefined {
  try {
    const reader = new ByteReader(bytes)
    switch (reader.u8()) {
      case formats.records:
        return { kind: 'records', sealed: new SealedList(reader.rest()) }
      case formats.accusations:
        return { kind: 'accusations', sealed: new SealedList(reader.rest()) }
      case formats.digest: {
        const isAnswer = reader.u8() === 1
        const digest = new Uint32Array(digestParts)
        for (let part = 0; part < digestParts; part += 1) digest[part] = reader.u32()
        reader.end()
        return { kind: 'digest', digest, isAnswer }
      }
      default:
        return undefined
    }
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
}

/** The same, all at once. */
export function decodeMeshMessage(bytes: Uint8Array): MeshMessage | undefined {
  const reading = readMeshMessage(bytes)
  if (reading === undefined || reading.kind === 'digest') return reading
  const all: Uint8Array[] = []
  for (let one = reading.sealed.next(); one !== undefined; one = reading.sealed.next()) all.push(one)
  return reading.kind === 'records' ? { kind: 'records', records: all } : { kind: 'accusations', accusations: all }
}
