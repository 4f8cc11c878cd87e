import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { FrameQueue } from '../src/frame-queue.ts'
import { FrameReader } from '../src/frame-reader.ts'
import { type ReadBlock, readBlock } from '../src/read-block.ts'
import { wasCopied, type WriteBlock, writeBlock } from '../src/write-block.ts'

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
        reader.push(block)
        while (reader.next()) if (isRead) reader.giveBack()
        return block
      }
      const kept = takes([new Uint8Array(3000).fill(1)], false)
      const read = takes([new Uint8Array(3000).fill(2)], true)
      reader.push(new Uint8Array(0))
      expect([kept.byteLength, read.byteLength]).toEqual([3004, frees ? 0 : 3004])
    }
  })

  it('free a block when the last of its frames was read by whoever says so, and no further one is cut out of it', () => {
    const blockOf = (): Uint8Array => new Uint8Array(3_012).subarray(12)
    const block = blockOf()
    const readers = readBlock(block) as ReadBlock
    readers.partWasKept()
    readers.partWasRead()
    readers.partWasKept()
    readers.partWasKept()
    readers.partWasRead()
    readers.leave()
    expect(block.byteLength).toBe(3_000)
    readers.partWasRead()
    expect(block.byteLength).toBe(0)
    const early = blockOf()
    const earlyReaders = readBlock(early) as ReadBlock
    earlyReaders.partWasKept()
    earlyReaders.partWasRead()
    expect(early.byteLength).toBe(3_000)
    earlyReaders.leave()
    expect(early.byteLength).toBe(0)
  })

  it('free no block whose buffer has anything else in it, nor a small one', () => {
    const message = new Uint8Array(9_000)
    // Two frames of the muxer in one message, and one of a small message.
    const shared = [message.subarray(12, 4_000), message.subarray(4_012), message.subarray(13), new Uint8Array(2_000)]
    expect(shared.map(readBlock)).toEqual([undefined, undefined, undefined, undefined])
  })

  it('free one that straddled blocks when it is given back, and the blocks as soon as it has them', () => {
    const bytes = bytesOf([new Uint8Array(6000).fill(3)])
    const halves = [bytes.slice(0, 3000), bytes.slice(3000)] as const
    const reader = new FrameReader(100_000, true)
    const [frame] = readAll(reader, halves)
    reader.push(new Uint8Array(0))
    expect(halves.map((half) => half.byteLength)).toEqual([0, 0])
    expect(frame?.byteLength).toBe(6000)
    reader.giveBack()
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

describe('the blocks that frames wait in', () => {
  it('are used again once all that was taken of them was copied, and not before', () => {
    const queue = new FrameQueue()
    let number = 0
    const burst = (): Uint8Array[] => {
      const frames = Array.from({ length: 40 }, () => new Uint8Array(1_000).fill((number += 1)))
      for (const frame of frames) queue.push(frame)
      return frames
    }
    /** What was taken and not copied, with what it must still say. */
    const uncopied: { pieces: Uint8Array[]; frames: Uint8Array[] }[] = []
    const buffers = new Set<ArrayBufferLike>()
    let taken = 0
    for (let round = 0; round < 100; round += 1) {
      const frames = burst()
      // In two writes: the block belongs to both.
      for (const count of [30, 10]) {
        const pieces = [...queue.takeBatch(count)]
        for (const piece of pieces) buffers.add(piece.buffer)
        taken += pieces.length
        uncopied.push({ pieces, frames: frames.splice(0, count) })
      }
      while (uncopied.length > (round % 5) + 1) {
        const { pieces, frames: expected } = uncopied.shift() as (typeof uncopied)[0]
        const reader = new FrameReader(1_000)
        const read = readAll(reader, [Buffer.concat(pieces)])
        expect(Buffer.compare(Buffer.concat(read), Buffer.concat(expected))).toBe(0)
        for (const piece of pieces) wasCopied(piece)
      }
    }
    expect(taken).toBeGreaterThan(150)
    // The blocks of all that was under way at a time.
    expect(buffers.size).toBeLessThan(16)
  })

  it('are used again when they are sealed and each byte was copied, whichever comes last', () => {
    const bytes = 16 * 1024
    const written = (): WriteBlock => {
      const block = writeBlock(bytes)
      block.end = 10_000
      return block
    }
    const last = written()
    last.seal()
    wasCopied(last.bytes.subarray(0, 9_999))
    expect(writeBlock(bytes)).not.toBe(last)
    wasCopied(last.bytes.subarray(9_999, 10_000))
    expect(writeBlock(bytes)).toBe(last)
    const open = written()
    wasCopied(open.bytes.subarray(0, 10_000))
    expect(writeBlock(bytes)).not.toBe(open)
    open.seal()
    expect(writeBlock(bytes)).toBe(open)
    expect(open.end).toBe(0)
    expect(writeBlock(bytes)).not.toBe(open)
  })

  it('are left alone where nobody says that they were copied, or a part was thrown away', () => {
    const firstOf = (queue: FrameQueue): Uint8Array => {
      for (let frame = 0; frame < 8; frame += 1) queue.push(new Uint8Array(4_000))
      return [...queue.takeBatch(4)].at(-1) as Uint8Array
    }
    const unsaid = new FrameQueue()
    const cleared = new FrameQueue()
    const lost = [firstOf(unsaid), firstOf(cleared)]
    unsaid.takeBatch()
    cleared.clear()
    for (const piece of cleared.takeBatch()) wasCopied(piece)
    wasCopied(lost[1] as Uint8Array)
    const others = Array.from({ length: 64 }, () => writeBlock(16 * 1024).bytes.buffer)
    expect(lost.map(({ buffer }) => others.includes(buffer))).toEqual([false, false])
  })

  it('hold what waits and little more, and none when nothing waits', () => {
    const queue = new FrameQueue()
    const sizeOf = (frames: number): number => {
      for (let frame = 0; frame < frames; frame += 1) queue.push(randomBytes(70))
      const pieces = [...queue.takeBatch()]
      return [...new Set(pieces.map(({ buffer }) => buffer))].reduce((bytes, { byteLength }) => bytes + byteLength, 0)
    }
    // A burst of single frames, behind one of many: what one takes goes down to what it needs.
    const burst = sizeOf(800)
    expect(burst).toBeLessThan(800 * 74 * 4)
    const singles = Array.from({ length: 100 }, () => sizeOf(1))
    expect(singles.at(-1)).toBe(256)
    expect(singles.reduce((all, one) => all + one)).toBeLessThan(4 * burst)
  })

  it('take a frame out of the block of its sender, whatever its size', () => {
    const queue = new FrameQueue()
    const sizes = [0, 1, 64, 65, 4_096, 4_097, 20_000]
    for (const size of sizes) {
      const block = new Uint8Array(size + 2).fill(size % 251)
      queue.push({ block, from: 1, end: size + 1, byteLength: size, view: () => block.subarray(1, size + 1) })
      block.fill(0xee)
    }
    const read = readAll(new FrameReader(100_000), [queue.takeBatch().slice()])
    const all = sizes.map((size) => Buffer.alloc(size, size % 251))
    expect(read.map(({ byteLength }) => byteLength)).toEqual(sizes)
    expect(Buffer.compare(Buffer.concat(read), Buffer.concat(all))).toBe(0)
  })
})
