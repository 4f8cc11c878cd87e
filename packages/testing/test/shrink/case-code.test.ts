import { expect, it } from 'vitest'
import { caseCode } from '../../src/shrink/case-code.ts'
import type { SimCase } from '../../src/simulation/sim-case.ts'
import { examples, nodes } from '../fault/examples.ts'

const small: SimCase = {
  seed: 7,
  nodes: nodes.slice(0, 2),
  durationMs: 1_000,
  faults: [{ kind: 'partition', from: ['syd-1'], to: ['rest'], oneWay: false, atMs: 5, forMs: 10 }],
}

/** What the code passes to `simReplay`. */
function evaluate(code: string): unknown[] {
  // oxlint-disable-next-line no-implied-eval
  const read = new Function('simReplay', 'orders', code) as (...given: unknown[]) => void
  let passed: unknown[] = []
  read((...given: unknown[]) => (passed = given), 'the simulation')
  return passed
}

it('is a call that a formatter would leave as it is', () => {
  expect(caseCode("it's lost", 'orders', small)).toBe(
    [
      "simReplay('it\\'s lost', orders, {",
      '  seed: 7, durationMs: 1000,',
      "  nodes: [{ name: 'syd-1', region: 'syd' }, { name: 'syd-2', region: 'syd' }],",
      '  faults: [',
      "    { kind: 'partition', from: ['syd-1'], to: ['rest'], oneWay: false, atMs: 5, forMs: 10 },",
      '  ],',
      '})',
    ].join('\n'),
  )
})

it.each<[string, SimCase]>([
  ['a small case', small],
  ['a case without faults', { ...small, faults: [] }],
  ['a case with every kind of fault', { ...small, faults: examples.map(([fault]) => fault) }],
  [
    'a case that was made smaller',
    { ...small, safetyMs: 500.5, clientsMax: 2, skippedOps: ['0/1', '1/12'], jitter: false, order: 'fifo' },
  ],
  ['a fault that never ends', { ...small, faults: [{ kind: 'pause', node: 'syd-1', atMs: 0.25, forMs: Infinity }] }],
])('gives %s again when it is run', (_what, simCase) => {
  expect(evaluate(caseCode('x', 'orders', simCase))).toEqual(['x', 'the simulation', simCase])
})

it.each([
  "it's",
  'a "quoted" one',
  String.raw`a \ slash`,
  String.raw`a \" both`,
  'two\nlines',
  '${no} `template`',
  '\u2028',
])('keeps the name %o', (name) => {
  expect(evaluate(caseCode(name, 'orders', small))[0]).toBe(name)
})
