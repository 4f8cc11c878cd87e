import { reachable } from '@skerry/core'
import { describe, expect, it } from 'vitest'
import { ask, at, echo, insert, passes, run, shop, shopName, told } from './shop.ts'

describe('time', () => {
  it('passes as far as it is told, and nobody hears of the rest', () =>
    passes(async (sim) => {
      const from = sim.nowMs
      await sim.advance(1_234.5)
      expect(sim.nowMs).toBe(from + 1_234.5)
    }))

  it('is a time even when it is no number', async () => {
    const { failure } = await run({ workload: (sim) => sim.advance(Number.NaN) })
    expect(failure).toMatchObject({ invariant: 'workload', message: expect.stringContaining('NaN') })
  })

  it('is waited for until a condition holds, and not for longer than told', () =>
    passes(async (sim) => {
      await sim.until(() => sim.nowMs >= 500)
      expect(sim.nowMs).toBe(500)
      await expect(sim.until(() => false, { withinMs: 300, what: 'the impossible' })).rejects.toThrow(
        expect.objectContaining({ code: 'ERR_NOT_UNTIL', message: 'Waited 300 ms in vain for the impossible' }),
      )
      expect(sim.nowMs).toBe(800)
    }))

  it('of a cluster begins when all nodes know each other', () =>
    passes(async (sim) => {
      expect(sim.running).toEqual([])
      await sim.ready()
      for (const { up } of sim.nodes) expect(up.regions()).toEqual(['lax', 'syd'])
    }))

  it('is not up for a cluster that is cut', async () => {
    const { failure } = await run({
      faults: [{ kind: 'partition', from: ['lax'], to: ['rest'], oneWay: false, atMs: 0, forMs: 20_000 }],
      workload: (sim) => sim.ready({ withinMs: 5_000 }),
    })
    expect(failure?.message).toContain('ERR_NOT_UNTIL')
  })
})

it('a cut holds until it is healed', () =>
  passes(async (sim) => {
    await sim.ready()
    const mend = sim.partition(['lax'])
    expect((await ask(sim, 'lax-1', 'syd-1')).answer).toContain('ERR_')
    mend()
    mend()
    await sim.ready()
    expect((await ask(sim, 'lax-1', 'syd-1', 5_000)).answer).toBe('ok')
    sim.partition(['syd-1'], ['syd-2'])
    sim.crash('lax-1')
    expect((await ask(sim, 'syd-1', 'syd-2')).answer).toContain('ERR_')
    sim.heal()
    await sim.ready()
    expect((await ask(sim, 'syd-1', 'syd-2', 5_000)).answer).toBe('ok')
    expect(sim.node('lax-1').lives).toBe(2)
  }))

it('a node that is crashed stays down until it is restarted', () =>
  passes(async (sim) => {
    await sim.ready()
    sim.crash('lax-1')
    await sim.advance(5_000)
    expect(sim.node('lax-1').running).toBe(false)
    sim.restart('lax-1')
    sim.restart('lax-1')
    await sim.ready()
    expect(sim.node('lax-1').lives).toBe(2)
  }))

describe('a node that is paused', () => {
  it('goes on by itself', () =>
    passes(async (sim) => {
      await sim.ready()
      const until = sim.nowMs + 700
      sim.pause('syd-1', 700)
      expect((await ask(sim, 'syd-2', 'syd-1')).answer).toBe('ok')
      expect(sim.nowMs).toBeGreaterThanOrEqual(until)
    }))

  it('goes on when all is healed', () =>
    passes(async (sim) => {
      await sim.ready()
      const goOn = [sim.inject({ kind: 'pause', node: 'syd-1', atMs: 0, forMs: 20_000 }), () => sim.heal()]
      for (const end of goOn) {
        await sim.advance(100)
        end()
        expect((await ask(sim, 'syd-2', 'syd-1')).ms).toBeLessThan(100)
        sim.inject({ kind: 'pause', node: 'syd-1', atMs: 0, forMs: 20_000 })
      }
    }))

  it('goes on with the longer of two pauses when the shorter is over', () =>
    passes(async (sim) => {
      await sim.ready()
      const until = sim.nowMs + 800
      sim.inject({ kind: 'pause', node: 'syd-1', atMs: 0, forMs: 800 })
      sim.inject({ kind: 'pause', node: 'syd-1', atMs: 0, forMs: 200 })()
      expect((await ask(sim, 'syd-2', 'syd-1')).answer).toBe('ok')
      expect(sim.nowMs).toBeGreaterThanOrEqual(until)
    }))
})

it('an actor that is stuck holds up its thread and no other', () =>
  passes(async (sim) => {
    await sim.ready()
    const { up } = sim.node('syd-1')
    const stuck = await up.start(ownShop, [], { thread: 'own' })
    const from = sim.nowMs
    sim.block(stuck, 900)
    await up.call(shopName, 'orders', [])
    expect(sim.nowMs).toBeLessThan(from + 50)
    await up.call(stuck, 'orders', [])
    expect(sim.nowMs).toBeGreaterThanOrEqual(from + 900)
  }))

