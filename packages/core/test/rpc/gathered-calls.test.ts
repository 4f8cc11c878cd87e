import { describe, expect, it } from 'vitest'
import type { Turn } from '../../src/platform/platform.ts'
import type { BegunCalls } from '../../src/rpc/begun-calls.ts'
import { GatheredCalls } from '../../src/rpc/gathered-calls.ts'
import type { InboundCall } from '../../src/rpc/inbound-call.ts'

function start({ isLate = false } = {}) {
  const behind: Turn[] = []
  const handed: BegunCalls[] = []
  const turns = {
    enqueue: () => undefined,
    isReadingLate: () => isLate,
    enqueueBehindReads: (turn: Turn) => void behind.push(turn),
  }
  const gathered = new GatheredCalls(turns, (calls) => handed.push(calls))
  const add = (name: string, isOfThisNode = false): void => gathered.add(name as unknown as InboundCall, isOfThisNode)
  /** Sockets are read from once more. */
  const read = (): void => {
    for (const turn of behind.splice(0)) turn.runTurn()
  }
  /** The next turn of whoever starts calls. */
  const started = (): unknown[] => {
    const calls = handed.shift()
    const taken: unknown[] = []
    for (let call = calls?.take(); call !== undefined; call = calls?.take()) taken.push(call)
    return taken
  }
  return { gathered, add, handed, read, started }
}

describe('calls whose turn has come', () => {
  it('are handed over with the first, and started with those that came before the next turn', () => {
    const { gathered, add, handed, started } = start()
    expect(gathered.areOpen).toBe(false)
    for (const name of ['a', 'b']) add(name)
    expect([handed.length, gathered.areOpen, gathered.areHeldBack]).toEqual([1, true, false])
    expect(started()).toEqual(['a', 'b'])
    expect(gathered.areOpen).toBe(false)
    add('c')
    expect(started()).toEqual(['c'])
  })

  it('are held back on a thread that reads late, with all that join them, until nothing more comes', () => {
    const { gathered, add, handed, read, started } = start({ isLate: true })
    add('a')
    gathered.came()
    read()
    add('b')
    expect([handed.length, gathered.areOpen, gathered.areHeldBack]).toEqual([0, true, true])
    read()
    expect(gathered.areHeldBack).toBe(false)
    expect(started()).toEqual(['a', 'b'])
  })

  it('are held back no longer where more would find no room', () => {
    const { gathered, add, handed, read, started } = start({ isLate: true })
    add('a')
    gathered.release()
    gathered.release()
    read()
    expect([handed.length, gathered.areHeldBack]).toEqual([1, false])
    expect(started()).toEqual(['a'])
  })

  it('of this node itself are not held back', () => {
    const { gathered, add, handed } = start({ isLate: true })
    add('a', true)
    expect([handed.length, gathered.areHeldBack]).toEqual([1, false])
  })
})
