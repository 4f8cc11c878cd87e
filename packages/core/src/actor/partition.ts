/** The name of one partition of many. */
export function partitionName(name: string, partition: number): string {
  return `${name}/${partition}`
}

/** The number of the partition that the key belongs to, of 1 or more. */
export function partitionOf(key: string | number, partitions: number): number {
  if (typeof key === 'number' && Number.isSafeInteger(key)) return Math.abs(key) % partitions
  // FNV-1a over UTF-16 code units.
  let hash = 0x811c9dc5
  const text = String(key)
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return (hash >>> 0) % partitions
}