it('an actor that is stuck for too long on a thread of the pool: the thread is replaced, its neighbours are lost', () =>
  passes(async (sim) => {
    await sim.ready()
    const { up } = sim.node('syd-1')
    const start = () => up.start(ownShop, [], { thread: { pool: 'one' } })
    const [stuck, neighbour] = [await start(), await start()]
    expect(neighbour.thread).toBe(stuck.thread)
    const ended = up.watch(neighbour)
    const from = sim.nowMs
    sim.block(stuck, 60_000)
    expect(await ended).toBe('threadlost')
    // blockedMs is 5,000 by default.
    expect(sim.nowMs - from).toBeGreaterThan(5_000)
    expect(sim.nowMs - from).toBeLessThan(6_000)
    const next = await start()
    expect(next.thread).toBeGreaterThan(stuck.thread)
    expect(await up.call(next, 'insert', ['one'])).toBe(1)
    // From one thread of the pool to another, and to one of its own.
    const own = await up.start(ownShop, [], { thread: 'own' })
    expect(await up.call(own, 'insert', ['two'])).toBe(1)
  }))

// What runs on a thread of its own has to have a module.
const ownShop = { ...shop, module: import.meta.url }

it('a clock goes wrong until it is set right', () =>
  passes(async (sim) => {
    await sim.ready()
    const offset = async (): Promise<number> => {
      const [one, other] = await Promise.all(
        ['syd-1', 'syd-2'].map((name) => sim.node(name).up.call(shopName, 'clocks', [])),
      )
      return (one?.wall ?? 0) - (other?.wall ?? 0)
    }
    const setRight = sim.skew('syd-1', { jumpMs: -5_000 })
    expect(await offset()).toBeCloseTo(-5_000, -1)
    setRight()
    expect(await offset()).toBeCloseTo(0, -1)
  }))

it('any fault lasts until it is ended', () =>
  passes(async (sim) => {
    await sim.ready()
    const end = sim.inject({ kind: 'clog', from: ['syd-1'], to: ['syd-2'], extraMs: 250, atMs: 0, forMs: 1 })
    await sim.advance(500)
    expect((await ask(sim, 'syd-1', 'syd-2')).ms).toBeGreaterThan(500)
    end()
    expect((await ask(sim, 'syd-1', 'syd-2')).ms).toBeLessThan(100)
  }))

it('a reply is held back and let go', () =>
  passes(async (sim) => {
    await sim.ready()
    const release = sim.hold({ from: ['syd-1'], to: ['lax-1'], caption: 'reply' })
    let answer: unknown
    const asked = sim
      .node('lax-1')
      .up.rpc('syd-1', insert, 'one')
      .then((place) => (answer = place))
    await sim.advance(900)
    expect(await sim.node('syd-1').up.call(shopName, 'orders', [])).toEqual(['one'])
    expect(answer).toBeUndefined()
    release()
    await asked
    expect(answer).toBe(1)
  }))

describe('a barrier', () => {
  it('stops a node at a point of its code, where it can be crashed', () =>
    passes(async (sim) => {
      await sim.ready()
      const reached = sim.barrier('shop/inserted')
      const asked = told(sim.node('lax-1').up.rpc('syd-1', insert, 'one', { timeoutMs: 2_000 }))
      const { node } = await reached
      expect(node).toBe('syd-1')
      sim.crash(node)
      expect(await asked).toContain('unknown')
    }))

  it('lets the node go on when it is released', () =>
    passes(async (sim) => {
      await sim.ready()
      const reached = sim.barrier('shop/inserted')
      const asked = sim.node('lax-1').up.rpc('syd-1', insert, 'one')
      const barrier = await reached
      const at = sim.nowMs
      await sim.advance(600)
      barrier.release()
      expect(await asked).toBe(1)
      expect(sim.nowMs).toBeGreaterThanOrEqual(at + 599)
      // It stopped the first that came only.
      expect(await sim.node('lax-1').up.rpc('syd-1', insert, 'two')).toBe(2)
    }))

  it('does not stop the workload itself', () =>
    passes(async (sim) => {
      const reached = sim.barrier('test/the workload was here')
      await sim.advance(1)
      reachable('test/the workload was here')
      await sim.advance(1)
      await Promise.race([reached, sim.advance(1)])
    }))
})

it('a node that is not there is refused by its name', () =>
  passes(async (sim) => {
    expect(() => sim.node('fra-1')).toThrow(expect.objectContaining({ code: 'ERR_NO_SUCH_NODE' }))
    expect(() => sim.pause('fra-1', 10)).toThrow(expect.objectContaining({ code: 'ERR_NO_SUCH_NODE' }))
    await at(sim, 1)
  }))

it('a timer that the workload sets after a call is its own: it survives the node that answered', () =>
  passes(async (sim) => {
    await sim.ready()
    const done: string[] = []
    const working = sim.clients(
      1,
      async (client) => {
        await client.rpc('syd-1', echo, 'ok')
        if (client.op === '0/0') await new Promise<void>((resolve) => void setTimeout(resolve, 500))
        done.push(client.op)
      },
      { at: ['lax-1'], opsMax: 1 },
    )
    await sim.until(() => sim.history[0]?.outcome === 'ok')
    sim.crash('lax-1')
    await working
    expect(done).toEqual(['0/0'])
  }))
