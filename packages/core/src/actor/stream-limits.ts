interface Limit {
  readonly least: number
  readonly most: number
}

/** What a stream's caller may ask for: see `RemoteStreamOptions`. Of a peer's numbers, what lies beyond is taken as the limit. */
export const streamLimits: Readonly<Record<'windowItems' | 'windowBytes' | 'silentMs', Limit>> = {
  windowItems: { least: 1, most: 65_536 },
  windowBytes: { least: 1_024, most: 67_108_864 },
  silentMs: { least: 100, most: 3_600_000 },
}

export function withinLimit(value: number, { least, most }: Limit): number {
  return Math.min(Math.max(value, least), most)
}
