import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { FilesError } from './errors.ts'
import { checkFilePath, folderOfPrefix, reservedSegment } from './file-path.ts'

/**
 * The files of one node, below a root of its own. Paths are relative, with `/` between segments; a path that would leave
 * the root rejects with `ERR_BAD_PATH`. What the disk refuses rejects with `ERR_FILES_IO`. Folders are made as needed.
 *
 * Calls for one path are done in their order. Bytes must not be changed until the promise resolves. What is durable
 * survives a loss of power; what is not may be lost then, wholly or from some byte on, but survives the process.
 *
 * @example
 * await ctx.files.append('orders.log', line)
 * await ctx.files.sync('orders.log') // only now may the order be acknowledged
 * const bytes = await ctx.files.read('orders.log')
 */
export interface Files {
  /** The whole file; `undefined` if there is none. */
  read(path: string): Promise<Uint8Array | undefined>
  /** Replaces the whole file: readers, and a crash at any moment, see the old bytes or the new. Durable when it resolves. */
  write(path: string, bytes: Uint8Array): Promise<void>
  /** Adds to the end; makes the file if there is none. Durable only after {@link sync}. */
  append(path: string, bytes: Uint8Array): Promise<void>
  /** Makes all that was appended before durable. Without a file there is nothing to do. */
  sync(path: string): Promise<void>
  /** Durable when it resolves. Without a file there is nothing to do. */
  remove(path: string): Promise<void>
  /** The paths of all files that begin with `prefix` (default: all), folders below included, sorted by code units. */
  list(prefix?: string): Promise<string[]>
}

/**
 * The files below `root` on this machine's disk. Two of them (one a thread) may share a root, but then order between
 * their calls is up to them. Symbolic links in folder names are followed: the root is a convention, not a jail. A crash
 * during `write` may leave a file whose name begins with `.skerry-`; `list` does not show it.
 */
export function systemFiles(root: string): Files {
  /** The last call for each path that has one under way. */
  const tails = new Map<string, Promise<unknown>>()

  async function inOrder<T>(path: string, act: (full: string) => Promise<T>): Promise<T> {
    checkFilePath(path)
    const before = tails.get(path)
    const done = (async () => {
      await before
      return orFilesError(path, () => act(join(root, path)))
    })()
    const tail = done.then(
      () => undefined,
      // Whoever waits for it hears of it; the next call for this path goes on.
      () => undefined,
    )
    tails.set(path, tail)
    try {
      return await done
    } finally {
      if (tails.get(path) === tail) tails.delete(path)
    }
  }

  return {
    read: (path) => inOrder(path, readIfThere),
    write: (path, bytes) => inOrder(path, (full) => replaceFile(root, full, bytes)),
    append: (path, bytes) => inOrder(path, (full) => appendTo(full, bytes)),
    sync: (path) => inOrder(path, (full) => syncFile(root, full)),
    remove: (path) =>
      inOrder(path, async (full) => {
        await rm(full, { force: true })
        await syncFolders(root, dirname(full))
      }),
    async list(prefix = '') {
      const folder = folderOfPrefix(prefix)
      return orFilesError(prefix, () => listBelow(root, folder, prefix))
    },
  }
}

async function readIfThere(full: string): Promise<Uint8Array | undefined> {
  try {
    const buffer = await readFile(full)
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

async function replaceFile(root: string, full: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(full)
  await mkdir(folder, { recursive: true })
  const fresh = join(folder, `${reservedSegment}${randomUUID()}`)
  try {
    const file = await open(fresh, 'wx')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(fresh, full)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
  await syncFolders(root, folder)
}

async function appendTo(full: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(full), { recursive: true })
  const file = await open(full, 'a')
  try {
    await file.writeFile(bytes)
  } finally {
    await file.close()
  }
}

async function syncFile(root: string, full: string): Promise<void> {
  let file
  try {
    // Windows flushes only what is open for writing.
    file = await open(full, 'r+')
  } catch (error) {
    if (isMissing(error)) return
    throw error
  }
  try {
    await file.sync()
  } finally {
    await file.close()
  }
  await syncFolders(root, dirname(full))
}

/** Makes the names in these folders durable, up to the root: any of them may be new. Windows has no way to, nor a need. */
async function syncFolders(root: string, folder: string): Promise<void> {
  if (process.platform === 'win32') return
  for (let path = folder; ; path = dirname(path)) {
    let handle
    try {
      handle = await open(path, 'r')
    } catch (error) {
      // Nothing was ever written here.
      if (isMissing(error)) return
      throw error
    }
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
    if (relative(root, path) === '') return
  }
}

async function listBelow(root: string, folder: string, prefix: string): Promise<string[]> {
  let entries
  try {
    entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true })
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith(reservedSegment))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => path.startsWith(prefix))
    .sort()
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOENT' || code === 'ENOTDIR'
}

async function orFilesError<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new FilesError('ERR_FILES_IO', `The files at "${path}" failed: ${message}`, { cause })
  }
}
