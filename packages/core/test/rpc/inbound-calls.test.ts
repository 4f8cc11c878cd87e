import { virtualClock } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import type { Pid } from '../../src/actor/pid.ts'
import { InboundCalls } from '../../src/rpc/inbound-calls.ts'

const call = (serial: number, node = 'a', thread = 0): Pid => ({ node, life: 1, thread, serial })
const process = (serial: number): Pid => ({ node: 'me', life: 9, thread: 0, serial })

/** Whether the promise has resolved, after everything that can happen without time has. */
function watched(promise: Promise<void>): { done: boolean } {
  const state = { done: false }
  void promise.then(() => (state.done = true))
  return state
}

describe('the calls that a node works on', () => {
  it('are wanted from their arrival to their end', () => {
    const inbound = new InboundCalls(10)
    expect(inbound.isWanted(call(1))).toBe(false)
    expect(inbound.arrive(call(1))).toBe(true)
    expect(inbound.isWanted(structuredClone(call(1)))).toBe(true)
    inbound.end(call(1))
    expect(inbound.isWanted(call(1))).toBe(false)
  })

  it('give their process to the one who ends them first, if they had begun', () => {
    const inbound = new InboundCalls(10)
    inbound.arrive(call(1))
    inbound.arrive(call(2))
    inbound.running(call(1), process(5))
    expect(inbound.end(call(2))).toBeUndefined()
    expect(inbound.end(call(1))).toEqual(process(5))
    expect(inbound.end(call(1))).toBeUndefined()
  })

  it('are not brought back by a process that starts after their end', () => {
    const inbound = new InboundCalls(10)
    inbound.arrive(call(1))
    inbound.end(call(1))
    inbound.running(call(1), process(5))
    expect(inbound.isWanted(call(1))).toBe(false)
    expect(inbound.size).toBe(0)
  })

  it('are refused above the limit, and taken again when one has ended', () => {
    const inbound = new InboundCalls(2)
    expect([1, 2, 3].map((serial) => inbound.arrive(call(serial)))).toEqual([true, true, false])
    expect(inbound.isWanted(call(3))).toBe(false)
    inbound.end(call(1))
    expect(inbound.arrive(call(3))).toBe(true)
    expect(inbound.size).toBe(2)
  })

  it('of a lost node all end, and only the processes that run for them are given back', () => {
    const inbound = new InboundCalls(10)
    for (const each of [call(1), call(2), call(3, 'b')]) inbound.arrive(each)
    inbound.running(call(1), process(5))
    inbound.running(call(3, 'b'), process(6))
    expect(inbound.endLost({ node: 'a', life: 1 })).toEqual([process(5)])
    expect(inbound.isWanted(call(2))).toBe(false)
    expect(inbound.isWanted(call(3, 'b'))).toBe(true)
  })

  it('of another life of the node, or another of its threads, go on', () => {
    const inbound = new InboundCalls(10)
    inbound.arrive(call(1))
    inbound.arrive(call(2, 'a', 4))
    expect(inbound.endLost({ node: 'a', life: 2 })).toEqual([])
    inbound.endLost({ node: 'a', life: 1, thread: 4 })
    expect(inbound.isWanted(call(1))).toBe(true)
    expect(inbound.isWanted(call(2, 'a', 4))).toBe(false)
  })
})

describe('when all remote processes are gone', () => {
  it('only the calls that still wait for their turn go on', () => {
    const inbound = new InboundCalls(10)
    for (const each of [call(1), call(2)]) inbound.arrive(each)
    inbound.running(call(1), process(5))
    inbound.endRunning()
    expect([call(1), call(2)].map((each) => inbound.isWanted(each))).toEqual([false, true])
  })
})

describe('waiting for their end', () => {
  it('is over at once when there are none', async () => {
    await new InboundCalls(10).whenEmpty(virtualClock(), 1_000)
  })

  it('is over with the last one, and leaves no timer', async () => {
    const clock = virtualClock()
    const inbound = new InboundCalls(10)
    for (const each of [call(1), call(2)]) inbound.arrive(each)
    const empty = watched(inbound.whenEmpty(clock, 1_000))
    inbound.end(call(1))
    await clock.advance(10)
    expect(empty.done).toBe(false)
    inbound.end(call(2))
    await clock.advance(0)
    expect(empty.done).toBe(true)
    expect(clock.pending).toBe(0)
  })

  it('is over when the time is, though they are not', async () => {
    const clock = virtualClock()
    const inbound = new InboundCalls(10)
    inbound.arrive(call(1))
    const empty = watched(inbound.whenEmpty(clock, 1_000))
    await clock.advance(999)
    expect(empty.done).toBe(false)
    await clock.advance(1)
    expect(empty.done).toBe(true)
  })
})
