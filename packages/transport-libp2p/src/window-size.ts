import { streamWindowBytes, streamWindowBytesMax } from './limits.ts'

// A shorter link reaches 12 MB/s and more with the ordinary window, and there a larger one is felt by the small frames.
const longMs = 20
// So a lane carries 32 MiB/s on a long link, as far as the largest window reaches: to 128 ms.
const bytesPerMs = 32 * 1024

/**
 * The receive window of a lane on a link with this least round-trip time: what is under way at 32 MiB/s, 4 MiB at most; 256 KiB on a link
 * shorter than 20 ms.
 */
export function windowBytesFor(leastRttMs: number): number {
  if (!(leastRttMs >= longMs)) return streamWindowBytes
  return Math.min(streamWindowBytesMax, Math.max(streamWindowBytes, Math.round(leastRttMs * bytesPerMs)))
}
