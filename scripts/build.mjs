// npm run build: everything, with the benches and the types of tests.
import { join } from 'node:path'
import { bundleCore } from './bundle-core.mjs'
import { CommandFailed, root, runNode } from './workspace.mjs'

try {
  await runNode('node_modules/typescript/bin/tsc', ['-b'], { show: true })
} catch (error) {
  if (!(error instanceof CommandFailed)) throw error
  process.exitCode = 1
}
// Also when a test does not compile: what did is written.
await bundleCore(join(root, 'packages/core'))
