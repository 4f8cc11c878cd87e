import { stat } from 'node:fs'
import { child, genServer } from '@skerry/core'
import type { Sim } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { echo, insert, passes, run, shopApp } from './shop.ts'

const forever = { kind: 'crash', files: 'keep', silent: true, atMs: 1_000, forMs: 86_400_000 } as const

/** Does on each node, in an actor, what it is told when its node boots. */
function doing(what: () => unknown): ReturnType<typeof shopApp> {
  const doer = genServer({ name: 'doer', init: () => ({}), info: () => what() })
  const starter = genServer({
    name: 'starter',
    async init(ctx) {
      ctx.send(await ctx.start(doer, []), 'go')
      return {}
    },
  })
  return shopApp(child('starter', starter, []))
}

async function ready(sim: Sim): Promise<void> {
  await sim.ready()
  await sim.advance(100)
}

describe('a run fails', () => {
  it('of "progress" when clients can not get on after all is healed', async () => {
    const result = await run({
      regions: { syd: 1, lax: 1 },
      durationMs: 3_000,
      healMs: 3_000,
      faults: [{ ...forever, node: 'syd-1' }],
      workload: (sim) =>
        sim.clients(2, (client) => client.rpcPrimary(echo, 'x', { timeoutMs: 500 }), { at: ['lax-1'] }),
    })
    expect(result.failure).toMatchObject({ invariant: 'progress', atMs: 6_000 })
    expect(result.failure?.message).toMatch(/not over after 6000 ms of virtual time; client \d at lax-1: ERR_/)
    expect(result.virtualMs).toBe(6_000)
  })

  it('of "deadlock" when nothing is left that could happen', async () => {
    const { failure } = await run({
      async workload(sim) {
        await sim.ready()
        for (const { name } of sim.nodes) sim.crash(name)
        await new Promise(() => undefined)
      },
    })
    expect(failure).toMatchObject({ invariant: 'deadlock', atMs: 30_000 })
  })

  it('of "inconclusive" when it takes too many events', async () => {
    const { failure, events } = await run({ eventsMax: 500, workload: (sim) => sim.advance(20_000) })
    expect(failure?.invariant).toBe('inconclusive')
    expect(events).toBe(500)
  })

  it('of "boot" when a node does not start though nothing went wrong', async () => {
    const broken = genServer({
      name: 'broken',
      init() {
        throw new Error('no database')
      },
    })
    const { failure } = await run({ app: shopApp(child('broken', broken, [])), workload: ready })
    expect(failure?.invariant).toBe('boot')
    expect(failure?.message).toMatch(/^(syd|lax)-\d: ERR_APP_START.*no database/)
  })

  it.each<[string, () => unknown]>([
    ['a promise that nobody waits for', () => void Promise.reject(new Error('lost'))],
    ['a callback', () => process.nextTick(() => raise())],
    ['a timer', () => void setTimeout(raise, 5)],
  ])('of "unhandled" when nobody catches the error of %s', async (_what, what) => {
    const { failure } = await run({ app: doing(what), workload: ready })
    expect(failure).toMatchObject({ invariant: 'unhandled', message: 'lost' })
  })

  it('of "escape", naming the line, when code reaches past the simulation', async () => {
    const { failure, escapes } = await run({ app: doing(() => stat('.', () => undefined)), workload: ready })
    expect(failure?.invariant).toBe('escape')
    expect(failure?.message).toContain('failures.test.ts')
    expect(failure?.message).toContain('fs.stat')
    expect(escapes).toEqual([failure?.message])
  })

  it('of "escape" too when the code catches what it is told', async () => {
    let told: unknown
    const reaches = (): void => {
      try {
        stat('.', () => undefined)
      } catch (error) {
        told = error
      }
    }
    const { failure } = await run({ app: doing(reaches), workload: ready })
    expect(failure?.invariant).toBe('escape')
    expect(told).toMatchObject({ name: 'TestingError', code: 'ERR_ESCAPED' })
  })

  it('of "workload" when the workload throws', async () => {
    const { failure } = await run({ workload: () => Promise.reject(new TypeError('a typo')) })
    expect(failure).toMatchObject({ invariant: 'workload', message: 'a typo' })
  })

  it.each([
    ['text', 'text'],
    [undefined, 'undefined'],
    [{ amount: 7n }, '{"amount":"7"}'],
    [{ message: 'like an error' }, 'like an error'],
  ])('whatever is thrown: %o', async (thrown, message) => {
    const { failure } = await run({ workload: () => Promise.reject(thrown) })
    expect(failure).toMatchObject({ invariant: 'workload', message })
  })

  it('of the first that is wrong only, and is over then', async () => {
    let checks = 0
    const { failure, virtualMs } = await run({
      workload: ready,
      invariants: [
        { id: 'early', everyMs: 10, check: () => ((checks += 1) === 3 ? 'the third time' : undefined) },
        { id: 'late', everyMs: 31, check: () => 'at once' },
      ],
    })
    expect(failure).toMatchObject({ invariant: 'early', message: 'the third time', atMs: 30 })
    expect([checks, virtualMs]).toEqual([3, 30])
  })
})

