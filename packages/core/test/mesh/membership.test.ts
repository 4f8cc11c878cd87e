import { describe, expect, it } from 'vitest'
import {
  createMembership,
  died,
  isRoutable,
  issueOwn,
  linkDown,
  linkUp,
  type Membership,
  type MembershipSettings,
  type MembershipStep,
  mergeRecord,
  mergeSealed,
  recordOf,
  shaped,
  suspect,
  tick,
  trusted,
  vouched,
} from '../../src/mesh/membership.ts'
import { decodeMeshMessage, encodeSealed } from '../../src/mesh/mesh-message.ts'
import { type NodeRecord, openRecord, type SealedRecord, sealRecord } from '../../src/mesh/node-record.ts'
import { constantDelays, seededRandom, World } from './peer-links-world.ts'
import { nodeRecord } from '../fixtures/node-record.ts'

const world = new World({ random: seededRandom(1), delays: constantDelays(1) })
const verifier = world.transport('me')
const open = (sealed: Uint8Array): NodeRecord | undefined => openRecord(sealed, verifier)

describe('routing', () => {
  it('needs a record and a link', () => {
    const linked = run(newMembership(), (state) => linkUp(state, { node: 'a', life: 1 }, 0))
    expect(isRoutable(linked, 'a')).toBe(false)
    const recorded = run(newMembership(), (state) => mergeRecord(state, recordBy('a'), 0))
    expect(isRoutable(recorded, 'a')).toBe(false)
    expect(isRoutable(memberA(), 'a')).toBe(true)
    expect(isRoutable(newMembership(), 'me')).toBe(true)
    expect(isRoutable(newMembership(), 'stranger')).toBe(false)
  })

  it('ends with the link at once, and returns with it', () => {
    const down = linkDown(memberA(), { node: 'a', life: 1 }, 100)
    expect(down.changes).toEqual([{ kind: 'changed', node: 'a' }])
    expect(isRoutable(down.state, 'a')).toBe(false)
    const back = run(down.state, (state) => linkUp(state, { node: 'a', life: 1 }, 200))
    expect(isRoutable(back, 'a')).toBe(true)
  })

  it('ends with suspicion, and returns with trust', () => {
    const suspected = suspect(memberA(), { node: 'a', life: 1 })
    expect(suspected.changes).toEqual([{ kind: 'changed', node: 'a' }])
    expect(isRoutable(suspected.state, 'a')).toBe(false)
    const back = run(suspected.state, (state) => trusted(state, { node: 'a', life: 1 }))
    expect(isRoutable(back, 'a')).toBe(true)
  })

  it('ignores what an old life of the link says', () => {
    const state = memberA()
    for (const step of [
      linkDown(state, { node: 'a', life: 2 }, 0),
      suspect(state, { node: 'a', life: 2 }),
      linkDown(state, { node: 'stranger', life: 1 }, 0),
    ]) {
      expect(step).toEqual({ state, changes: [] })
    }
  })
})

