import { describe, expect, it } from 'vitest'
import type { Pid } from '../../src/actor/pid.ts'
import type { ReplyResult, ReplySignal, Signal, SpawnRequest, SpawnSignal } from '../../src/actor/signal.ts'
import { isShortValue, type ShortValue } from '../../src/codec/short-values.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import { decodeSignal, encodeSignalMessage, type FrameEnd } from '../../src/mesh/frame.ts'
import { linkHeaderBytes } from '../../src/mesh/link-message.ts'
import { recordOf, type SignalRecord, signalOf } from '../../src/mesh/signal-record.ts'
import { generateValue, seededDraw } from '../codec/generate-value.ts'

const codec = msgpackCodec()
const sender: FrameEnd = { node: 'a', life: 11, region: 'lax', roles: ['billing'] }
const receiver: FrameEnd = { node: 'b', life: 22 }
const from: Pid = { node: 'a', life: 11, thread: 3, serial: 2 ** 40 }
const plain: SpawnRequest = {
  procedure: 'orders.create',
  version: 2,
  timeLeftMs: 4_999.2,
  idempotencyKey: undefined,
  // What a sender says of itself is not carried.
  callerRegion: 'nrt',
  callerRoles: ['admin'],
  input: 'köln'.slice(0, 1),
  trace: undefined,
}
const call = (more: Partial<SpawnRequest> = {}): SpawnSignal => {
  return { type: 'spawn', from, to: { node: 'b', life: 22, thread: 0, serial: 0 }, request: { ...plain, ...more } }
}
const answer = (result: Partial<Extract<ReplyResult, { ok: true }>>, more: Partial<ReplySignal> = {}): ReplySignal => {
  const whole = { ok: true as const, value: 1, encoded: false, ...result }
  return { type: 'reply', to: { node: 'b', life: 22, thread: 0, serial: 7 }, ref: 0, result: whole, ...more }
}

describe('a record', () => {
  it('becomes the same signal as its frame does, and counts at least as many bytes', () => {
    const draw = seededDraw(1)
    const values = [null, true, false, 0, -32, 127, '', 'a', 'x'.repeat(62), '\0 ~']
    for (let round = 0; round < 300; round += 1) values.push(generateValue(draw, 0) as string)
    let records = 0
    for (const value of values) {
      if (!isShortValue(value)) continue
      for (const signal of [call({ input: value }), answer({ value })]) {
        const record = recordOf(signal)
        if (record === undefined) continue
        records += 1
        const frame = encodeSignalMessage(signal, codec)
        expect(record.byteLength).toBeGreaterThanOrEqual(frame.byteLength)
        const bytes = (frame as { view(): Uint8Array }).view().subarray(linkHeaderBytes)
        expect(signalOf(record, sender, receiver)).toEqual(opened(decodeSignal(bytes, sender, receiver, codec)))
      }
    }
    expect(records).toBeGreaterThan(40)
  })

  it('has nothing in it that is an object, and what is made of it is new each time but for the address of a node', () => {
    const record = recordOf(call()) as SignalRecord
    expect(Object.values(record).filter((field) => typeof field === 'object' && field !== null)).toEqual([])
    const [first, second] = [signalOf(record, sender, receiver), signalOf(record, sender, receiver)] as SpawnSignal[]
    expect(first?.request).not.toBe(second?.request)
    expect(first?.from).not.toBe(from)
    expect(first?.from).toEqual(from)
  })

  it('is not made of what has more to say, or what the codec would change', () => {
    const stream = { items: 1, bytes: 1_024, silentMs: 100, hasIncoming: false }
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    const frames = [
      call({ idempotencyKey: 'k' }),
      call({ isCast: true }),
      call({ trace: { traceparent } }),
      call({ stream }),
      call({ procedure: 'x'.repeat(65) }),
      call({ input: new Uint8Array(3) }),
      call({ input: '\ud800' }),
      call({ input: 'ü' }),
      call({ input: -0 }),
      call({ input: 1.5 }),
      call({ input: undefined }),
      { ...call(), to: { node: 'b', life: 22, thread: 0, serial: 9 } },
      answer({ value: new Uint8Array(3), encoded: true }),
      answer({ value: 'x'.repeat(63) }),
      answer({ token: '0/16B3748' }),
      answer({}, { ref: 3 }),
      answer({}, { served: { queueMs: 1, runMs: 2 } }),
      answer({}, { result: { ok: false, failure: { code: 'ERR_X', outcome: 'ran', message: 'm' } } }),
    ]
    for (const [index, signal] of frames.entries()) expect(recordOf(signal), `signal ${index}`).toBeUndefined()
  })
})

/** What a frame leaves as bytes for its handler, such as text of more than a few characters, as that reads it. */
function opened(signal: Signal): Signal {
  if (signal.type === 'spawn' && signal.request.input instanceof Uint8Array) {
    return { ...signal, request: { ...signal.request, input: codec.decode(signal.request.input) as ShortValue } }
  }
  if (signal.type !== 'reply' || !signal.result.ok || !signal.result.encoded) return signal
  const value = codec.decode(signal.result.value as Uint8Array)
  return { ...signal, result: { ...signal.result, value, encoded: false } }
}
