import { expect, test } from 'vitest'
import { parseCommandLine } from '../../src/runner/cli-args.ts'
import { progressLine, seedsPerSecond } from '../../src/runner/progress-line.ts'
import { exitCodeOf, summaryText } from '../../src/runner/run-summary.ts'

const parse = (line: string) => parseCommandLine(line.split(' ').filter((word) => word !== ''))

test('reads "run" with its defaults', () => {
  expect(parse('run a.mjs')).toEqual({
    command: 'run',
    file: 'a.mjs',
    from: 1,
    jobs: 1,
    hangMs: 30_000,
    keepGoing: false,
    json: false,
  })
  expect(
    parse('run a.mjs --seeds 1000 --from 0x10 --time 10m --jobs 2 --hang 5s --only x --keep-going --json'),
  ).toEqual({
    command: 'run',
    file: 'a.mjs',
    only: 'x',
    seeds: 1_000,
    from: 16,
    timeMs: 600_000,
    jobs: 2,
    hangMs: 5_000,
    keepGoing: true,
    json: true,
  })
})

test('reads what is done with one case', () => {
  expect(parse('trace a.json --html out.html')).toMatchObject({ command: 'trace', traces: { html: 'out.html' } })
  expect(parse('replay a.mjs --seed 7')).toMatchObject({ command: 'replay', seed: 7, traces: {} })
  expect(parse('shrink a.json')).toMatchObject({ command: 'shrink', file: 'a.json' })
  expect(parse('--help')).toEqual({ command: 'help' })
})

test('refuses what it does not know', () => {
  for (const [line, message] of [
    ['', 'which command'],
    ['walk a.mjs', 'no command "walk"'],
    ['run', 'takes one file'],
    ['run a b', 'takes one file'],
    ['run a --sedes 3', "'--sedes'"],
    ['run a --html x', 'no option --html'],
    ['shrink a --html x', 'no option --html'],
    ['replay a --jobs 2', 'no option --jobs'],
    ['trace a', 'needs --html'],
    ['run a --seeds many', '--seeds is "many"'],
    ['run a --jobs 0', '--jobs is "0"'],
    ['run a --seed 1 --seeds 2', '--seed does not go'],
  ] as const) {
    expect(() => parse(line)).toThrow(message)
    expect(() => parse(line)).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }))
  }
})

test('a failure outweighs a seed without an answer', () => {
  const passed = { failures: [], inconclusive: [], notCovered: [] }
  const lost = { ...passed, inconclusive: [{ seed: 3, reason: 'hung' }] }
  expect(exitCodeOf([passed, passed])).toBe(0)
  expect(exitCodeOf([passed, lost])).toBe(3)
  expect(exitCodeOf([lost, { ...passed, notCovered: ['x'] }])).toBe(1)
})

test('shows how far it is', () => {
  const half = { name: 'orders', done: 40, total: 120, bad: 0, inconclusive: 0, elapsedMs: 20_000, limitMs: undefined }
  expect(progressLine(half)).toBe('orders  40 of 120 seeds  2 seeds/s  0:40 left')
  expect(progressLine({ ...half, limitMs: 25_000, bad: 1, inconclusive: 2 })).toBe(
    'orders  40 of 120 seeds  2 seeds/s  1 failed  2 without an answer  0:05 left',
  )
  expect(progressLine({ ...half, total: undefined })).toBe('orders  40 seeds  2 seeds/s')
  expect(progressLine({ ...half, done: 0 })).toBe('orders  0 of 120 seeds  0 seeds/s')
  expect([seedsPerSecond(1_234, 1_000), seedsPerSecond(1, 30_000)]).toEqual([1_234, 0.033])
})

test('the last lines name every seed that did not pass', () => {
  const text = summaryText({
    name: 'orders',
    seeds: 20,
    rerun: 2,
    regressions: 1,
    events: 5,
    virtualMs: 600_000,
    realMs: 4_000,
    seedsPerS: 5,
    failures: [
      {
        seed: 7,
        verdict: 'failed',
        failure: undefined,
        hash: '',
        saved: '.sim/orders-7.json',
        elsewhere: 'same',
        replay: [],
        report: '',
      },
    ],
    inconclusive: [{ seed: 9, reason: 'no progress for 30 s' }],
    notCovered: ['"x" was never reached'],
    properties: [],
    escapes: [],
  })
  expect(text.split('\n')).toEqual([
    'orders: 20 seeds (2 run twice, 1 saved cases), 1 failed, 1 without an answer; 4.0 s, 5 seeds/s, 10.0 min simulated',
    '  seed 7: failed, saved to .sim/orders-7.json',
    '  seed 9: no answer: no progress for 30 s',
    '  not covered: "x" was never reached',
  ])
})
