import { describe, expect, it } from 'vitest'
import { FrameQueue } from '../src/frame-queue.ts'
import { FrameReader } from '../src/frame-reader.ts'

const sizes = [0, 1, 3, 4, 5, 100, 4096, 4097, 70_000, 0, 2]
const sent = sizes.map((size, index) => new Uint8Array(size).fill(index + 1))

function bytesOf(frames: readonly Uint8Array[]): Uint8Array {
  const queue = new FrameQueue()
  for (const frame of frames) queue.push(frame)
  return queue.takeBatch().slice()
}

function readAll(reader: FrameReader, blocks: readonly Uint8Array[]): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (const block of blocks) {
    reader.push(block)
    while (reader.next()) frames.push(reader.view())
  }
  return frames
}

describe('frames in a stream of bytes', () => {
  it.each([1, 2, 3, 7, 1000, 65_536, 1_000_000])('come back whole from blocks of %d bytes', (blockBytes) => {
    const bytes = bytesOf(sent)
    const blocks: Uint8Array[] = []
    for (let at = 0; at < bytes.byteLength; at += blockBytes) blocks.push(bytes.subarray(at, at + blockBytes))
    const read = readAll(new FrameReader(100_000), blocks)
    expect(read.map((frame) => frame.byteLength)).toEqual(sizes)
    for (const [index, frame] of read.entries()) expect(Buffer.compare(frame, sent[index] as Uint8Array)).toBe(0)
  })

  it('are the same bytes in two pieces, of which the second is not copied', () => {
    const queue = new FrameQueue()
    const cut = [0, 3, 4096, 5000]
    for (const frame of sent) {
      queue.push(frame)
      for (const at of cut) queue.pushPieces(frame.subarray(0, at), frame.subarray(at))
    }
    const whole = sent.flatMap((frame) => [frame, ...cut.map(() => frame)])
    expect(queue.bytes).toBe(whole.reduce((bytes, frame) => bytes + 4 + frame.byteLength, 0))
    const blocks: Uint8Array[] = []
    let kept = 0
    while (queue.bytes > 0) {
      for (const block of queue.takeBatch()) {
        if (sent.some(({ buffer }) => buffer === block.buffer)) kept += 1
        blocks.push(block)
      }
    }
    expect(kept).toBeGreaterThanOrEqual(cut.length)
    const read = readAll(new FrameReader(100_000), blocks)
    expect(read.map((frame) => frame.byteLength)).toEqual(whole.map((frame) => frame.byteLength))
    for (const [index, frame] of read.entries()) expect(Buffer.compare(frame, whole[index] as Uint8Array)).toBe(0)
  })

  it('free a block once nobody reads a frame of it, if the block is theirs', () => {
    for (const frees of [true, false]) {
      const reader = new FrameReader(100_000, frees)
      const takes = (frames: readonly Uint8Array[], isRead: boolean): Uint8Array => {
        // As yamux leaves it: behind a header of twelve bytes.
        const block = Uint8Array.from([...new Uint8Array(12), ...bytesOf(frames)]).subarray(12)
        for (const frame of readAll(reader, [block])) if (isRead) reader.giveBack(frame)
        return block
      }
      const kept = takes([new Uint8Array(3000).fill(1)], false)
      const read = takes([new Uint8Array(3000).fill(2)], true)
      reader.push(new Uint8Array(0))
      expect([kept.byteLength, read.byteLength]).toEqual([3004, frees ? 0 : 3004])
    }
  })

  it('free one that straddled blocks when it is given back, and the blocks as soon as it has them', () => {
    const bytes = bytesOf([new Uint8Array(6000).fill(3)])
    const halves = [bytes.slice(0, 3000), bytes.slice(3000)] as const
    const reader = new FrameReader(100_000, true)
    const [frame] = readAll(reader, halves)
    reader.push(new Uint8Array(0))
    expect(halves.map((half) => half.byteLength)).toEqual([0, 0])
    expect(frame?.byteLength).toBe(6000)
    reader.giveBack(frame as Uint8Array)
    expect(frame?.byteLength).toBe(0)
  })

  it('are the same bytes out of a larger block, and at most so many in a batch as are asked for', () => {
    const queue = new FrameQueue()
    const block = Uint8Array.from({ length: 9_000 }, (_none, index) => index % 251)
    const places = [0, 1, 64, 65, 4096, 4097].map((size) => [100, 100 + size] as const)
    for (const [from, end] of places) {
      const view = (): Uint8Array => block.subarray(from, end)
      queue.push({ block, from, end, byteLength: end - from, view })
    }
    const batches = [queue.takeBatch(4), queue.takeBatch(4), queue.takeBatch(4)]
    expect(queue.bytes).toBe(0)
    const reader = new FrameReader(100_000)
    const read = batches.map((batch) => readAll(reader, [batch.slice()]))
    expect(read.map(({ length }) => length)).toEqual([4, 2, 0])
    expect(read.flat().map((frame) => Buffer.from(frame))).toEqual(
      places.map(([from, end]) => Buffer.from(block.subarray(from, end))),
    )
  })

  it('are refused by the length that they announce, before their bytes come', () => {
    const reader = new FrameReader(1000)
    expect(readAll(reader, [bytesOf([new Uint8Array(1000)])])).toHaveLength(1)
    reader.push(Uint8Array.of(0, 0, 0x03, 0xe9))
    expect(() => reader.next()).toThrow(expect.objectContaining({ code: 'ERR_FRAME_TOO_LARGE' }))
  })

  it('leave in batches of bounded size, in order', () => {
    const queue = new FrameQueue()
    for (let number = 0; number < 100; number += 1) queue.push(new Uint8Array(10_000).fill(number))
    expect(queue.bytes).toBe(100 * 10_004)
    const reader = new FrameReader(10_000)
    const numbers: (number | undefined)[] = []
    while (queue.bytes > 0) {
      const batch = queue.takeBatch()
      expect(batch.byteLength).toBeLessThanOrEqual(256 * 1024 + 10_004)
      numbers.push(...readAll(reader, [batch.slice()]).map((frame) => frame[0]))
    }
    expect(numbers).toEqual(Array.from({ length: 100 }, (_none, number) => number))
  })
})
