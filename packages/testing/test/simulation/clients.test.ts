import type { Client, RunResult, SimCase } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { echo, insert, passes, run, waitLong } from './shop.ts'

describe('clients', () => {
  it('work in turns on all nodes until all is healed and each has succeeded once more', () =>
    passes(
      async (sim) => {
        const homes = new Map<number, string>()
        await sim.clients(5, async (client) => {
          homes.set(client.index, client.home.name)
          await client.rpcPrimary(insert, client.op)
        })
        expect([...homes].sort(([one], [other]) => one - other)).toEqual([
          [0, 'syd-1'],
          [1, 'syd-2'],
          [2, 'lax-1'],
          [3, 'syd-1'],
          [4, 'syd-2'],
        ])
        expect(sim.phase).toBe('healed')
        for (let index = 0; index < 5; index += 1) {
          const last = sim.history.filter((operation) => operation.client === index).at(-1)
          expect(last?.outcome).toBe('ok')
          expect(last?.invokedMs).toBeGreaterThanOrEqual(5_000)
        }
      },
      { durationMs: 5_000 },
    ))

  it('are attached where they are told to be, and are counted on from those before', () =>
    passes(async (sim) => {
      const seen: string[] = []
      const note = (client: Client): Promise<unknown> => Promise.resolve(seen.push(`${client.op} ${client.home.name}`))
      await sim.clients(2, note, { at: ['lax-1'], opsMax: 1 })
      await sim.clients(1, note, { opsMax: 2 })
      expect(seen.sort()).toEqual(['0/0 lax-1', '1/0 lax-1', '2/0 syd-1', '2/1 syd-1'])
    }))

  it('think as long as they are told', () =>
    passes(async (sim) => {
      const starts: number[] = []
      await sim.ready()
      const from = sim.nowMs
      const options = { opsMax: 50, thinkMs: [100, 200] } as const
      await sim.clients(1, () => Promise.resolve(starts.push(sim.nowMs)), options)
      const thought = starts.map((start, n) => start - (starts[n - 1] ?? from))
      expect(Math.min(...thought)).toBeGreaterThanOrEqual(99.999)
      expect(Math.max(...thought)).toBeLessThan(200.001)
      expect(new Set(thought).size).toBeGreaterThan(40)
    }))

  it('live with errors that have a code, which are recorded', () =>
    passes(async (sim) => {
      await sim.ready()
      const working = sim.clients(1, (client) => client.rpcRegion('fra', echo, 'x', { timeoutMs: 100 }), { opsMax: 3 })
      await working
      expect(sim.history.map(({ id, name, outcome, error }) => [id, name, outcome, error?.code])).toEqual([
        ['0/0', 'echo', 'fail', expect.stringMatching(/^ERR_/)],
        ['0/1', 'echo', 'fail', expect.stringMatching(/^ERR_/)],
        ['0/2', 'echo', 'fail', expect.stringMatching(/^ERR_/)],
      ])
      expect(sim.lastError).toContain('client 0 at syd-1: ERR_')
    }))

  it('do not know what became of what they asked when their node ends', () =>
    passes(async (sim) => {
      await sim.ready()
      const working = sim.clients(1, (client) => client.rpc('syd-1', waitLong, 500), { at: ['lax-1'], opsMax: 20 })
      await sim.until(() => sim.history.length === 1)
      sim.crash('lax-1')
      sim.restart('lax-1')
      await working
      const [first] = sim.history
      expect([first?.outcome, first?.error?.code]).toEqual(['unknown', 'ERR_CLIENT_LOST'])
      expect(sim.history.at(-1)?.outcome).toBe('ok')
    }))

  it('fail the run with any other error', async () => {
    const workload = (client: Client): Promise<unknown> =>
      client.record('buy', [], () => Promise.reject(new Error(`a bug of the test in ${client.op}`)))
    const { failure } = await run({ workload: (sim) => sim.clients(1, workload) })
    expect(failure).toMatchObject({ invariant: 'workload', message: 'a bug of the test in 0/0' })
    expect(failure?.stack).toContain('clients.test.ts')
  })

  it('of a node that stays dead are done when all is healed', () =>
    passes(
      async (sim) => {
        await sim.clients(3, (client) => client.rpcPrimary(echo, 'x'))
        expect(sim.node('lax-1').running).toBe(false)
      },
      {
        durationMs: 5_000,
        faults: [{ kind: 'crash', node: 'lax-1', files: 'keep', silent: true, atMs: 1_000, forMs: 86_400_000 }],
      },
    ))
})

describe('a smaller case', () => {
  async function drawsOf(part: Partial<SimCase>): Promise<{ draws: Map<string, number>; result: RunResult }> {
    const draws = new Map<string, number>()
    const result = await run(
      {
        durationMs: 3_000,
        workload: (sim) =>
          sim.clients(3, (client) => {
            draws.set(client.op, client.random.int(2 ** 31))
            return client.rpcPrimary(echo, client.op)
          }),
      },
      { safetyMs: 3_000, ...part },
    )
    expect(result.failure).toBeUndefined()
    return { draws, result }
  }

  it('leaves operations out, and changes no draw of the others', async () => {
    const whole = await drawsOf({})
    expect(whole.draws.size).toBeGreaterThan(30)
    const skippedOps = ['0/0', '1/3', '2/1']
    const { draws, result } = await drawsOf({ skippedOps })
    expect(skippedOps.filter((op) => draws.has(op))).toEqual([])
    // They are still named, so that they can be put back.
    expect(result.ops).toEqual(expect.arrayContaining(skippedOps))
    const common = [...draws].filter(([op]) => whole.draws.has(op))
    expect(common.length).toBeGreaterThan(30)
    for (const [op, draw] of common) expect([op, draw]).toEqual([op, whole.draws.get(op)])
  })

  it('is over when all that is left to do is left out', async () => {
    const skippedOps = Array.from({ length: 1_000 }, (_, n) => `0/${n}`)
    const { result } = await drawsOf({ skippedOps })
    expect(result.ops.filter((op) => op.startsWith('0/')).length).toBeLessThan(100)
  })

  it('has fewer clients', async () => {
    const whole = await drawsOf({})
    const { draws, result } = await drawsOf({ clientsMax: 2 })
    expect(new Set(result.ops.map((op) => op.split('/')[0]))).toEqual(new Set(['0', '1']))
    for (const [op, draw] of draws) if (whole.draws.has(op)) expect(draw).toBe(whole.draws.get(op))
  })
})
