import { RuntimeError } from '@skerry/core'
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  rmdirSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { syncFolder } from './sync-folder.ts'
import { currentThread, type ThreadIdentity, threadState } from './thread-identity.ts'

/** The right to open one database file; one thread of one process on this machine has it at a time. */
export interface DatabaseClaim {
  /** The file's real path: open this one, so that a link to it cannot make a second database of it. */
  readonly file: string
  /** Gives the right back. Call it after the database is closed; calling it again does nothing. */
  release(): void
}

/**
 * Claims a database file and clears away the lock directory of an owner that died.
 *
 * The SQLite build locks a file by making the directory `<file>.lock`, which outlives a process that is killed; nothing
 * in it says whose it was. So an owner first writes down who it is, in `<file>.owner`, and a lock directory is removed
 * only by the one successor of an owner that is certainly gone.
 *
 * - `ERR_DATABASE_IN_USE`: the owner lives, maybe as another thread of this process; the message names its pid.
 * - `ERR_DATABASE_OWNER_UNKNOWN`: nobody can say from here whether the owner lives: the owner file is unreadable, or it
 *   is of another container, or there is a lock directory without an owner file. A person must look, and remove the
 *   files that the message names.
 *
 * The folder must not be shared between machines (another machine's owner looks like one from before a reboot) and must
 * allow hard links. Without `/proc` (macOS, Windows) the end of a thread is seen only when its process ends.
 *
 * @example
 * const claim = claimDatabase('data/orders.db')
 * const database = new Database(claim.file)
 * // … at the end: database.close(), then claim.release()
 */
export function claimDatabase(file: string): DatabaseClaim {
  const paths = pathsOf(file)
  for (let pass = 0; pass < passesMax; pass++) {
    const token = tryClaim(paths)
    if (token !== undefined) return { file: paths.file, release: () => release(paths, token) }
  }
  throw new RuntimeError('ERR_DATABASE_IN_USE', `${paths.file} changed hands ${passesMax} times while it was claimed`)
}

// A pass fails only because another starter won or left meanwhile; this many in a row is not chance any more.
const passesMax = 100

interface Paths {
  readonly folder: string
  readonly file: string
  readonly lock: string
  readonly owner: string
}

function pathsOf(given: string): Paths {
  const file = existsSync(given) ? realpathSync(given) : join(realpathSync(dirname(given)), basename(given))
  return { folder: dirname(file), file, lock: `${file}.lock`, owner: `${file}.owner` }
}

interface OwnerRecord extends ThreadIdentity {
  /** Never used twice, so that an old look at an owner cannot be taken for a look at a later one. */
  readonly token: string
}

/** The token of the claim, or nothing if the world changed between two steps, which calls for another pass. */
function tryClaim(paths: Paths): string | undefined {
  const found = readRecord(paths.owner)
  if (found !== undefined) return trySucceed(paths, found)

  if (existsSync(paths.lock)) {
    // An owner file is there before its lock directory and longer than it: unless one came meanwhile, it is not ours.
    if (readRecord(paths.owner) !== undefined || !existsSync(paths.lock)) return undefined
    throw ownerUnknown(`${paths.lock} has no owner file beside it`, paths.lock)
  }
  return withDraft(paths, (draft, token) => {
    if (!tryLink(draft, paths.owner)) return undefined
    // Before the lock directory can exist, or a loss of power could leave that one alone.
    syncFolder(paths.folder)
    sweep(paths)
    return token
  })
}

/**
 * Takes over from a dead owner. Replacing the owner file at once would let a slow starter, which saw the same dead
 * owner, replace a live successor. So a starter first makes `<file>.owner.after-<token of the dead>`: a name that only
 * one can make, and that means nothing any more once the owner file shows another token.
 */
