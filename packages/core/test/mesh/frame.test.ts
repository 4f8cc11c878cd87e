import { describe, expect, it } from 'vitest'
import type { Pid } from '../../src/actor/pid.ts'
import type { Signal, SpawnSignal } from '../../src/actor/signal.ts'
import { errorData } from '../../src/base/error-data.ts'
import { CodecError } from '../../src/codec/errors.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import {
  decodeNotice,
  decodeSignal,
  encodeNotice,
  encodeSignal,
  type FrameEnd,
  type NodeNotice,
} from '../../src/mesh/frame.ts'
import type { BlockSlice } from '../../src/mesh/block-slice.ts'
import { FrameError, FrameReader, FrameWriter } from '../../src/mesh/frame-bytes.ts'
import { type Draw, seededDraw } from '../codec/generate-value.ts'

const codec = msgpackCodec()
const sender: FrameEnd = { node: 'a', life: 11 }
const receiver: FrameEnd = { node: 'b', life: 22 }
const from: Pid = { ...sender, thread: 3, serial: 2 ** 40 }
const to: Pid = { ...receiver, thread: 0, serial: 127 }
const body = codec.encode({ text: 'köln', list: [1n, undefined] })
const error = errorData(new RangeError('far', { cause: new Error('inner') }))
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const request = {
  procedure: 'orders.create',
  version: 2,
  timeLeftMs: 4_999,
  idempotencyKey: undefined,
  // What a sender says of itself is not carried.
  callerRegion: 'nrt',
  callerRoles: ['admin'],
  input: body,
}

/** One of each kind at least, as its sender writes it. */
const signals: Signal[] = [
  { type: 'message', to, message: body, encoded: true },
  { type: 'message', to, message: new Uint8Array(0), encoded: true },
  { type: 'cast', to, name: 'reset', args: body, encoded: true },
  { type: 'call', to, from, ref: 2 ** 53 - 1, name: 'größe', args: body, encoded: true },
  { type: 'reply', to, ref: 128, result: { ok: true, value: body, encoded: true } },
  { type: 'reply', to, ref: 0, result: { ok: false, failure: { code: 'ERR_X', outcome: 'ran', message: 'm' } } },
  {
    type: 'reply',
    to,
    ref: 1,
    result: { ok: false, failure: { code: 'ERR_X', outcome: 'unknown', message: 'm', reason: 'killed', cause: error } },
  },
  { type: 'link', from, to },
  { type: 'unlink', from, to },
  { type: 'exit', from, to, reason: 'killed', viaLink: true },
  { type: 'exit', from, to, reason: { type: 'shutdown' }, viaLink: false },
  { type: 'monitor', from, to, ref: 7 },
  { type: 'demonitor', from, to, ref: 7 },
  { type: 'down', from, to, ref: 7, reason: error },
  { type: 'spawn', from, to: { ...to, serial: 0 }, request },
  { type: 'spawn', from, to: { ...to, serial: 0 }, request: { ...request, idempotencyKey: 'key', timeLeftMs: 0 } },
  { type: 'spawn', from, to: { ...to, serial: 0 }, request: { ...request, isCast: true } },
  { type: 'spawn', from, to: { ...to, serial: 0 }, request: { ...request, trace: { traceparent } } },
  { type: 'spawn', from, to: { ...to, serial: 0 }, request: { ...request, trace: { traceparent, tracestate: 'v=1' } } },
  { type: 'call', to, from, ref: 3, name: 'add', trace: { traceparent, tracestate: 'v=1' }, args: body, encoded: true },
  { type: 'call', to, from, ref: 4, name: 'add', trace: { traceparent, baggage: 'a=1' }, args: body, encoded: true },
  {
    type: 'spawn',
    from,
    to: { ...to, serial: 0 },
    request: { ...request, trace: { traceparent, tracestate: 'v=1', baggage: 'b=2' } },
  },
  {
    type: 'reply',
    to,
    ref: 0,
    result: { ok: true, value: body, encoded: true },
    served: { queueMs: 0, runMs: 12.345 },
  },
  {
    type: 'reply',
    to,
    ref: 0,
    result: { ok: false, failure: { code: 'ERR_X', outcome: 'ran', message: 'm' } },
    served: { queueMs: 0.001, runMs: 2 ** 31 },
  },
  {
    type: 'spawn',
    from,
    to: { ...to, serial: 0 },
    request: { ...request, stream: { items: 256, bytes: 2 ** 20, silentMs: 15_000, hasIncoming: false } },
  },
  {
    type: 'spawn',
    from,
    to: { ...to, serial: 0 },
    request: { ...request, stream: { items: 1, bytes: 1_024, silentMs: 100, hasIncoming: true } },
  },
  { type: 'cancel', from, to: { ...to, serial: 0 }, reason: 'timeout' },
  { type: 'item', from, to, seq: 300, item: body },
  { type: 'reply', to, ref: 0, result: { ok: true, value: body, encoded: true, token: '0/16B3748' } },
  { type: 'credit', from, to, items: 0, bytes: 0 },
  { type: 'credit', from, to, items: 128, bytes: 2 ** 33 },
  { type: 'itemsEnd', from, to },
]

