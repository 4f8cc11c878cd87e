import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

// Whole processes, on the built package.
const bin = fileURLToPath(new URL('../../bin/skerry-sim.mjs', import.meta.url))
const fixtures = fileURLToPath(new URL('fixtures', import.meta.url))
const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))
const timeout = 60_000

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skerry-sim-'))
  await cp(fixtures, folder, { recursive: true })
  await symlink(modules, join(folder, 'node_modules'))
})
afterEach(() => rm(folder, { recursive: true }))

interface End {
  readonly code: number | string | null | undefined
  readonly stdout: string
  readonly stderr: string
}

function skerrySim(line: string, environment: Record<string, string> = {}): Promise<End> {
  const options = { cwd: folder, timeout, env: { ...process.env, ...environment } }
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...line.split(' ')], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr })
    })
  })
}

test('seeds that pass: exit code 0 and a line for each simulation of the file', { timeout }, async () => {
  const { code, stdout } = await skerrySim('run passing.sim.mjs --seeds 4 --jobs 2')
  expect(stdout).toMatch(/^other: 4 seeds .* 0 failed/m)
  expect(stdout).toMatch(/^passing: 4 seeds .* 0 failed/m)
  expect(code).toBe(0)
  expect(await readdir(folder)).not.toContain('.sim')
})

test('--json is one document, whatever the code under test prints', { timeout }, async () => {
  const { code, stdout, stderr } = await skerrySim('run chatty.sim.mjs --json --only chatty', {
    TZ: 'Australia/Sydney',
  })
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    skerrySim: 1,
    exitCode: 0,
    simulations: [{ name: 'chatty', seeds: 2, failures: [], inconclusive: [], notCovered: [] }],
  })
  // Its threads think that they are in Greenwich.
  expect(stderr).toContain('at hour 0 of UTC')
})

test('a bug: exit code 1, the report, and a saved case that fails again by itself', { timeout }, async () => {
  const { code, stdout } = await skerrySim('run failing.sim.mjs --seeds 30')
  expect(code).toBe(1)
  expect(stdout).toMatch(/^SIM FAILED {2}failing {2}invariant acknowledged-is-stored {2}seed \d+ /)
  expect(stdout).toContain('faults   pause lax-1')
  expect(stdout).toMatch(/shrunk {3}2 -> 0 faults/)
  expect(stdout).toContain('one of them in a fresh thread')

  const [file] = await readdir(join(folder, '.sim'))
  const again = await skerrySim(`replay .sim/${file} --json --jsonl out.jsonl`)
  expect(again.code).toBe(1)
  const saved = JSON.parse(await readFile(join(folder, '.sim', file!), 'utf8')) as { hash: string }
  expect(JSON.parse(again.stdout)).toMatchObject({ verdict: 'failed', hash: saved.hash, rerunHash: saved.hash })
  const [header, first] = (await readFile(join(folder, 'out.jsonl'), 'utf8'))
    .split('\n')
    .map((line) => JSON.parse(line || '{}'))
  expect(header).toMatchObject({ name: 'failing', hash: saved.hash, replay: `npx skerry-sim replay .sim/${file}` })
  expect(first).toMatchObject({ i: 0 })
})

test('a kept case is replayed before any seed', { timeout }, async () => {
  await skerrySim('run failing.sim.mjs --seeds 30')
  const [file] = await readdir(join(folder, '.sim'))
  await mkdir(join(folder, '.sim', 'regress'))
  await rename(join(folder, '.sim', file!), join(folder, '.sim', 'regress', file!))
  const { code, stdout } = await skerrySim('run failing.sim.mjs --seeds 1000')
  expect(code).toBe(1)
  expect(stdout).toContain(`(regression .sim/regress/${file})`)
  expect(stdout).toMatch(/^failing: 0 seeds \(0 run twice, 1 saved cases\)/m)
})

