import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { loadPrivateKey } from '../../src/node/load-private-key.ts'

let made = 0
const createIdentity = async (): Promise<{ privateKey: string }> => ({ privateKey: `key ${(made += 1)}` })

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'skerry-key-'))
  onTestFinished(() => rm(made, { recursive: true }))
  return made
}

describe('a private key in a file', () => {
  it('is made once, for its owner alone, and is the same at every start', async () => {
    const file = join(await folder(), 'node.key')
    const first = await loadPrivateKey({ file }, createIdentity)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await loadPrivateKey({ file }, createIdentity)).toBe(first)
    expect(await readdir(join(file, '..'))).toEqual(['node.key'])
  })

  it('is one for all that start at the same time', async () => {
    const file = join(await folder(), 'node.key')
    const keys = await Promise.all(Array.from({ length: 8 }, () => loadPrivateKey({ file }, createIdentity)))
    expect(new Set(keys)).toEqual(new Set([await readFile(file, 'utf8')]))
    expect(await readdir(join(file, '..'))).toEqual(['node.key'])
  })

  it('is refused when others may read it, or when it is none', async () => {
    const file = join(await folder(), 'node.key')
    await writeFile(file, 'a key', { mode: 0o600 })
    await chmod(file, 0o640)
    await expect(loadPrivateKey({ file }, createIdentity)).rejects.toMatchObject({
      code: 'ERR_BAD_CONFIG',
      message: expect.stringContaining('mode 640'),
    })
    await chmod(file, 0o600)
    expect(await loadPrivateKey({ file }, createIdentity)).toBe('a key')
    for (const none of ['', '\n', 'x'.repeat(5_000)]) {
      await writeFile(file, none)
      await expect(loadPrivateKey({ file }, createIdentity)).rejects.toMatchObject({ code: 'ERR_BAD_CONFIG' })
    }
  })

  it('that can not be read or made fails as the file system says', async () => {
    const file = join(await folder(), 'missing', 'node.key')
    await expect(loadPrivateKey({ file }, createIdentity)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('a private key in the environment', () => {
  it('is taken from its variable, which must be set', async () => {
    vi.stubEnv('NODE_KEY_OF_THIS_TEST', 'a key')
    onTestFinished(() => void vi.unstubAllEnvs())
    expect(await loadPrivateKey({ env: 'NODE_KEY_OF_THIS_TEST' }, createIdentity)).toBe('a key')
    await expect(loadPrivateKey({ env: 'NODE_KEY_THAT_IS_NOT_SET' }, createIdentity)).rejects.toMatchObject({
      code: 'ERR_BAD_CONFIG',
    })
  })
})
