import { parseCount, parseDuration, parseSeed } from './parse-setting.ts'

/** What the environment says about which seeds to run. */
export interface SeedSettings {
  /** `SIM_SEED`: this seed only. */
  readonly seed?: number
  /** `SIM_RUNS`: so many seeds, from 1 on. */
  readonly runs?: number
  /** `SIM_TIME`, such as `10m`: seeds from 1 on for so long, or until `SIM_RUNS` of them have run. */
  readonly timeMs?: number
}

/** Reads `SIM_SEED`, `SIM_RUNS` and `SIM_TIME`. Throws `ERR_BAD_OPTION`. */
export function seedSettings(environment: Readonly<Record<string, string | undefined>> = process.env): SeedSettings {
  const { SIM_SEED: seed, SIM_RUNS: runs, SIM_TIME: time } = environment
  return {
    ...(isSet(seed) && { seed: parseSeed('SIM_SEED', seed) }),
    ...(isSet(runs) && { runs: parseCount('SIM_RUNS', runs) }),
    ...(isSet(time) && { timeMs: parseDuration('SIM_TIME', time) }),
  }
}

/** Whether a test of vitest is being run or collected. */
export function isVitest(): boolean {
  return isSet(process.env['VITEST'])
}

/** The runner's `test`, where it can be found: vitest's if its globals are on, else node:test's. */
export function ambientTest(underVitest: boolean): unknown {
  const { test } = globalThis as { readonly test?: unknown }
  if (underVitest) return typeof test === 'function' ? test : undefined
  return process.getBuiltinModule('node:test').test
}

/** The file that Node was started with. */
export function commandLineFile(): string {
  return process.argv[1] ?? ''
}

export function workingFolder(): string {
  return process.cwd()
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== ''
}
