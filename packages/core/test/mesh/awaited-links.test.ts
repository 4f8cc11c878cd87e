import { virtualClock } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { AwaitedLinks } from '../../src/mesh/awaited-links.ts'

function start() {
  const clock = virtualClock()
  const gaveUp: string[] = []
  return { clock, gaveUp, awaited: new AwaitedLinks(clock, (node) => gaveUp.push(node)) }
}

describe('a node that signals wait for', () => {
  it('is given up after 5 seconds without a link', async () => {
    const { clock, gaveUp, awaited } = start()
    awaited.begin('b')
    await clock.advance(4_999)
    expect(gaveUp).toEqual([])
    await clock.advance(1)
    expect(gaveUp).toEqual(['b'])
  })

  it('is given up at the third dial that fails, each wait by itself, and once', async () => {
    const { clock, gaveUp, awaited } = start()
    awaited.begin('b')
    awaited.begin('c')
    for (const node of ['b', 'c', 'b', 'c']) awaited.dialFailed(node)
    expect(gaveUp).toEqual([])
    awaited.dialFailed('b')
    awaited.dialFailed('b')
    expect(gaveUp).toEqual(['b'])
    await clock.advance(10_000)
    expect(gaveUp).toEqual(['b', 'c'])
  })

  it('has its whole time again when signals wait for it once more', async () => {
    const { clock, gaveUp, awaited } = start()
    awaited.begin('b')
    awaited.dialFailed('b')
    await clock.advance(4_000)
    awaited.begin('b')
    for (const _again of [1, 2]) awaited.dialFailed('b')
    await clock.advance(4_999)
    expect(gaveUp).toEqual([])
    await clock.advance(1)
    expect(gaveUp).toEqual(['b'])
  })

  it('is not given up once its link is up, nor for a dial that nobody waits for', async () => {
    const { clock, gaveUp, awaited } = start()
    awaited.begin('b')
    awaited.dialFailed('b')
    awaited.end('b')
    for (const _again of [1, 2, 3]) awaited.dialFailed('b')
    await clock.advance(10_000)
    expect(gaveUp).toEqual([])
  })
})
