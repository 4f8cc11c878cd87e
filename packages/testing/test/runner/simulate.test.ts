import { afterEach, expect, test, vi } from 'vitest'
import { type SimTestOptions, replayLine, simReplay, simTest, type TestFunction } from '../../src/runner/sim-test.ts'
import { simulate } from '../../src/runner/simulate.ts'
import { SimulationFailure } from '../../src/runner/simulation-failure.ts'
import type { SimulationDefinition } from '../../src/runner/define-simulation.ts'
import { countingSimulation } from './fixtures/counting-app.mjs'

afterEach(() => vi.unstubAllEnvs())

async function failureOf(promise: Promise<unknown>): Promise<SimulationFailure> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof SimulationFailure)) throw new Error(`No failure of a simulation: ${String(error)}`)
  return error
}

test('resolves with what the seeds showed', async () => {
  const report = await simulate(countingSimulation({ seeds: 3 }))
  expect(report).toMatchObject({ name: 'counting', seeds: 3, escapes: [] })
  expect(report.events).toBeGreaterThan(300)
  expect(report.virtualMs).toBeGreaterThan(9_000)
})

test('one seed alone is always run twice', async () => {
  expect(await simulate(countingSimulation({ seeds: [11] }))).toMatchObject({ seeds: 1, rerun: 1 })
})

test('the environment chooses the seeds', async () => {
  vi.stubEnv('SIM_RUNS', '2')
  expect(await simulate(countingSimulation({ seeds: 3 }))).toMatchObject({ seeds: 2 })
})

test('a bug is found, shrunk and told, and the small case fails as well', async () => {
  const definition = countingSimulation({
    wrong: true,
    seeds: 20,
    faults: [{ kind: 'pause', atMs: 900, forMs: 20, node: 'lax-1' }],
  })
  const failure = await failureOf(simulate(definition))
  expect(failure.code).toBe('ERR_SIMULATION_FAILED')
  expect(failure.failure?.invariant).toBe('acknowledged-is-stored')
  expect(failure.message).toContain('faults   pause lax-1')
  expect(failure.message).toMatch(/shrunk {3}1 -> 0 faults, \d+ -> 1 ops/)
  expect(failure.message).toMatch(/SIM_SEED=\d+ /)
  expect(failure.message).toContain('verified same trace hash')
  expect(failure.simCase?.faults).toEqual([])

  const registered = registering()
  simReplay('small', definition, failure.simCase!, registered)
  const again = await failureOf(registered.run())
  expect(again.failure?.invariant).toBe('acknowledged-is-stored')
})

test('without a budget nothing is shrunk', async () => {
  const failure = await failureOf(simulate(countingSimulation({ wrong: true, seeds: 20 }), { shrink: false }))
  expect(failure.message).not.toContain('shrunk ')
})

test('state that outlives a run is found by running twice', async () => {
  let runs = 0
  const usual = countingSimulation({ seeds: [4] })
  const workload: SimulationDefinition['workload'] = async (sim) => {
    runs += 1
    await sim.advance(runs)
    await usual.workload?.(sim)
  }
  const failure = await failureOf(simulate({ ...usual, workload }))
  expect(failure.message).toContain('SIM NOT DETERMINISTIC')
  expect(failure.message).toContain('part at event')
  // Whose fault it is shows in the stack.
  expect(failure.message).toContain('simulate.test.ts')
})

test('seeds without an answer do not pass', async () => {
  const failure = await failureOf(simulate(countingSimulation({ seeds: 2, eventsMax: 50 })))
  expect(failure.message).toContain('SIM INCONCLUSIVE')
})

test('registers one test, with time enough, that runs every seed', async () => {
  const registered = registering()
  simTest(
    'counts',
    countingSimulation({ seeds: 2, wrong: true, invariants: [{ id: 'never', atEnd: () => 'it is so' }] }),
    {
      ...registered,
      shrink: false,
    },
  )
  expect(registered.told).toEqual(['counts', { timeout: 600_000 }])
  const failure = await failureOf(registered.run({ task: { file: { filepath: `${process.cwd()}/test/a.test.ts` } } }))
  expect(failure.message).toContain("SIM_SEED=1 npx vitest run test/a.test.ts -t 'counts'")
})

test('a definition that can not be is refused when it is registered', () => {
  expect(() => simTest('x', countingSimulation({ seeds: 0 }), registering())).toThrow('seeds: 0')
})

test('vitest without its globals has to be handed over', () => {
  expect(() => simTest('x', countingSimulation({}))).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }))
})

test('fake timers are refused', async () => {
  vi.useFakeTimers()
  try {
    await expect(simulate(countingSimulation({ seeds: 1 }))).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_FAKE_TIMERS' }),
    )
  } finally {
    vi.useRealTimers()
  }
})

test('the line that replays names the file, as the runner at hand would be started', () => {
  const vitest = { task: { file: { filepath: '/app/test/a.test.ts' } } }
  expect(replayLine(vitest, "it's so", 7, '/app')).toBe(`SIM_SEED=7 npx vitest run test/a.test.ts -t 'it'\\''s so'`)
  expect(replayLine({ filePath: '/app/test/a.mjs' }, 'x', 7, '/app')).toBe(
    "SIM_SEED=7 node --test --test-name-pattern 'x' test/a.mjs",
  )
})

/** A runner that keeps what was registered. */
function registering(): Pick<SimTestOptions, 'test'> & { told: unknown[]; run: (context?: unknown) => Promise<void> } {
  const told: unknown[] = []
  let body: Parameters<TestFunction>[2] | undefined
  return {
    told,
    test: (name, options, run) => {
      told.push(name, options)
      body = run
    },
    run: async (context = {}) => await body?.(context),
  }
}
