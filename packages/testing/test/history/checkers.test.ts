import { describe, expect, it } from 'vitest'
import { converged } from '../../src/history/converged.ts'
import { acknowledgedIsKept, atMostOnce } from '../../src/history/effects.ts'
import type { Operation, Verdict } from '../../src/history/history.ts'
import { pairOrder } from '../../src/history/pair-order.ts'
import { type ChildEvent, restartOrder } from '../../src/history/restart-order.ts'
import { singleOwner } from '../../src/history/single-owner.ts'

function did(id: string, outcome: Operation['outcome']): Operation {
  return { client: 0, id, name: 'insert', input: null, invokedMs: 0, returnedMs: 1, outcome }
}

function expectBad(verdict: Verdict, ...words: string[]): void {
  expect(verdict.ok).toBe(false)
  for (const word of words) expect(verdict).toMatchObject({ message: expect.stringContaining(word) as string })
}

describe('atMostOnce', () => {
  it('accepts what was done once, and what may have been done', () => {
    const operations = [did('a', 'ok'), did('b', 'unknown'), did('c', 'unknown'), did('d', 'fail')]
    expect(atMostOnce(operations, { done: ['a', 'b'] })).toEqual({ ok: true })
  })

  it('finds what was done twice', () => {
    expectBad(atMostOnce([did('a', 'ok')], { done: ['a', 'a'] }), '"a"', '2 times')
  })

  it('finds what was done and told to have failed, unless another try of it may have', () => {
    expectBad(atMostOnce([did('a', 'fail')], { done: ['a'] }), 'not run')
    expect(atMostOnce([did('a', 'fail'), did('a', 'unknown')], { done: ['a'] })).toEqual({ ok: true })
  })

  it('finds what nobody asked for', () => {
    expectBad(atMostOnce([], { done: ['a'] }), 'nobody asked')
  })
})

describe('acknowledgedIsKept', () => {
  it('accepts unknown ones that are lost, and finds acknowledged ones that are', () => {
    expect(acknowledgedIsKept([did('a', 'ok'), did('b', 'unknown')], { done: ['a'] })).toEqual({ ok: true })
    expectBad(acknowledgedIsKept([did('a', 'ok'), did('b', 'ok')], { done: ['a'] }), '"b"', 'lost')
  })
})

describe('pairOrder', () => {
  const sent = (from: string, number: number) => ({ from, to: 'z', number })

  it('accepts gaps, and other pairs in between', () => {
    expect(pairOrder([sent('a', 1), sent('b', 1), sent('a', 4), sent('b', 2)])).toEqual({ ok: true })
  })

  it('finds what came twice, and what came too late', () => {
    expectBad(pairOrder([sent('a', 1), sent('a', 1)]), 'message 1 of a twice')
    expectBad(pairOrder([sent('a', 2), sent('b', 7), sent('a', 1)]), 'message 1 of a after 2')
  })
})

describe('singleOwner', () => {
  const owned = (owner: string, fromMs: number, untilMs: number | undefined, token?: number) => {
    return { id: 'cart/1', owner, fromMs, untilMs, ...(token !== undefined && { token }) }
  }

  it('accepts owners one after the other, also at one moment, and one owner who renews', () => {
    expect(singleOwner([owned('a', 0, 5, 1), owned('b', 5, undefined, 2)])).toEqual({ ok: true })
    expect(singleOwner([owned('a', 0, 5), owned('a', 3, 9)])).toEqual({ ok: true })
  })

  it('finds two at a time, also when a short one lies between', () => {
    expectBad(singleOwner([owned('a', 0, 5), owned('b', 4, 9)]), 'a and b both own it at 4 ms')
    expectBad(singleOwner([owned('a', 0, 100), owned('a', 1, 2), owned('b', 50, 60)]), 'a and b')
    expectBad(singleOwner([owned('a', 0, undefined), owned('b', 7, 8)]), 'both own it')
  })

  it('finds a token that does not grow', () => {
    expectBad(singleOwner([owned('a', 0, 5, 3), owned('b', 6, 7, 3)]), 'token 3')
  })
})

describe('restartOrder', () => {
  const children = ['a', 'b', 'c']
  const started = (...names: string[]): ChildEvent[] => names.map((child) => ({ atMs: 0, child, event: 'started' }))
  const events = (atMs: number, ...steps: [ChildEvent['event'], string][]): ChildEvent[] => {
    return steps.map(([event, child]) => ({ atMs, child, event }))
  }
  const intensity = { maxRestarts: 1, withinMs: 1_000 }
  const restForOne = { children, strategy: 'restForOne', intensity } as const

  it('accepts the strategy, the bound, and restarts that are far enough apart', () => {
    const round = (atMs: number) => {
      return events(atMs, ['failed', 'b'], ['stopped', 'c'], ['started', 'b'], ['started', 'c'])
    }
    expect(restartOrder([...started(...children), ...round(10), ...round(2_000)], restForOne)).toEqual({ ok: true })
    const end = events(20, ['failed', 'c'], ['stopped', 'b'], ['stopped', 'a'])
    expect(restartOrder([...started(...children), ...round(10), ...end], restForOne)).toEqual({ ok: true })
  })

  it('leaves a temporary child dead', () => {
    const supervised = { ...restForOne, restart: { b: 'temporary' } as const }
    expect(restartOrder([...started(...children), ...events(10, ['failed', 'b'])], supervised)).toEqual({ ok: true })
  })

  it.each<[string, ChildEvent[], string]>([
    ['one too few', events(1, ['failed', 'b'], ['started', 'b']), 'c should be stopped'],
    ['the wrong order', events(1, ['failed', 'b'], ['stopped', 'c'], ['started', 'c']), 'b should be started'],
    ['one too many', events(1, ['failed', 'c'], ['started', 'c'], ['started', 'a']), 'nothing had failed'],
    ['nothing', events(1, ['failed', 'c']), 'nothing followed'],
  ])('finds %s', (_name, steps, words) => {
    expectBad(restartOrder([...started(...children), ...steps], restForOne), words)
  })

  it('finds a restart beyond the intensity', () => {
    const round = events(1, ['failed', 'c'], ['started', 'c'])
    expectBad(restartOrder([...started(...children), ...round, ...round], restForOne), 'b should be stopped')
  })
})

describe('converged', () => {
  const view = (node: string, atMs: number, ...names: string[]) => ({ node, atMs, view: names })

  it('looks at what each believed last, in any order', () => {
    const views = [view('a', 1, 'x'), view('a', 5, 'x', 'y'), view('b', 4, 'y', 'x')]
    expect(converged(views, { byMs: 10, truth: ['x', 'y'] })).toEqual({ ok: true })
  })

  it('finds one that differs, and one that was late', () => {
    expectBad(converged([view('a', 1, 'x'), view('b', 1, 'y')], { byMs: 10 }), 'b believes')
    expectBad(converged([view('a', 1, 'x'), view('b', 11, 'x')], { byMs: 10 }), 'only at 11 ms')
    expectBad(converged([view('a', 1, 'x')], { byMs: 10, truth: ['x', 'y'] }), 'a believes')
  })
})