describe('records', () => {
  it('are not believed of a node that may not be in the region that they name, whoever relays them', () => {
    const step = mergeSealed(newMembership(), [recordBy('a', { region: 'lax' }).sealed], () => 'wrong-region', 0)
    expect(step).toEqual({
      state: newMembership(),
      changes: [{ kind: 'ignored', node: 'a', why: 'wrong-region' }],
    })
  })

  it('are believed only when newer than what is known', () => {
    const state = memberA(5)
    for (const version of [4, 5]) {
      expect(mergeRecord(state, recordBy('a', { version, region: 'other' }), 0)).toEqual({ state, changes: [] })
    }
    const newer = mergeRecord(state, recordBy('a', { version: 6, region: 'lax' }), 0)
    expect(newer.changes).toEqual([{ kind: 'changed', node: 'a' }])
    expect(recordOf(newer.state, 'a')?.region).toBe('lax')
    expect(recordOf(state, 'a')?.region).toBe('syd')
  })

  it('are not believed when their author did not sign them, and only news is checked', () => {
    const forged = sealRecord(recordBy('a', { version: 9 }).record, world.transport('mallory'))
    const garbage = Uint8Array.of(1, 2, 3)
    const step = mergeSealed(memberA(), [forged, garbage, recordBy('a', { version: 1 }).sealed], openCounted, 0)
    expect(step.changes).toEqual([
      { kind: 'ignored', node: 'a', why: 'not-authentic' },
      { kind: 'ignored', node: undefined, why: 'not-authentic' },
    ])
    expect(opened).toBe(1)
  })

  it('of an old life are dropped when a new life says hello, even if a clock went back', () => {
    const state = run(memberA(100), (before) => linkDown(before, { node: 'a', life: 1 }, 0))
    const reborn = run(state, (before) => linkUp(before, { node: 'a', life: 2 }, 1))
    expect(recordOf(reborn, 'a')).toBeUndefined()
    expect(isRoutable(reborn, 'a')).toBe(false)
    const old = mergeRecord(reborn, recordBy('a', { version: 101, life: 1 }), 2)
    expect(old).toEqual({ state: reborn, changes: [] })
    const fresh = run(reborn, (before) => mergeRecord(before, recordBy('a', { version: 50, life: 2 }), 3))
    expect(isRoutable(fresh, 'a')).toBe(true)
  })

  it('of an old life are shown to the new one when a link to it comes up, known or in a tombstone, if they are not large', () => {
    const shown = (state: Membership, life: number): unknown[] =>
      linkUp(state, { node: 'a', life }, 9_000).changes.filter(({ kind }) => kind === 'outlived')
    const old = recordBy('a', { version: 100 })
    const outlived = { kind: 'outlived', node: 'a', sealed: old.sealed }
    const down = run(memberA(100), (before) => linkDown(before, { node: 'a', life: 1 }, 0))
    expect([shown(down, 2), shown(down, 1)]).toEqual([[outlived], []])
    const removed = run(down, (before) => tick(before, 5_000))
    expect([shown(removed, 2), shown(removed, 1)]).toEqual([[outlived], []])
    const addresses = Array.from({ length: 16 }, (_, at) => `memory:${at}/${'a'.repeat(400)}`)
    const known = run(newMembership(), (before) => mergeRecord(before, recordBy('a', { version: 100, addresses }), 0))
    const large = run(known, (before) => tick(before, 30_000))
    expect([large.tombstones.size, shown(large, 2)]).toEqual([1, []])
    expect(shown(newMembership(), 2)).toEqual([])
  })

  it('about ourselves that would win against ours are refuted', () => {
    const state = newMembership()
    const { version } = state.self.record
    const refute = (step: MembershipStep): unknown => [step.state === state, step.changes]
    for (const [life, heard] of [
      [7, version],
      [7, version + 50],
      [1, version + 3],
    ] as const) {
      expect(refute(mergeRecord(state, recordBy('me', { life, version: heard }), 0))).toEqual([
        true,
        [{ kind: 'refute', version: heard + 1 }],
      ])
    }
    for (const harmless of [state.self, recordBy('me', { life: 7, version: version - 1 })]) {
      expect(mergeSealed(state, [harmless.sealed], open, 0)).toEqual({ state, changes: [] })
    }
  })

  it('issued anew by us are ours from then on', () => {
    const own = recordBy('me', { version: 2_000, state: 'draining' })
    const step = issueOwn(newMembership(), own)
    expect(step.changes).toEqual([{ kind: 'changed', node: 'me' }])
    expect(recordOf(step.state, 'me')?.state).toBe('draining')
    expect(vouchedBytes(step.state)).toEqual([own.sealed])
  })
})

