import type { SealedRecord } from './node-record.ts'
import type { NodeId } from './transport.ts'

/** In so many parts the records are compared; news of one node has its own part sent. */
export const digestParts = 64

/** What a node vouches for, in a few bytes: of each part a sum of hashes, so that the order of records does not matter. */
export type RecordDigest = Uint32Array

/**
 * The records that a node vouches for, by the parts of their digest, kept as they change: in a mesh of a thousand nodes that boots
 * each of them has news many times a second, and to sum up all of it anew each time took a tenth of the work.
 */
export class VouchedRecords {
  readonly digest: RecordDigest = new Uint32Array(digestParts)
  readonly #parts = Array.from({ length: digestParts }, () => new Map<NodeId, { hash: number; known: SealedRecord }>())

  /** `undefined`: it vouches for this node no more. */
  set(node: NodeId, known: SealedRecord | undefined): void {
    const at = partOf(node)
    const part = this.#parts[at] as Map<NodeId, { hash: number; known: SealedRecord }>
    const before = part.get(node)
    if (before?.known === known) return
    const hash = known === undefined ? 0 : hashOf(node, known.record.version)
    this.digest[at] = ((this.digest[at] as number) - (before?.hash ?? 0) + hash) >>> 0
    if (known === undefined) part.delete(node)
    else part.set(node, { hash, known })
  }

  /** What it vouches for in these parts, sealed. */
  *in(parts: Iterable<number>): Iterable<Uint8Array> {
    for (const part of parts) for (const { known } of this.#parts[part]?.values() ?? []) yield known.sealed
  }
}

/** Which part of a digest a node belongs to. */
export function partOf(node: NodeId): number {
  return hashOf(node, 0) % digestParts
}

/** The parts in which two digests differ. */
export function differences(one: RecordDigest, other: RecordDigest): ReadonlySet<number> {
  const parts = new Set<number>()
  for (let part = 0; part < digestParts; part += 1) if (one[part] !== other[part]) parts.add(part)
  return parts
}

// FNV-1a with a finish. Whoever forges a record that is missed by it gains nothing: the record would be his own.
function hashOf(node: NodeId, version: number): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < node.length; at += 1) hash = Math.imul(hash ^ node.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (version >>> 0), 0x01000193)
  hash = Math.imul(hash ^ Math.floor(version / 0x1_0000_0000), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
