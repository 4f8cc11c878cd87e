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
    const large = new Uint8Array(20_000).fill(7)
    const item = new Uint8Array(17_000).fill(8)
    giveAway(large)
    giveAway(item)
    const signals: Signal[] = [{ type: 'item', from: process, to: call, seq: 0, item }, reply(large)]
    const expected = structuredClone(signals)
    expect(carried(...signals)).toEqual(expected)
    expect([large.byteLength, item.byteLength]).toEqual([0, 0])
  })

  it('that are a part of a frame which was given away go over with the whole of it', () => {
    const frame = new Uint8Array(20_000).fill(7)
    giveAway(frame)
    const [got] = carried(reply(frame.subarray(60)))
    expect(got).toEqual(reply(new Uint8Array(19_940).fill(7)))
    expect(frame.byteLength).toBe(0)
  })

  it.each<(body: Uint8Array) => Signal>([
    (item) => ({ type: 'item', from: process, to: call, seq: 0, item }),
    (message) => ({ type: 'message', to: call, message, encoded: true }),
    (args) => ({ type: 'cast', to: call, name: 'take', args, encoded: true }),
    (args) => ({ type: 'call', to: call, from: process, ref: 1, name: 'take', args, encoded: true }),
    reply,
  ])('that are a part of a large block are there without the rest of it: %o', (signalOf) => {
    const block = new Uint8Array(60_000)
    const body = block.subarray(30_000, 47_000).fill(9)
    const [got] = carried(signalOf(body))
    expect(got).toEqual(signalOf(new Uint8Array(17_000).fill(9)))
    expect(bytesOf(got).buffer.byteLength).toBe(17_000)
    expect(block.byteLength).toBe(60_000)
  })

  it('that are still used, or small, or a part of more, are copied', () => {
    const kept = new Uint8Array(20_000).fill(7)
    const small = new Uint8Array(100)
    const part = new Uint8Array(40_000).subarray(0, 20_000)
    giveAway(small)
    giveAway(part)
    expect(carried(reply(kept), reply(small), reply(part))).toEqual([reply(kept), reply(small), reply(part)])
    expect([kept.byteLength, small.byteLength, part.byteLength]).toEqual([20_000, 100, 20_000])
  })

  it('that another thread gave away are not given on by themselves: it may keep them', () => {
    const large = new Uint8Array(20_000).fill(7)
    giveAway(large)
    const [first] = carried(reply(large))
    const second = carried(first as Signal)
    expect(second).toEqual([reply(new Uint8Array(20_000).fill(7))])
    expect(first).toEqual(second[0])
  })
})

/** The one value of a signal that is bytes. */
function bytesOf(signal: Signal | undefined): Uint8Array {
  const all = Object.values(signal ?? {}).flatMap((one: unknown) =>
    typeof one === 'object' && one !== null && 'value' in one ? [one.value] : [one],
  )
  return all.find((one) => one instanceof Uint8Array) as Uint8Array
}
