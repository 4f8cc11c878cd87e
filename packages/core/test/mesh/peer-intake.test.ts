import { describe, expect, it } from 'vitest'
import { encodeDigest, encodeSealed } from '../../src/mesh/mesh-message.ts'
import { PeerIntake } from '../../src/mesh/peer-intake.ts'
import { digestParts } from '../../src/mesh/record-digest.ts'

describe('what peers told', () => {
  it('is read in turn, a message of each, whoever told most', () => {
    const { intake } = intakeOf()
    for (let at = 0; at < 100; at += 1) intake.put('flood', digest())
    intake.put('a', digest())
    intake.put('b', digest())
    expect([1, 2, 3, 4].map(() => intake.next()?.via)).toEqual(['flood', 'a', 'b', 'flood'])
  })

  it('is read in pieces, between which others have their turn, and never twice', () => {
    const { intake } = intakeOf()
    intake.put('large', records(3))
    intake.put('a', digest())
    const read: string[] = []
    for (let heard = intake.next(); heard !== undefined; heard = intake.next()) {
      const { via, message } = heard
      read.push(message?.kind === 'records' ? `${via} ${String(message.sealed.next())}` : via)
    }
    expect(read).toEqual(['large 0', 'a', 'large 1', 'large 2'])
  })

  it('goes on behind what broke its reader', () => {
    const { intake } = intakeOf()
    intake.put('a', records(2))
    intake.put('a', Uint8Array.of(99))
    const first = intake.next()?.message
    if (first?.kind === 'records') first.sealed.next()
    // Its reader crashed here, and another one goes on.
    expect(intake.next()?.message).toMatchObject({ kind: 'records' })
    const rest = intake.next()?.message
    expect(rest?.kind === 'records' && rest.sealed.drop()).toBe(1)
    expect(intake.next()).toEqual({ via: 'a', message: undefined })
    expect(intake.next()).toBeUndefined()
  })

  it('wakes its reader once, and again when it had read all', () => {
    const { intake, woken } = intakeOf()
    intake.put('a', digest())
    intake.put('b', digest())
    expect(woken()).toBe(1)
    intake.next()
    expect(intake.rests()).toBe(false)
    intake.next()
    expect(intake.rests()).toBe(true)
    intake.put('a', digest())
    expect(woken()).toBe(2)
  })
})

describe('what waits', () => {
  it('of one peer is bounded in messages and bytes, and of the others that is no matter', () => {
    const { intake, dropped } = intakeOf()
    for (let at = 0; at < 2_000; at += 1) intake.put('small', digest())
    expect(dropped()).toBe(976)
    for (let at = 0; at < 10; at += 1) intake.put('large', new Uint8Array(1_000_000))
    expect(dropped()).toBe(982)
    intake.put('a', digest())
    expect(dropped()).toBe(982)
  })

  it('of many together is bounded, and each has its part', () => {
    const { intake, dropped } = intakeOf()
    const peers = Array.from({ length: 200 }, (_, at) => `peer ${at}`)
    for (const peer of peers) for (let at = 0; at < 5; at += 1) intake.put(peer, new Uint8Array(1_000_000))
    const taken = 1_000 - dropped()
    expect(taken).toBeGreaterThanOrEqual(16)
    expect(taken).toBeLessThanOrEqual(33)
    intake.put('late', digest())
    expect(1_001 - dropped()).toBe(taken + 1)
  })

  it('keeps nothing of the buffer that a small message came in', () => {
    const { intake } = intakeOf()
    const buffer = new Uint8Array(1_000_000)
    buffer.set(records(1), 100)
    intake.put('a', buffer.subarray(100, 100 + records(1).byteLength))
    buffer.fill(0xff)
    expect(intake.next()?.message).toMatchObject({ kind: 'records' })
  })

  it('is made room for by reading it', () => {
    const { intake, dropped } = intakeOf()
    for (let round = 0; round < 10; round += 1) {
      for (let at = 0; at < 1_000; at += 1) intake.put('a', digest())
      while (intake.next() !== undefined);
    }
    expect(dropped()).toBe(0)
  })
})

function intakeOf() {
  let woken = 0
  let dropped = 0
  const intake = new PeerIntake({ wake: () => void (woken += 1), dropped: () => void (dropped += 1) })
  return { intake, woken: () => woken, dropped: () => dropped }
}

function digest(): Uint8Array {
  return encodeDigest(new Uint32Array(digestParts), false)
}

function records(count: number): Uint8Array {
  const sealed = Array.from({ length: count }, (_, at) => Uint8Array.of(at))
  return encodeSealed('records', sealed, 1_000).chunks[0] as Uint8Array
}
