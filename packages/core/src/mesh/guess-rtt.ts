/** Gives nodes without a link the mean round-trip time of those of their region that have one. */
export function guessRtts(nodes: { readonly record: { readonly region: string }; rttMs: number | undefined }[]): void {
  const known = new Map<string, { sum: number; count: number }>()
  for (const { record, rttMs } of nodes) {
    if (rttMs === undefined) continue
    const of = known.get(record.region) ?? { sum: 0, count: 0 }
    known.set(record.region, { sum: of.sum + rttMs, count: of.count + 1 })
  }
  for (const node of nodes) {
    const of = known.get(node.record.region)
    if (node.rttMs === undefined && of !== undefined) node.rttMs = of.sum / of.count
  }
}
