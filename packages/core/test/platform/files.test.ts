import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Files, systemFiles } from '../../src/platform/files.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (read: Uint8Array | undefined): string | undefined => read && new TextDecoder().decode(read)
const badPath = { name: 'FilesError', code: 'ERR_BAD_PATH' }

let outside: string
let root: string
let files: Files

beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'skerry-files-'))
  root = join(outside, 'root')
  files = systemFiles(root)
})
afterEach(() => rmSync(outside, { recursive: true }))

describe('the files of a real node', () => {
  it('give back what was written, whole, and nothing where there is nothing', async () => {
    expect(await files.read('orders/1')).toBeUndefined()
    await files.write('orders/1', bytes('a long first version'))
    await files.write('orders/1', bytes('tea'))
    const read = await files.read('orders/1')
    expect(text(read)).toBe('tea')
    expect(read?.constructor).toBe(Uint8Array)
    expect(await files.read('orders/1/lines')).toBeUndefined()
  })

  it('add to the end, in the order of the calls', async () => {
    const appends = Array.from({ length: 20 }, (_, number) => files.append('deep/er/log', bytes(`${number},`)))
    await Promise.all([...appends, files.sync('deep/er/log')])
    const expected = Array.from({ length: 20 }, (_, number) => `${number},`).join('')
    expect(text(await files.read('deep/er/log'))).toBe(expected)
  })

  it('outlive the object that wrote them', async () => {
    await files.append('log', bytes('a'))
    await files.sync('log')
    expect(text(await systemFiles(root).read('log'))).toBe('a')
  })

  it('can be removed, and removing and syncing what is not there is nothing', async () => {
    await files.write('a', bytes('1'))
    await files.remove('a')
    await files.remove('a')
    await files.sync('a')
    await files.remove('no/such/folder')
    expect(await files.read('a')).toBeUndefined()
    expect(await files.list()).toEqual([])
  })

  it('are listed by prefix, sorted by code units, without what a crash may leave of a write', async () => {
    expect(await files.list()).toEqual([])
    for (const path of ['wal/10', 'wal/2', 'wal2', 'snap', 'wal/deep/B', 'wal/deep/a'])
      await files.write(path, bytes('x'))
    writeFileSync(join(root, 'wal', '.skerry-half-written'), 'x')
    expect(await files.list()).toEqual(['snap', 'wal/10', 'wal/2', 'wal/deep/B', 'wal/deep/a', 'wal2'])
    expect(await files.list('wal/')).toEqual(['wal/10', 'wal/2', 'wal/deep/B', 'wal/deep/a'])
    expect(await files.list('wal/d')).toEqual(['wal/deep/B', 'wal/deep/a'])
    expect(await files.list('wal')).toEqual(['wal/10', 'wal/2', 'wal/deep/B', 'wal/deep/a', 'wal2'])
    expect(await files.list('none/')).toEqual([])
  })

  it('leave no half-written file behind', async () => {
    await Promise.all([files.write('a', bytes('1')), files.write('a', bytes('2')), files.write('b', bytes('3'))])
    expect(readdirSync(root).sort()).toEqual(['a', 'b'])
    expect(text(await files.read('a'))).toBe('2')
  })

  const bad = ['', '/etc/passwd', '..', '../x', 'a/../../x', 'a//b', 'a/', './a', 'a\\b', 'C:x', 'a\0b', '.skerry-x']
  for (const path of [...bad, 'x'.repeat(256), 'ä'.repeat(128), 'x/'.repeat(600) + 'x']) {
    it(`refuse the path ${JSON.stringify(path).slice(0, 30)}`, async () => {
      writeFileSync(join(outside, 'x'), 'not yours')
      await expect(files.read(path)).rejects.toMatchObject(badPath)
      await expect(files.write(path, bytes('1'))).rejects.toMatchObject(badPath)
      await expect(files.append(path, bytes('1'))).rejects.toMatchObject(badPath)
      await expect(files.sync(path)).rejects.toMatchObject(badPath)
      await expect(files.remove(path)).rejects.toMatchObject(badPath)
    })
  }

  for (const prefix of ['/', '../', '..', 'a/../', 'a//', './x']) {
    it(`refuse to list ${prefix}`, async () => {
      await expect(files.list(prefix)).rejects.toMatchObject(badPath)
    })
  }

  it('say ERR_FILES_IO, with the cause, for what the disk refuses, and go on with that path', async () => {
    await files.write('a', bytes('1'))
    const failed = { code: 'ERR_FILES_IO', cause: expect.any(Error) }
    await expect(files.write('a/b', bytes('1'))).rejects.toMatchObject(failed)
    await files.write('folder/x', bytes('1'))
    await expect(files.append('folder', bytes('1'))).rejects.toMatchObject(failed)
    await expect(files.write('folder', bytes('1'))).rejects.toMatchObject(failed)
    expect(readdirSync(root).sort()).toEqual(['a', 'folder'])
    await files.remove('folder/x')
    rmSync(join(root, 'folder'), { recursive: true })
    await files.write('folder', bytes('2'))
    expect(text(await files.read('folder'))).toBe('2')
  })
})
