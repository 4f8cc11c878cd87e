import { expect, it } from 'vitest'
import type { ErrorData } from '../../src/base/error-data.ts'
import { type LostThread, lossOf } from '../../src/thread/thread-loss.ts'

const own: LostThread = { number: 3, isPooled: false, blamed: undefined, ended: undefined, hasStarted: true }
const pooled = { ...own, isPooled: true }
const thrown = { type: 'error', name: 'Error', message: 'boom' } as unknown as ErrorData

it("the root of a thread of its own ends for what ended the thread, and the thread's other actors with it", () => {
  expect(lossOf(own, thrown)).toEqual({
    type: 'threadDown',
    thread: 3,
    serial: 1,
    reason: thrown,
    others: 'threadlost',
  })
  expect(lossOf(own, undefined).reason).toBe('threadlost')
})

it('what it said itself, or what we ordered, comes before', () => {
  expect(lossOf({ ...own, ended: 'shutdown' }, thrown).reason).toBe('shutdown')
})

it('before it has started nothing is an error of its own', () => {
  expect(lossOf({ ...own, hasStarted: false }, thrown).reason).toBe('threadlost')
})

it("of a pool's thread nobody ends but with its loss, unless somebody kept it to himself", () => {
  expect(lossOf(pooled, thrown)).toMatchObject({ serial: 0, reason: 'threadlost', others: 'threadlost' })
  const blamed = { serial: 8, reason: 'killed' } as const
  expect(lossOf({ ...pooled, blamed }, thrown)).toMatchObject({ ...blamed, others: 'threadlost' })
})
