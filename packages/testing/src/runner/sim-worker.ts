import { parentPort, workerData } from 'node:worker_threads'
import { resolveCase } from '../simulation/resolve-case.ts'
import { runCase } from '../simulation/run-case.ts'
import type { RunCase } from '../simulation/run-result.ts'
import { type CaseOutcome, checkCase } from './check-case.ts'
import type { SimulationDefinition } from './define-simulation.ts'
import { heartbeat } from './heartbeat.ts'
import { loadSimulations } from './load-simulations.ts'
import { takeSeeds } from './seed-share.ts'
import { shrinkFailure } from './shrink-failure.ts'
import { runSwarm } from './swarm.ts'
import type { SeedCounts, ThreadCommand, ThreadMessage, ThreadSetup } from './thread-message.ts'

// The entry of a thread that runs simulations for `skerry-sim`. It answers one command after the other.

const { module, beats } = workerData as ThreadSetup
const pulse = heartbeat(beats)
const simulations = loadSimulations(module)

simulations.then((all) => {
  const known = [...all].map(([name, { seeds, expects = [] }]) => ({ name, seeds, expects }))
  post({ kind: 'loaded', simulations: known })
  parentPort?.on('message', (command: ThreadCommand) => {
    answer(all.get(command.simulation) as SimulationDefinition, command).then(
      (value) => post({ kind: 'answer', answer: value }),
      refuse,
    )
  })
}, refuse)

async function answer(definition: SimulationDefinition, command: ThreadCommand): Promise<unknown> {
  const run: RunCase = (simCase, options) => {
    pulse.begin(simCase.seed)
    return runCase(definition, simCase, { ...options, onProgress: pulse.beat })
  }
  switch (command.kind) {
    case 'swarm':
      await runSwarm({
        run,
        resolve: (seed) => {
          pulse.begin(seed)
          return resolveCase(definition, seed)
        },
        seeds: takeSeeds(command.share),
        rerunAll: command.rerunAll,
        keepGoing: command.keepGoing,
        onSeed: report,
      })
      return undefined
    case 'resolve':
      return resolveCase(definition, command.seed)
    case 'check':
      return await checkCase(run, command.case)
    case 'trace':
      return await run(command.case, { trace: true })
    case 'shrink':
      return await shrinkFailure(run, command.simulation, command.result, command.budget)
  }
}

function report(seed: number, outcome: CaseOutcome): void {
  const { verdict, rerunHash, result } = outcome
  const { events, virtualMs, properties, escapes } = result
  const counts: SeedCounts = {
    verdict,
    result: { events, virtualMs, properties, escapes },
    ...(rerunHash !== undefined && { rerunHash }),
  }
  post({ kind: 'seed', seed, counts, ...(verdict !== 'passed' && { outcome }) })
}

function refuse(error: unknown): void {
  post({ kind: 'refused', message: error instanceof Error ? error.message : String(error) })
}

function post(message: ThreadMessage): void {
  parentPort?.postMessage(message)
}
