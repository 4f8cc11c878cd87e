import { type FileHandle, link, open, rm, writeFile } from 'node:fs/promises'
import { NodeError } from './errors.ts'

/** Where a node's private key is kept: a file, or a variable of the environment. */
export type PrivateKeySource = { readonly file: string } | { readonly env: string }

/** Makes a fresh identity, as each transport's `createIdentity` does. */
type CreateIdentity = () => Promise<{ readonly privateKey: string }>

const keyCharsMax = 4_096
const othersMode = 0o077
let drafts = 0

/**
 * The private key of this node, for the option `privateKey` of a transport: a node that gets the same one at every start keeps
 * its id. A file that is not there is made, with a fresh key and mode 0600. One that others may read is refused
 * (not asked on Windows), and so is a variable that is not set: both are `ERR_BAD_CONFIG`.
 *
 * @example
 * const privateKey = await loadPrivateKey({ file: 'node.key' }, createIdentity)
 * const transport = libp2pTransport({ cluster: 'shop', secrets, privateKey })
 */
export async function loadPrivateKey(source: PrivateKeySource, createIdentity: CreateIdentity): Promise<string> {
  if ('env' in source) return checkKey(process.env[source.env], `the variable ${source.env}`)
  const kept = await unless('ENOENT', () => open(source.file))
  if (kept !== undefined) return await readKey(kept, source.file)
  await makeKey(source.file, (await createIdentity()).privateKey)
  // Not the one just made: another process may have been first.
  return await readKey(await open(source.file), source.file)
}

async function readKey(kept: FileHandle, file: string): Promise<string> {
  try {
    const { mode } = await kept.stat()
    if (process.platform !== 'win32' && (mode & othersMode) !== 0) {
      throw badKey(`${file} may be read by others (mode ${(mode & 0o777).toString(8)}); it must be 0600`)
    }
    return checkKey((await kept.readFile('utf8')).trim(), file)
  } finally {
    await kept.close()
  }
}

/** Whole or not at all, and never over one that is there. */
async function makeKey(file: string, privateKey: string): Promise<void> {
  const draft = `${file}.${process.pid}.${(drafts += 1)}`
  try {
    await writeFile(draft, privateKey, { mode: 0o600, flag: 'wx', flush: true })
    await unless('EEXIST', () => link(draft, file))
  } finally {
    await rm(draft, { force: true })
  }
}

/** `undefined` where it fails with this very code. */
async function unless<T>(code: string, act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === code) return undefined
    throw error
  }
}

function checkKey(key: string | undefined, where: string): string {
  // Never the key itself: this goes to logs.
  if (key === undefined || key === '') throw badKey(`${where} holds no private key`)
  if (key.length > keyCharsMax) throw badKey(`${where} holds ${key.length} characters, which is no private key`)
  return key
}

function badKey(problem: string): NodeError {
  return new NodeError('ERR_BAD_CONFIG', `The private key can't be used: ${problem}`)
}