describe('removal', () => {
  it('comes five seconds after the link went down', () => {
    const down = run(memberA(), (state) => linkDown(state, { node: 'a', life: 1 }, 1_000))
    expect(tick(down, 5_999)).toEqual({ state: down, changes: [] })
    const removed = tick(down, 6_000)
    expect(removed.changes).toEqual([{ kind: 'removed', node: 'a' }])
    expect(removed.state.members.size).toBe(0)
  })

  it('leaves a tombstone that old records do not pass, newer ones and links do', () => {
    const removed = removedA(5)
    const old = mergeRecord(removed, recordBy('a', { version: 5 }), 7_000)
    expect(old).toEqual({
      state: removed,
      changes: [{ kind: 'contradicted', node: 'a', life: 1, version: 5, evidence: [] }],
    })
    const changed = { kind: 'changed', node: 'a' }
    const returned = { kind: 'returned', node: 'a' }
    expect(mergeRecord(removed, recordBy('a', { version: 6 }), 7_000).changes).toEqual([returned, changed])
    expect(linkUp(removed, { node: 'a', life: 1 }, 7_000).changes).toEqual([returned, changed])
    // A process that was started anew is no sign that the dead were not.
    expect(mergeRecord(removed, recordBy('a', { life: 2, version: 6 }), 7_000).changes).toEqual([changed])
    const outlived = { kind: 'outlived', node: 'a', sealed: recordBy('a', { version: 5 }).sealed }
    expect(linkUp(removed, { node: 'a', life: 2 }, 7_000).changes).toEqual([changed, outlived])
    const linked = run(removed, (state) => linkUp(state, { node: 'a', life: 1 }, 7_000))
    expect(
      isRoutable(
        run(linked, (state) => mergeRecord(state, recordBy('a', { version: 5 }), 7_000)),
        'a',
      ),
    ).toBe(true)
  })

  it('is forgotten when the tombstone expires', () => {
    const removed = removedA(5)
    expect(tick(removed, 64_999).changes).toEqual([])
    const forgotten = tick(removed, 65_000)
    expect(forgotten.changes).toEqual([{ kind: 'forgotten', node: 'a' }])
    expect(mergeRecord(forgotten.state, recordBy('a', { version: 5 }), 70_000).changes).toHaveLength(1)
  })

  it('comes for a node without any link when nobody mentions it any more', () => {
    const heard = run(newMembership(), (state) => mergeRecord(state, recordBy('a'), 0))
    const again = run(heard, (state) => mergeSealed(state, [recordBy('a').sealed], open, 20_000))
    expect(tick(again, 49_999).changes).toEqual([])
    expect(tick(again, 50_000).changes).toEqual([{ kind: 'removed', node: 'a' }])
  })

  it('comes for a node whose link is gone although others mention it', () => {
    const down = run(memberA(), (state) => linkDown(state, { node: 'a', life: 1 }, 0))
    const mentioned = run(down, (state) => mergeSealed(state, [recordBy('a', { version: 5 }).sealed], open, 4_000))
    expect(tick(mentioned, 5_000).changes).toEqual([{ kind: 'removed', node: 'a' }])
    const news = run(down, (state) => mergeSealed(state, [recordBy('a', { version: 6 }).sealed], open, 4_000))
    expect(tick(news, 5_000).changes).toEqual([{ kind: 'removed', node: 'a' }])
  })
})

describe('a death by the word of monitors', () => {
  const evidence = [Uint8Array.of(1)]
  const word = { node: 'a', life: 1, version: 5, evidence }

  it('removes a node without a link at once, and whoever still holds its record is told why', () => {
    const down = run(memberA(), (state) => linkDown(state, { node: 'a', life: 1 }, 0))
    const step = died(down, [word], 100)
    expect(step.changes).toEqual([{ kind: 'removed', node: 'a' }])
    const again = mergeSealed(step.state, [recordBy('a', { version: 5 }).sealed], open, 200)
    expect(again.changes).toEqual([{ kind: 'contradicted', node: 'a', life: 1, version: 5, evidence }])
    const refuted = mergeSealed(step.state, [recordBy('a', { version: 6 }).sealed], open, 200)
    expect(refuted.changes).toEqual([
      { kind: 'returned', node: 'a' },
      { kind: 'changed', node: 'a' },
    ])
  })

  it('is nothing when a newer record refutes it, or for another life, or while the node is heard', () => {
    const down = run(memberA(6), (state) => linkDown(state, { node: 'a', life: 1 }, 0))
    expect(died(down, [word], 0)).toEqual({ state: down, changes: [] })
    expect(died(down, [{ ...word, version: 6, life: 2 }], 0).changes).toEqual([])
    expect(died(memberA(), [word], 0).changes).toEqual([])
  })

  it('of many is one step, in which a word that is refuted changes nothing', () => {
    const nodes = ['a', 'b', 'c']
    const known = run(newMembership(), (state) =>
      mergeSealed(
        state,
        nodes.map((node) => recordBy(node, { version: node === 'b' ? 6 : 5 }).sealed),
        open,
        0,
      ),
    )
    const step = died(
      known,
      nodes.map((node) => ({ ...word, node })),
      100,
    )
    expect(step.changes).toEqual([
      { kind: 'removed', node: 'a' },
      { kind: 'removed', node: 'c' },
    ])
    expect([...step.state.members.keys()]).toEqual(['b'])
  })

  it('of a node whose link is up but silent waits for the end of the link, and is over when it says something', () => {
    const suspected = run(memberA(), (state) => suspect(state, { node: 'a', life: 1 }))
    const dead = run(suspected, (state) => died(state, [word], 0))
    // Said again as long as its link is up, it is no news.
    expect(died(dead, [word], 10)).toEqual({ state: dead, changes: [] })
    expect(vouchedBytes(dead)).toEqual([dead.self.sealed])
    // What is told of another life says nothing against that.
    const told = (life: number): readonly unknown[] => mergeRecord(dead, recordBy('a', { life }), 50).changes
    expect([told(1), told(2)]).toMatchObject([[{ kind: 'contradicted', life: 1 }], []])
    const down = run(dead, (state) => linkDown(state, { node: 'a', life: 1 }, 100))
    expect(tick(down, 100).changes).toEqual([{ kind: 'removed', node: 'a' }])
    const back = run(dead, (state) => trusted(state, { node: 'a', life: 1 }))
    expect(isRoutable(back, 'a')).toBe(true)
    expect(vouchedBytes(back)).toHaveLength(2)
  })
})

