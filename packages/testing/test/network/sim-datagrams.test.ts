import { describe, expect, it } from 'vitest'
import { createWorld, type SimWorld, type SimWorldOptions, type TestNode } from './sim-world.ts'

const records = 2_000

/** One node publishes, numbered, one a millisecond; others listen. */
async function published(
  options: SimWorldOptions,
  break_: (world: SimWorld) => void,
): Promise<{ world: SimWorld; heard: ReadonlyMap<string, number[]> }> {
  const world = await createWorld(options)
  const a = await world.start('x-1')
  const heard = new Map<string, number[]>()
  for (const name of ['x-2', 'y-1', 'z-1']) heard.set(name, listen(await world.start(name)))
  break_(world)
  for (let n = 0; n < records; n += 1) {
    a.transport.publish?.('news', Uint8Array.of(n & 255, n >> 8))
    await world.pass(1)
  }
  await world.pass(10_000)
  return { world, heard }
}

function listen(node: TestNode): number[] {
  const heard: number[] = []
  node.transport.subscribe?.('news', (_via, [low = 0, high = 0]) => heard.push(low + 256 * high))
  return heard
}

describe('published records', () => {
  it('all arrive, once and in order, where nothing is wrong and nothing varies', async () => {
    const { heard } = await published({}, () => {})
    for (const numbers of heard.values()) expect(numbers).toEqual(Array.from({ length: records }, (_none, n) => n))
  })

  it('overtake each other where latency varies', async () => {
    const { heard } = await published({ jitter: true, rtt: { rtt: () => ({ p50Ms: 20, p95Ms: 60 }) } }, () => {})
    const numbers = heard.get('y-1') ?? []
    expect(numbers).toHaveLength(records)
    expect(numbers).not.toEqual(numbers.toSorted((a, b) => a - b))
  })

  it('are lost, repeated and reordered about as often as was said, on the paths of the fault only', async () => {
    const { world, heard } = await published({}, ({ network }) => {
      const fault = { kind: 'loss', from: ['x'], to: ['y'], loss: 0.2, duplicate: 0.1, reorder: 0.05 } as const
      network.apply('loss', fault)
    })
    const numbers = heard.get('y-1') ?? []
    const distinct = new Set(numbers)
    expect(distinct.size / records).toBeCloseTo(0.8, 1)
    expect((numbers.length - distinct.size) / distinct.size).toBeCloseTo(0.1, 1)
    const overtaken = numbers.filter((n, index) => index > 0 && n < (numbers[index - 1] as number))
    expect(overtaken.length).toBeGreaterThan(records * 0.02)
    expect(overtaken.length).toBeLessThan(records * 0.1)
    expect(world.network.counters.drops.lost).toBe(records - distinct.size)
    for (const name of ['x-2', 'z-1']) expect(heard.get(name)).toHaveLength(records)
  })

  it('are lost where the path is cut, and do not come later', async () => {
    const { world, heard } = await published({}, ({ network }) => {
      network.apply('cut', { kind: 'partition', from: ['y'], to: ['rest'], oneWay: false })
    })
    world.network.remove('cut')
    await world.pass(10_000)
    expect([heard.get('y-1')?.length, heard.get('z-1')?.length]).toEqual([0, records])
    expect(world.network.counters.drops.cut).toBe(records)
  })

  it('are not changed by what their publisher or another node does with the bytes', async () => {
    const world = await createWorld()
    const a = await world.start('x-1')
    const b = await world.start('y-1')
    b.transport.subscribe?.('news', (_via, record) => record.fill(0))
    const elsewhere = listen(await world.start('z-1'))
    const record = Uint8Array.of(5, 0)
    a.transport.publish?.('news', record)
    record.fill(9)
    await world.pass(1_000)
    expect(elsewhere).toEqual([5])
  })

  it('reach no later life than the one they were sent to', async () => {
    const world = await createWorld()
    const a = await world.start('x-1')
    const b = await world.start('y-1')
    const before = listen(b)
    a.transport.publish?.('news', Uint8Array.of(1))
    world.crash(b, true)
    const after = listen(await world.start('y-1'))
    await world.pass(1_000)
    expect([before, after]).toEqual([[], []])
  })
})
