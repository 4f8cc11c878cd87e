import { expect, it } from 'vitest'
import { LaneWriter } from '../../src/mesh/lane-writer.ts'
import { SplitMessage } from '../../src/mesh/split-message.ts'
import type { RawLane } from '../../src/mesh/transport.ts'

it('a frame in two pieces that waits for room leaves in its place and without a copy', () => {
  let drain = (): void => undefined
  const sent: (Uint8Array | readonly [Uint8Array, Uint8Array])[] = []
  const lane: RawLane = {
    send: (frame) => sent.push(frame) > 3,
    sendPieces: (head, body) => sent.push([head, body]) > 3,
    onDrain: (on) => void (drain = on),
    onFrame: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
  }
  const writer = new LaneWriter(lane, 1_000)
  const [first, head, body, last] = [1, 2, 3, 4].map((byte) => Uint8Array.of(byte)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  writer.send(first)
  writer.sendSplit(new SplitMessage(head, body))
  writer.send(last)
  expect(writer.backlogBytes).toBe(2 + 64 + 1 + 64)
  for (let round = 0; round < 2; round += 1) drain()
  expect(sent).toEqual([first, [head, body], last])
  expect((sent[1] as [Uint8Array, Uint8Array])[1]).toBe(body)
})
