import { actorName, child, defineApp, genServer, procedure } from '@skerry/core'
import { converges, linearizable, resolveCase, runCase, type SimulationOptions } from '@skerry/testing'
import { describe, expect, it } from 'vitest'

interface Asked {
  readonly op: 'read' | 'write'
  readonly value?: number
}

const cellName = actorName<{ call: { use(asked: Asked): number | null }; cast: Record<never, never> }>('cell')
const cell = genServer({
  name: 'cell',
  init: () => ({ value: 0 }),
  call: {
    use(ctx, { op, value = 0 }: Asked): number | null {
      if (op === 'read') return ctx.state.value
      ctx.state.value = value
      return null
    },
  },
})
const use = procedure({ name: 'cell.use', run: (ctx, asked: Asked) => ctx.call(cellName, 'use', [asked]) })
const app = defineApp({ name: 'cells', children: [child('cell', cell, [], { register: cellName })], procedures: [use] })

function cells(nodesInPrimary: number): SimulationOptions {
  return {
    app,
    regions: { syd: nodesInPrimary, lax: 1 },
    primary: 'syd',
    durationMs: 3_000,
    workload: (sim) =>
      sim.clients(3, (client) => {
        const value = client.random.int(100)
        return client.rpcPrimary(use, value % 2 === 0 ? { op: 'read' } : { op: 'write', value })
      }),
    invariants: [linearizable('register'), converges({ withinMs: 5_000 })],
  }
}

describe('linearizable', () => {
  it('holds for one owner, and finds that two nodes each keep their own', async () => {
    const one = await runCase(cells(1), resolveCase(cells(1), 1))
    expect(one.failure).toBeUndefined()
    const two = await runCase(cells(2), resolveCase(cells(2), 1))
    expect(two.failure).toMatchObject({ invariant: 'linearizable register' })
  })
})

describe('converges', () => {
  it('holds after a partition has healed, and finds one that never does', async () => {
    const split: SimulationOptions = { ...cells(1), healMs: 20_000, faults: [] }
    const healed = { kind: 'partition', from: ['syd'], to: ['lax'], oneWay: false, atMs: 500, forMs: 2_000 } as const
    const simCase = resolveCase(split, 1)
    expect((await runCase(split, { ...simCase, faults: [healed] })).failure).toBeUndefined()
    const never: SimulationOptions = {
      ...split,
      async workload(sim) {
        await sim.ready()
        sim.partition(['syd'], ['lax'])
        await sim.advance(10_000)
      },
    }
    const { failure } = await runCase(never, { ...simCase, safetyMs: 30_000, durationMs: 60_000 })
    expect(failure).toMatchObject({
      invariant: 'converges',
      message: expect.stringContaining('after 5000 ms') as string,
    })
  })
})
