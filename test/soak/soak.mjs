// Run by `npm run soak`: minutes, steps and seed are its arguments.
import { leaks, rage, startStorm, violence } from './storm.mjs'

const [minutes, stepsMax, seed] = /** @type {[number, number, number]} */ (process.argv.slice(2).map(Number))
const started = performance.now()
const elapsedMs = () => performance.now() - started
const storm = await startStorm(seed)

process.stdout.write(`seed ${seed}\n`)
const warmUp = 2_000
const round = 20_000
const first = await rage(storm, warmUp)
let steps = warmUp
await tell(first)
let toldMs = elapsedMs()
for (let isOver = false; !isOver;) {
  const next = Math.min(round, Math.max(1, stepsMax - steps))
  const now = await rage(storm, next)
  steps += next
  const found = leaks(first, now)
  isOver = found.length > 0 || steps >= stepsMax || elapsedMs() >= minutes * 60_000
  if (isOver || elapsedMs() - toldMs >= 60_000) {
    await tell(now)
    toldMs = elapsedMs()
  }
  for (const line of found) process.stderr.write(`${line}\n`)
  if (found.length > 0) process.exitCode = 1
}
await storm.node.stop()

/** @param {import('./storm.mjs').Held[]} held */
async function tell(held) {
  const { deeds } = storm
  const { restarts, total } = await violence(storm)
  const rssMb = process.memoryUsage().rss / 2 ** 20
  const time = (elapsedMs() / 60_000).toFixed(1)
  process.stdout.write(
    `${time} min, ${steps} steps (${deeds.exits} exits, ${deeds.kills} kills, ${deeds.crashes} crashes, ${deeds.links} links, ${restarts} restarts: ${total}; ${deeds.stuck} stuck threads): rss ${rssMb.toFixed(0)} MiB\n`,
  )
  for (const { kind, actors, edges, awayCalls, names, timers, ports, handles, listeners, heapMb } of held) {
    process.stdout.write(
      `  ${kind}: ${actors} actors, ${edges} edges, ${awayCalls} calls, ${names} names; ${handles} handles (${ports} ports, ${timers} timers), ${listeners} listeners, heap ${heapMb.toFixed(1)} MiB\n`,
    )
  }
}
