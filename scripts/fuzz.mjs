// npm run fuzz -- --minutes N: puts every decoder of what peers send through inputs that nobody wrote. test/fuzz has the
// decoders, what must hold of each, and the inputs that are kept.
import { runProgram } from './run-program.mjs'
import { setUp } from './set-up.mjs'
import { runNode } from './workspace.mjs'

await setUp()
await runNode('node_modules/typescript/bin/tsc', ['-b', 'test/fuzz'])
runProgram('test/fuzz/dist/skerry-fuzz.js', process.argv.slice(2))
