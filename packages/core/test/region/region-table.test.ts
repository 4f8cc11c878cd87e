import { describe, expect, it } from 'vitest'
import {
  createRegionTable,
  openRegionTable,
  type RegionTableData,
  type RegionTableNode,
  regionTableWriter,
} from '../../src/region/region-table.ts'
import { atomicWords } from '../../src/region/two-slots.ts'

function node(id: string, region: string, more: Partial<RegionTableNode> = {}): RegionTableNode {
  return {
    node: id,
    life: 1,
    region,
    state: 'up',
    appVersion: '',
    procedures: [],
    load: 0,
    inFlight: 0,
    isStuck: false,
    rttMs: undefined,
    ...more,
  }
}

function data(nodes: readonly RegionTableNode[], more: Partial<RegionTableData> = {}): RegionTableData {
  return { self: 'a1', myRegion: 'ams', primaryRegion: 'fra', primaryEpoch: 3, omitted: 0, nodes, ...more }
}

const some = data([
  node('l1', 'lhr', { state: 'draining' }),
  node('f2', 'fra'),
  node('a1', 'ams', {
    procedures: [{ name: 'sum', version: 3, compatible: [2, 1], schema: '0123' }],
    appVersion: '7.1',
    load: 0.25,
    rttMs: 0,
    life: 7,
  }),
  node('f1', 'fra', {
    procedures: [{ name: 'sum', version: 3, compatible: [], schema: undefined }],
    rttMs: 12.5,
    state: 'up',
  }),
  node('a2', 'ams', { state: 'leaving', procedures: [{ name: 'sum', version: 3, compatible: [], schema: undefined }] }),
])

describe('a reader', () => {
  it('shows an empty table before the first write', () => {
    const reader = openRegionTable(createRegionTable())
    expect(reader.version).toBe(0)
    expect(reader.read().data).toMatchObject({ self: '', nodes: [], omitted: 0 })
    expect(reader.read().regions()).toEqual([])
    expect(reader.read().regionNodes('lhr')).toEqual([])
    expect(reader.staleReads).toBe(0)
  })

  it('shows what was written, in any thread that opened it before', () => {
    const buffer = createRegionTable()
    const reader = openRegionTable(buffer)
    expect(regionTableWriter(buffer).write(some)).toEqual({ version: 1, omitted: 0 })
    const view = reader.read()
    expect(reader.version).toBe(1)
    expect(view.version).toBe(1)
    const byId = (nodes: readonly RegionTableNode[]) => nodes.toSorted((one, other) => (one.node < other.node ? -1 : 1))
    expect({ ...view.data, nodes: byId(view.data.nodes) }).toStrictEqual({ ...some, nodes: byId(some.nodes) })
  })

  it('lists the nodes of a region that are up, frozen', () => {
    const buffer = createRegionTable()
    regionTableWriter(buffer).write(some)
    const view = openRegionTable(buffer).read()
    expect(view.regionNodes('fra')).toEqual(['f1', 'f2'])
    expect(view.regionNodes('ams')).toEqual(['a1'])
    expect(view.regionNodes('lhr')).toEqual([])
    expect(view.regionNodes('nowhere')).toEqual([])
    expect(Object.isFrozen(view.regionNodes('fra'))).toBe(true)
    expect(Object.isFrozen(view.regionNodes('nowhere'))).toBe(true)
    expect(view.regions()).toEqual(['ams', 'fra'])
  })

  it('knows nodes in every state', () => {
    const buffer = createRegionTable()
    regionTableWriter(buffer).write(some)
    const view = openRegionTable(buffer).read()
    expect(view.regionOf('l1')).toBe('lhr')
    expect(view.node('a2')?.state).toBe('leaving')
    expect(view.regionOf('nobody')).toBeUndefined()
    expect(view.node('nobody')).toBeUndefined()
  })

  it('says whether a node that is up serves a procedure, also at compatible versions', () => {
    const buffer = createRegionTable()
    regionTableWriter(buffer).write(some)
    const view = openRegionTable(buffer).read()
    expect([0, 1, 2, 3, 4].map((version) => view.isRpcSupported('a1', 'sum', version))).toEqual([
      false,
      true,
      true,
      true,
      false,
    ])
    expect(view.isRpcSupported('f1', 'sum', 2)).toBe(false)
    expect(view.isRpcSupported('a1', 'other', 3)).toBe(false)
    expect(view.isRpcSupported('a2', 'sum', 3)).toBe(false)
    expect(view.isRpcSupported('nobody', 'sum', 3)).toBe(false)
  })

  it('decodes each version once', () => {
    const buffer = createRegionTable()
    const writer = regionTableWriter(buffer)
    const reader = openRegionTable(buffer)
    writer.write(some)
    const view = reader.read()
    expect(reader.read()).toBe(view)
    writer.write(some)
    expect(reader.read()).not.toBe(view)
    expect(reader.read().version).toBe(2)
  })

  it('goes on with the table it has while the writer outruns it, and counts that', () => {
    const buffer = createRegionTable()
    const writer = regionTableWriter(buffer)
    const words = atomicWords(buffer)
    let isRunning = false
    const reader = openRegionTable(buffer, {
      ...words,
      load: (index) => {
        if (isRunning) writer.write(some)
        return words.load(index)
      },
    })
    writer.write(some)
    const view = reader.read()
    isRunning = true
    expect(reader.read()).toBe(view)
    expect(reader.staleReads).toBe(1)
    isRunning = false
    expect(reader.read().version).toBe(reader.version)
  })

  it('keeps the last good table when the memory is damaged', () => {
    const buffer = createRegionTable()
    regionTableWriter(buffer).write(some)
    const reader = openRegionTable(buffer)
    const view = reader.read()
    new Int32Array(buffer).fill(0x20202020, 17)
    new Int32Array(buffer)[0] = 3
    expect(reader.read()).toBe(view)
    expect(reader.staleReads).toBe(1)
  })
})

