import { expect, it } from 'vitest'
import { BlockSlice } from '../../src/mesh/block-slice.ts'
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

it('a frame within a block goes on as it is, as a view where the lane knows no such frames, and without its block after it waited for room', () => {
  const slice = new BlockSlice(Uint8Array.of(9, 9, 1, 2, 9).subarray(1), 1, 3)
  const sentBy = (knowsSlices: boolean): unknown[] => {
    const sent: unknown[] = []
    let drain = (): void => undefined
    const send = (frame: unknown): boolean => sent.push(frame) > 1
    const writer = new LaneWriter(
      {
        send,
        ...(knowsSlices && { sendSlice: send }),
        onDrain: (on) => void (drain = on),
        onFrame: () => undefined,
        pause: () => undefined,
        resume: () => undefined,
      },
      1_000,
    )
    for (let times = 0; times < 3; times += 1) writer.sendSlice(slice)
    expect(writer.backlogBytes).toBe(2 * (2 + 64))
    for (let round = 0; round < 2; round += 1) drain()
    return sent
  }
  const alone = Uint8Array.of(1, 2)
  const ofLane = sentBy(true) as BlockSlice[]
  expect(ofLane.map((frame) => frame.view())).toEqual([alone, alone, alone])
  expect(ofLane[0]).toBe(slice)
  expect(ofLane.slice(1).map(({ block }) => block.buffer.byteLength)).toEqual([2, 2])
  expect(sentBy(false)).toEqual([alone, alone, alone])
})

it('a frame within a block is given back at once where the lane has copied it, and only there', () => {
  const givenBack = (copiesSlices: boolean | undefined): number[] => {
    const back: BlockSlice[] = []
    let drain = (): void => undefined
    let isFull = false
    const writer = new LaneWriter(
      {
        send: () => true,
        sendSlice: () => !isFull,
        ...(copiesSlices !== undefined && { copiesSlices }),
        onDrain: (on) => void (drain = on),
        onFrame: () => undefined,
        pause: () => undefined,
        resume: () => undefined,
      },
      1_000,
    )
    const slices = [0, 1, 2].map(
      (at) => new BlockSlice(new Uint8Array(3), at, at + 1, { takeBack: (one) => back.push(one) }),
    )
    writer.sendSlice(slices[0] as BlockSlice)
    isFull = true
    writer.sendSlice(slices[1] as BlockSlice)
    // This one waits: it is copied, and what is copied is nobody's to take back.
    writer.sendSlice(slices[2] as BlockSlice)
    isFull = false
    drain()
    return back.map((one) => slices.indexOf(one))
  }
  expect(givenBack(true)).toEqual([0, 1])
  expect(givenBack(false)).toEqual([])
  expect(givenBack(undefined)).toEqual([])
})
