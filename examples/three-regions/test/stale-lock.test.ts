import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { claimDatabase } from '../dist/stale-lock.js'
import { type Child, killChildren, startChild } from './fixtures/child.ts'

// Real processes take their time to start, more so on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stale-lock-'))
  file = join(folder, 'orders.db')
})

afterEach(async () => {
  await killChildren()
  rmSync(folder, { recursive: true, force: true })
})

const inUse = (pid: number): object => ({
  code: 'ERR_DATABASE_IN_USE',
  message: expect.stringContaining(`pid ${pid}`) as string,
})
const unknown = { code: 'ERR_DATABASE_OWNER_UNKNOWN' }

describe('one owner at a time', () => {
  it('refuses a second claim of this process, and names its pid', () => {
    const claim = claimDatabase(file)
    expect(() => claimDatabase(file)).toThrow(expect.objectContaining(inUse(process.pid)))
    claim.release()
    claimDatabase(file).release()
    expect(readdirSync(folder)).toEqual([])
  })

  it('knows a file by its real path', () => {
    writeFileSync(file, '')
    symlinkSync(file, join(folder, 'link.db'))
    symlinkSync(folder, join(folder, 'folder'))
    const claim = claimDatabase(join(folder, 'link.db'))
    expect(claim.file).toBe(file)
    expect(() => claimDatabase(join(folder, 'folder', 'orders.db'))).toThrow(
      expect.objectContaining(inUse(process.pid)),
    )
  })

  it('does not take away the claim of a later owner when it releases twice', () => {
    const first = claimDatabase(file)
    first.release()
    claimDatabase(file)
    first.release()
    expect(() => claimDatabase(file)).toThrow(expect.objectContaining(inUse(process.pid)))
  })
})

describe('whose owner file it is', () => {
  it('is not fooled by another process with the dead owner’s pid', () => {
    leaveBehind({ ...ownRecord(), proc: { ...ownRecord().proc, processStarted: '1' } })
    claimDatabase(file)
    expect(existsSync(`${file}.lock`)).toBe(false)
  })

  it('is not fooled by another thread with the dead owner’s number', () => {
    leaveBehind({ ...ownRecord(), proc: { ...ownRecord().proc, threadStarted: '1' } })
    claimDatabase(file)
  })

  it('takes over from an owner of before a reboot, even if its pid and start time are there again', () => {
    leaveBehind({ ...ownRecord(), proc: { ...ownRecord().proc, boot: 'an earlier one' } })
    claimDatabase(file)
  })

  it('leaves the owner of another container alone, which cannot be seen from here', () => {
    leaveBehind({ ...ownRecord(), proc: { ...ownRecord().proc, namespace: 'pid:[1]' } })
    expectRefusedUntouched()
  })

  it('without start times believes that any process of that pid is the owner', () => {
    const { pid, token } = ownRecord()
    leaveBehind({ pid, token })
    expect(() => claimDatabase(file)).toThrow(expect.objectContaining(inUse(process.pid)))
    expect(existsSync(`${file}.lock`)).toBe(true)
  })

  it.each(['', '{"pid":12', '{"pid":-1}', 'null', '{"pid":1,"token":"../../etc"}'])(
    'touches nothing beside an owner file that holds %j',
    (text) => {
      writeFileSync(`${file}.owner`, text)
      mkdirSync(`${file}.lock`)
      expectRefusedUntouched()
    },
  )

  it('touches no lock directory that came without an owner file', () => {
    mkdirSync(`${file}.lock`)
    expectRefusedUntouched()
    rmSync(`${file}.lock`, { recursive: true })
    claimDatabase(file)
  })
})

const histories = {
  'nobody owned the file': nobody,
  'the owner died': ownerDied,
  'the owner died, and two more while they took over': successorsDied,
}