const encode = (signal: Signal): Uint8Array => encodeSignal(signal, codec)
/** What the receiver's link says of the sender. */
const caller = { region: 'lax', roles: ['billing'] }
const decode = (frame: Uint8Array): Signal => decodeSignal(frame, { ...sender, ...caller }, receiver, codec)
/** What the receiver makes of it. */
const arrivedFrom = (signal: Signal): Signal => {
  if (signal.type === 'reply') return { ...signal, via: sender.node }
  if (signal.type !== 'spawn') return signal
  return { ...signal, request: { ...signal.request, callerRegion: caller.region, callerRoles: caller.roles } }
}
const badFrame = expect.objectContaining({ code: 'ERR_BAD_FRAME' })

describe('a frame', () => {
  for (const [index, signal] of signals.entries()) {
    it(`carries a ${signal.type} (${index})`, () => {
      expect(decode(encode(signal))).toEqual(arrivedFrom(signal))
    })
  }

  it('asks for a stream within its limits, whatever a peer says', () => {
    const asked = (items: number, bytes: number, silentMs: number): unknown => {
      const stream = { items, bytes, silentMs, hasIncoming: true }
      const arrived = decode(encode({ type: 'spawn', from, to: { ...to, serial: 0 }, request: { ...request, stream } }))
      return (arrived as SpawnSignal).request.stream
    }
    const most = { items: 65_536, bytes: 64 * 1024 * 1024, silentMs: 3_600_000, hasIncoming: true }
    expect(asked(2 ** 40, 2 ** 50, 2 ** 45)).toEqual(most)
    expect(asked(0, 0, 0)).toEqual({ items: 1, bytes: 1_024, silentMs: 100, hasIncoming: true })
  })

  it('carries what is not yet encoded in its encoded form', () => {
    const frame = encode({ type: 'cast', to, name: 'reset', args: ['a', 1n], encoded: false })
    const arrived = decode(frame)
    expect(arrived).toMatchObject({ type: 'cast', name: 'reset', encoded: true })
    expect(codec.decode((arrived as { args: Uint8Array }).args)).toEqual(['a', 1n])
  })

  it('carries a short body as its value, and everything else as bytes', () => {
    const values = [
      null,
      true,
      false,
      0,
      127,
      -32,
      '',
      'skerr',
      'x'.repeat(20),
      128,
      -0,
      1.5,
      NaN,
      undefined,
      'köln',
      'x'.repeat(62),
    ]
    for (const value of values) {
      const spawn = decode(encode({ type: 'spawn', from, to, request: { ...request, input: value } }))
      const reply = decode(encode({ type: 'reply', to, ref: 0, result: { ok: true, value, encoded: false } }))
      const bodies = [
        (spawn as { request: { input: unknown } }).request.input,
        (reply as { result: { value: unknown } }).result.value,
      ]
      const isEncoded = bodies[0] instanceof Uint8Array
      expect((reply as { result: { encoded: boolean } }).result.encoded).toBe(isEncoded)
      for (const read of bodies) expect(isEncoded ? codec.decode(read as Uint8Array) : read).toBe(value)
      // What an older node writes, and reads.
      const bytes = encode({
        type: 'reply',
        to,
        ref: 0,
        result: { ok: true, value: codec.encode(value), encoded: true },
      })
      expect(encode({ type: 'reply', to, ref: 0, result: { ok: true, value, encoded: false } })).toEqual(bytes)
    }
  })

  it('is read from any place in its bytes', () => {
    const signal = signals.find(({ type }) => type === 'spawn') as Signal
    const within = Uint8Array.of(1, 2, 3, ...encode(signal))
    expect(decodeSignal(within, { ...sender, ...caller }, receiver, codec, 3)).toEqual(arrivedFrom(signal))
    expect(decodeNotice(Uint8Array.of(0, ...encodeNotice({ type: 'draining' })), 1)).toEqual({ type: 'draining' })
  })

  it('carries as much baggage as W3C asks for, and no more', () => {
    const spawn = (chars: number): Signal => {
      const trace = { traceparent, baggage: 'b'.repeat(chars) }
      return { type: 'spawn', from, to: { ...to, serial: 0 }, request: { ...request, trace } }
    }
    expect(decode(encode(spawn(8_192)))).toEqual(arrivedFrom(spawn(8_192)))
    expect(() => encode(spawn(8_193))).toThrow(FrameError)
  })

  it('is read to its end, whatever stands behind it', () => {
    for (const signal of signals) {
      const frame = encode(signal)
      // More of the same, so that none of it would be taken for malformed.
      const within = Uint8Array.of(7, ...frame, ...frame)
      const end = 1 + frame.length
      const whole = decodeSignal(within, { ...sender, ...caller }, receiver, codec, 1, end)
      expect(whole).toEqual(decode(frame))
      for (let cut = 1; cut < end; cut += 1) {
        expect(outcomeOf(() => decodeSignal(within, { ...sender, ...caller }, receiver, codec, 1, cut))).toEqual(
          outcomeOf(() => decode(frame.subarray(0, cut - 1))),
        )
      }
    }
    const notice = encodeNotice({ type: 'threadDown', thread: 300 })
    expect(decodeNotice(notice, 0, notice.length)).toEqual({ type: 'threadDown', thread: 300 })
    expect(() => decodeNotice(notice, 0, notice.length - 1)).toThrow(badFrame)
    expect(decodeNotice(notice, 0, 0)).toBeUndefined()
  })

  it('says nothing of nodes and lives: both are those of the link it came on', () => {
    const forged = encode({
      type: 'link',
      from: { ...from, node: 'victim', life: 1 },
      to: { ...to, node: 'x', life: 2 },
    })
    expect(decode(forged)).toEqual({ type: 'link', from, to })
  })

  it('rounds the time that is left up to whole milliseconds, and never below 0', () => {
    const timeOf = (timeLeftMs: number): unknown =>
      decode(encode({ type: 'spawn', from, to, request: { ...request, timeLeftMs } }))
    expect(timeOf(0.2)).toMatchObject({ request: { timeLeftMs: 1 } })
    expect(timeOf(-5)).toMatchObject({ request: { timeLeftMs: 0 } })
  })

  it('is a copy: the next one does not write over it', () => {
    const first = encode(signals[2] as Signal)
    const before = first.slice()
    for (const signal of signals) encode(signal)
    expect(first).toEqual(before)
  })

  it('carries a body far larger than its writer’s buffer, and small ones after it', () => {
    const message = new Uint8Array(3 << 20).fill(7)
    const arrived = decode(encode({ type: 'message', to, message, encoded: true })) as { message: Uint8Array }
    expect(Buffer.compare(arrived.message, message)).toBe(0)
    expect(decode(encode(signals[7] as Signal))).toEqual(signals[7])
  })

  it('refuses a name that the other side would refuse', () => {
    const cast = (name: string): Signal => ({ type: 'cast', to, name, args: body, encoded: true })
    expect(decode(encode(cast('x'.repeat(1_024))))).toMatchObject({ name: 'x'.repeat(1_024) })
    for (const name of ['x'.repeat(1_025), 'ö'.repeat(513)]) expect(() => encode(cast(name))).toThrow(badFrame)
  })

  it('refuses a reason that can not be encoded, and says where in it', () => {
    const reason = { type: 'custom', callback: () => 1 }
    expect(() => encode({ type: 'exit', from, to, reason, viaLink: true })).toThrow(
      expect.objectContaining({ code: 'ERR_NOT_ENCODABLE', path: expect.stringContaining('callback') }),
    )
  })

  it('may be a notice of one node to another, which is no signal', () => {
    const notices: NodeNotice[] = [{ type: 'threadDown', thread: 300 }, { type: 'draining' }, { type: 'drainingHeard' }]
    for (const notice of notices) {
      expect(decodeNotice(encodeNotice(notice))).toEqual(notice)
      expect(() => decode(encodeNotice(notice))).toThrow(badFrame)
    }
    for (const signal of signals) expect(decodeNotice(encode(signal))).toBeUndefined()
  })
})

