// npm run bench: sets up, builds the benches too, and runs the suites named after "--".
import { runProgram } from './run-program.mjs'
import { setUp } from './set-up.mjs'
import { runNode } from './workspace.mjs'

await setUp()
await runNode('node_modules/typescript/bin/tsc', ['-b', 'bench'])
runProgram('bench/dist/main.js', process.argv.slice(2))
