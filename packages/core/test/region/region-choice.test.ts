import { describe, expect, it } from 'vitest'
import type { RegionTarget } from '../../src/actor/region-target.ts'
import type { Random } from '../../src/platform/random.ts'
import { explainChoice } from '../../src/region/explain-choice.ts'
import { chooseNode, isRefusal } from '../../src/region/region-choice.ts'
import type { RegionTableData, RegionTableNode } from '../../src/region/region-table-layout.ts'
import { regionTableView, type RegionTableView } from '../../src/region/region-table-view.ts'
import { seededDraw } from '../codec/generate-value.ts'

const sum = [{ name: 'sum', version: 2, compatible: [1], schema: undefined }]

function node(id: string, region: string, more: Partial<RegionTableNode> = {}): RegionTableNode {
  return {
    node: id,
    life: 1,
    region,
    state: 'up',
    appVersion: '',
    procedures: sum,
    load: 0,
    inFlight: 0,
    isStuck: false,
    rttMs: 10,
    ...more,
  }
}

type Choice =
  | { readonly ok: true; readonly node: RegionTableNode }
  | { readonly ok: false; readonly code: string; readonly message: string }

interface Case {
  readonly nodes: readonly RegionTableNode[]
  readonly target: RegionTarget
  readonly version?: number
  readonly exclude?: readonly string[]
  readonly table?: Partial<RegionTableData>
  readonly random?: Random
}

function viewOf({ nodes, table }: Case): RegionTableView {
  const base = { self: 'a1', myRegion: 'ams', primaryRegion: 'fra', primaryEpoch: 1, omitted: 0 }
  return regionTableView(1, { ...base, ...table, nodes })
}

function choose(input: Case, drawn?: RegionTableNode[]): Choice {
  const { target, version = 2, exclude = [], random = seededRandom(1) } = input
  const choice = chooseNode(viewOf(input), target, { name: 'sum', version }, new Set(exclude), random, drawn)
  return isRefusal(choice) ? { ok: false, ...choice } : { ok: true, node: choice }
}

/** How often each node is taken in 1,000 choices. */
function tally(input: Case): Record<string, number> {
  const random = seededRandom(7)
  const counts: Record<string, number> = {}
  for (let round = 0; round < 1000; round += 1) {
    const choice = choose({ ...input, random })
    const taken = choice.ok ? choice.node.node : choice.code
    counts[taken] = (counts[taken] ?? 0) + 1
  }
  return counts
}

function seededRandom(seed: number): Random {
  const draw = seededDraw(seed)
  return { u32: () => draw(2 ** 32), int: draw, float: () => draw(2 ** 32) / 2 ** 32, id: () => 'id' }
}

const world = [
  node('a1', 'ams', { rttMs: undefined }),
  node('f1', 'fra'),
  node('l1', 'lhr', { rttMs: 30 }),
  node('n1', 'nrt', { rttMs: undefined }),
]

describe('the target', () => {
  it('as a name takes a node of that region, our own node included', () => {
    expect(choose({ nodes: world, target: 'lhr' })).toMatchObject({ ok: true, node: { node: 'l1' } })
    expect(choose({ nodes: world, target: 'ams' })).toMatchObject({ ok: true, node: { node: 'a1' } })
  })

  it('as primary takes the primary region', () => {
    expect(choose({ nodes: world, target: 'primary' })).toMatchObject({ node: { node: 'f1' } })
  })

  it('as nearest takes our own region, then the shortest round trip, then the unmeasured', () => {
    expect(choose({ nodes: world, target: 'nearest' })).toMatchObject({ node: { node: 'a1' } })
    expect(choose({ nodes: world, target: 'nearest', exclude: ['a1'] })).toMatchObject({ node: { node: 'f1' } })
    expect(choose({ nodes: world, target: 'nearest', exclude: ['a1', 'f1'] })).toMatchObject({ node: { node: 'l1' } })
    expect(choose({ nodes: world, target: 'nearest', exclude: ['a1', 'f1', 'l1'] })).toMatchObject({
      node: { node: 'n1' },
    })
  })

  it('as nearest passes over a nearer region without the procedure', () => {
    const nodes = [
      node('a1', 'ams', { procedures: [] }),
      node('f1', 'fra', { rttMs: 5, procedures: [] }),
      node('l1', 'lhr'),
    ]
    expect(choose({ nodes, target: 'nearest' })).toMatchObject({ node: { node: 'l1' } })
  })

  it('as nearest spreads over the nodes of the nearest region', () => {
    const nodes = [node('f1', 'fra', { rttMs: 10 }), node('f2', 'fra', { rttMs: 10 }), node('l1', 'lhr', { rttMs: 11 })]
    expect(Object.keys(tally({ nodes, target: 'nearest' })).sort()).toEqual(['f1', 'f2'])
  })

  it('as a list takes the first that can serve, and may contain primary and nearest', () => {
    expect(choose({ nodes: world, target: ['gru', 'lhr', 'fra'] })).toMatchObject({ node: { node: 'l1' } })
    expect(choose({ nodes: world, target: ['gru', 'primary'] })).toMatchObject({ node: { node: 'f1' } })
    expect(choose({ nodes: world, target: ['gru', 'nearest'] })).toMatchObject({ node: { node: 'a1' } })
  })
})

