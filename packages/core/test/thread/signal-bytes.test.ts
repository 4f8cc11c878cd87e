import { describe, expect, it } from 'vitest'
import type { Pid } from '../../src/actor/pid.ts'
import type { Signal } from '../../src/actor/signal.ts'
import { type Packed, SignalReader, SignalWriter } from '../../src/thread/signal-bytes.ts'

const home = { node: 'a', life: 1 }
const to: Pid = { ...home, thread: 3, serial: 2 ** 52 + 1 }
const from: Pid = { ...home, thread: 0, serial: 7 }
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index % 256)

/** One of each that is packed, with a body of so many bytes. */
const signals = (length: number): Signal[] => [
  { type: 'message', to, message: bytes(length), encoded: true },
  { type: 'cast', to, name: 'note', args: bytes(length), encoded: true },
  { type: 'call', to, from, ref: 5, name: 'add', args: bytes(length), encoded: true },
  { type: 'cast', to, name: 'note', args: bytes(length), encoded: true },
  { type: 'reply', to, ref: 2 ** 40, result: { ok: true, value: bytes(length), encoded: true } },
  { type: 'item', to, from, seq: 9, item: bytes(length) },
]

function packed(writer: SignalWriter, given: readonly Signal[]): Packed {
  for (const signal of given) expect(writer.add(signal)).toBe(true)
  return writer.take()
}

function read(reader: SignalReader, whole: Packed): { signals: Signal[]; read: number } {
  const got: Signal[] = []
  let count = 0
  reader.read(whole, {
    signal: (signal) => got.push(signal),
    read: (more) => {
      count += more
    },
  })
  return { signals: got, read: count }
}

describe('signals to another thread of the node', () => {
  it.each([
    ['a string', 256, 'string'],
    ['bytes', 1_000, 'object'],
  ])('arrive as they were, in order, as %s', (_form, length, type) => {
    const [writer, reader] = [new SignalWriter(home), new SignalReader(home)]
    for (let round = 0; round < 2; round += 1) {
      const whole = packed(writer, signals(length))
      expect(typeof whole).toBe(type)
      expect(read(reader, structuredClone(whole)).signals).toEqual(signals(length))
    }
  })

  it('do not change when later ones come: nobody has to read a body at once', () => {
    const [writer, reader] = [new SignalWriter(home), new SignalReader(home)]
    const first = read(reader, packed(writer, signals(100)))
    for (let round = 0; round < 200; round += 1) {
      read(reader, packed(writer, [{ type: 'message', to, message: new Uint8Array(100), encoded: true }]))
    }
    expect(first.signals).toEqual(signals(100))
  })

  it('go with the count of what was read', () => {
    const [writer, reader] = [new SignalWriter(home), new SignalReader(home)]
    writer.addRead(70_000)
    expect(read(reader, packed(writer, signals(10)))).toMatchObject({ read: 70_000 })
  })

  it.each<[string, Signal]>([
    ['from an actor of another node', { type: 'item', to, from: { ...from, node: 'b' }, seq: 0, item: bytes(1) }],
    ['that is large', { type: 'item', to, from, seq: 0, item: bytes(16 * 1024 + 1) }],
    ['that is not encoded', { type: 'message', to, message: {}, encoded: false }],
  ])('are left to structured clone: one %s', (_which, signal) => {
    const writer = new SignalWriter(home)
    expect(writer.add(signal)).toBe(false)
    expect(writer.isEmpty).toBe(true)
  })
})
