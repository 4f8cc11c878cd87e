import { expect, it } from 'vitest'
import type { Signal } from '../../src/actor/signal.ts'
import { HeldSignals } from '../../src/mesh/held-signals.ts'

const to = { node: 'b', life: 1, thread: 0, serial: 3 }
const message = (bytes: number): Signal => ({ type: 'message', to, message: new Uint8Array(bytes), encoded: true })

it('signals are held in their order, from begin to take', () => {
  const held = new HeldSignals()
  expect(held.hold(message(1))).toBe(false)
  expect(held.begin('b')).toBe(true)
  const signals = [message(1), message(2), message(3)]
  for (const signal of signals) expect(held.hold(signal)).toBe(true)
  expect([held.isEmpty, held.has('b'), held.has('c')]).toEqual([false, true, false])
  expect(held.take('b')).toEqual(signals)
  expect([held.isEmpty, held.take('b')]).toEqual([true, []])
})

it('at most 1,024 signals and 8 MiB are held for a node, one of any size, and for 1,024 nodes', () => {
  const held = new HeldSignals()
  held.begin('b')
  expect(held.hold(message(64 * 1024 * 1024))).toBe(true)
  expect(held.hold(message(1))).toBe(false)
  held.take('b')
  held.begin('b')
  for (let count = 0; count < 1_024; count += 1) expect(held.hold(message(1))).toBe(true)
  expect(held.hold(message(1))).toBe(false)
  for (let count = 1; count < 1_024; count += 1) expect(held.begin(`n${count}`)).toBe(true)
  expect([held.begin('one more'), held.begin('b')]).toEqual([false, true])
})
