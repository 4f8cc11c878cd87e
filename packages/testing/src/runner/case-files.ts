import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { TestingError } from '../platform/errors.ts'
import type { RunFailure, RunResult } from '../simulation/run-result.ts'
import type { SimCase } from '../simulation/sim-case.ts'
import { formatSavedCase, parseSavedCase, type SavedCase, savedCaseFile } from './saved-case.ts'

const folderName = '.sim'
const regressFolder = 'regress'

/** A saved case and the files around it. */
export interface CaseFile {
  /** The JSON file. */
  readonly path: string
  readonly saved: SavedCase
  /** The module that exports the simulation. */
  readonly module: string
}

/**
 * Writes the case of a result into `.sim` beside its module, over one of the same simulation and seed. `original` is what
 * the seed stood for. Resolves to the file's path.
 */
export async function saveCase(
  module: string,
  simulation: string,
  { case: simCase, hash, failure }: RunResult,
  original: SimCase,
): Promise<string> {
  const folder = join(dirname(resolve(module)), folderName)
  const path = join(folder, savedCaseFile(simulation, simCase.seed))
  const saved: SavedCase = {
    skerrySim: 1,
    file: basename(module),
    simulation,
    case: simCase,
    ...(simCase !== original && { original }),
    hash,
    failure: failure && withoutStack(failure),
    versions: await ownVersions(),
  }
  await mkdir(folder, { recursive: true })
  await writeFile(path, formatSavedCase(saved))
  return path
}

/** Reads a saved case. Throws `ERR_BAD_CASE`, also when there is no such file. */
export async function readCase(path: string): Promise<CaseFile> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new TestingError('ERR_BAD_CASE', `Can't read ${path}: ${String(error)}`)
  })
  const saved = parseSavedCase(path, text)
  return { path, saved, module: resolve(homeOf(path), saved.file) }
}

/** The cases that once failed, kept beside `module` in `.sim/regress`, in the order of their names. */
export async function readRegressions(module: string): Promise<CaseFile[]> {
  const folder = join(dirname(resolve(module)), folderName, regressFolder)
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as { readonly code?: unknown }).code === 'ENOENT') return []
    throw error
  })
  const files: CaseFile[] = []
  for (const name of names.filter((one) => one.endsWith('.json')).sort()) {
    const file = await readCase(join(folder, name))
    // The folder serves every module beside it.
    if (file.module === resolve(module)) files.push(file)
  }
  return files
}

/** The folder that holds `.sim`; of a file that was put elsewhere, its own. */
function homeOf(path: string): string {
  const folder = dirname(resolve(path))
  for (const candidate of [folder, dirname(folder)]) {
    if (basename(candidate) === folderName) return dirname(candidate)
  }
  return folder
}

/** As a person in `folder` would write it. */
export function shownPath(path: string, folder: string): string {
  const short = relative(folder, path)
  return short.startsWith('..') ? path : short
}

/** A stack names the files of one machine. */
function withoutStack({ invariant, message, atMs, event }: RunFailure): SavedCase['failure'] {
  return { invariant, message, atMs, event }
}

async function ownVersions(): Promise<SavedCase['versions']> {
  const own = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    readonly version: string
  }
  return { node: process.versions.node, testing: own.version }
}