describe('among the nodes of a region', () => {
  it('never takes one that is stopping, excluded, or lacks the version', () => {
    const nodes = [
      node('f1', 'fra', { state: 'draining' }),
      node('f2', 'fra', { state: 'leaving' }),
      node('f3', 'fra'),
      node('f4', 'fra', { procedures: [{ name: 'sum', version: 3, compatible: [], schema: undefined }] }),
      node('f5', 'fra', { procedures: [{ name: 'total', version: 2, compatible: [], schema: undefined }] }),
      node('f6', 'fra', { procedures: [{ name: 'sum', version: 4, compatible: [3, 2], schema: undefined }] }),
    ]
    expect(Object.keys(tally({ nodes, target: 'fra', exclude: ['f3'] }))).toEqual(['f6'])
  })

  it('uses all that are alike about equally', () => {
    const nodes = Array.from({ length: 4 }, (_, index) => node(`f${index}`, 'fra'))
    const counts = Object.values(tally({ nodes, target: 'fra' }))
    expect(counts).toHaveLength(4)
    for (const count of counts) expect(count).toBeGreaterThan(150)
  })

  it('takes the less loaded and the nearer of two, and the busiest of several never', () => {
    expect(
      tally({ nodes: [node('f1', 'fra', { load: 0.9 }), node('f2', 'fra', { load: 0.1 })], target: 'fra' }),
    ).toEqual({ f2: 1000 })
    expect(tally({ nodes: [node('f1', 'fra', { rttMs: 9 }), node('f2', 'fra', { rttMs: 1 })], target: 'fra' })).toEqual(
      { f2: 1000 },
    )
    const three = [node('f1', 'fra', { load: 0.9 }), node('f2', 'fra', { load: 0.5 }), node('f3', 'fra')]
    const counts = tally({ nodes: three, target: 'fra' })
    expect(counts.f1).toBeUndefined()
    // Two of the three pairs contain the best: not every call goes there.
    expect(counts.f2).toBeGreaterThan(200)
    expect(counts.f3).toBeGreaterThan(counts.f2!)
  })

  it('prefers our own node while it is idle, and another when it is overloaded', () => {
    const idle = [node('a1', 'ams', { rttMs: undefined }), node('a2', 'ams', { rttMs: 1 })]
    expect(tally({ nodes: idle, target: 'ams' })).toEqual({ a1: 1000 })
    const busy = [node('a1', 'ams', { rttMs: undefined, load: 0.95 }), node('a2', 'ams', { rttMs: 1 })]
    expect(tally({ nodes: busy, target: 'ams' })).toEqual({ a2: 1000 })
  })

  it('connects to an unmeasured node only when the connected one is busy', () => {
    const pair = (load: number) => [node('f1', 'fra', { rttMs: 1, load }), node('f2', 'fra', { rttMs: undefined })]
    expect(tally({ nodes: pair(0.2), target: 'fra' })).toEqual({ f1: 1000 })
    expect(tally({ nodes: pair(0.9), target: 'fra' })).toEqual({ f2: 1000 })
  })
})

describe('the calls in flight of a node', () => {
  it('make a call wait there as its load does', () => {
    const nodes = [node('f1', 'fra', { inFlight: 200 }), node('f2', 'fra', { inFlight: 20 })]
    expect(tally({ nodes, target: 'fra' })).toEqual({ f2: 1000 })
  })

  it('weigh more where the event loop is busy', () => {
    const nodes = [node('f1', 'fra', { inFlight: 30, load: 0.9 }), node('f2', 'fra', { inFlight: 100, load: 0.1 })]
    expect(tally({ nodes, target: 'fra' })).toEqual({ f2: 1000 })
  })

  it('do not send a call to a node much farther away', () => {
    const nodes = [node('f1', 'fra', { rttMs: 1, inFlight: 50 }), node('f2', 'fra', { rttMs: 80 })]
    expect(tally({ nodes, target: 'fra' })).toEqual({ f1: 1000 })
  })
})

