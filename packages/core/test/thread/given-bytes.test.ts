import { describe, expect, it } from 'vitest'
import type { Pid } from '../../src/actor/pid.ts'
import type { Signal } from '../../src/actor/signal.ts'
import { giveAway } from '../../src/base/given-bytes.ts'
import { type Batch, ThreadChannel } from '../../src/thread/thread-channel.ts'

const home = { node: 'a', life: 1 }
const call: Pid = { ...home, thread: 0, serial: 4 }
const process: Pid = { ...home, thread: 2, serial: 5 }
const reply = (value: Uint8Array): Signal => ({
  type: 'reply',
  to: call,
  ref: 0,
  result: { ok: true, value, encoded: true },
})

/** What one side says in one batch, as the other side gets it. */
function carried(...signals: Signal[]): Signal[] {
  const got: Signal[] = []
  const reader = new ThreadChannel<{ type: 'signal'; signal: Signal }>(
    home,
    () => undefined,
    () => undefined,
  )
  const post = (batch: Batch<{ type: 'signal'; signal: Signal }>, given: readonly unknown[] = []): void => {
    const copy = structuredClone(batch, { transfer: given as ArrayBuffer[] })
    reader.receive(copy, (message) => got.push(message.signal))
  }
  const writer = new ThreadChannel<{ type: 'signal'; signal: Signal }>(home, () => undefined, post)
  for (const signal of signals) writer.sendSignal(signal)
  writer.flush()
  return got
}

describe('large bytes between threads', () => {
  it('that were given away go over without a copy, in their order', () => {
    const large = new Uint8Array(100_000).fill(7)
    const item = new Uint8Array(50_000).fill(8)
    giveAway(large)
    giveAway(item)
    const signals: Signal[] = [{ type: 'item', from: process, to: call, seq: 0, item }, reply(large)]
    const expected = structuredClone(signals)
    expect(carried(...signals)).toEqual(expected)
    expect([large.byteLength, item.byteLength]).toEqual([0, 0])
  })

  it('that are still used, or small, or a part of more, are copied', () => {
    const kept = new Uint8Array(100_000).fill(7)
    const small = new Uint8Array(100)
    const part = new Uint8Array(200_000).subarray(0, 100_000)
    giveAway(small)
    giveAway(part)
    expect(carried(reply(kept), reply(small), reply(part))).toEqual([reply(kept), reply(small), reply(part)])
    expect([kept.byteLength, small.byteLength, part.byteLength]).toEqual([100_000, 100, 100_000])
  })

  it('that another thread gave away are not given on by themselves: it may keep them', () => {
    const large = new Uint8Array(100_000).fill(7)
    giveAway(large)
    const [first] = carried(reply(large))
    const second = carried(first as Signal)
    expect(second).toEqual([reply(new Uint8Array(100_000).fill(7))])
    expect(first).toEqual(second[0])
  })
})
