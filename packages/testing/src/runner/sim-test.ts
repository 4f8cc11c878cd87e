import { relative } from 'node:path'
import { TestingError } from '../platform/errors.ts'
import type { SimCase } from '../simulation/sim-case.ts'
import { defineSimulation, type SimulationDefinition } from './define-simulation.ts'
import { ambientTest, commandLineFile, isVitest, workingFolder } from './environment.ts'
import { simulate, simulateCase, type SimulateOptions } from './simulate.ts'

/** `test` of vitest or of node:test. */
export type TestFunction = (
  name: string,
  options: { readonly timeout: number },
  run: (context: unknown) => Promise<void>,
) => unknown

export interface SimTestOptions extends Omit<SimulateOptions, 'replay'> {
  /** The runner's `test`: needed under vitest without `globals: true`. */
  readonly test?: TestFunction
  /** Real milliseconds. Default 600,000. */
  readonly timeoutMs?: number
}

// Hundreds of seeds and the search for a smaller case fit into it, on a slow machine too.
const timeoutMsDefault = 600_000

/**
 * Registers a test that runs a simulation with all its seeds, see {@link simulate}. It finds node:test, and vitest where
 * its globals are on; else hand it vitest's `test`. Throws `ERR_BAD_SIMULATION`, or `ERR_BAD_OPTION` when it finds no
 * `test`. The test rejects with `ERR_FAKE_TIMERS` where fake timers are installed.
 *
 * @example
 * import { test } from 'vitest'
 * simTest('orders survive a partition', { app: shop, regions: { syd: 2, lax: 2 }, workload, invariants }, { test })
 */
export function simTest(name: string, definition: SimulationDefinition, options: SimTestOptions = {}): void {
  defineSimulation(definition)
  register(name, options, async (context) => {
    const replay = (seed: number): string => replayLine(context, name, seed)
    await simulate({ ...definition, name: definition.name ?? name }, { ...options, replay })
  })
}

/**
 * Registers a test of one written-out case, which is what the search for a smaller case ends with. Throws as
 * {@link simTest} does.
 *
 * @example
 * simReplay('no order twice', orders, { seed: 7, nodes, durationMs: 4_100, faults, skippedOps: ['0/1'] }, { test })
 */
export function simReplay(
  name: string,
  definition: SimulationDefinition,
  simCase: SimCase,
  options: Pick<SimTestOptions, 'test' | 'timeoutMs'> = {},
): void {
  defineSimulation(definition)
  register(name, options, () => simulateCase(name, definition, simCase))
}

function register(
  name: string,
  { test: given, timeoutMs: timeout = timeoutMsDefault }: Pick<SimTestOptions, 'test' | 'timeoutMs'>,
  run: (context: unknown) => Promise<void>,
): void {
  const test = given ?? (ambientTest(isVitest()) as TestFunction | undefined)
  if (test === undefined) {
    throw new TestingError('ERR_BAD_OPTION', 'vitest has its globals off: hand over its "test" as { test }')
  }
  const registered = test(name, { timeout }, run)
  // node:test hands out a promise, and reports what goes wrong by itself.
  void registered
}

/** The line that runs this test alone with one seed, as far as the runner's context tells. */
export function replayLine(context: unknown, name: string, seed: number, folder: string = workingFolder()): string {
  const quoted = `'${name.replaceAll("'", "'\\''")}'`
  const file = vitestFile(context)
  if (file !== undefined) return `SIM_SEED=${seed} npx vitest run ${relative(folder, file)} -t ${quoted}`
  return `SIM_SEED=${seed} node --test --test-name-pattern ${quoted} ${relative(folder, nodeFile(context))}`
}

function vitestFile(context: unknown): string | undefined {
  const { task } = context as { readonly task?: { readonly file?: { readonly filepath?: string } } }
  return task?.file?.filepath
}

/** Newer versions of Node tell the test; each file of node:test is a process of its own. */
function nodeFile(context: unknown): string {
  const { filePath } = context as { readonly filePath?: string }
  return filePath ?? commandLineFile()
}
