import type { RpcReport } from '@skerry/core'
import { describe, expect, it } from 'vitest'
import { attemptsKept } from '../../src/rpc/tries.ts'
import { ClientWorld, failureOf, write } from './client-world.ts'

const busy = { code: 'ERR_OVERLOADED', outcome: 'not-run', message: 'busy' } as const

/** Every request is refused at once, as long as the test says so; the table is written every half second, as it is where loads change. */
async function passBusy(world: ClientWorld, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    if (passed % 500 === 0) world.touch()
    for (let refused = world.asked.length; refused !== refusedBy(world); refused = world.asked.length) {
      world.refuse(busy)
      seen.set(world, refused)
    }
    await world.platform.advance(100)
  }
}
const seen = new WeakMap<ClientWorld, number>()
const refusedBy = (world: ClientWorld): number => seen.get(world) ?? 0

describe('a call that waits', () => {
  it('goes on while its nodes are busy, for the time that it has', async () => {
    const world = new ClientWorld()
    const call = world.call({ wait: true, timeoutMs: 20_000 }, 'syd')
    await passBusy(world, 8_000)
    // Asked some times at first, and every two seconds at the most later on.
    expect(world.asked.length).toBeGreaterThan(5)
    expect(world.asked.length).toBeLessThan(15)
    await world.platform.advance(2_000)
    world.answer('done')
    expect(await call).toBe('done')
  })

  it('asks again though the table says nothing new', async () => {
    const world = new ClientWorld()
    const call = world.call({ wait: true, timeoutMs: 20_000 }, 'syd')
    world.refuse(busy)
    await world.platform.advance(100)
    expect(world.asked).toEqual(['s1', 's1'])
    world.answer('done')
    expect(await call).toBe('done')
  })

  it('asks three nodes, and then pauses', async () => {
    const world = new ClientWorld('syd', 0, ['s1', 's2', 's3', 's4'])
    const call = world.call({ wait: true, timeoutMs: 20_000 }, 'syd')
    for (let tries = 0; tries < 3; tries += 1) world.refuse(busy)
    expect(new Set(world.asked).size).toBe(3)
    world.touch()
    expect(world.asked.length).toBe(3)
    await world.platform.advance(100)
    expect(world.asked.length).toBe(4)
    world.answer('done')
    expect(await call).toBe('done')
  })

  it('asks a node that is new at once, and none of those that refused it sooner than it would', async () => {
    const world = new ClientWorld()
    const call = world.call({ wait: true, timeoutMs: 20_000 }, 'syd')
    await passBusy(world, 5_000)
    const asked = world.asked.length
    world.touch()
    expect(world.asked.length).toBe(asked)
    world.touch(['s1', 's2'])
    expect(world.asked.slice(asked)).toEqual(['s2'])
    world.answer('done')
    expect(await call).toBe('done')
  })

  it('fails at its deadline with the last refusal, as not run, and knows of its last attempts only', async () => {
    const world = new ClientWorld('syd', 0, ['s1', 's2'])
    const reports: RpcReport[] = []
    const explain = (report: RpcReport): number => reports.push(report)
    const failure = failureOf(world.call({ wait: true, timeoutMs: 120_000, explain }, 'syd'))
    await passBusy(world, 121_000)
    const error = await failure
    expect(error).toMatchObject({ code: 'ERR_OVERLOADED', outcome: 'not-run' })
    expect(error.message).toContain('it waited in vain')
    expect(world.asked.length).toBeGreaterThan(attemptsKept)
    expect(error.attempts.length).toBe(attemptsKept)
    expect(reports[0]?.attempts).toEqual(error.attempts)
    expect(reports[0]?.choices.length).toBe(attemptsKept)
  })

  it('for the primary waits on when the news does not come, and when it moves again and again', async () => {
    const world = new ClientWorld('syd', 3)
    const call = world.call({ wait: true, timeoutMs: 60_000 })
    world.refuse({ primaryEpoch: 4 })
    await world.platform.advance(5_000)
    for (let epoch = 5; epoch < 15; epoch += 1) {
      await world.platform.advance(2_000)
      world.refuse({ primaryEpoch: epoch })
      world.write(epoch % 2 === 0 ? 'lax' : 'syd', epoch)
    }
    await world.platform.advance(2_000)
    world.answer('done')
    expect(await call).toBe('done')
  })

  it('fails at once when it is refused for what it is', async () => {
    const world = new ClientWorld()
    const failure = failureOf(world.call({ wait: true }, 'syd'))
    world.refuse({ code: 'ERR_NOT_ALLOWED' })
    expect(await failure).toMatchObject({ code: 'ERR_NOT_ALLOWED', outcome: 'not-run' })
  })

  it('tries another node where one could not start its process, and does not wait for that to change', async () => {
    const world = new ClientWorld('syd', 0, ['s1', 's2'])
    const notStarted = { code: 'ERR_PROCESS_START' }
    const call = world.call({}, 'syd')
    world.refuse(notStarted)
    world.answer('done')
    expect(await call).toBe('done')
    expect(new Set(world.asked)).toEqual(new Set(['s1', 's2']))
    const failure = failureOf(world.call({ wait: true }, 'syd'))
    for (let tries = 0; tries < 2; tries += 1) world.refuse(notStarted)
    expect(await failure).toMatchObject({ ...notStarted, outcome: 'not-run' })
    expect(world.asked.length).toBe(4)
  })

  it('that does not wait tries three nodes', async () => {
    const world = new ClientWorld()
    const failure = failureOf(world.call({}, ['syd', 'nearest']))
    for (let tries = 0; tries < 2; tries += 1) world.refuse(busy)
    expect(await failure).toMatchObject({ code: 'ERR_OVERLOADED', procedure: write.name })
    expect(world.asked).toEqual(['s1', 'l1'])
  })
})
