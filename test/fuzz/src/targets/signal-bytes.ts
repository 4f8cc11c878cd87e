import type { Signal } from '../../../../packages/core/dist/actor/signal.js'
import { SignalReader, SignalWriter } from '../../../../packages/core/dist/thread/signal-bytes.js'
import { drawBytes, type Draw, pick } from '../draw.ts'
import { joined } from '../mutate.ts'
import { isSameValue } from '../same-value.ts'
import { check, type Target } from '../target.ts'

const home = { node: 'here', life: 7 }

/**
 * Signals to another thread of the same node. Nobody else can write these bytes, so what is checked is that the reader
 * reads what the writer wrote: the input says which signals. As bytes it is read too, and may at most be an assertion.
 */
export const signalBytesTarget: Target = {
  name: 'signal-bytes',
  seeds: () => [Uint8Array.of(0, 1, 2, 1, 3, 4, 2, 5, 6, 3, 7, 8), Uint8Array.of(1, 9, 9, 1, 9, 9, 4, 0, 0)],
  generate: (draw: Draw) =>
    joined(...Array.from({ length: draw(30) }, () => Uint8Array.of(draw(5), pick(draw, [0, 1, draw(256)]), draw(256)))),
  run(input) {
    const signals: Signal[] = []
    const writer = new SignalWriter(home)
    for (let at = 0; at + 2 < input.length; at += 3) {
      const [kind = 0, one = 0, two = 0] = input.subarray(at, at + 3)
      const signal = signalOf(kind, one, two)
      check(writer.add(signal), 'a signal of this node is packed')
      signals.push(signal)
    }
    const read: Signal[] = []
    new SignalReader(home).read(writer.take(), { signal: (signal) => read.push(signal), read: () => undefined })
    check(isSameValue(read, signals), 'what was packed is read')
    try {
      new SignalReader(home).read(input, { signal: () => undefined, read: () => undefined })
    } catch (error) {
      const isExpected = error instanceof RangeError || (error as Error).message.startsWith('Assertion failed')
      if (!isExpected) throw error
    }
  },
}

function signalOf(kind: number, one: number, two: number): Signal {
  const to = { ...home, thread: one, serial: two * 2 ** 40 }
  const from = { ...home, thread: two, serial: one }
  const body = drawBytes(() => two, 8)
  const name = `name${one % 8}`
  switch (kind % 5) {
    case 0:
      return { type: 'message', to, message: body, encoded: true }
    case 1:
      return { type: 'cast', to, name, args: body, encoded: true }
    case 2:
      return { type: 'call', to, from, ref: two * 2 ** 33, name, args: body, encoded: true }
    case 3:
      return { type: 'item', to, from, seq: two * 2 ** 33, item: body }
    default:
      return { type: 'reply', to, ref: one, result: { ok: true, value: body, encoded: true } }
  }
}