describe('a writer', () => {
  it('goes on from the version in the buffer after a restart', () => {
    const buffer = createRegionTable()
    const reader = openRegionTable(buffer)
    regionTableWriter(buffer).write(some)
    regionTableWriter(buffer).write(some)
    expect(regionTableWriter(buffer).write(data([node('a1', 'ams')])).version).toBe(3)
    expect(reader.read().data.nodes).toHaveLength(1)
  })

  it('replaces numbers that are not finite', () => {
    const buffer = createRegionTable()
    regionTableWriter(buffer).write(data([node('a1', 'ams', { load: NaN, rttMs: Infinity })]))
    expect(openRegionTable(buffer).read().node('a1')).toMatchObject({ load: 1, rttMs: undefined })
  })

  it('leaves out what does not fit, keeping its own node and then one of each region', () => {
    const regions = ['ams', 'fra', 'lhr', 'nrt']
    const nodes = regions.flatMap((region) =>
      Array.from({ length: 30 }, (_, index) =>
        node(`${region}-${index + 10}`, region, { state: index < 5 ? 'draining' : 'up' }),
      ),
    )
    const buffer = createRegionTable({ slotBytes: 600 })
    const { omitted } = regionTableWriter(buffer).write(data(nodes, { self: 'lhr-20', myRegion: 'lhr' }))
    const view = openRegionTable(buffer).read()
    expect(omitted).toBe(120 - view.data.nodes.length)
    expect(view.data.omitted).toBe(omitted)
    expect(omitted).toBeGreaterThan(0)
    expect(view.data.nodes.slice(0, 4).map((kept) => kept.node)).toEqual(['lhr-20', 'fra-15', 'ams-15', 'nrt-15'])
    expect(view.regions()).toEqual(regions)
  })

  it('is not filled by a few with long lists of their own: they come last, and those who share one do not', () => {
    const list = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, index) => ({
        name: `${prefix}.${index}`,
        version: 1,
        compatible: [],
        schema: undefined,
      }))
    const shared = list('orders', 200)
    const lawful = Array.from({ length: 50 }, (_, index) => node(`n${index}`, 'ams', { procedures: shared }))
    // Each in a region of its own, so that it would come before them.
    const greedy = Array.from({ length: 60 }, (_, index) =>
      node(`g${index}`, `a${index}`, { procedures: list(`g${index}`, 75) }),
    )
    const buffer = createRegionTable({ slotBytes: 64 * 1024 })
    const own = node('a1', 'zrh', { procedures: list('own', 400) })
    const { omitted } = regionTableWriter(buffer).write(data([...greedy, own, ...lawful], { myRegion: 'zrh' }))
    const kept = openRegionTable(buffer).read()
    expect(omitted).toBeGreaterThan(0)
    expect([own, ...lawful].filter(({ node: id }) => kept.node(id) === undefined)).toEqual([])
    expect(kept.node('n7')?.procedures).toHaveLength(200)
  })

  it('adds nodes that were omitted before it to the count', () => {
    const buffer = createRegionTable()
    expect(regionTableWriter(buffer).write(data([node('a1', 'ams')], { omitted: 5 })).omitted).toBe(5)
    expect(openRegionTable(buffer).read().data.omitted).toBe(5)
  })

  it('never exceeds its slot, whatever the sizes', () => {
    for (let slotBytes = 100; slotBytes < 900; slotBytes += 7) {
      const nodes = Array.from({ length: 20 }, (_, index) =>
        node(`ü${'x'.repeat(index)}`, 'ams', {
          procedures: [{ name: `p${index % 3}`, version: index, compatible: [], schema: undefined }],
        }),
      )
      const buffer = createRegionTable({ slotBytes })
      const { omitted } = regionTableWriter(buffer).write(data(nodes))
      expect(openRegionTable(buffer).read().data.nodes.length).toBe(20 - omitted)
    }
  })

  it('holds thousands of nodes that serve the same procedures', () => {
    const procedures = Array.from({ length: 50 }, (_, index) => ({
      name: `orders.${index}`,
      version: 2,
      compatible: [1],
      schema: undefined,
    }))
    const nodes = Array.from({ length: 2500 }, (_, index) =>
      node(`12D3KooW${'x'.repeat(40)}${index}`, 'ams', { procedures, life: 1.7e12, load: 0.123, rttMs: 1.234 }),
    )
    const buffer = createRegionTable()
    expect(regionTableWriter(buffer).write(data(nodes)).omitted).toBe(0)
  })

  it('refuses a table that can hold nothing, and leaves what is there', () => {
    const buffer = createRegionTable({ slotBytes: 100 })
    const writer = regionTableWriter(buffer)
    writer.write(data([]))
    const tooLarge = data([], { self: 'x'.repeat(200) })
    expect(() => writer.write(tooLarge)).toThrow(expect.objectContaining({ code: 'ERR_TABLE_TOO_SMALL' }))
    expect(openRegionTable(buffer).read()).toMatchObject({ version: 1, data: { self: 'a1' } })
  })
})
