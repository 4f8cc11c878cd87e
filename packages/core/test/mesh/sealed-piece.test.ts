import { expect, it } from 'vitest'
import { pieceOf } from '../../src/mesh/sealed-piece.ts'

it('what the turn has time for is taken at once, and the list is empty then', () => {
  expect(read(5, {})).toEqual({ taken: [0, 1, 2, 3, 4], left: 0, dropped: [] })
  expect(read(0, {})).toEqual({ taken: [], left: 0, dropped: [] })
})

it('a turn without time takes one, and the rest stays for the next', () => {
  expect(read(5, { isTimeUp: () => true })).toEqual({ taken: [0], left: 4, dropped: [] })
})

it('beyond what the peer may have looked at the rest is dropped, and counted once', () => {
  let looks = 0
  expect(read(5, { mayLook: () => (looks += 1) <= 2 })).toEqual({ taken: [0, 1], left: 0, dropped: [3] })
})

function read(length: number, bounds: { mayLook?: () => boolean; isTimeUp?: () => boolean }) {
  const waiting = Array.from({ length }, (_, at) => Uint8Array.of(at))
  const dropped: number[] = []
  const list = {
    get left() {
      return waiting.length
    },
    next: () => waiting.shift(),
    drop: () => waiting.splice(0).length,
  }
  const all = {
    mayLook: () => true,
    isTimeUp: () => false,
    dropped: (count: number) => void dropped.push(count),
    ...bounds,
  }
  const taken = [...pieceOf(list, all)].map(([first]) => first)
  return { taken, left: waiting.length, dropped }
}
