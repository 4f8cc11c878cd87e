// npm run soak -- --minutes N: a crash storm for as long (default 10), or with --steps N for so many steps, with a line a minute of
// what there was and what the process holds: resident memory, and of each thread its actors, edges, handles (ports, timers),
// listeners and heap after a collection. It fails when those do not come back to what they were.
import { parseArgs } from 'node:util'
import { runProgram } from './run-program.mjs'
import { setUp } from './set-up.mjs'

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, steps: { type: 'string' }, seed: { type: 'string' } },
})
const steps = values.steps ?? 'Infinity'
const minutes = values.minutes ?? (values.steps === undefined ? '10' : 'Infinity')
if (!(Number(minutes) > 0 && Number(steps) > 0)) {
  process.stderr.write('usage: npm run soak -- [--minutes N | --steps N] [--seed S]\n')
  process.exitCode = 2
} else {
  await setUp()
  const seed = values.seed ?? String(Math.floor(Date.now() / 1_000))
  runProgram('test/soak/soak.mjs', [minutes, steps, seed])
}
