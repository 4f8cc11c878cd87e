import type { Pid } from '@skerry/core'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { type GroupChange, GroupMembers } from '../../src/groups/group-members.ts'
import { MemberLog } from '../../src/groups/member-log.ts'
import { PeerView } from '../../src/groups/peer-view.ts'

// One scope that changes, one that follows it, and a way between them that loses messages.

const scope: Pid = { node: 'a', life: 1, thread: 0, serial: 1 }
const pidOf = (serial: number): Pid => ({ ...scope, serial })

class Follower {
  readonly view: PeerView
  readonly seen = new GroupMembers()
  readonly log = new MemberLog()
  readonly members = new GroupMembers()

  constructor(membersMax = 1_000_000) {
    this.view = new PeerView(scope, membersMax)
  }

  change(type: 'join' | 'leave', group: string, pids: readonly Pid[], isLost: boolean): void {
    const changed = type === 'join' ? pids : pids.filter((pid) => this.members.remove(group, pid) > 0)
    if (type === 'join') for (const pid of pids) this.members.add(group, pid)
    for (const delta of this.log.record(type, group, changed)) {
      if (!isLost) this.#took(this.view.takeDeltas([delta]))
    }
  }

  /** One message of an answer that is lost is `lost` of them, counted over the whole answer. */
  pull(lost: ReadonlySet<number> = new Set()): boolean {
    const want = this.view.nextPull()
    if (want === undefined) return false
    const answer = this.log.answer(want, this.members)
    if ('deltas' in answer) {
      for (const [at, deltas] of answer.deltas.entries()) if (!lost.has(at)) this.#took(this.view.takeDeltas(deltas))
    } else for (const [at, part] of answer.parts.entries()) if (!lost.has(at)) this.#took(this.view.takePart(part))
    return true
  }

  beat(): void {
    this.view.takeBeat(this.log.version)
  }

  /** Beats and answers without a loss, until the follower wants nothing more; gives how many pulls it took. */
  settle(): number {
    let pulls = 0
    this.beat()
    while (this.pull()) pulls += 1
    return pulls
  }

  #took(changes: readonly GroupChange[]): void {
    for (const { type, group, pids } of changes) {
      for (const pid of pids) {
        if (type === 'join') this.seen.add(group, pid)
        else expect(this.seen.remove(group, pid)).toBe(1)
      }
    }
  }
}

function expectEqual(left: GroupMembers, right: GroupMembers): void {
  expect(left.changesSince(right)).toEqual([])
  expect(left.size).toBe(right.size)
}

const change = fc.record({
  type: fc.constantFrom('join', 'leave'),
  group: fc.constantFrom('a', 'b', 'c'),
  serials: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 5 }),
  isLost: fc.boolean(),
})
const step = fc.oneof(
  { weight: 6, arbitrary: change },
  { weight: 1, arbitrary: fc.record({ beat: fc.boolean(), lost: fc.array(fc.integer({ min: 0, max: 3 })) }) },
)

it('P1 [local]: whatever is lost on the way, a follower agrees after the next beat, and its changes add up', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const follower = new Follower()
      for (const one of steps) {
        if ('type' in one) follower.change(one.type, one.group, one.serials.map(pidOf), one.isLost)
        else {
          if (one.beat) follower.beat()
          follower.pull(new Set(one.lost))
        }
      }
      follower.settle()
      expectEqual(follower.view.members, follower.members)
      expectEqual(follower.seen, follower.members)
    }),
    { numRuns: 500 },
  )
})

it('P1 [local]: nothing is asked for while nothing is missing', () => {
  const follower = new Follower()
  for (let serial = 1; serial < 50; serial += 1) {
    follower.change('join', 'a', [pidOf(serial)], false)
    expect(follower.view.nextPull()).toBeUndefined()
  }
  follower.beat()
  expect(follower.view.nextPull()).toBeUndefined()
})

it('P1 [local]: one lost change is asked for once, and again at the next beat if its answer is lost', () => {
  const follower = new Follower()
  follower.change('join', 'a', [pidOf(1)], false)
  follower.change('join', 'a', [pidOf(2)], true)
  follower.change('join', 'a', [pidOf(3)], false)
  expect(follower.pull(new Set([0]))).toBe(true)
  follower.change('join', 'a', [pidOf(4)], false)
  expect(follower.pull()).toBe(false)
  expect(follower.view.members.size).toBe(1)
  expect(follower.settle()).toBe(1)
  expect(follower.view.members.size).toBe(4)
})

it('P1 [local]: a snapshot goes in parts of at most 32 KiB, and goes on where a part was lost', () => {
  const follower = new Follower()
  const all = Array.from({ length: 20_000 }, (_, at) => pidOf(at + 1))
  follower.change('join', 'many', all, true)
  for (let at = 0; at < 2_000; at += 1) follower.change('join', `group ${at}`, [pidOf(1)], true)
  const first = follower.log.answer({ have: 0, snapshot: 0, part: 0 }, follower.members)
  if (!('parts' in first)) throw new Error('no snapshot')
  expect(first.parts.length).toBe(8)
  expect(first.parts[0]?.parts).toBeGreaterThan(12)
  for (const part of first.parts) expect(JSON.stringify(part).length).toBeLessThan(32 * 1024)
  follower.beat()
  follower.pull(new Set([3]))
  expect(follower.pull()).toBe(false)
  // What changes meanwhile, behind the snapshot, comes from the log.
  follower.change('leave', 'many', all.slice(0, 5), false)
  const pulls = follower.settle()
  expect(pulls).toBeLessThan(6)
  expectEqual(follower.view.members, follower.members)
  expectEqual(follower.seen, follower.members)
})

it('P1 [local]: one that is further behind than the log reaches gets a snapshot', () => {
  const follower = new Follower()
  follower.change('join', 'a', [pidOf(1)], false)
  for (let at = 0; at < 20_000; at += 1) {
    follower.change('join', 'a', [pidOf(2)], true)
    follower.change('leave', 'a', [pidOf(2)], true)
  }
  const answer = follower.log.answer({ have: 1, snapshot: 0, part: 0 }, follower.members)
  expect('parts' in answer && answer.parts.length).toBe(1)
  const behind = follower.log.answer({ have: follower.log.version - 2, snapshot: 0, part: 0 }, follower.members)
  expect('deltas' in behind && behind.deltas.flat().length).toBe(2)
  follower.settle()
  expectEqual(follower.view.members, follower.members)
})

it('P1 [local]: more members than there is room for are none', () => {
  for (const isLost of [true, false]) {
    const follower = new Follower(3)
    follower.change('join', 'a', [1, 2, 3].map(pidOf), false)
    expect(follower.view.members.size).toBe(3)
    follower.change('join', 'b', [4].map(pidOf), isLost)
    follower.settle()
    expect(follower.view.isTooLarge).toBe(true)
    expect([follower.view.members.size, follower.seen.size]).toEqual([0, 0])
    follower.change('leave', 'b', [4].map(pidOf), false)
    expect(follower.settle()).toBe(0)
  }
})
