/** Gives nodes without a link the mean round-trip time of those of their region that have one. */
export function guessRtts(nodes: { readonly record: { readonly region: string }; rttMs: number | undefined }[]): void {
  const known = new Map<string, { sum: number; count: number }>()
  for (const { record, rttMs } of nodes) {
    if (rttMs === undefined) continue
    const of = known.get(record.region)
    if (of === undefined) {
      known.set(record.region, { sum: rttMs, count: 1 })
    } else {
      of.sum += rttMs
      of.count += 1
    }
  }
  for (const node of nodes) {
    if (node.rttMs !== undefined) continue
    const of = known.get(node.record.region)
    if (of !== undefined) node.rttMs = of.sum / of.count
  }
}