describe('a frame of a broken or hostile peer', () => {
  it('is refused when it ends within its header', () => {
    for (const signal of signals.filter((each) => each.type !== 'message')) {
      const frame = encode(signal)
      expect(() => decode(frame.subarray(0, 2))).toThrow(badFrame)
    }
    expect(() => decode(new Uint8Array(0))).toThrow(badFrame)
    expect(() => decodeNotice(encodeNotice({ type: 'threadDown', thread: 300 }).subarray(0, 1))).toThrow(badFrame)
  })

  it('is refused for a kind that does not exist', () => {
    for (const kind of [0, 14, 255]) expect(() => decode(Uint8Array.of(kind, 1, 1, 1, 1))).toThrow(badFrame)
  })

  it('is refused for a number that no JavaScript number holds', () => {
    expect(() => decode(Uint8Array.of(5, ...new Array<number>(7).fill(0xff), 0x7f, 0))).toThrow(badFrame)
    expect(() => decode(Uint8Array.of(5, ...new Array<number>(60).fill(0x80)))).toThrow(badFrame)
  })

  it('is refused for a name that claims more bytes than there are, or is not UTF-8', () => {
    expect(() => decode(Uint8Array.of(2, 0, 1, 5, 65, 66))).toThrow(badFrame)
    expect(() => decode(Uint8Array.of(2, 0, 1, 2, 0xc3, 0x28))).toThrow(badFrame)
    expect(() => decode(Uint8Array.of(2, 0, 1, 0x81, 0x08, ...new Array<number>(1_025).fill(65)))).toThrow(badFrame)
  })

  it('is read as an unreadable failure when its failure is something else', () => {
    const frame = (failure: unknown): Uint8Array => Uint8Array.of(4, 0, 1, 9, 0, ...codec.encode(failure))
    for (const failure of [null, 'no', [], { code: 'ERR_X' }, { code: 'E', message: 'm', outcome: 'perhaps' }]) {
      expect(decode(frame(failure))).toMatchObject({
        result: { ok: false, failure: { code: 'ERR_NOT_DECODABLE', outcome: 'unknown' } },
      })
    }
  })

  it('never throws anything else than that it is bad or not decodable: 4,000 mutations and random frames', () => {
    const draw = seededDraw(20_260_729)
    const frames = signals.map(encode)
    const outcomes = { read: 0, bad: 0, notDecodable: 0 }
    for (let round = 0; round < 4_000; round += 1) {
      const frame = round % 4 === 3 ? randomFrame(draw) : mutated(draw, frames[draw(frames.length)] as Uint8Array)
      try {
        const { to: target } = decode(frame)
        expect([target.node, target.life]).toEqual([receiver.node, receiver.life])
        outcomes.read += 1
      } catch (thrown) {
        if (thrown instanceof FrameError) outcomes.bad += 1
        else if (thrown instanceof CodecError && thrown.code === 'ERR_NOT_DECODABLE') outcomes.notDecodable += 1
        else throw thrown
      }
    }
    // All three were met often, or the frames were not what they are for.
    expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(500)
  })
})

