import { describe, expect, it } from 'vitest'
import { PieceQueue } from '../src/piece-queue.ts'

function bytesOf(queue: PieceQueue): number[] {
  const bytes: number[] = []
  for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) bytes.push(...piece)
  return bytes
}

describe('bytes that wait to be read', () => {
  it('are few pieces, also where they came one by one', () => {
    const queue = new PieceQueue()
    for (let index = 0; index < 100_000; index += 1) queue.push(Uint8Array.of(index))
    expect(queue.length).toBeLessThan(30)
    expect(bytesOf(queue)).toEqual(Array.from({ length: 100_000 }, (_, index) => index % 256))
  })

  it('keep their order, whatever the sizes of their pieces, and when some are read in between', () => {
    const queue = new PieceQueue()
    const sent: number[] = []
    const read: number[] = []
    for (let turn = 0; turn < 60; turn += 1) {
      const size = [1, 700, 1_023, 1_024, 5_000, 3][turn % 6] as number
      const piece = new Uint8Array(size).fill(turn)
      sent.push(...piece)
      queue.push(piece)
      if (turn % 7 === 0) read.push(...(queue.shift() ?? []))
    }
    read.push(...bytesOf(queue))
    expect(read).toEqual(sent)
  })

  it('are handed on as they came where nothing waits', () => {
    const queue = new PieceQueue()
    const piece = Uint8Array.of(1, 2, 3)
    queue.push(piece)
    expect(queue.shift()).toBe(piece)
    expect(queue.shift()).toBeUndefined()
  })
})
