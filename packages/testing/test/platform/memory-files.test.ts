import { seededRandom } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { type MemoryFiles, memoryFiles } from '../../src/platform/memory-files.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (read: Uint8Array | undefined): string | undefined => read && new TextDecoder().decode(read)
const chance = seededRandom(1)

/** One file that is durable, one with an unsynced end, one that was never synced. */
async function threeFiles(): Promise<MemoryFiles> {
  const files = memoryFiles()
  await files.write('whole', bytes('durable'))
  await files.append('log', bytes('synced '))
  await files.sync('log')
  await files.append('log', bytes('not'))
  await files.append('new', bytes('never synced'))
  return files
}

async function contents(files: MemoryFiles): Promise<Record<string, string | undefined>> {
  const entries = (await files.list()).map(async (path) => [path, text(await files.read(path))])
  return Object.fromEntries(await Promise.all(entries)) as Record<string, string | undefined>
}

describe('files in memory', () => {
  it('do as the real ones while nothing crashes', async () => {
    const files = await threeFiles()
    expect(await contents(files)).toEqual({ whole: 'durable', log: 'synced not', new: 'never synced' })
    await files.write('log', bytes('fresh'))
    await files.remove('new')
    await files.remove('new')
    await files.sync('new')
    expect([text(await files.read('log')), await files.read('new')]).toEqual(['fresh', undefined])
    await files.write('a/2', bytes(''))
    await files.write('a/10', bytes(''))
    expect(await files.list('a/')).toEqual(['a/10', 'a/2'])
  })

  it('keep copies: what the caller does to its bytes later, or to what it read, changes nothing', async () => {
    const files = memoryFiles()
    const given = bytes('tea')
    await files.write('a', given)
    await files.append('b', given)
    given.fill(0)
    ;(await files.read('a'))?.fill(0)
    expect([text(await files.read('a')), text(await files.read('b'))]).toEqual(['tea', 'tea'])
  })

  it('refuse the same paths and places as the real ones', async () => {
    const files = memoryFiles()
    await expect(files.write('../x', bytes(''))).rejects.toMatchObject({ code: 'ERR_BAD_PATH' })
    await expect(files.list('../')).rejects.toMatchObject({ code: 'ERR_BAD_PATH' })
    await files.write('a/b', bytes(''))
    await expect(files.write('a', bytes(''))).rejects.toMatchObject({ code: 'ERR_FILES_IO' })
    await expect(files.append('a/b/c', bytes(''))).rejects.toMatchObject({ code: 'ERR_FILES_IO' })
  })

  it('survive the end of the process', async () => {
    const files = await threeFiles()
    files.crash('keep', chance)
    expect(await contents(files)).toEqual({ whole: 'durable', log: 'synced not', new: 'never synced' })
  })

  it('lose at a power failure what was not synced', async () => {
    const files = await threeFiles()
    files.crash('loseUnsynced', chance)
    expect(await contents(files)).toEqual({ whole: 'durable', log: 'synced ' })
  })

  it('lose everything with the disk', async () => {
    const files = await threeFiles()
    files.crash('lose', chance)
    expect(await contents(files)).toEqual({})
  })

  it('are torn within what was not synced, never before it, each time as the seed says', async () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 200; seed += 1) {
      const files = await threeFiles()
      files.crash('torn', seededRandom(seed))
      const once = await contents(files)
      const again = await threeFiles()
      again.crash('torn', seededRandom(seed))
      expect(await contents(again)).toEqual(once)
      expect(once['whole']).toBe('durable')
      expect(once['log']?.startsWith('synced ')).toBe(true)
      expect((await files.read('log'))?.length).toBeLessThanOrEqual(10)
      seen.add(once['log'] as string)
      if (once['new'] === undefined) seen.add('new is gone')
    }
    for (const outcome of ['synced ', 'synced n', 'synced no', 'synced not', 'new is gone'])
      expect(seen).toContain(outcome)
    // Wrong bytes, too.
    expect(seen.size).toBeGreaterThan(5)
  })

  it('count what is left after a crash as durable', async () => {
    const files = await threeFiles()
    files.crash('keep', chance)
    files.crash('loseUnsynced', chance)
    expect((await contents(files))['new']).toBe('never synced')
  })
})