describe('a name in a frame', () => {
  it('is what was written, whichever were read before', () => {
    // More than are kept, so that some take the place of others.
    const names = ['', 'größe', 'ÿ', 'x'.repeat(63), 'x'.repeat(64), 'y'.repeat(300), ...numbered('order', 1_000)]
    for (const name of [...names, ...names.reverse()]) {
      const writer = new FrameWriter()
      writer.start(7, 1)
      writer.text(name)
      writer.number(9)
      const reader = new FrameReader(writer.finish(), 2)
      expect([reader.name(), reader.number()]).toEqual([name, 9])
    }
  })

  it('is the same bytes as any text, whichever was written before', () => {
    const names = ['größe', 'ÿ', 'a.b', '', 'x'.repeat(63), 'x'.repeat(64), 'y'.repeat(300)]
    const written = (write: (writer: FrameWriter, name: string) => void): Uint8Array => {
      const writer = new FrameWriter()
      writer.start(7, 1)
      // Each twice and a third time: the bytes of what comes again are kept.
      for (const name of [...names, ...names]) for (let times = 0; times < 3; times += 1) write(writer, name)
      return writer.finish()
    }
    expect(written((writer, name) => writer.name(name))).toEqual(written((writer, name) => writer.text(name)))
  })

  it('is not taken from behind the end of its frame', () => {
    const whole = Uint8Array.of(3, 97, 98, 99)
    expect(new FrameReader(whole).name()).toBe('abc')
    expect(() => new FrameReader(whole.subarray(0, 3)).name()).toThrow(badFrame)
    expect(() => new FrameReader(whole.subarray(0, 0)).name()).toThrow(badFrame)
  })
})

