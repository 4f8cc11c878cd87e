import { actorName, type Behavior, child, genServer, supervisor } from '@skerry/core'
import { resolveCase, runCase, type Sim } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { at, passes, run, shop, shopApp, shopName, simulation, told } from './shop.ts'

function saying(text: string): Behavior<[string], Sayer> {
  return genServer({
    name: 'sayer',
    init: (_ctx, from: string): { from: string } => ({ from }),
    call: { say: (ctx): string => `${text} for ${ctx.state.from}` },
  })
}

interface Sayer {
  call: { say(): string }
}

const mail = actorName<Sayer>('mail')
const disk = actorName<Sayer>('disk')
const other = actorName<Sayer>('other')

async function said(sim: Sim): Promise<unknown> {
  const { up } = sim.node('syd-1')
  return await Promise.all([mail, disk, other].map((name) => up.call(name, 'say', [])))
}

describe('children that own what can not be simulated', () => {
  const app = shopApp(
    child('mail', saying('real mail'), ['me'], { register: mail }),
    supervisor('inner', {
      children: [
        child('disk', saying('real disk'), ['us'], { register: disk }),
        child('other', saying('real other'), ['them'], { register: other }),
      ],
    }),
  )

  it('are replaced by their id at any depth, with the arguments that they had', () =>
    passes(
      async (sim) => {
        await sim.ready()
        expect(await said(sim)).toEqual(['fake mail for me', 'fake disk for us', 'real other for them'])
      },
      { app, replace: { mail: saying('fake mail'), disk: saying('fake disk') } },
    ))

  it('are not looked for in vain', async () => {
    await expect(run({ app, replace: { dikc: shop } })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_NO_SUCH_CHILD', message: expect.stringContaining('dikc') }),
    )
  })
})

it('an app can be another one for each node', () =>
  passes(
    async (sim) => {
      await sim.ready()
      const [here, there] = await Promise.all(
        ['syd-1', 'lax-1'].map((name) => sim.node(name).up.whichChildren('market')),
      )
      expect(here?.map(({ id }) => id)).toEqual(['shop', 'only-syd'])
      expect(there?.map(({ id }) => id)).toEqual(['shop'])
    },
    {
      app: (node) => {
        const app = node.region === 'syd' ? shopApp(child('only-syd', shop, [])) : shopApp()
        return typeof app === 'function' ? app(node) : app
      },
    },
  ))

describe('a message', () => {
  const spoilt = async (sim: Sim): Promise<string[]> => {
    await sim.ready()
    const list = ['mine']
    await sim.node('syd-1').up.call(shopName, 'spoil', [list])
    return list
  }

  it('is a copy: what its receiver does to it does not reach its sender', () =>
    passes(async (sim) => expect(await spoilt(sim)).toEqual(['mine'])))

  it('is the same object where that is asked for, as in production', () =>
    passes(async (sim) => expect(await spoilt(sim)).toEqual(['mine', 'spoilt']), { copies: false }))

  it('is changed by the sender later without effect', () =>
    passes(async (sim) => {
      await sim.ready()
      const { up } = sim.node('syd-1')
      await up.call(shopName, 'insert', ['one'])
      const orders = (await up.call(shopName, 'orders', [])) as string[]
      orders.push('spoilt')
      expect(await up.call(shopName, 'orders', [])).toEqual(['one'])
    }))
})

describe('an actor on a thread of its own', () => {
  const own = { ...shop, module: import.meta.url }

  it.each([true, false])('is handed copies always (copies: %s)', (copies) =>
    passes(
      async (sim) => {
        await sim.ready()
        const { up } = sim.node('syd-1')
        const pid = await up.start(own, [], { thread: 'own' })
        expect(pid.thread).toBe(1)
        const list = ['mine']
        await up.call(pid, 'spoil', [list])
        expect(list).toEqual(['mine'])
        expect(await up.call(pid, 'insert', ['one'])).toBe(1)
      },
      { copies },
    ),
  )

  it('is not handed what can not be copied, and lives on', () =>
    passes(async (sim) => {
      await sim.ready()
      const { up } = sim.node('syd-1')
      const pid = await up.start(own, [], { thread: 'own' })
      const list = [() => 'a function'] as unknown as string[]
      expect(await told(up.call(pid, 'spoil', [list], { timeoutMs: 500 }))).toBe('ERR_NOT_ENCODABLE not-run')
      expect(await up.call(pid, 'insert', ['one'])).toBe(1)
    }))

  it('may use its files and its clock', () =>
    passes(async (sim) => {
      await sim.ready()
      const { up } = sim.node('syd-1')
      const pid = await up.start(own, [], { thread: 'own' })
      await up.call(pid, 'append', ['from a thread', true])
      expect(await up.call(shopName, 'read', [])).toBe('from a thread')
      const [here, there] = await Promise.all([up.call(shopName, 'clocks', []), up.call(pid, 'clocks', [])])
      expect(there.wall).toBeCloseTo(here.wall, -1)
      expect(there.date).toBe(there.wall)
    }))
})

it('a node whose app gave up boots again a while later', () => {
  const fragile = genServer({
    name: 'fragile',
    init: () => ({}),
    info: () => {
      throw new Error('told to')
    },
  })
  return passes(
    async (sim) => {
      await sim.ready()
      const node = sim.node('lax-1')
      const { up } = node
      for (let crash = 0; crash < 4; crash += 1) {
        const [, info] = await up.whichChildren('market')
        if (info?.pid !== undefined) up.send(info.pid, 'crash')
        await sim.advance(50)
      }
      await sim.until(() => !node.running)
      const gaveUp = sim.nowMs
      await sim.until(() => node.running)
      expect(node.lives).toBe(2)
      expect(sim.nowMs - gaveUp).toBeLessThan(600)
      expect(sim.nowMs - gaveUp).toBeGreaterThan(300)
    },
    { app: shopApp(child('fragile', fragile, [])), restartMs: 500 },
  )
})

it('a node reads its environment, and no other', () => {
  const seen: unknown[] = []
  const reader = genServer({
    name: 'reader',
    init(ctx) {
      seen.push(ctx.node, process.env['HOME'] === undefined)
      return {}
    },
  })
  return passes(
    async (sim) => {
      await sim.ready()
      expect(seen.length).toBeGreaterThan(0)
    },
    { app: shopApp(child('reader', reader, [])), escapes: 'warn' },
  )
})

it('turns of equal time are shuffled by the seed, or taken as they come', async () => {
  const orders = new Set<string>()
  const fifo = new Set<string>()
  for (let seed = 0; seed < 8; seed += 1) {
    for (const [order, into] of [
      ['shuffle', orders],
      ['fifo', fifo],
    ] as const) {
      const names: number[] = []
      const one = genServer({
        name: 'one',
        init: () => ({}),
        cast: { go: (_ctx, nth: number) => void names.push(nth) },
      })
      const options = simulation({
        async workload(sim) {
          await sim.ready()
          const { up } = sim.node('syd-1')
          const pids = []
          for (let nth = 0; nth < 6; nth += 1) pids.push(await up.start(one, []))
          for (const [nth, pid] of pids.entries()) up.cast(pid, 'go', [nth])
          await at(sim, sim.nowMs + 10)
        },
      })
      const { failure } = await runCase(options, { ...resolveCase(options, seed), order })
      expect(failure).toBeUndefined()
      into.add(names.join(''))
    }
  }
  expect([...fifo]).toEqual(['012345'])
  expect(orders.size).toBeGreaterThan(4)
})