// Every order of two starters in which one of them is stopped once, at each of its steps in turn, and a crash at each.
describe.each(Object.entries(histories))('at every step of a start, when %s', (_, arrange) => {
  it('lets one of two starters win', async () => {
    const outcomes = await eachStep(arrange, async (starter) => {
      let claim
      try {
        claim = claimDatabase(file)
      } catch (error) {
        expect(error).toMatchObject(inUse(starter.pid))
      }
      starter.say('go on')
      expect(await starter.line()).toMatch(claim === undefined ? /^won$/ : `ERR_DATABASE_IN_USE`)
      return claim === undefined ? 'the stopped one' : 'the other'
    })
    expect(new Set(outcomes)).toEqual(new Set(['the stopped one', 'the other']))
  })

  it('lets the starter go on after another one came and left', async () => {
    await eachStep(arrange, async (starter) => {
      try {
        claimDatabase(file).release()
      } catch (error) {
        expect(error).toMatchObject(inUse(starter.pid))
      }
      starter.say('go on')
      expect(await starter.line()).toBe('won')
    })
  })

  it('keeps the starter out after one came and died and another one followed', async () => {
    await eachStep(arrange, async (starter) => {
      const second = await startClaim('never')
      const wins = (await second.line()) === 'won'
      await second.kill()
      if (wins) claimDatabase(file)
      else expect(() => claimDatabase(file)).toThrow(expect.objectContaining(inUse(starter.pid)))
      starter.say('go on')
      expect(await starter.line()).toMatch(wins ? inUsePattern(process.pid) : /^won$/)
    })
  })

  it('lets the next one in after a crash, and leaves nothing of the dead', async () => {
    await eachStep(arrange, async (starter) => {
      await starter.kill()
      claimDatabase(file)
      expect(readdirSync(folder)).toEqual(['orders.db.owner'])
    })
  })
})

function nobody(): Promise<void> {
  return Promise.resolve()
}

async function ownerDied(): Promise<void> {
  const owner = await startClaim('never')
  expect(await owner.line()).toBe('won')
  mkdirSync(`${file}.lock`)
  await owner.kill()
}

async function successorsDied(): Promise<void> {
  await ownerDied()
  for (let dead = 0; dead < 2; dead++) {
    const successor = await startClaim('renameSync')
    expect(await successor.line()).toBe('before renameSync')
    await successor.kill()
  }
  expect(readdirSync(folder).filter((name) => name.includes('.after-'))).toHaveLength(2)
}

/** Lets a starter claim the file again and again, stopped one step later each time, until no step is left to stop at. */
async function eachStep<Result>(
  arrange: () => Promise<void>,
  act: (stopped: Child) => Promise<Result>,
): Promise<Result[]> {
  await arrange()
  const arranged = readFolder()
  const results: Result[] = []
  let starter: Child | undefined
  for (let step = 1; step < 100; step++) {
    writeFolder(arranged)
    if (starter === undefined || starter.killed) starter = await startClaim(String(step))
    else starter.say(String(step))
    const line = await starter.line()
    if (!line.startsWith('before ')) {
      expect(line).toBe('won')
      expect(results.length).toBeGreaterThan(5)
      return results
    }
    results.push(await act(starter))
    if (starter.killed) continue
    starter.say('release')
    expect(await starter.line()).toBe('ready')
  }
  throw new Error('a start takes too many steps')
}

async function startClaim(stopAt: string): Promise<Child> {
  const child = startChild('step-claim.mjs', file)
  expect(await child.line()).toBe('ready')
  child.say(stopAt)
  return child
}

function inUsePattern(pid: number): RegExp {
  return new RegExp(`^ERR_DATABASE_IN_USE .*pid ${pid}`)
}

/** The record that this very thread would write. */
function ownRecord(): { pid: number; token: string; proc: object } {
  const claim = claimDatabase(join(folder, 'other.db'))
  const record = JSON.parse(readFileSync(join(folder, 'other.db.owner'), 'utf8')) as ReturnType<typeof ownRecord>
  claim.release()
  return record
}

function leaveBehind(record: object): void {
  writeFileSync(`${file}.owner`, JSON.stringify(record))
  mkdirSync(`${file}.lock`)
}

function expectRefusedUntouched(): void {
  const left = readFolder()
  expect(() => claimDatabase(file)).toThrow(expect.objectContaining(unknown))
  expect(readFolder()).toEqual(left)
}

type Folder = Record<string, string | undefined>

/** Names to texts; a lock directory has none. */
function readFolder(): Folder {
  const read = (name: string): string | undefined =>
    name.endsWith('.lock') ? undefined : readFileSync(join(folder, name), 'utf8')
  return Object.fromEntries(readdirSync(folder).map((name) => [name, read(name)]))
}

function writeFolder(contents: Folder): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  for (const [name, text] of Object.entries(contents)) {
    if (text === undefined) mkdirSync(join(folder, name))
    else writeFileSync(join(folder, name), text)
  }
}
