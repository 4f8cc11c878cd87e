import { availableParallelism } from 'node:os'
import { configDefaults, defineConfig } from 'vitest/config'
import { SlowestFirst } from './scripts/slowest-first.mjs'
import { vitestTally } from './scripts/vitest-tally.mjs'

// libp2p 3 needs Node 22; on an older one its adapter is tested by scripts/libp2p-3.mjs.
const tooOldFor = Number.parseInt(process.versions.node, 10) < 22 ? ['packages/transport-libp2p-v3/**'] : []

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'examples/*/test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...tooOldFor],
    reporters: ['default', vitestTally],
    // Many files wait for sockets, threads and processes more than they work.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: SlowestFirst },
    // A test of real threads or sockets may be slow on a busy machine; a hang still ends.
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // One second is little for a thread to boot on a busy machine.
    expect: { poll: { timeout: 15_000 } },
    // Built packages are loaded by Node itself, as users load them and as their threads do.
    server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
  },
})
