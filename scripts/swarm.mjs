// npm run swarm -- --minutes 10: puts core through its simulations, seed after seed, new ones every time. Without
// --minutes: 20 seeds of each. Other arguments are those of `skerry-sim run`.
import { parseArgs } from 'node:util'
import { runProgram } from './run-program.mjs'
import { setUp } from './set-up.mjs'

const { tokens } = parseArgs({ options: { minutes: { type: 'string' } }, strict: false, tokens: true })
const minutes = tokens.find((token) => token.kind === 'option' && token.name === 'minutes')
const given = process.argv
  .slice(2)
  .filter((arg, at, all) => !/^--minutes(=|$)/.test(arg) && all[at - 1] !== '--minutes')
const isNumber = minutes?.kind === 'option' && Number(minutes.value) > 0

if (minutes !== undefined && !isNumber) {
  process.stderr.write('usage: npm run swarm -- [--minutes N] [options of skerry-sim run]\n')
  process.exitCode = 2
} else {
  await setUp()
  // The seconds since 1970 make a first seed that was not tried before, and that the report names.
  const from = Math.floor(Date.now() / 1_000)
  const much = minutes?.kind === 'option' ? ['--time', `${minutes.value}m`, '--from', String(from)] : ['--seeds', '20']
  const file = 'test/swarm/dist/main.js'
  runProgram('packages/testing/bin/skerry-sim.mjs', ['run', file, '--jobs', '2', ...much, ...given])
}
