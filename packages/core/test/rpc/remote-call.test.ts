import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { collected } from '../fixtures/collected.ts'
import { ClientWorld, failureOf } from './client-world.ts'

const key = { idempotencyKey: 'k' }
const lost = { code: 'ERR_NODE_LOST', outcome: 'unknown' }

describe('a call with a key whose connection was lost', () => {
  it('goes to the same node when that is back, with what is left of its time', async () => {
    const world = new ClientWorld('syd', 0, ['s1', 's2'])
    const call = world.call({ ...key, timeoutMs: 5_000, reconnectMs: 1_000 }, 'syd')
    await world.platform.advance(600)
    const [first = ''] = world.asked
    world.lose(first)
    await world.platform.advance(400)
    expect(world.asked.length).toBe(1)
    world.meet(first)
    expect([world.asked, world.request.request.timeLeftMs]).toEqual([[first, first], 4_000])
    world.answer('done')
    expect(await call).toBe('done')
    expect([world.kernel.nodes.size, world.kernel.stats.edges, world.kernel.actorCount]).toEqual([0, 0, 0])
  })

  it('fails when that is not back in time, and after three losses', async () => {
    const world = new ClientWorld()
    const slow = failureOf(world.call({ ...key, timeoutMs: 60_000, reconnectMs: 1_000 }, 'syd'))
    world.lose('s1')
    await world.platform.advance(1_000)
    expect(await slow).toMatchObject({ ...lost, attempts: [lost] })
    const unlucky = failureOf(world.call({ ...key, timeoutMs: 60_000, reconnectMs: 1_000 }, 'syd'))
    for (let losses = 0; losses < 3; losses += 1) {
      world.lose('s1')
      world.meet('s1')
    }
    expect(await unlucky).toMatchObject({ ...lost, attempts: [lost, lost, lost] })
  })

  it('and is refused there does not say that it was not run, and goes nowhere else', async () => {
    const world = new ClientWorld('syd', 0, ['s1', 's2'])
    const failure = failureOf(world.call(key, 'syd'))
    const [first = ''] = world.asked
    world.lose(first)
    world.meet(first)
    world.refuse({ code: 'ERR_DRAINING', message: 'it leaves' })
    const error = await failure
    expect(error).toMatchObject({ ...lost, attempts: [lost, { code: 'ERR_DRAINING', outcome: 'not-run' }] })
    expect(error.message).toContain('asked again, it refused: it leaves')
    expect(world.asked).toEqual([first, first])
  })

  it('waits on when the request can not be sent again', async () => {
    const world = new ClientWorld()
    const call = world.call({ ...key, reconnectMs: 1_000 }, 'syd')
    world.lose('s1')
    world.sends = () => 'no-link'
    world.meet('s1')
    world.sends = () => 'sent'
    world.meet('s1')
    world.answer('done')
    expect(await call).toBe('done')
  })

  it('and that is given up, or not answered in time, does not say that it was not run', async () => {
    const world = new ClientWorld()
    const controller = new AbortController()
    const options = { ...key, reconnectMs: 60_000 }
    const given = failureOf(world.call({ ...options, signal: controller.signal }, 'syd'))
    const late = failureOf(world.call({ ...options, timeoutMs: 1_000 }, 'syd'))
    const again = failureOf(world.call({ ...options, timeoutMs: 1_000 }, 'syd'))
    world.lose('s1')
    controller.abort()
    expect(await given).toMatchObject({ code: 'ERR_RPC_ABORTED', outcome: 'unknown' })
    await world.platform.advance(1_000)
    expect([await late, await again]).toMatchObject([lost, lost])
  })

  it('fails when another life of the node comes up, and is not sent to that', async () => {
    const world = new ClientWorld()
    const failure = failureOf(world.call({ ...key, reconnectMs: 1_000 }, 'syd'))
    world.lose('s1')
    world.meet('s1', 2)
    expect(await failure).toMatchObject(lost)
    expect(world.asked).toEqual(['s1'])
  })
})

it('a call that is tried at another node has what is left of its time', async () => {
  const world = new ClientWorld('syd', 0, ['s1', 's2'])
  const call = world.call({ timeoutMs: 5_000 }, 'syd')
  expect(world.request.request.timeLeftMs).toBe(5_000)
  await world.platform.advance(2_000)
  world.refuse({ code: 'ERR_OVERLOADED' })
  expect([new Set(world.asked).size, world.request.request.timeLeftMs]).toEqual([2, 3_000])
  world.answer('done')
  expect(await call).toBe('done')
})

it('a call hears no other node than the one that was asked last', async () => {
  const world = new ClientWorld('syd', 0, ['s1', 's2'])
  const call = world.call({}, 'syd')
  const refuse = { code: 'ERR_OVERLOADED', outcome: 'not-run', message: 'busy' } as const
  const [first = ''] = world.asked
  world.refuse(refuse)
  world.say(first, { ok: false, failure: { code: 'ERR_REMOTE_ERROR', outcome: 'ran', message: 'of before' } })
  world.say(first, { ok: true, value: 'of before', encoded: false })
  world.answer('done')
  expect(await call).toBe('done')
  expect(world.kernel.counters.refusedSignals).toBe(2)
})

it('a stream hears no other node than the one that was asked, also before that has said anything', async () => {
  const world = new ClientWorld('syd', 0, ['s1', 'l1'])
  const stream = world.stream({}, 'syd')
  const first = stream.next()
  await world.platform.settle()
  const stranger = { ...world.process, node: 'l1' }
  const { from: to } = world.request
  world.kernel.deliver({ type: 'credit', from: stranger, to, items: 5, bytes: 500 })
  world.kernel.deliver({ type: 'item', from: stranger, to, seq: 0, item: world.kernel.codec.encode('forged') })
  world.kernel.deliver({ type: 'itemsEnd', from: stranger, to })
  expect(world.kernel.counters.refusedSignals).toBe(3)
  world.credit(1, 100)
  world.item(0, 'true')
  expect(await first).toEqual({ value: 'true', done: false })
})

it('a call leaves nothing at the signal that it was given', async () => {
  const world = new ClientWorld()
  const { signal } = new AbortController()
  const call = world.call({ signal }, 'syd')
  expect(getEventListeners(signal, 'abort').length).toBe(1)
  world.answer('done')
  await call
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

it('a call to a node that says nothing is over at its deadline all the same, and that node is told', async () => {
  const world = new ClientWorld()
  const failure = failureOf(world.call({ timeoutMs: 700 }, 'syd'))
  await world.platform.advance(699)
  expect(world.sent).toEqual([])
  await world.platform.advance(1)
  expect(await failure).toMatchObject({ code: 'ERR_RPC_TIMEOUT', outcome: 'unknown', node: 's1', region: 'syd' })
  expect(world.sent).toMatchObject([{ type: 'cancel', from: world.request.from, reason: 'timeout' }])
})

describe('a call that goes on for long', () => {
  const long = { timeoutMs: 600_000 }

  it('keeps no region table that there is no more', async () => {
    const world = new ClientWorld()
    const before = new WeakRef(world.table.read())
    const calls = [world.call(long, 'syd')]
    world.write('syd', 1)
    calls.push(world.call(long, 'syd'))
    await collected(before)
    expect([calls.length, world.kernel.actorCount]).toEqual([2, 2])
  })
})
