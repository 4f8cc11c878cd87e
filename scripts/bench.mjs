// npm run bench: sets up, builds the benches too, and runs the suites named after "--".
import { installLtsNode } from './lts-node.mjs'
import { runProgram } from './run-program.mjs'
import { setUp } from './set-up.mjs'
import { runNode } from './workspace.mjs'

await setUp()
await runNode('node_modules/typescript/bin/tsc', ['-b', 'bench'])
const args = process.argv.slice(2)
// libp2p 3 needs Node 22.
const isTooOld = args.includes('libp2p-3') && Number.parseInt(process.versions.node, 10) < 22
runProgram('bench/dist/main.js', args, isTooOld ? await installLtsNode() : undefined)
