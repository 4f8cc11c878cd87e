import { virtualClock } from '@skerry/testing'
import { expect, it } from 'vitest'
import type { ExitReason } from '../../src/actor/exit-reason.ts'
import { PlainOwner } from '../../src/node/plain-owner.ts'

it('is waited for until its last call is over, and no longer than it may take', async () => {
  const clock = virtualClock()
  const owner = new PlainOwner()
  await owner.whenNone(clock, 1_000)
  const [one, other] = [callOf(), callOf()]
  for (const call of [one, other]) owner.attach(call)
  const log: string[] = []
  const inTime = owner.whenNone(clock, 1_000).then(() => log.push('none'))
  owner.detach(one)
  await clock.advance(999)
  log.push('one less')
  owner.detach(other)
  await inTime
  expect(log).toEqual(['one less', 'none'])
  expect(clock.pending).toBe(0)
  owner.attach(one)
  const late = owner.whenNone(clock, 1_000)
  await clock.advance(1_000)
  await late
})

it('ends what is waited for, and not what is over', () => {
  const owner = new PlainOwner()
  const [over, open] = [callOf(), callOf()]
  for (const call of [over, open]) owner.attach(call)
  owner.detach(over)
  owner.end()
  expect([over.ends, open.ends]).toEqual([[], ['shutdown']])
})

function callOf() {
  const ends: ExitReason[] = []
  return { ends, ownerExited: (reason: ExitReason) => void ends.push(reason) }
}
