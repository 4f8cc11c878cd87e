import { expect, it } from 'vitest'
import type { ExitReason } from '../../src/actor/exit-reason.ts'
import { endsOrphan } from '../../src/thread/orphan.ts'

const at = { node: 'a', life: 1 }
const parent = { ...at, thread: 0, serial: 9 }
const root = { ...at, thread: 2, serial: 1 }

it('a thread is told that it should end by the end of its parent, over their link, unless that was normal', () => {
  const exit = (reason: ExitReason, changed: object = {}) =>
    endsOrphan({ type: 'exit', from: parent, to: root, reason, viaLink: true, ...changed }, parent)
  expect([exit('boom'), exit('shutdown'), exit('normal')]).toEqual([true, true, false])
  expect(exit('boom', { viaLink: false })).toBe(false)
  expect(exit('boom', { from: { ...parent, serial: 10 } })).toBe(false)
  expect(exit('boom', { to: { ...root, serial: 2 } })).toBe(false)
})

it('nothing else tells it so', () => {
  const message = { type: 'message', to: root, message: 1, encoded: false } as const
  expect(endsOrphan(message, parent)).toBe(false)
  const exit = { type: 'exit', from: parent, to: root, reason: 'boom', viaLink: true } as const
  expect(endsOrphan(exit, undefined)).toBe(false)
})
