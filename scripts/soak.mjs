// npm run soak -- --minutes N: a crash storm for as long (default 10), with a line a minute of what the process holds: resident
// memory, heap after a collection, active handles, and what each thread of the node holds. It fails when that does not
// come back to what it was.
import { parseArgs } from 'node:util'
import { runProgram } from './run-program.mjs'
import { setUp } from './set-up.mjs'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } } })
if (!(Number(values.minutes) > 0)) {
  process.stderr.write('usage: npm run soak -- [--minutes N] [--seed S]\n')
  process.exitCode = 2
} else {
  await setUp()
  const seed = values.seed ?? String(Math.floor(Date.now() / 1_000))
  runProgram('test/soak/soak.mjs', [values.minutes, seed])
}