it('an escape is only noted where that is asked for, each once', async () => {
  const result = await run({ escapes: 'warn', app: doing(() => stat('.', () => undefined)), workload: ready })
  expect(result.failure).toBeUndefined()
  expect(result.escapes).toEqual([expect.stringContaining('failures.test.ts')])
})

describe('an invariant', () => {
  it('is asked every 100 milliseconds, or as often as it says', async () => {
    const asked = { usual: 0, often: 0, always: 0 }
    const { failure, events } = await run({
      workload: (sim) => sim.advance(1_005),
      invariants: [
        { id: 'usual', check: () => void (asked.usual += 1) },
        { id: 'often', everyMs: 10, check: () => void (asked.often += 1) },
        { id: 'always', everyMs: 'event', check: () => void (asked.always += 1) },
      ],
    })
    expect(failure).toBeUndefined()
    expect(asked).toEqual({ usual: 10, often: 100, always: events })
  })

  it.each(['a message', { ok: false, message: 'a message' } as const])('fails the run with %o', async (verdict) => {
    const atEnd = await run({ workload: ready, invariants: [{ id: 'mine', atEnd: () => Promise.resolve(verdict) }] })
    const check = await run({ workload: ready, invariants: [{ id: 'mine', check: () => verdict }] })
    for (const { failure } of [atEnd, check]) expect(failure).toMatchObject({ invariant: 'mine', message: 'a message' })
  })

  it('that throws fails the run as well', async () => {
    const check = (): never => raise()
    const { failure } = await run({ workload: ready, invariants: [{ id: 'mine', check }] })
    expect(failure).toMatchObject({ invariant: 'mine', message: 'lost' })
  })

  it('may call actors at the end, and hears the whole history', () =>
    passes(
      async (sim) => {
        await sim.ready()
        await sim.clients(2, (client) => client.rpcPrimary(insert, client.op), { opsMax: 4, at: ['lax-1'] })
      },
      {
        regions: { syd: 1, lax: 1 },
        invariants: [
          {
            id: 'kept',
            async atEnd(sim) {
              const place = await sim.node('lax-1').up.rpcPrimary(insert, 'last')
              return place === sim.history.length + 1 ? undefined : `${place}`
            },
          },
        ],
      },
    ))

  it('is asked at the end of the safety phase when there is no workload', async () => {
    const phases: unknown[] = []
    const { failure } = await run({
      invariants: [{ id: 'mine', atEnd: (sim) => void phases.push(sim.phase, sim.nowMs) }],
    })
    expect(failure).toBeUndefined()
    expect(phases).toEqual(['healed', 30_000])
  })
})

function raise(): never {
  throw new Error('lost')
}
