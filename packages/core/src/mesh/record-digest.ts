import type { NodeId } from './transport.ts'

/** In so many parts the records are compared; news of one node has its own part sent. */
export const digestParts = 64

/** What a node vouches for, in a few bytes: of each part a sum of hashes, so that the order of records does not matter. */
export type RecordDigest = Uint32Array

export function digestOf(records: Iterable<Told>): RecordDigest {
  const digest = new Uint32Array(digestParts)
  for (const record of records) {
    let known = hashes.get(record)
    if (known === undefined) {
      known = { part: partOf(record.node), hash: hashOf(record.node, record.version) }
      hashes.set(record, known)
    }
    digest[known.part] = ((digest[known.part] as number) + known.hash) >>> 0
  }
  return digest
}

interface Told {
  readonly node: NodeId
  readonly version: number
}

// Records are never changed, and each is summed up many times.
const hashes = new WeakMap<Told, { readonly part: number; readonly hash: number }>()

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
