import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { createRegionTable, type RegionTableData, regionTableWriter } from '../../dist/region/region-table.js'

// Real threads can only load the built package, so both sides come from there.
const writesMax = 200_000
const versionsWanted = 500

it('readers in real threads see only whole tables, and versions never go back', { timeout: 60_000 }, async () => {
  const table = createRegionTable({ slotBytes: 8192 })
  const progress = new SharedArrayBuffer(8)
  const seen = new Int32Array(progress)
  const workers = [0, 1].map(
    (index) => new Worker(new URL('./table-reader.mjs', import.meta.url), { workerData: { table, progress, index } }),
  )
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  const reports = workers.map((worker) => once(worker, 'message'))

  // A restarted writer now and then, which must go on from what is in the buffer.
  let writer = regionTableWriter(table)
  let version = 0
  const haveSeenEnough = (): boolean => [0, 1].every((index) => Atomics.load(seen, index) >= versionsWanted)
  while (version < writesMax && !haveSeenEnough()) {
    if (version % 1000 === 999) writer = regionTableWriter(table)
    version = writer.write(dataOf(version + 1, 'fra')).version
  }
  const last = writer.write(dataOf(version + 1, 'last')).version

  for (const report of await Promise.all(reports)) {
    expect(report[0]).toEqual({ version: last, wrong: undefined, staleReads: expect.any(Number) })
  }
  await Promise.all(workers.map((worker) => worker.terminate()))
})

/** A table in which every number says which version it belongs to. */
function dataOf(version: number, primaryRegion: string): RegionTableData {
  const nodes = Array.from({ length: version % 50 }, (_, index) => ({
    node: `node-${index}`,
    life: version,
    region: 'lhr',
    state: 'up' as const,
    appVersion: '',
    procedures: [],
    load: 0.5,
    inFlight: 0,
    isStuck: false,
    rttMs: undefined,
  }))
  return { self: 'node-0', myRegion: 'lhr', primaryRegion, primaryEpoch: version, omitted: 0, nodes }
}