describe('a sparse mesh', () => {
  it('routes to nodes without a link, vouches for them, and leaves them to their monitors', () => {
    const heard = run(newMembership(), (state) => mergeRecord(state, recordBy('a'), 0))
    const sparse = run(heard, (state) => shaped(state, 'sparse', 10))
    expect(isRoutable(sparse, 'a')).toBe(true)
    expect(vouchedBytes(sparse)).toHaveLength(2)
    expect(tick(sparse, 1e9).changes).toEqual([])
    expect(
      isRoutable(
        run(sparse, (state) => died(state, [{ node: 'a', life: 1, version: 1, evidence: [] }], 20)),
        'a',
      ),
    ).toBe(false)
  })

  it('forgets a node of which there was never a record: no monitor judges it', () => {
    const sparse = run(newMembership(), (state) => shaped(state, 'sparse', 0))
    const up = run(sparse, (state) => linkUp(state, { node: 'a', life: 1 }, 0))
    const down = run(up, (state) => linkDown(state, { node: 'a', life: 1 }, 10))
    expect(tick(down, 1e9).changes).toContainEqual({ kind: 'removed', node: 'a' })
  })

  it('that becomes full again gives everybody the time to link', () => {
    const heard = run(newMembership(), (state) => mergeRecord(state, recordBy('a'), 0))
    const full = run(
      run(heard, (state) => shaped(state, 'sparse', 10)),
      (state) => shaped(state, 'full', 100_000),
    )
    expect(isRoutable(full, 'a')).toBe(false)
    expect(tick(full, 129_999).changes).toEqual([])
    expect(tick(full, 130_000).changes).toEqual([{ kind: 'removed', node: 'a' }])
  })
})

describe('bounds', () => {
  it('keep out nodes that were only heard of, and make room for ones with a link', () => {
    const settings = { membersMax: 2 }
    let state = run(newMembership(settings), (before) => mergeRecord(before, recordBy('a'), 0))
    state = run(state, (before) => mergeRecord(before, recordBy('b'), 1))
    const heard = mergeRecord(state, recordBy('c'), 2)
    expect(heard).toEqual({ state, changes: [{ kind: 'ignored', node: 'c', why: 'too-many' }] })
    const linked = linkUp(state, { node: 'c', life: 1 }, 3)
    expect(linked.changes).toEqual([
      { kind: 'removed', node: 'a' },
      { kind: 'changed', node: 'c' },
    ])
    state = run(linked.state, (before) => linkUp(before, { node: 'b', life: 1 }, 4))
    expect(linkUp(state, { node: 'd', life: 1 }, 5).changes).toEqual([{ kind: 'ignored', node: 'd', why: 'too-many' }])
    expect([...state.members.keys()]).toEqual(['b', 'c'])
  })

  it('hold for tombstones', () => {
    let state = newMembership({ membersMax: 2 })
    const forgotten: unknown[] = []
    for (const [at, node] of ['a', 'b', 'c'].entries()) {
      state = run(state, (before) => linkUp(before, { node, life: 1 }, at))
      state = run(state, (before) => linkDown(before, { node, life: 1 }, at))
      const step = tick(state, 10_000 + at)
      forgotten.push(...step.changes.filter(({ kind }) => kind === 'forgotten'))
      state = step.state
    }
    expect(forgotten).toEqual([{ kind: 'forgotten', node: 'a' }])
    expect([...state.tombstones.keys()]).toEqual(['b', 'c'])
  })
})

