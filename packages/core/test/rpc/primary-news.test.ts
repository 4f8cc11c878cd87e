import type { RpcReport } from '@skerry/core'
import { describe, expect, it } from 'vitest'
import type { Failure } from '../../src/actor/signal.ts'
import { afterNotPrimary, isNews, primaryNewsMs } from '../../src/rpc/primary-news.ts'
import { ClientWorld, failureOf } from './client-world.ts'

describe('a refusal as not primary', () => {
  const byEpoch = (primaryEpoch: number): Failure => ({
    code: 'ERR_NOT_PRIMARY',
    outcome: 'not-run',
    message: '',
    primaryEpoch,
  })

  it('of a node that knows a newer primary is waited out, of one that is behind is not', () => {
    expect(afterNotPrimary(byEpoch(4), 'syd', { primaryRegion: 'syd', primaryEpoch: 3 })).toBe('wait')
    expect(afterNotPrimary(byEpoch(3), 'syd', { primaryRegion: 'syd', primaryEpoch: 3 })).toBe('wait')
    expect(afterNotPrimary(byEpoch(2), 'syd', { primaryRegion: 'syd', primaryEpoch: 3 })).toBe('elsewhere')
  })

  it('by configurations that differ is not waited out: no news will settle it', () => {
    expect(afterNotPrimary(byEpoch(0), 'syd', { primaryRegion: 'syd', primaryEpoch: 0 })).toBe('elsewhere')
  })

  it('is void where the news has come meanwhile', () => {
    expect(afterNotPrimary(byEpoch(4), 'syd', { primaryRegion: 'lax', primaryEpoch: 4 })).toBe('again')
  })

  it('is news when the region is another one, or the same in a later epoch', () => {
    expect(isNews(byEpoch(4), 'syd', { primaryRegion: 'syd', primaryEpoch: 4 })).toBe(false)
    expect(isNews(byEpoch(4), 'syd', { primaryRegion: 'lax', primaryEpoch: 4 })).toBe(true)
    expect(isNews(byEpoch(4), 'syd', { primaryRegion: 'syd', primaryEpoch: 5 })).toBe(true)
  })
})

describe('[node] a call for the primary', () => {
  it('that is refused by the old one waits for the table, and then goes to the new one, as one attempt each', async () => {
    const world = new ClientWorld('syd', 3)
    const reports: RpcReport[] = []
    const call = world.call({ explain: (report) => reports.push(report) })
    world.refuse({ primaryEpoch: 4 })
    world.write('syd', 3)
    expect(world.asked).toEqual(['s1'])
    world.write('lax', 4)
    expect(world.asked).toEqual(['s1', 'l1'])
    world.answer('done')
    expect(await call).toBe('done')
    expect(reports[0]?.attempts.map(({ node, code }) => [node, code])).toEqual([
      ['s1', 'ERR_NOT_PRIMARY'],
      ['l1', 'ok'],
    ])
  })

  it('goes at once where the table has meanwhile moved to', async () => {
    const world = new ClientWorld('syd', 3)
    const call = world.call()
    world.write('lax', 4)
    world.refuse({ primaryEpoch: 4 })
    world.answer('done')
    expect(await call).toBe('done')
    expect(world.asked).toEqual(['s1', 'l1'])
  })

  it('fails when the news does not come in two seconds', async () => {
    const world = new ClientWorld('syd', 3)
    const call = failureOf(world.call({ timeoutMs: 60_000 }))
    world.refuse({ primaryEpoch: 4 })
    await world.platform.advance(primaryNewsMs)
    expect(await call).toMatchObject({ code: 'ERR_NOT_PRIMARY', outcome: 'not-run' })
    world.write('lax', 4)
    expect(world.asked).toEqual(['s1'])
  })

  it('fails at its deadline, if that is sooner, as not run', async () => {
    const world = new ClientWorld('syd', 3)
    const call = failureOf(world.call({ timeoutMs: 500 }))
    world.refuse({ primaryEpoch: 4 })
    await world.platform.advance(500)
    expect(await call).toMatchObject({ code: 'ERR_NOT_PRIMARY', outcome: 'not-run' })
  })

  it('gives up a primary that moves again and again', async () => {
    const world = new ClientWorld('syd', 3)
    const call = failureOf(world.call({ timeoutMs: 60_000 }))
    for (let epoch = 4; epoch < 10; epoch += 1) {
      world.refuse({ primaryEpoch: epoch })
      world.write(epoch % 2 === 0 ? 'lax' : 'syd', epoch)
    }
    const error = await call
    expect(error).toMatchObject({ code: 'ERR_NOT_PRIMARY', outcome: 'not-run' })
    // Three moves, then at most three attempts that count.
    expect(error.attempts.length).toBeLessThanOrEqual(6)
  })

  it('for a region by name does not wait: another primary is not what was asked for', async () => {
    const world = new ClientWorld('syd', 3)
    const call = failureOf(world.call({}, 'syd'))
    world.refuse({ primaryEpoch: 4 })
    expect(await call).toMatchObject({ code: 'ERR_NOT_PRIMARY', outcome: 'not-run' })
  })
})
