import { closeSync, fsyncSync, openSync } from 'node:fs'

/**
 * Makes the names in a folder survive a loss of power; syncing a file covers its bytes, not its name. Does nothing on
 * Windows, where a folder cannot be opened for it.
 */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
