import { mkdtemp, rename, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readCase, readRegressions, saveCase } from '../../src/runner/case-files.ts'
import { formatSavedCase, parseSavedCase, type SavedCase, savedCaseFile } from '../../src/runner/saved-case.ts'
import { caseOf, failureOf, resultOf } from './fake-run.ts'

const saved: SavedCase = {
  skerrySim: 1,
  file: 'orders.sim.mjs',
  simulation: 'orders',
  case: { ...caseOf(7), faults: [{ kind: 'pause', atMs: 1, forMs: Infinity, node: 'syd-1' }] },
  hash: 'abc',
  failure: failureOf('x'),
  versions: { node: '20.0.0', testing: '0.1.0' },
}

test('a case comes back from its file as it was, faults without an end too', () => {
  expect(parseSavedCase('x.json', formatSavedCase(saved))).toEqual(saved)
})

test('what is no saved case is refused, by the name of the file', () => {
  for (const text of ['{', 'null', '{}', '{"skerrySim": 2}', JSON.stringify({ ...saved, case: { seed: 1 } })]) {
    expect(() => parseSavedCase('x.json', text)).toThrow('x.json is no ')
    expect(() => parseSavedCase('x.json', text)).toThrow(expect.objectContaining({ code: 'ERR_BAD_CASE' }))
  }
})

test('the name of the file is harmless', () => {
  expect(savedCaseFile('orders: no/order "twice"!', 7)).toBe('orders-no-order-twice-7.json')
  expect(savedCaseFile('../..', 7)).toBe('simulation-7.json')
})

const folder = await mkdtemp(join(tmpdir(), 'skerry-sim-'))
afterAll(() => rm(folder, { recursive: true }))

test('a case is saved beside its module, found again, and kept as a regression', async () => {
  const module = join(folder, 'orders.sim.mjs')
  const simCase = caseOf(7)
  const failure = { ...failureOf('x'), stack: 'Error: x\n    at /home/me/app.js:1:1' }
  const path = await saveCase(module, 'orders', resultOf(simCase, { failure }), simCase)
  expect(path).toBe(join(folder, '.sim', 'orders-7.json'))
  const found = await readCase(path)
  expect(found.module).toBe(module)
  expect(found.saved).toMatchObject({ case: simCase, hash: 'hash-7', failure: failureOf('x') })
  expect(JSON.stringify(found.saved)).not.toContain('/home/me')

  expect(await readRegressions(module)).toEqual([])
  const kept = join(folder, '.sim', 'regress', 'twice.json')
  await mkdir(join(folder, '.sim', 'regress'))
  await rename(path, kept)
  expect((await readRegressions(module)).map((file) => file.path)).toEqual([kept])
  expect(await readRegressions(join(folder, 'other.sim.mjs'))).toEqual([])
  await writeFile(kept, 'not json')
  await expect(readRegressions(module)).rejects.toThrow(expect.objectContaining({ code: 'ERR_BAD_CASE' }))
  await expect(readCase(join(folder, 'none.json'))).rejects.toThrow(expect.objectContaining({ code: 'ERR_BAD_CASE' }))
})
