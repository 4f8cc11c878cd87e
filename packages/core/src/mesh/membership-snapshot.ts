import { assert } from '../base/assert.ts'
import { ByteReader, MalformedError } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { nodeRecordLimits } from './node-record.ts'

const format = 1
const headerBytes = 1
const lengthBytes = 4

/**
 * Sealed records as chunks of at most `chunkBytesMax` bytes, each readable by itself, so that a lost or late one does
 * no harm. No records: no chunks. A record that no chunk can hold is left out and counted in `skipped`.
 */
export function encodeSnapshot(
  sealed: Iterable<Uint8Array>,
  chunkBytesMax: number,
): { chunks: Uint8Array[]; skipped: number } {
  assert(chunkBytesMax > headerBytes + lengthBytes, 'a chunk holds at least a byte')
  const chunks: Uint8Array[] = []
  let skipped = 0
  let writer: ByteWriter | undefined
  for (const record of sealed) {
    const cost = lengthBytes + record.byteLength
    if (headerBytes + cost > chunkBytesMax) {
      skipped += 1
      continue
    }
    if (writer !== undefined && writer.length + cost > chunkBytesMax) {
      chunks.push(writer.finish())
      writer = undefined
    }
    writer ??= new ByteWriter(1024).u8(format)
    writer.bytes(record)
  }
  if (writer !== undefined) chunks.push(writer.finish())
  return { chunks, skipped }
}

/** The sealed records of one chunk, unverified. `undefined` when the bytes are no chunk: count it. */
export function decodeSnapshot(chunk: Uint8Array): Uint8Array[] | undefined {
  try {
    const reader = new ByteReader(chunk)
    if (reader.u8() !== format) return undefined
    const records: Uint8Array[] = []
    // Each turn takes at least the length, so the chunk's size bounds the loop. Copies, so that keeping one record does
    // not keep the whole chunk.
    while (reader.left > 0) records.push(reader.bytes(nodeRecordLimits.sealedBytes).slice())
    return records
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
}
