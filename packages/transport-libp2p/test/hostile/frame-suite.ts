import { describe, expect, it, vi } from 'vitest'
import type { LineConnection } from '../../src/line.ts'
import type { LaneLink } from '../../src/raw-link.ts'
import {
  expectBounded,
  type HostileMesh,
  type HostilePeer,
  mebi,
  startHostile,
  startMember,
  startVictim,
} from './hostile-world.ts'

// Each starts a process and floods it: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000 })

/** Kinds and flags of yamux's frames. */
export const frames = { data: 0, windowUpdate: 1, ping: 2, syn: 1 } as const

/** The parts of yamux, of libp2p 2, by which it is made to send what it would not send by itself. */
interface Muxer {
  readonly source: { readonly readableLength: number; push(bytes: Uint8Array): unknown }
  readonly streams: readonly { readonly id: string; readonly protocol?: string }[]
  sendFrame(header: { type: number; flag: number; streamID: number; length: number }): void
}

export function muxerOf({ link }: HostilePeer): Muxer {
  return ((link as LaneLink).connection as LineConnection & { readonly muxer: Muxer }).muxer
}

/** What a member may try with the frames that streams are cut into. */
export function endlessFrames(mesh: () => HostileMesh): void {
  describe('a member that begins a frame which has no end', () => {
    it.each(['of no stream', 'of a lane'])(
      '%s: its connection ends before much of it is kept, and others are served',
      async (whose) => {
        const victim = await startVictim({ mesh: mesh() })
        const { callVictim } = await startMember(victim)
        const before = await victim.report()
        const hostile = await startHostile(victim)
        const muxer = muxerOf(hostile)
        const stream = whose === 'of a lane' ? Number(muxer.streams[0]?.id) : 100_001
        const header = Buffer.alloc(12)
        header.writeUInt32BE(stream, 4)
        header.writeUInt32BE(1_024 * mebi, 8)
        muxer.source.push(header)
        const block = new Uint8Array(64 * 1_024)
        let isOver = false
        void hostile.link.closed.then(() => (isOver = true))
        for (let sent = 0; sent < 96 * mebi && !isOver;) {
          for (; muxer.source.readableLength < mebi; sent += block.byteLength) muxer.source.push(block)
          await new Promise((resolve) => void setImmediate(resolve))
        }
        expect(await callVictim()).toBe('here')
        expectBounded(before, await victim.report())
        await hostile.link.closed
      },
    )
  })
}
