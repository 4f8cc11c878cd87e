/** The index of the thread that has the least to do; of several, the first. */
export function leastLoaded(loads: readonly number[]): number {
  let best = 0
  for (const [index, load] of loads.entries()) if (load < (loads[best] as number)) best = index
  return best
}

/** The thread that a key always leads to, by FNV-1a over its UTF-16 units. */
export function slotOfKey(key: string, slots: number): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  return (hash >>> 0) % slots
}