function trySucceed(paths: Paths, found: OwnerRecord): string | undefined {
  let last = found
  for (let dead = 0; ; dead++) {
    refuseUnlessGone(paths, last)
    // A starter may itself have died between making its name and replacing the owner file: then it has a successor.
    const next = readRecord(afterPath(paths, last))
    if (next === undefined) break
    if (dead === passesMax) throw ownerUnknown(`more than ${passesMax} starts died over ${paths.owner}`, paths.owner)
    last = next
  }
  const after = afterPath(paths, last)
  return withDraft(paths, (draft, token) => {
    if (!tryLink(draft, after)) return undefined
    if (readRecord(paths.owner)?.token !== found.token) {
      // What we saw was over before we had the name: a successor had come, tidied up, and maybe left again.
      rmSync(after, { force: true })
      return undefined
    }
    renameSync(draft, paths.owner)
    if (existsSync(paths.lock)) rmdirSync(paths.lock)
    sweep(paths)
    return token
  })
}

function refuseUnlessGone(paths: Paths, record: OwnerRecord): void {
  const state = threadState(record)
  if (state === 'gone') return
  if (state === 'unseen') throw ownerUnknown(`pid ${record.pid} of another container owned ${paths.file}`, paths.owner)
  const which = record.pid === process.pid ? `this process (pid ${record.pid})` : `the process with pid ${record.pid}`
  throw new RuntimeError('ERR_DATABASE_IN_USE', `${paths.file} is in use by ${which}`)
}

function ownerUnknown(what: string, path: string): RuntimeError {
  const cure = `If no process has the database open, remove ${path} and start again`
  return new RuntimeError('ERR_DATABASE_OWNER_UNKNOWN', `${what}. ${cure}`)
}

/**
 * Writes this thread's record under a name of its own and hands it over to be linked or renamed into place, so that no
 * other name ever shows half of it, after a crash or a loss of power either.
 */
function withDraft<Result>(paths: Paths, use: (draft: string, token: string) => Result): Result {
  const record: OwnerRecord = { ...currentThread(), token: randomUUID() }
  const draft = `${paths.owner}.draft-${record.token}`
  try {
    const fd = openSync(draft, 'wx')
    try {
      writeSync(fd, JSON.stringify(record))
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    return use(draft, record.token)
  } finally {
    rmSync(draft, { force: true })
  }
}

/** False if the target exists, or if the draft was swept away by a starter that has won. */
function tryLink(draft: string, target: string): boolean {
  try {
    linkSync(draft, target)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' || code === 'ENOENT') return false
    throw error
  }
}

function afterPath(paths: Paths, record: OwnerRecord): string {
  return `${paths.owner}.after-${record.token}`
}

/** Removes what dead starters left. Only for the owner: while it lives, every name but the owner file is out of date. */
function sweep(paths: Paths): void {
  const owner = basename(paths.owner)
  for (const name of readdirSync(paths.folder)) {
    if (!name.startsWith(`${owner}.draft-`) && !name.startsWith(`${owner}.after-`)) continue
    rmSync(join(paths.folder, name), { force: true })
  }
}

function release(paths: Paths, token: string): void {
  // Not ours any more if it was released before, or if somebody removed it by hand.
  if (readRecord(paths.owner)?.token === token) rmSync(paths.owner)
}

function readRecord(path: string): OwnerRecord | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const record = parseRecord(text)
  if (record === undefined) throw ownerUnknown(`${path} is not an owner file that this version can read`, path)
  return record
}

function parseRecord(text: string): OwnerRecord | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Not JSON: the caller reports it.
    return undefined
  }
  if (!isObject(value) || !Number.isSafeInteger(value['pid']) || Number(value['pid']) <= 0) return undefined
  // It becomes part of a file name.
  if (typeof value['token'] !== 'string' || !/^[0-9a-f-]{36}$/.test(value['token'])) return undefined
  const proc = value['proc']
  if (proc !== undefined) {
    if (!isObject(proc) || !Number.isSafeInteger(proc['thread'])) return undefined
    const texts = [proc['processStarted'], proc['threadStarted'], proc['boot'], proc['namespace']]
    if (!texts.every((part) => typeof part === 'string' && part !== '')) return undefined
  }
  return value as unknown as OwnerRecord
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
