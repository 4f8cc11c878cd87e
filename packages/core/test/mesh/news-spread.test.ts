import { describe, expect, it } from 'vitest'
import type { Gossip } from '../../src/mesh/gossip-outbox.ts'
import { NewsSpread } from '../../src/mesh/news-spread.ts'

const [one, two] = [Uint8Array.of(1), Uint8Array.of(2)]
const peers = ['a', 'b', 'c', 'd']

describe('in a full mesh', () => {
  it('a node tells its own news to all, at once', () => {
    const { spread, sent, waits } = spreadOf()
    spread.tell(one, { peers, shape: 'full', now: 0 })
    expect(sent).toEqual([{ to: peers, kind: 'records', sealed: [1] }])
    expect(waits).toEqual([])
  })

  it('what it is told goes on to its neighbours at once, but not back, for a newcomer too', () => {
    const { spread, sent } = spreadOf()
    spread.passOn([one, two], { via: 'a', shape: 'full', isNewsToUsAlone: true, now: 0 })
    expect(sent).toEqual([{ to: ['b'], kind: 'records', sealed: [1, 2] }])
  })
})

describe('in a sparse mesh', () => {
  it('own news goes to the neighbours with the next round', () => {
    const { spread, sent, waits } = spreadOf()
    spread.tell(one, { peers, shape: 'sparse', now: 500 })
    expect([sent, waits]).toEqual([[], [0]])
    spread.round(500)
    expect(sent).toEqual([
      { to: ['a'], kind: 'records', sealed: [1] },
      { to: ['b'], kind: 'records', sealed: [1] },
    ])
  })

  it('what it is told goes on with the next round, but not back', () => {
    const { spread, sent } = spreadOf()
    spread.passOn([one, two], { via: 'a', shape: 'sparse', isNewsToUsAlone: false, now: 0 })
    spread.round(0)
    expect(sent).toEqual([{ to: ['b'], kind: 'records', sealed: [1, 2] }])
  })

  it('what is news to a newcomer alone goes nowhere', () => {
    const { spread, sent, waits } = spreadOf()
    spread.passOn([one], { via: 'a', shape: 'sparse', isNewsToUsAlone: true, now: 0 })
    spread.round(0)
    expect([sent, waits]).toEqual([[], []])
  })
})

it('a round is planned once for all that waits, at once after a calm, and else after what is left of the time of collecting', () => {
  const { spread, waits } = spreadOf()
  spread.later('accusations', one, { via: 'a', now: 1_000 })
  spread.later('records', two, { via: 'a', now: 1_000 })
  spread.round(1_000)
  spread.later('accusations', one, { via: 'a', now: 1_040 })
  expect(waits).toEqual([0, 60])
})

it('a round without anything is none', () => {
  const { spread, sent } = spreadOf()
  spread.round(0)
  expect(sent).toEqual([])
})

it('what there is no room for is dropped and counted', () => {
  const { spread, sent, drops } = spreadOf()
  for (let at = 0; at < 8_195; at += 1) spread.later('records', one, { via: 'a', now: 0 })
  expect(drops()).toBe(3)
  spread.round(0)
  expect(sent.map(({ sealed }) => sealed.length)).toEqual([8_192])
})

function spreadOf() {
  const sent: { to: readonly string[]; kind: Gossip; sealed: (number | undefined)[] }[] = []
  const waits: number[] = []
  let drops = 0
  const spread = new NewsSpread({
    sender: {
      sendSealed: (to, kind, sealed) => {
        const firsts = [...sealed].map(([first]) => first)
        if (firsts.length > 0) sent.push({ to, kind, sealed: firsts })
      },
    },
    neighbours: () => new Set(['a', 'b']),
    again: (afterMs) => void waits.push(afterMs),
    dropped: () => void (drops += 1),
  })
  return { spread, sent, waits, drops: () => drops }
}
