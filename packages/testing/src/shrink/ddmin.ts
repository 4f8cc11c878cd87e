/**
 * The smallest list that `fails` of those that delta debugging reaches from `items`: no chunk of the answer, down to single
 * items, can be left out. Zeller and Hildebrandt's ddmin, without its first step of trying the chunks alone, which with
 * faults seldom helps. `fails(items)` is known to be true and is not asked. Asks at most about `n` squared times; when
 * `fails` starts to answer `false` for good, the best so far is the answer.
 *
 * @example
 * await ddmin([1, 2, 3, 4, 5], async (some) => some.includes(2) && some.includes(5)) // [2, 5]
 */
export async function ddmin<Item>(
  items: readonly Item[],
  fails: (items: readonly Item[]) => Promise<boolean>,
): Promise<readonly Item[]> {
  // What most often is true: none of them matters.
  if (items.length === 0 || (await fails([]))) return []
  let kept = items
  let chunks = Math.min(2, kept.length)
  while (kept.length > 1) {
    const smaller = await withoutOneChunk(kept, chunks, fails)
    if (smaller !== undefined) {
      kept = smaller
      chunks = Math.min(Math.max(chunks - 1, 2), kept.length)
    } else if (chunks < kept.length) {
      chunks = Math.min(chunks * 2, kept.length)
    } else {
      return kept
    }
  }
  return kept
}

async function withoutOneChunk<Item>(
  items: readonly Item[],
  chunks: number,
  fails: (items: readonly Item[]) => Promise<boolean>,
): Promise<readonly Item[] | undefined> {
  const size = Math.ceil(items.length / chunks)
  for (let from = 0; from < items.length; from += size) {
    const rest = [...items.slice(0, from), ...items.slice(from + size)]
    if (rest.length > 0 && (await fails(rest))) return rest
  }
  return undefined
}