const numbered = (word: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${word}.${n}`)

describe('a number in a frame', () => {
  it('comes back whole over the range of whole numbers', () => {
    const numbers = [0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32 + 1, 2 ** 49 - 1, 2 ** 49, 2 ** 53 - 1]
    const writer = new FrameWriter()
    writer.start(7, 1)
    for (const number of numbers) writer.number(number)
    const reader = new FrameReader(writer.finish().subarray(1))
    expect(reader.kind()).toBe(1)
    expect(numbers.map(() => reader.number())).toEqual(numbers)
    expect(reader.rest()).toHaveLength(0)
  })
})

function outcomeOf(decoded: () => Signal): unknown {
  try {
    return decoded()
  } catch (error) {
    return (error as Error).message
  }
}

function mutated(draw: Draw, frame: Uint8Array): Uint8Array {
  const bytes = [...frame]
  for (let times = 1 + draw(3); times > 0; times -= 1) {
    const at = draw(bytes.length + 1)
    const change = draw(4)
    if (change === 0) bytes[Math.min(at, bytes.length - 1)] = draw(256)
    else if (change === 1) bytes.splice(at, 1 + draw(4))
    else if (change === 2) bytes.splice(at, 0, draw(256))
    else bytes.length = at
  }
  return Uint8Array.from(bytes)
}

function randomFrame(draw: Draw): Uint8Array {
  const bytes = Uint8Array.from({ length: draw(40) }, () => draw(256))
  // Mostly of a kind that exists: otherwise the first byte would end almost all of them.
  if (bytes.length > 0 && draw(4) > 0) bytes[0] = 1 + draw(13)
  return bytes
}

describe('frames cut out of one block', () => {
  it('stay as they are when others follow, whatever their sizes', () => {
    const writer = new FrameWriter()
    const sizes = Array.from({ length: 400 }, (_none, index) => ((index * 37) % 1_500) + (index % 50 === 0 ? 9_000 : 0))
    const frames = sizes.map((size, index) => {
      writer.start(7, index % 256)
      writer.text(index % 2 === 0 ? 'plain' : 'größer')
      writer.number(index)
      if (index % 7 === 0) writer.start(7, index % 256)
      writer.rest(new Uint8Array(size).fill(index))
      return writer.finish()
    })
    for (const [index, frame] of frames.entries()) {
      expect(frame[0]).toBe(7)
      const reader = new FrameReader(frame.subarray(1))
      expect(reader.kind()).toBe(index % 256)
      // A frame begun anew has nothing of the one that was given up.
      if (index % 7 !== 0) {
        expect(reader.text()).toBe(index % 2 === 0 ? 'plain' : 'größer')
        expect(reader.number()).toBe(index)
      }
      // By bytes: `toEqual` takes seconds for so many elements.
      expect(Buffer.compare(reader.rest(), Buffer.alloc(sizes[index] as number, index))).toBe(0)
    }
  })

  it('are written over only where the last one was given back, and never one that nobody gave back', () => {
    const writer = new FrameWriter()
    const draw = seededDraw(7)
    const kept: { slice: BlockSlice; content: Uint8Array }[] = []
    let reused = 0
    let last: BlockSlice | undefined
    for (let number = 0; number < 2_000; number += 1) {
      const content = new Uint8Array(draw(1_500)).fill(number)
      writer.start(7, 1)
      writer.rest(content)
      const slice = writer.finishMessage() as BlockSlice
      if (last !== undefined && slice.block === last.block && slice.from === last.from) reused += 1
      last = undefined
      const fate = draw(4)
      if (fate < 2) {
        slice.giveBack()
        last = slice
      } else kept.push({ slice, content })
      // One of before is not the last one: its place stays as it is until it is the collector's.
      if (fate === 3 && kept.length > 3) kept.splice(draw(kept.length - 1), 1)[0]?.slice.giveBack()
      // Nor is one behind which another was begun.
      if (fate === 0) {
        writer.start(7, 2)
        writer.number(1)
      }
    }
    expect(reused).toBeGreaterThan(500)
    for (const { slice, content } of kept) expect(Buffer.compare(slice.view().subarray(2), content)).toBe(0)
  })

  it('are not written over where the one given back has another begun behind it', () => {
    const writer = new FrameWriter()
    writer.start(7, 1)
    const first = writer.finishMessage() as BlockSlice
    writer.start(7, 2)
    writer.number(5)
    first.giveBack()
    writer.number(6)
    expect(writer.finish()).toEqual(Uint8Array.of(7, 2, 5, 6))
  })

  it('carry names up to the longest, plain or not', () => {
    const writer = new FrameWriter()
    for (const name of [
      '',
      'a',
      'x'.repeat(63),
      'x'.repeat(64),
      'x'.repeat(1_024),
      'é'.repeat(40),
      'x'.repeat(62) + 'é',
    ]) {
      writer.start(7, 1)
      writer.text(name)
      const reader = new FrameReader(writer.finish().subarray(2))
      expect(reader.text()).toBe(name)
    }
  })
})
