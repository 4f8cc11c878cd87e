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

export function encodeDigest(digest: RecordDigest, isAnswer: boolean): Uint8Array {
  const writer = new ByteWriter(2 + digestParts * 4).u8(formats.digest).u8(isAnswer ? 1 : 0)
  for (const part of digest) writer.u32(part)
  return writer.finish()
}

/** The reverse of both. `undefined` when the bytes are none of them: count it. */
export function decodeMeshMessage(bytes: Uint8Array): MeshMessage | undefined {
  try {
    const reader = new ByteReader(bytes)
    switch (reader.u8()) {
      case formats.records:
        return { kind: 'records', records: readSealed(reader) }
      case formats.accusations:
        return { kind: 'accusations', accusations: readSealed(reader) }
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

function readSealed(reader: ByteReader): Uint8Array[] {
  const sealed: Uint8Array[] = []
  // Each turn takes at least the length, so the chunk's size bounds the loop. Copies, so that keeping one does not keep
  // the whole chunk.
  while (reader.left > 0) sealed.push(reader.bytes(nodeRecordLimits.sealedBytes).slice())
  return sealed
}
