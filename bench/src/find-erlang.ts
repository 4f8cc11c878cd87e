import { delimiter, join } from 'node:path'

// Where distributions put it without a link from a folder of the PATH.
const usualFolders = ['/usr/lib/erlang/bin', '/usr/local/lib/erlang/bin', '/opt/homebrew/bin']

/** The folder that has both `erl` and `erlc`; undefined: there is none. */
export function findErlang(path: string | undefined, exists: (file: string) => boolean): string | undefined {
  const folders = [...(path ?? '').split(delimiter).filter((folder) => folder !== ''), ...usualFolders]
  return folders.find((folder) => exists(join(folder, 'erl')) && exists(join(folder, 'erlc')))
}
