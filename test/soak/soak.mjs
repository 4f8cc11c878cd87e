// Run by `npm run soak`: minutes and seed are its arguments.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { rage, startStorm } from './storm.mjs'

const [minutes, seed] = process.argv.slice(2).map(Number)
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc')
const started = performance.now()
const elapsed = () => performance.now() - started
const storm = await startStorm(Number(seed))
const held = (/** @type {import('@skerry/core').ThreadInfo[]} */ infos) =>
  infos
    .map(({ thread, stats }) => `${thread}: ${stats?.actors} actors, ${stats?.edges} edges, ${stats?.awayCalls} calls`)
    .join(' | ')

process.stdout.write(`seed ${seed}\n`)
const first = held(await rage(storm, 2_000))
let steps = 0
let told = -Infinity
do {
  const now = held(await rage(storm, 20_000))
  steps += 20_000
  if (now !== first) {
    process.stderr.write(`after ${steps} steps the threads hold\n  ${now}\ninstead of\n  ${first}\n`)
    process.exitCode = 1
    break
  }
  const isOver = elapsed() >= Number(minutes) * 60_000
  if (elapsed() - told >= 60_000 || isOver) {
    told = elapsed()
    collectGarbage()
    const { rss, heapUsed } = process.memoryUsage()
    const mb = (/** @type {number} */ bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`
    const handles = process.getActiveResourcesInfo().length
    process.stdout.write(
      `${(told / 60_000).toFixed(1)} min, ${steps} steps: rss ${mb(rss)}, heap ${mb(heapUsed)}, ${handles} handles; ${now}\n`,
    )
  }
} while (elapsed() < Number(minutes) * 60_000)
await storm.node.stop()