describe('a list', () => {
  const nodes = [...['s1', 's2', 's3', 's4'].map((id) => node(id, 'syd')), node('l1', 'lhr')]

  it('leads to its next member when two nodes of one were tried', () => {
    expect(choose({ nodes, target: ['syd', 'lhr'], exclude: ['s1'] })).toMatchObject({ node: { region: 'syd' } })
    expect(choose({ nodes, target: ['syd', 'lhr'], exclude: ['s1', 's3'] })).toMatchObject({ node: { node: 'l1' } })
  })

  it('tries all nodes of its last member', () => {
    const exclude = ['s1', 's2', 's3']
    expect(choose({ nodes, target: ['lhr', 'syd'], exclude: ['l1', ...exclude] })).toMatchObject({
      node: { node: 's4' },
    })
    expect(choose({ nodes, target: 'syd', exclude })).toMatchObject({ node: { node: 's4' } })
  })

  it('of names only never leads anywhere else', () => {
    const choice = choose({ nodes, target: ['gru', 'nrt'] })
    expect(choice).toMatchObject({ ok: false, code: 'ERR_NO_NODE_IN_REGION' })
  })
})

describe('a node whose main thread is stuck', () => {
  const stuck = { isStuck: true, load: 0, rttMs: 1 }

  it('is not chosen while another one of its region can serve', () => {
    const nodes = [node('f1', 'fra', stuck), node('f2', 'fra', { load: 0.9 }), node('f3', 'fra', stuck)]
    expect(tally({ nodes, target: 'fra' })).toEqual({ f2: 1000 })
  })

  it('is chosen where there is no other', () => {
    const nodes = [node('f1', 'fra', stuck), node('f2', 'fra', { state: 'draining' })]
    expect(tally({ nodes, target: 'primary' })).toEqual({ f1: 1000 })
  })

  it('comes behind a later member of a list, and behind a farther region', () => {
    const nodes = [node('f1', 'fra', stuck), node('l1', 'lhr', { rttMs: 70 }), node('a1', 'ams', stuck)]
    expect(tally({ nodes, target: ['fra', 'lhr'] })).toEqual({ l1: 1000 })
    expect(tally({ nodes, target: 'nearest' })).toEqual({ l1: 1000 })
    expect(tally({ nodes, target: ['fra', 'lhr'], exclude: ['l1'] })).toEqual({ f1: 1000 })
  })

  it('of the own region is nearer than one of another', () => {
    const nodes = [node('f1', 'fra', { ...stuck, rttMs: 0.1 }), node('a2', 'ams', stuck)]
    expect(tally({ nodes, target: 'nearest' })).toEqual({ a2: 1000 })
  })
})

describe('an explanation', () => {
  const nodes = [
    node('f1', 'fra', { load: 0.5 }),
    node('f2', 'fra', { inFlight: 3 }),
    node('f3', 'fra', { state: 'draining' }),
    node('f4', 'fra', { procedures: [{ name: 'sum', version: 9, compatible: [], schema: undefined }] }),
    node('f5', 'fra'),
    node('f6', 'fra', { state: 'leaving' }),
    node('l1', 'lhr', { rttMs: 70 }),
    node('n1', 'nrt'),
  ]

  function explain(input: Case): Record<string, string> {
    const drawn: RegionTableNode[] = []
    const choice = choose(input, drawn)
    const { target, version = 2, exclude = [] } = input
    const explanation = explainChoice({
      table: viewOf(input),
      target,
      procedure: { name: 'sum', version },
      exclude: new Set(exclude),
      drawn,
      taken: choice.ok ? choice.node : undefined,
      refusal: choice.ok ? undefined : choice.message,
    })
    expect(explanation.taken).toBe(choice.ok ? choice.node.node : undefined)
    expect(explanation.refusal).toBe(choice.ok ? undefined : choice.message)
    expect(structuredClone(explanation)).toEqual(explanation)
    for (const { verdict, expectedWaitMs } of explanation.nodes) {
      expect(expectedWaitMs !== undefined).toBe(verdict === 'taken' || verdict === 'longer-wait')
    }
    return Object.fromEntries(explanation.nodes.map((one) => [one.node, one.verdict]))
  }

  it('says of every node why it was taken or not', () => {
    const verdicts = explain({ nodes, target: ['fra', 'lhr'], exclude: ['f5'] })
    expect(verdicts).toEqual({
      f2: 'taken',
      f1: 'longer-wait',
      f3: 'draining',
      f4: 'no-procedure',
      f5: 'tried',
      f6: 'leaving',
      l1: 'less-preferred',
      n1: 'not-asked-for',
    })
  })

  it('names those that would have done as well', () => {
    const { f1, f2, f5 } = explain({ nodes, target: 'fra' })
    expect(new Set([f1, f2, f5])).toEqual(new Set(['longer-wait', 'not-drawn', 'taken']))
  })

  it('names those that are farther than the nearest', () => {
    const verdicts = explain({ nodes: [node('a1', 'ams'), ...nodes], target: 'nearest' })
    expect(verdicts).toMatchObject({ a1: 'taken', f1: 'less-preferred', l1: 'less-preferred', f3: 'draining' })
  })

  it('names those whose main thread is stuck, unless one of them was taken', () => {
    const slow = node('f2', 'fra', { isStuck: true })
    expect(explain({ nodes: [node('f1', 'fra'), slow], target: 'fra' })).toEqual({ f1: 'taken', f2: 'stuck' })
    expect(explain({ nodes: [slow], target: 'fra' })).toEqual({ f2: 'taken' })
  })

  it('is there also when nobody was taken', () => {
    const verdicts = explain({ nodes, target: 'fra', version: 4 })
    expect(verdicts).toMatchObject({ f1: 'no-procedure', f3: 'draining', l1: 'not-asked-for' })
  })
})

