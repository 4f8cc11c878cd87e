import type { Stream } from '@libp2p/interface'

/** The part of yamux's stream that counts what the peer may still send. */
interface ReceiveWindow {
  readonly recvWindow: number
  readonly recvWindowCapacity: number
  config: { readonly maxStreamWindowSize: number }
  getRTT(): number
  sendWindowUpdate(): void
}

/** What every stream begins with, by yamux's specification, in bytes. */
export const windowBytes: number = 256 * 1024
/** The largest window of a lane for large bodies, in bytes. */
export const bulkWindowBytesMax: number = 8 * 1024 * 1024
// A window this large for each millisecond of a round trip lets 32 MB a second travel, however far.
const bulkWindowBytesPerMs = 32 * 1024

/**
 * How much a peer may send on a lane before we have read any of it. What is small must never find much before it: a larger window of
 * a lane for large bodies is a longer queue in front of all other lanes of the connection (measured on the loopback: 165 ms
 * instead of 1.5 ms). Across regions 256 KiB would be a megabyte a second, and there the queue is short beside the way.
 */
export function windowMax(isBulk: boolean, rttMs: number): number {
  return isBulk ? Math.min(Math.max(windowBytes, rttMs * bulkWindowBytesPerMs), bulkWindowBytesMax) : windowBytes
}

/**
 * Makes a yamux stream tell the peer of room only once half the window is free. As it is, it does so for each chunk that
 * is read: two writes instead of one for every small frame, and under load ever smaller chunks, because the sender fills
 * each bit of room at once (measured: 700 bytes a write instead of 23,000, a fifth of the throughput).
 *
 * The peer can't be left waiting: it stops only when the whole window is used, and then more than half of it is free by
 * the time that the last chunk is read.
 *
 * Yamux doubles a window that is used up within four round trips; here up to `windowMax`.
 */
export function announceWindowInHalves(stream: Stream, isBulk: boolean): void {
  if (!hasReceiveWindow(stream)) return
  const announce = stream.sendWindowUpdate.bind(stream)
  const { config } = stream
  stream.sendWindowUpdate = () => {
    if (stream.recvWindow - stream.recvWindowCapacity < stream.recvWindow / 2) return
    stream.config = { ...config, maxStreamWindowSize: windowMax(isBulk, stream.getRTT()) }
    announce()
  }
}

/** Another version of yamux may keep its window elsewhere; then it works as it comes. */
function hasReceiveWindow(stream: Stream): stream is Stream & ReceiveWindow {
  return (
    'sendWindowUpdate' in stream &&
    typeof stream.sendWindowUpdate === 'function' &&
    'getRTT' in stream &&
    typeof stream.getRTT === 'function' &&
    'config' in stream &&
    typeof stream.config === 'object' &&
    'recvWindow' in stream &&
    typeof stream.recvWindow === 'number' &&
    'recvWindowCapacity' in stream &&
    typeof stream.recvWindowCapacity === 'number'
  )
}
