import { expect, it } from 'vitest'
import { GossipOutbox } from '../../src/mesh/gossip-outbox.ts'

const [one, other] = [Uint8Array.of(1), Uint8Array.of(2)]

it('what comes after a calm goes on at once, and what comes right behind it is collected', () => {
  const outbox = new GossipOutbox()
  expect(outbox.waitMs(0)).toBe(0)
  outbox.take(0)
  expect([outbox.waitMs(0), outbox.waitMs(30), outbox.waitMs(100), outbox.waitMs(5_000)]).toEqual([100, 70, 0, 0])
})

it('a neighbour is sent what others sent, by kind, and not what it sent itself', () => {
  const outbox = new GossipOutbox()
  outbox.add('records', one, 'a')
  outbox.add('records', other, undefined)
  outbox.add('accusations', one, 'b')
  const round = outbox.take(0)
  expect(round.isEmpty).toBe(false)
  expect([round.of('records', 'a'), round.of('accusations', 'a')]).toEqual([[other], [one]])
  expect([round.of('records', 'b'), round.of('accusations', 'b')]).toEqual([[one, other], []])
  expect(outbox.take(1).isEmpty).toBe(true)
})

it('takes no more than its bound', () => {
  const outbox = new GossipOutbox()
  for (let at = 0; at < 8_192; at += 1) expect(outbox.add('records', one, undefined)).toBe(true)
  expect(outbox.add('records', one, undefined)).toBe(false)
  outbox.take(0)
  expect(outbox.add('records', one, undefined)).toBe(true)
})
