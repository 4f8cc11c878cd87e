import { describe, expect, it } from 'vitest'
import { newKernelCounters } from '../../src/actor/counters.ts'
import { zeroPeerLinkCounters } from '../../src/mesh/peer-link-settings.ts'
import { NodeTotals, type ThreadKind } from '../../src/telemetry/node-totals.ts'
import type { ThreadInfo } from '../../src/thread/node-threads.ts'

describe('the counters of a node', () => {
  it('keep what a thread counted that has ended', async () => {
    const node = nodeOf()
    node.infos = [thread(0, 'main', 1), thread(1, 'own', 5), thread(2, 'own', 2)]
    expect(await crashes(node.totals, 'own')).toBe(7)
    node.infos = [thread(0, 'main', 2), thread(2, 'own', 3)]
    expect(await crashes(node.totals, 'own')).toBe(8)
    node.infos = [thread(0, 'main', 2), thread(3, 'own', 1)]
    expect(await crashes(node.totals, 'own')).toBe(9)
    expect(await crashes(node.totals, 'own')).toBe(9)
    expect(await crashes(node.totals, 'main')).toBe(2)
    expect(await crashes(node.totals, 'pool')).toBe(0)
  })

  it('of a thread that does not answer are those that it told last', async () => {
    const node = nodeOf()
    node.infos = [thread(1, 'pool', 4)]
    await node.totals.read()
    node.infos = [thread(1, 'pool', undefined)]
    expect(await crashes(node.totals, 'pool')).toBe(4)
    expect((await node.totals.read()).get('pool')?.threads).toBe(1)
    node.infos = []
    expect(await crashes(node.totals, 'pool')).toBe(4)
  })
})

function nodeOf(): { infos: ThreadInfo[]; totals: NodeTotals } {
  const node: { infos: ThreadInfo[]; totals: NodeTotals } = {
    infos: [],
    totals: new NodeTotals({
      id: 'a',
      life: 1,
      myRegion: 'syd',
      primaryRegion: 'syd',
      linkCounters: zeroPeerLinkCounters,
      threads: () => Promise.resolve(node.infos),
      regions: () => [],
      regionNodes: () => [],
      primaryConflicts: () => [],
    }),
  }
  return node
}

function thread(number: number, kind: ThreadKind, crashed: number | undefined): ThreadInfo {
  if (crashed === undefined) return { thread: number, kind, stats: undefined }
  const counters = { ...newKernelCounters(), crashes: crashed }
  return { thread: number, kind, stats: { actors: 1, edges: 0, awayCalls: 0, nodes: [], names: 0, counters } }
}

async function crashes(totals: NodeTotals, kind: ThreadKind): Promise<number | undefined> {
  return (await totals.read()).get(kind)?.counters.crashes
}