describe('when nobody can serve, says', () => {
  const refusals: [what: string, input: Case, code: string, message: RegExp][] = [
    [
      'which regions are known',
      { nodes: world, target: 'gru' },
      'ERR_NO_NODE_IN_REGION',
      /"gru" \(known regions: ams, fra, lhr, nrt\)/,
    ],
    ['that no region is known', { nodes: [], target: 'gru' }, 'ERR_NO_NODE_IN_REGION', /no region is known/],
    [
      'that the nodes are stopping',
      { nodes: [node('l1', 'lhr', { state: 'draining' })], target: 'lhr' },
      'ERR_NO_NODE_IN_REGION',
      /"lhr" is up: all 1 are stopping/,
    ],
    [
      'that all were excluded',
      { nodes: world, target: 'lhr', exclude: ['l1'] },
      'ERR_NO_NODE_IN_REGION',
      /"lhr" that serves procedure "sum" at version 2 was excluded/,
    ],
    [
      'which versions are there',
      { nodes: world, target: 'lhr', version: 9 },
      'ERR_NO_PROCEDURE',
      /"lhr", none serves procedure "sum" at version 9: they have version 2/,
    ],
    [
      'that others have versions',
      { nodes: [...world, node('g1', 'gru', { procedures: [] })], target: 'gru' },
      'ERR_NO_PROCEDURE',
      /other nodes have version 2/,
    ],
    [
      'that nobody has any version',
      { nodes: [node('g1', 'gru', { procedures: [] })], target: 'gru' },
      'ERR_NO_PROCEDURE',
      /no known node has any version/,
    ],
    [
      'that the excluded ones do not make up for it',
      { nodes: [node('l1', 'lhr'), node('l2', 'lhr', { procedures: [] })], target: 'lhr', exclude: ['l1'] },
      'ERR_NO_NODE_IN_REGION',
      /excluded/,
    ],
    [
      'that nobody near or far has it',
      { nodes: world, target: 'nearest', version: 9 },
      'ERR_NO_PROCEDURE',
      /4 nodes in all regions/,
    ],
    [
      'that nobody is up at all',
      { nodes: [node('l1', 'lhr', { state: 'leaving' })], target: 'nearest' },
      'ERR_NO_NODE_IN_REGION',
      /up in any region/,
    ],
    [
      'that everybody was excluded',
      { nodes: world, target: 'nearest', exclude: ['a1', 'f1', 'l1', 'n1'] },
      'ERR_NO_NODE_IN_REGION',
      /excluded/,
    ],
    [
      'everything about a list',
      { nodes: world, target: ['gru', 'lhr'], version: 9 },
      'ERR_NO_NODE_IN_REGION',
      /"gru".*; .*"lhr", none serves/,
    ],
    [
      'that the whole list lacks it',
      { nodes: world, target: ['fra', 'lhr'], version: 9 },
      'ERR_NO_PROCEDURE',
      /"fra".*; .*"lhr"/,
    ],
    ['that a list was empty', { nodes: world, target: [] }, 'ERR_NO_NODE_IN_REGION', /No region was named/],
    [
      'how many nodes the table omits',
      { nodes: world, target: 'gru', table: { omitted: 12 } },
      'ERR_NO_NODE_IN_REGION',
      /12 more nodes are known/,
    ],
  ]
  for (const [what, input, code, message] of refusals) {
    it(what, () => expect(choose(input)).toEqual({ ok: false, code, message: expect.stringMatching(message) }))
  }
})