describe('snapshots', () => {
  it('tell of ourselves and of those that we have a link to', () => {
    const state = run(memberA(), (before) => mergeRecord(before, recordBy('b'), 0))
    expect(vouchedBytes(state)).toEqual([state.self.sealed, recordBy('a', { version: 5 }).sealed])
  })

  it('spread through one node to all others', () => {
    const there = mergeSealed(newMembership(), vouchedBytes(memberA()), open, 0)
    expect(there.changes).toEqual([{ kind: 'changed', node: 'a' }])
    expect(recordOf(there.state, 'a')).toEqual(recordBy('a', { version: 5 }).record)
    // The same again is no change, and costs no copy.
    expect(mergeSealed(there.state, vouchedBytes(memberA()), open, 0).changes).toEqual([])
  })

  it('come in chunks below the limit, each readable alone', () => {
    const sealed = Array.from({ length: 50 }, (_, number) => recordBy(`node-${number}`).sealed)
    const { chunks, skipped } = encodeSealed('records', sealed, 500)
    expect(skipped).toBe(0)
    expect(chunks.length).toBeGreaterThan(4)
    for (const chunk of chunks) expect(chunk.byteLength).toBeLessThanOrEqual(500)
    expect(chunks.flatMap((chunk) => recordsIn(chunk))).toEqual(sealed)
  })

  it('leave out a record that no chunk holds', () => {
    const large = recordBy('large', { addresses: ['x'.repeat(400)] }).sealed
    const { chunks, skipped } = encodeSealed('records', [large, recordBy('a').sealed], 300)
    expect([chunks.length, skipped]).toEqual([1, 1])
    expect(encodeSealed('records', [], 300).chunks).toEqual([])
  })

  it('are nothing when malformed', () => {
    const [chunk] = encodeSealed('records', [recordBy('a').sealed], 1_000).chunks as [Uint8Array]
    expect(decodeMeshMessage(chunk.subarray(0, chunk.byteLength - 1))).toBeUndefined()
    expect(decodeMeshMessage(Uint8Array.of(9))).toBeUndefined()
    expect(decodeMeshMessage(new Uint8Array())).toBeUndefined()
    expect(decodeMeshMessage(Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff))).toBeUndefined()
  })
})

let opened = 0

function vouchedBytes(state: Membership): Uint8Array[] {
  return vouched(state).map(({ sealed }) => sealed)
}

function recordsIn(chunk: Uint8Array): readonly Uint8Array[] {
  const message = decodeMeshMessage(chunk)
  return message?.kind === 'records' ? message.records : []
}

function openCounted(sealed: Uint8Array): NodeRecord | undefined {
  opened += 1
  return open(sealed)
}

function newMembership(settings: Partial<MembershipSettings> = {}): Membership {
  return createMembership(recordBy('me', { version: 1_000 }), settings)
}

/** We hold a record and a link of `a`, in its life 1. */
function memberA(version = 5): Membership {
  const linked = run(newMembership(), (state) => linkUp(state, { node: 'a', life: 1 }, 0))
  return run(linked, (state) => mergeRecord(state, recordBy('a', { version }), 0))
}

function removedA(version: number): Membership {
  const down = run(memberA(version), (state) => linkDown(state, { node: 'a', life: 1 }, 0))
  return run(down, (state) => tick(state, 5_000))
}

function run(state: Membership, step: (state: Membership) => MembershipStep): Membership {
  return step(state).state
}

function recordBy(node: string, change: Partial<NodeRecord> = {}): SealedRecord {
  const record = nodeRecord(node, { region: 'syd', ...change })
  return { record, sealed: sealRecord(record, world.transport(node)) }
}
