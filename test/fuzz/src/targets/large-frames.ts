import { BulkReceiver } from '../../../../packages/core/dist/mesh/bulk-receiver.js'
import { everyOrder } from '../../../../packages/core/dist/mesh/held-frames.js'
import { SplitMessage } from '../../../../packages/core/dist/mesh/split-message.js'
import { drawBytes, pick } from '../draw.ts'
import { joined } from '../mutate.ts'
import { isSameValue } from '../same-value.ts'
import { check, type Target } from '../target.ts'

const frameBytesMax = 64
const openMax = 4
const heldBytesMax = 1_024
const everyKey = 3

/**
 * What arrives while large frames travel in parts. The input is a list of steps, three bytes each: a place, a part, or a
 * small frame. A frame's first byte is its key, the second counts the frames of the key.
 */
export const bulkReceiverTarget: Target = {
  name: 'bulk-receiver',
  seeds: () => [
    // A large frame with a small one of its key behind it, then its parts.
    Uint8Array.of(0, 0, 8, 2, 0, 0, 2, 1, 0, 1, 0, 4, 1, 0, 4),
    Uint8Array.of(1, 0, 8, 0, 0, 8, 2, 3, 0, 2, 0, 0),
    Uint8Array.of(0, 0, 9, 0, 1, 9, 2, 3, 0, 1, 1, 9, 1, 0, 9),
  ],
  generate: (draw) =>
    joined(...Array.from({ length: draw(40) }, () => Uint8Array.of(draw(3), pick(draw, [0, 1, 2, 3]), draw(70)))),
  // A step may take a place of the largest size.
  memoryPerByte: 4_096,
  run(input) {
    const awaited = new Map<number, number[]>()
    const sent = new Map<number, number>()
    const sizes = new Map<number, number>()
    const received = new Map<number, number>()
    /** Of each frame, how many were sent before it. */
    const places = new Map<string, number>()
    const delivered = new Set<number>()
    let violated = false

    const keyOf = (large: number): number => large % everyKey
    const nextOf = (key: number): number => {
      const count = sent.get(key) ?? 0
      sent.set(key, count + 1)
      awaited.set(key, [...(awaited.get(key) ?? []), count])
      places.set(`${key} ${count}`, places.size)
      return count
    }
    const deliver = (frame: Uint8Array): void => {
      const [key = 0, count = 0] = frame
      const [first, ...others] = awaited.get(key) ?? []
      check(first === count, `the frames of key ${key} come in order`)
      awaited.set(key, others)
      const place = places.get(`${key} ${count}`) ?? -1
      const before = [...delivered].filter((one) => one < place).length
      check(key !== everyKey || before === place, 'a frame for all keys comes behind all that was sent before it')
      delivered.add(place)
    }
    const receiver = new BulkReceiver({
      frameBytesMax,
      openMax,
      heldBytesMax,
      orderKey: (frame) => (frame[0] === everyKey ? everyOrder : `${frame[0]}`),
      deliver,
      handedOn: () => undefined,
      violated: () => {
        violated = true
      },
    })
    let announced = 0
    const counts = new Map<number, number>()
    for (let at = 0; at + 2 < input.length && !violated; at += 3) {
      const [step = 0, which = 0, size = 0] = input.subarray(at, at + 3)
      if (step % 3 === 0) {
        // Now and then another number than the next: a violation.
        const large = size > 66 ? which : announced
        if (large === announced) {
          // A frame holds its key and its count.
          sizes.set(large, size === 0 ? 0 : Math.max(size, 2))
          announced += 1
        }
        const bytes = sizes.get(large) ?? 2
        if (!counts.has(large)) counts.set(large, nextOf(keyOf(large)))
        receiver.announced(large, bytes, Uint8Array.of(keyOf(large)))
      } else if (step % 3 === 1) {
        const bytes = sizes.get(which) ?? 8
        if (which >= announced) continue
        const whole = new Uint8Array(Math.max(bytes, 2))
        whole[0] = keyOf(which)
        whole[1] = counts.get(which) ?? 0
        const from = received.get(which) ?? 0
        const part = whole.subarray(from, Math.min(from + 1 + (size % 16), bytes))
        received.set(which, from + part.length)
        receiver.part(which, bytes, part)
      } else {
        const key = which % (everyKey + 1)
        const frame = Uint8Array.of(key, nextOf(key))
        if (!receiver.hold(frame)) deliver(frame)
      }
    }
    receiver.drop()
  },
}

/** A message in two pieces is the same bytes as in one. The first three bytes are where it is split and cut. */
export const splitMessageTarget: Target = {
  name: 'split-message',
  seeds: () => [Uint8Array.of(2, 1, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10), Uint8Array.of(0, 0, 0, 1)],
  generate: (draw) => joined(Uint8Array.of(draw(20), draw(20), draw(40)), drawBytes(draw, 40)),
  run(input) {
    const [headBytes = 0, from = 0, to = 0] = input
    const whole = input.slice(3)
    const split = Math.min(headBytes, whole.length)
    const [low, high] = [Math.min(from, to, whole.length), Math.min(Math.max(from, to), whole.length)]
    const message = new SplitMessage(whole.slice(0, split), whole.slice(split))
    check(message.byteLength === whole.length, 'two pieces are as long as one')
    check(isSameValue(message.join(), whole), 'joined it is the whole')
    check(isSameValue(message.slice(low, high), whole.slice(low, high)), 'a slice is a slice of the whole')
    const part = message.cut(low, high, 2).join()
    check(isSameValue(part.slice(2), whole.slice(low, high)), 'a cut is a slice of the whole behind its room')
  },
}