test('"shrink" makes a seed smaller', { timeout }, async () => {
  const found = await skerrySim('run failing.sim.mjs --seeds 30 --json')
  const { simulations } = JSON.parse(found.stdout) as { simulations: [{ failures: [{ seed: number }] }] }
  const { seed } = simulations[0].failures[0]
  const { code, stdout } = await skerrySim(`shrink failing.sim.mjs --seed ${seed} --json`)
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({ verdict: 'failed', shrunk: { seed, faults: [] } })
})

test('a seed that hangs is given up and named, and the others run: exit code 3', { timeout }, async () => {
  const { code, stdout } = await skerrySim('run hanging.sim.mjs --seeds 6 --hang 2s --jobs 2')
  expect(stdout).toMatch(/^hanging: 6 seeds .* 0 failed, 1 without an answer/m)
  expect(stdout).toContain('seed 3: no answer: no progress for 2 s')
  expect(code).toBe(3)
})

test('a seed that takes its thread with it is named, and the others run', { timeout }, async () => {
  const { code, stdout } = await skerrySim('run exiting.sim.mjs --seeds 4')
  expect(stdout).toMatch(/^exiting: 4 seeds .* 0 failed, 1 without an answer/m)
  expect(stdout).toContain('seed 2: no answer: the thread ended with code 7')
  expect(code).toBe(3)
})

test('draws a seed', { timeout }, async () => {
  const { code } = await skerrySim('trace passing.sim.mjs --only passing --seed 3 --html out.html --chrome out.json')
  expect(code).toBe(0)
  expect(await readFile(join(folder, 'out.html'), 'utf8')).toContain('npx skerry-sim replay passing.sim.mjs')
  expect(JSON.parse(await readFile(join(folder, 'out.json'), 'utf8'))).toHaveProperty('traceEvents')
})

test('state that a module keeps is told from what differs by itself', { timeout }, async () => {
  const leaking = await skerrySim('run leaking.sim.mjs --seed 4')
  expect(leaking.code).toBe(1)
  expect(leaking.stdout).toContain('state leaks through a module')
  expect(leaking.stdout).toContain('leaking.sim.mjs:')
  const reading = await skerrySim('run clock-reading.sim.mjs --seed 4')
  expect(reading.code).toBe(1)
  expect(reading.stdout).toContain('nothing else in this report can be relied on')
  expect(reading.stdout).toContain('clock-reading.sim.mjs:')
})

test('a swarm finds what differs from run to run among the seeds that it runs twice', { timeout }, async () => {
  const { code, stdout } = await skerrySim('run clock-reading.sim.mjs --seeds 200')
  expect(code).toBe(1)
  expect(stdout).toContain('SIM NOT DETERMINISTIC')
})

test('--time ends a swarm without an end', { timeout }, async () => {
  const { code, stdout } = await skerrySim('run passing.sim.mjs --only other --time 500ms')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^other: [1-9]\d* seeds /)
})

test('wrong usage and modules without a simulation: exit code 2 and a reason', { timeout }, async () => {
  for (const [line, reason] of [
    ['walk passing.sim.mjs', 'no command "walk"'],
    ['run no-simulation.mjs', 'exports no simulation'],
    ['run none.mjs', "Can't load"],
    ['run passing.sim.mjs --only third', 'There is no simulation "third", but: other, passing'],
    ['replay passing.sim.mjs --seed 1', 'Which simulation?'],
    ['replay passing.sim.mjs', 'Which seed'],
    ['replay none.json', "Can't read"],
  ] as const) {
    const { code, stdout, stderr } = await skerrySim(line)
    expect(stderr).toContain(reason)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  }
})

test('simTest finds node:test by itself', { timeout }, async () => {
  const file = join(fixtures, 'node-test-runner.mjs')
  const run = (what: string): Promise<string> => {
    const { VITEST: _, ...env } = process.env
    return new Promise((resolve) =>
      execFile(process.execPath, [file, what], { env }, (_error, stdout) => resolve(stdout)),
    )
  }
  expect(await run('right')).toMatch(/pass 1/)
  const wrong = await run('wrong')
  expect(wrong).toMatch(/fail 1/)
  expect(wrong).toContain('acknowledged-is-stored')
})
