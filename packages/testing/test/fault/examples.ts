import type { Fault } from '../../src/fault/fault.ts'

const sides = { from: ['syd-1'], to: ['rest'] } as const
const when = { atMs: 1_500, forMs: 2_000 } as const

/** One fault of each kind, and how it reads. */
export const examples: readonly (readonly [Fault, string])[] = [
  [{ kind: 'partition', ...sides, oneWay: false, ...when }, 'partition {syd-1}|{rest} 1.500s..3.500s'],
  [
    { kind: 'partition', from: ['syd', 'fra-1'], to: ['lax'], oneWay: true, ...when },
    'partition {syd,fra-1}|{lax} one-way 1.500s..3.500s',
  ],
  [
    { kind: 'flap', ...sides, cutMs: 100, openMs: 20, ...when },
    'flap {syd-1}|{rest} 100 ms cut, 20 ms open 1.500s..3.500s',
  ],
  [{ kind: 'crash', node: 'syd-1', files: 'keep', silent: false, ...when }, 'crash syd-1 1.500s..3.500s'],
  [
    { kind: 'crash', node: 'syd-1', files: 'torn', silent: true, atMs: 0, forMs: 86_400_000 },
    'crash syd-1 silently files torn 0.000s..the end',
  ],
  [{ kind: 'regionLoss', region: 'syd', ...when }, 'regionLoss syd 1.500s..3.500s'],
  [{ kind: 'pause', node: 'syd-1', ...when }, 'pause syd-1 1.500s..3.500s'],
  [{ kind: 'slow', node: 'syd-1', turnUs: 250, ...when }, 'slow syd-1 250 us a turn 1.500s..3.500s'],
  [{ kind: 'clog', ...sides, extraMs: 30, ...when }, 'clog {syd-1}|{rest} +30 ms 1.500s..3.500s'],
  [
    { kind: 'loss', ...sides, loss: 0.1, duplicate: 0, reorder: 0.3, ...when },
    'loss {syd-1}|{rest} loss 0.1, duplicate 0, reorder 0.3 1.500s..3.500s',
  ],
  [{ kind: 'reset', ...sides, halfOpen: false, atMs: 1_500 }, 'reset {syd-1}|{rest} at 1.500s'],
  [{ kind: 'reset', ...sides, halfOpen: true, atMs: 1_500 }, 'reset {syd-1}|{rest} half-open at 1.500s'],
  [{ kind: 'skew', node: 'syd-1', jumpMs: 20, driftPpm: -5, ...when }, 'skew syd-1 +20 ms, -5 ppm 1.500s..3.500s'],
  [{ kind: 'skew', node: 'syd-1', jumpMs: -20, driftPpm: 5, ...when }, 'skew syd-1 -20 ms, 5 ppm 1.500s..3.500s'],
  [{ kind: 'threadLoss', node: 'syd-1', pick: 3, atMs: 1_500 }, 'threadLoss syd-1 thread 3 at 1.500s'],
]

export const nodes = [
  { name: 'syd-1', region: 'syd' },
  { name: 'syd-2', region: 'syd' },
  { name: 'lax-1', region: 'lax' },
  { name: 'lax-2', region: 'lax' },
  { name: 'fra-1', region: 'fra' },
] as const
