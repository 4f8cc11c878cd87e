import type { Stream } from '@libp2p/interface'
import { describe, expect, it } from 'vitest'
import { announceWindowInHalves, bulkWindowBytesMax, windowBytes, windowMax } from '../src/receive-window.ts'

const MiB = 1024 * 1024

describe('the window of a lane', () => {
  it('is what every stream begins with, unless it is for large bodies and the way is long', () => {
    expect(windowMax(false, 200)).toBe(windowBytes)
    for (const rttMs of [-1, 0, 1, 8]) expect(windowMax(true, rttMs)).toBe(windowBytes)
    expect(windowMax(true, 100)).toBe(3.125 * MiB)
    expect(windowMax(true, 1_000)).toBe(bulkWindowBytesMax)
  })

  it('grows as its stream does, up to that, and is announced in halves', () => {
    const announced: number[] = []
    const stream = streamOver(100, announced)
    announceWindowInHalves(stream as unknown as Stream, true)
    for (let read = 0; read < 400; read += 1) stream.read(60 * 1024)
    expect(Math.max(...announced)).toBeGreaterThan(1.5 * MiB)
    expect(stream.recvWindow).toBe(windowMax(true, 100))
    expect(announced.length).toBeLessThan(30)
  })

  it('stays where the way is short, and on the other lanes', () => {
    for (const [rttMs, isBulk] of [
      [1, true],
      [100, false],
    ] as const) {
      const stream = streamOver(rttMs, [])
      announceWindowInHalves(stream as unknown as Stream, isBulk)
      for (let read = 0; read < 400; read += 1) stream.read(60 * 1024)
      expect(stream.recvWindow).toBe(windowBytes)
    }
  })
})

/** A stream that counts as yamux's does, and whose window is always used up in time. */
function streamOver(rttMs: number, announced: number[]) {
  return {
    recvWindow: windowBytes,
    recvWindowCapacity: windowBytes,
    config: { maxStreamWindowSize: bulkWindowBytesMax },
    getRTT: () => rttMs,
    sendWindowUpdate() {
      this.recvWindow = Math.min(this.recvWindow * 2, this.config.maxStreamWindowSize)
      if (this.recvWindowCapacity >= this.recvWindow) return
      announced.push(this.recvWindow - this.recvWindowCapacity)
      this.recvWindowCapacity = this.recvWindow
    },
    read(bytes: number) {
      this.recvWindowCapacity -= bytes
      this.sendWindowUpdate()
    },
  }
}
