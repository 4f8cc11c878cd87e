import { FilesError } from '@skerry/core'
import type { Files, Random } from '@skerry/core/platform'
import { checkFilePath, folderOfPrefix } from '@skerry/core/simulation'

/**
 * What a crash does to the files:
 * - `'keep'`: nothing. The process died, the machine did not.
 * - `'loseUnsynced'`: the power failed. What was appended and not synced is gone, wholly.
 * - `'torn'`: the power failed while the disk was writing. Of what was not synced some bytes from the front are left, and
 *   the last of them may be wrong.
 * - `'lose'`: the disk is gone, and everything with it.
 */
export type FilesCrash = 'keep' | 'loseUnsynced' | 'torn' | 'lose'

/** Files in memory, with what is not durable kept apart until a crash. */
export interface MemoryFiles extends Files {
  /** What is left after a crash is durable. `random` decides what `'torn'` leaves. */
  crash(mode: FilesCrash, random: Random): void
}

interface MemoryFile {
  /** The first `length` bytes are the file's; the array grows by doubling. */
  bytes: Uint8Array
  length: number
  /** The first so many survive a loss of power. */
  durable: number
  /** Whether its name does: a file that was made by `append` and never synced is gone as a whole. */
  named: boolean
}

/**
 * A disk for one simulated node. Every call has its effect at once and resolves in a later microtask. It holds what was
 * written, in memory, without a bound of its own.
 *
 * @example
 * const files = memoryFiles()
 * await files.append('log', bytes)
 * files.crash('torn', seededRandom(7, 'disk'))
 */
export function memoryFiles(): MemoryFiles {
  const files = new Map<string, MemoryFile>()

  return {
    read: (path) =>
      promised(() => {
        checkPlace(files, path)
        const file = files.get(path)
        return file?.bytes.slice(0, file.length)
      }),
    write: (path, bytes) =>
      promised(() => {
        checkPlace(files, path)
        files.set(path, { bytes: bytes.slice(), length: bytes.length, durable: bytes.length, named: true })
      }),
    append: (path, bytes) =>
      promised(() => {
        checkPlace(files, path)
        let file = files.get(path)
        if (file === undefined) {
          file = { bytes: new Uint8Array(bytes.length), length: 0, durable: 0, named: false }
          files.set(path, file)
        }
        addTo(file, bytes)
      }),
    sync: (path) =>
      promised(() => {
        checkPlace(files, path)
        const file = files.get(path)
        if (file !== undefined) settle(file, file.length)
      }),
    remove: (path) =>
      promised(() => {
        checkPlace(files, path)
        files.delete(path)
      }),
    list: (prefix = '') =>
      promised(() => {
        folderOfPrefix(prefix)
        return [...files.keys()].filter((path) => path.startsWith(prefix)).sort()
      }),
    crash(mode, random) {
      if (mode === 'lose') files.clear()
      // In the order of their names, so that what is drawn for one does not depend on which was made first.
      for (const path of [...files.keys()].sort()) {
        const file = files.get(path) as MemoryFile
        if (mode === 'keep') settle(file, file.length)
        else if (mode === 'loseUnsynced') settle(file, file.durable, file.named)
        else tear(file, random)
        if (!file.named) files.delete(path)
      }
    },
  }
}

/** On a disk a name is a file's or a folder's. */
function checkPlace(files: ReadonlyMap<string, MemoryFile>, path: string): void {
  checkFilePath(path)
  if (files.has(path)) return
  for (let end = path.lastIndexOf('/'); end !== -1; end = path.lastIndexOf('/', end - 1)) {
    if (files.has(path.slice(0, end))) throw ioError(path, `"${path.slice(0, end)}" is a file`)
  }
  for (const other of files.keys()) if (other.startsWith(`${path}/`)) throw ioError(path, 'it is a folder')
}

function addTo(file: MemoryFile, bytes: Uint8Array): void {
  const length = file.length + bytes.length
  if (length > file.bytes.length) {
    const grown = new Uint8Array(Math.max(length, file.bytes.length * 2))
    grown.set(file.bytes.subarray(0, file.length))
    file.bytes = grown
  }
  file.bytes.set(bytes, file.length)
  file.length = length
}

/** Cuts it to `length`; what is left is durable. */
function settle(file: MemoryFile, length: number, named = true): void {
  file.length = length
  file.durable = length
  file.named = named
}

/** The sector that the disk was writing when the power failed, in bytes. */
const sectorBytes = 512

function tear(file: MemoryFile, random: Random): void {
  const kept = random.int(file.length - file.durable + 1)
  const garbled = random.int(2) === 1 ? Math.min(kept, 1 + random.int(sectorBytes)) : 0
  const end = file.durable + kept
  for (let at = end - garbled; at < end; at += 1) file.bytes[at] = random.int(256)
  settle(file, end, file.named || kept > 0 || random.int(2) === 1)
}

function ioError(path: string, problem: string): FilesError {
  return new FilesError('ERR_FILES_IO', `The files at "${path}" failed: ${problem}`)
}

async function promised<T>(act: () => T): Promise<T> {
  return act()
}
