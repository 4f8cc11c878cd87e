import { TestingError } from '../platform/errors.ts'
import type { RunFailure } from '../simulation/run-result.ts'
import type { SimCase } from '../simulation/sim-case.ts'

/** A case in a file: what it takes to see a failure again. */
export interface SavedCase {
  /** Version of this form. */
  readonly skerrySim: 1
  /** The module that exports the simulation, from the folder that holds `.sim`. */
  readonly file: string
  /** The simulation's name. */
  readonly simulation: string
  /** The case to replay: the smallest that was found. */
  readonly case: SimCase
  /** The case that the seed stood for, where the other is smaller. */
  readonly original?: SimCase
  /** The hash of a run of `case`. */
  readonly hash: string
  readonly failure: Omit<RunFailure, 'stack'> | undefined
  readonly versions: { readonly node: string; readonly testing: string }
}

/** As text for a file; ends with a line feed. */
export function formatSavedCase(saved: SavedCase): string {
  // JSON knows no infinity, and a fault may last for ever.
  return `${JSON.stringify(saved, (_key, value: unknown) => (value === Infinity ? 'Infinity' : value), 2)}\n`
}

/** Reads what {@link formatSavedCase} wrote. Throws `ERR_BAD_CASE`, which names `file`. */
export function parseSavedCase(file: string, text: string): SavedCase {
  let value: unknown
  try {
    value = JSON.parse(text, (key, inner: unknown) => (key === 'forMs' && inner === 'Infinity' ? Infinity : inner))
  } catch (error) {
    throw new TestingError('ERR_BAD_CASE', `${file} is no JSON: ${String(error)}`)
  }
  const what = problemOf(value)
  if (what !== undefined) throw new TestingError('ERR_BAD_CASE', `${file} is no saved case: ${what}`)
  return value as SavedCase
}

/** The name of its file, without characters that file systems or shells mind. */
export function savedCaseFile(simulation: string, seed: number): string {
  return `${simulation.replaceAll(/[^\w.-]+/g, '-').replaceAll(/^[-.]+|-+$/g, '') || 'simulation'}-${seed}.json`
}

/** Faults are checked where the case is run. */
function problemOf(value: unknown): string | undefined {
  if (!isRecord(value)) return 'it is no object'
  if (value['skerrySim'] !== 1) return `its form is ${String(value['skerrySim'])}, and this version knows 1`
  if (typeof value['file'] !== 'string' || typeof value['simulation'] !== 'string') return 'it names no simulation'
  const simCase = value['case']
  if (!isRecord(simCase)) return 'it holds no case'
  const { seed, nodes, durationMs, faults } = simCase
  if (!Number.isSafeInteger(seed) || typeof durationMs !== 'number') return 'its seed or duration is missing'
  if (!Array.isArray(nodes) || !Array.isArray(faults)) return 'its nodes or faults are missing'
  return undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
