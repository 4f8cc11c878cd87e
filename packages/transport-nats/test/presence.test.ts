import { seededRandom, virtualClock } from '@skerry/testing'
import { expect, it } from 'vitest'
import { Presence } from '../src/presence.ts'

function world() {
  const clock = virtualClock()
  const linked = new Set<string>()
  const events: string[] = []
  const presence = new Presence({
    clock,
    random: seededRandom(1),
    say() {},
    isLinked: (node) => linked.has(node),
    isAlone: () => linked.size === 0,
    offer: (node) => void events.push(`offer ${node}`),
    withdraw: (node) => void events.push(`withdraw ${node}`),
  })
  presence.start()
  return { clock, linked, presence, take: () => events.splice(0) }
}

it('a node is offered at once while there is no link, and else when it was heard of twice', () => {
  const { linked, presence, take } = world()
  presence.heard('a')
  expect(take()).toEqual(['offer a'])
  linked.add('a')
  presence.heard('b')
  expect(take()).toEqual([])
  for (let again = 0; again < 3; again += 1) presence.heard('b')
  expect(take()).toEqual(['offer b'])
})

it('it is withdrawn once it is linked, and offered again when it is heard of without a link', async () => {
  const { clock, linked, presence, take } = world()
  presence.heard('a')
  linked.add('a')
  await clock.advance(20_000)
  expect(take()).toEqual(['offer a', 'withdraw a'])
  presence.heard('a')
  expect(take()).toEqual([])
  linked.delete('a')
  presence.heard('a')
  expect(take()).toEqual(['offer a'])
})

it('it is withdrawn when it is not heard of any more, and not while it is', async () => {
  const { clock, presence, take } = world()
  for (let turn = 0; turn < 20; turn += 1) {
    presence.heard('a')
    if (turn === 0) presence.heard('b')
    await clock.advance(10_000)
  }
  expect(take()).toEqual(['offer a', 'offer b', 'withdraw b'])
})

it('of however many nodes that come and go, a later one is still offered', async () => {
  const { clock, presence, take } = world()
  for (let life = 0; life < 3_000; life += 1) presence.heard(`node ${life}`)
  expect(take()).toHaveLength(1_024)
  await clock.advance(3_600_000)
  expect(take()).toHaveLength(1_024)
  presence.heard('one more')
  expect(take()).toEqual(['offer one more'])
})
