// A thread that reads the region table as fast as it can and reports anything that never was.
import { parentPort, workerData } from 'node:worker_threads'
import { openRegionTable } from '../../dist/region/region-table.js'

const readsMax = 1_000_000_000
const { table, progress, index } = workerData
const seen = new Int32Array(progress)
const reader = openRegionTable(table)
parentPort.postMessage({ ready: true })

let version = 0
let wrong
for (let reads = 0; reads < readsMax && wrong === undefined; reads += 1) {
  const view = reader.read()
  if (view.version === version) {
    if (view.data.primaryRegion === 'last') break
    continue
  }
  wrong = whatIsWrong(view)
  version = view.version
  Atomics.add(seen, index, 1)
}
parentPort.postMessage({ version, wrong, staleReads: reader.staleReads })

function whatIsWrong(view) {
  const { primaryEpoch, nodes } = view.data
  if (view.version < version) return `version ${view.version} after ${version}`
  if (primaryEpoch !== view.version) return `epoch ${primaryEpoch} in version ${view.version}`
  if (nodes.length !== primaryEpoch % 50) return `${nodes.length} nodes in epoch ${primaryEpoch}`
  const strange = nodes.find((node) => node.life !== primaryEpoch)
  return strange === undefined ? undefined : `life ${strange.life} in epoch ${primaryEpoch}`
}
