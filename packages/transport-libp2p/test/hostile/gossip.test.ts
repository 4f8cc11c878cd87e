import type { Connection, Stream } from '@libp2p/interface'
import { describe, expect, it, vi } from 'vitest'
import type { LaneLink } from '../../src/raw-link.ts'
import { frames, muxerOf } from './frame-suite.ts'
import { grew, mebi, startHostile, startMember, startVictim } from './hostile-world.ts'

// It starts a process and floods it: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000 })

// Kept as they come they take some 7 MiB, and read in one go more than a second.
const pieces = 60_000

describe('a member that gossips byte by byte, all at once and never to the end', () => {
  it('has a node keep no more than the bytes that it sent, and others are served meanwhile', async () => {
    const victim = await startVictim()
    const { callVictim } = await startMember(victim)
    const hostile = await startHostile(victim)
    const connection = (hostile.link as LaneLink).connection as unknown as Connection
    const isGossip = ({ direction, protocol }: Stream): boolean =>
      direction === 'outbound' && protocol?.startsWith('/meshsub') === true
    // That of its own gossip would take the place of this one.
    await expect.poll(() => connection.streams.some(isGossip)).toBe(true)
    const before = await victim.report()
    const stream = await connection.newStream('/meshsub/1.1.0')
    const frameBytes = 13
    const block = Buffer.alloc(pieces * frameBytes)
    for (let at = 0; at < block.byteLength; at += frameBytes) {
      block.writeUInt8(frames.data, at + 1)
      block.writeUInt32BE(Number(stream.id), at + 4)
      block.writeUInt32BE(1, at + 8)
    }
    // A message of a mebibyte, whose length is the first of them.
    for (const [at, byte] of [0x80, 0x80, 0x40].entries()) block.writeUInt8(byte, at * frameBytes + 12)
    const { source } = muxerOf(hostile)
    for (let at = 0; at < block.byteLength; at += 64 * 1_024) source.push(block.subarray(at, at + 64 * 1_024))
    // What it says behind that on its lanes comes later, or too late for its link.
    let isHeard = false
    const heard = hostile.heard().then(
      () => (isHeard = true),
      () => (isHeard = true),
    )
    while (!isHeard) expect(await callVictim()).toBe('here')
    await heard
    expect(grew(before, await victim.report()).held).toBeLessThan(4 * mebi)
  })
})
