import { type ManualTurns, manualTurns, seededRandom } from '@skerry/testing'
import { describe, expect, it } from 'vitest'

describe('manualTurns', () => {
  it('runs nothing by itself', async () => {
    const turns = manualTurns()
    const ran = enqueueNumbers(turns, 3)
    await new Promise((resolve) => setImmediate(resolve))
    expect(ran).toEqual([])
    expect(turns.pending).toBe(3)
  })

  it('runs turns one by one in the order in which they came', () => {
    const turns = manualTurns()
    const ran = enqueueNumbers(turns, 2)
    expect([turns.runOne(), turns.runOne(), turns.runOne()]).toEqual([true, true, false])
    expect(ran).toEqual([0, 1])
  })

  it('runs all, with those that are enqueued meanwhile, and says how many', () => {
    const turns = manualTurns()
    const ran: string[] = []
    turns.enqueue({
      runTurn() {
        ran.push('first')
        turns.enqueue({ runTurn: () => ran.push('from the first') })
      },
    })
    turns.enqueue({ runTurn: () => ran.push('second') })
    expect(turns.runAll()).toBe(3)
    expect(ran).toEqual(['first', 'second', 'from the first'])
    expect(turns.runAll()).toBe(0)
  })

  it('keeps the order over many thousands', () => {
    const turns = manualTurns()
    const ran = enqueueNumbers(turns, 20_000)
    turns.runAll()
    expect(ran).toEqual(Array.from({ length: 20_000 }, (_none, number) => number))
    expect(turns.pending).toBe(0)
  })

  it('throws ERR_TOO_MANY_TURNS when more wait than the bound allows', () => {
    const turns = manualTurns()
    const ran = enqueueNumbers(turns, 5)
    expect(() => turns.runAll(4)).toThrow(expect.objectContaining({ code: 'ERR_TOO_MANY_TURNS' }))
    expect(ran).toHaveLength(4)
    expect(turns.runAll(1)).toBe(1)
  })

  it('runs every turn once in an order that the seed picks', () => {
    const orderOf = (seed: number): number[] => {
      const turns = manualTurns({ pick: seededRandom(seed) })
      const ran = enqueueNumbers(turns, 50)
      turns.runAll()
      return ran
    }
    const inOrder = Array.from({ length: 50 }, (_none, number) => number)
    expect(orderOf(1)).toEqual(orderOf(1))
    expect(orderOf(1)).not.toEqual(orderOf(2))
    expect(orderOf(1)).not.toEqual(inOrder)
    expect(orderOf(1).toSorted((a, b) => a - b)).toEqual(inOrder)
  })
})

function enqueueNumbers(turns: ManualTurns, count: number): number[] {
  const ran: number[] = []
  for (let number = 0; number < count; number += 1) turns.enqueue({ runTurn: () => void ran.push(number) })
  return ran
}
