import { seededRandom } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import type { Operation, Verdict } from '../../src/history/history.ts'
import { checkLinearizable } from '../../src/history/linearizable.ts'
import { counterModel, lockModel, queueModel, registerModel } from '../../src/history/models.ts'

interface Sketch {
  readonly at: readonly [number, number | undefined]
  readonly op: string
  readonly value?: unknown
  readonly expected?: unknown
  readonly output?: unknown
  readonly outcome?: Operation['outcome']
  readonly key?: string
}

function history(...sketches: readonly Sketch[]): Operation[] {
  return sketches.map(({ at: [invokedMs, returnedMs], output, outcome = 'ok', ...input }, index) => ({
    client: index,
    id: `${index}/0`,
    name: 'do',
    input,
    invokedMs,
    returnedMs,
    outcome,
    output,
  }))
}

type Check = (operations: readonly Operation[]) => Verdict
const register: Check = (operations) => checkLinearizable(registerModel(), operations)
const counter: Check = (operations) => checkLinearizable(counterModel, operations)
const queue: Check = (operations) => checkLinearizable(queueModel, operations)
const lock: Check = (operations) => checkLinearizable(lockModel, operations)

describe('checkLinearizable', () => {
  const cases: [string, Check, boolean, Sketch[]][] = [
    ['an empty history', register, true, []],
    [
      'a read during a write of the old value',
      register,
      true,
      [
        { at: [0, 10], op: 'write', value: 1 },
        { at: [1, 2], op: 'read', output: 0 },
      ],
    ],
    [
      'a read after a write of the old value',
      register,
      false,
      [
        { at: [0, 10], op: 'write', value: 1 },
        { at: [11, 12], op: 'read', output: 0 },
      ],
    ],
    [
      'new, then old, both during the write',
      register,
      false,
      [
        { at: [0, 10], op: 'write', value: 1 },
        { at: [1, 2], op: 'read', output: 1 },
        { at: [3, 4], op: 'read', output: 0 },
      ],
    ],
    [
      'a write that nobody knows the end of, seen much later',
      register,
      true,
      [
        { at: [0, 5], op: 'write', value: 1, outcome: 'unknown' },
        { at: [6, 7], op: 'read', output: 0 },
        { at: [100, 101], op: 'read', output: 1 },
      ],
    ],
    [
      'a write that was told to have failed, seen',
      register,
      false,
      [
        { at: [0, 5], op: 'write', value: 1, outcome: 'fail' },
        { at: [6, 7], op: 'read', output: 1 },
      ],
    ],
    [
      'two swaps of one value that both say yes',
      register,
      false,
      [
        { at: [0, 9], op: 'cas', expected: 0, value: 1, output: true },
        { at: [1, 8], op: 'cas', expected: 0, value: 2, output: true },
      ],
    ],
    [
      'two keys, each right by itself',
      register,
      true,
      [
        { at: [0, 1], op: 'write', key: 'x', value: 1 },
        { at: [2, 3], op: 'read', key: 'y', output: 0 },
      ],
    ],
    [
      'a lost increment',
      counter,
      false,
      [
        { at: [0, 5], op: 'add', value: 1, output: 1 },
        { at: [1, 6], op: 'add', value: 1, output: 1 },
      ],
    ],
    [
      'an element that is taken twice',
      queue,
      false,
      [
        { at: [0, 1], op: 'push', value: 'a', output: null },
        { at: [2, 3], op: 'pop', output: 'a' },
        { at: [4, 5], op: 'pop', output: 'a' },
      ],
    ],
    [
      'two pushes at a time, taken in either order',
      queue,
      true,
      [
        { at: [0, 5], op: 'push', value: 'a' },
        { at: [0, 5], op: 'push', value: 'b' },
        { at: [6, 7], op: 'pop', output: 'b' },
        { at: [8, 9], op: 'pop', output: 'a' },
      ],
    ],
    [
      'a lock that two hold',
      lock,
      false,
      [
        { at: [0, 1], op: 'acquire', value: 'a', output: 1 },
        { at: [2, 3], op: 'acquire', value: 'b', output: 2 },
      ],
    ],
    [
      'a fencing token that does not grow',
      lock,
      false,
      [
        { at: [0, 1], op: 'acquire', value: 'a', output: 7 },
        { at: [2, 3], op: 'release', value: 'a', output: true },
        { at: [4, 5], op: 'acquire', value: 'b', output: 7 },
      ],
    ],
  ]
  it.each(cases)('%s', (_name, check, isGood, sketches) => {
    expect(check(history(...sketches)).ok).toBe(isGood)
  })

  it('agrees with trying every order, on three thousand small histories', () => {
    const counts = { good: 0, bad: 0 }
    for (let seed = 1; seed <= 3_000; seed += 1) {
      const operations = randomHistory(seed)
      const isGood = someOrderFits(operations)
      counts[isGood ? 'good' : 'bad'] += 1
      expect(checkLinearizable(registerModel(), operations).ok, `seed ${seed}`).toBe(isGood)
    }
    expect(Math.min(counts.good, counts.bad)).toBeGreaterThan(300)
  })

  it('says which operation has no place', () => {
    const verdict = checkLinearizable(
      registerModel(),
      history({ at: [0, 10], op: 'write', key: 'x', value: 1 }, { at: [11, 12.5], op: 'read', key: 'x', output: 0 }),
    )
    expect(verdict).toMatchObject({ ok: false, message: expect.stringContaining('the register "x"') as string })
    expect(verdict).toMatchObject({ message: expect.stringContaining('11.000–12.500 ms  client 1') as string })
  })

  it('gives up at its bound, and says so', () => {
    const many = Array.from({ length: 30 }, (_, index): Sketch => ({ at: [0, 100], op: 'write', value: index }))
    const verdict = checkLinearizable(
      registerModel(),
      history(...many, { at: [101, 102], op: 'read', output: 'never written' }),
      { stepsMax: 1_000 },
    )
    expect(verdict.ok).toBe('unknown')
  })

  it('checks ten thousand operations on ten keys', () => {
    const random = seededRandom(1)
    const values = new Map<string, number>()
    const operations: Operation[] = []
    for (let index = 0; index < 10_000; index += 1) {
      const key = `k${random.int(10)}`
      const isWrite = random.int(2) === 0
      const value = random.int(100)
      if (isWrite) values.set(key, value)
      // Its moment is in the middle; eight clients overlap.
      const [invokedMs, returnedMs] = [index - 4 - random.float(), index + 4 + random.float()]
      const input = isWrite ? { key, op: 'write', value } : { key, op: 'read' }
      const output = isWrite ? null : (values.get(key) ?? 0)
      operations.push({
        client: index % 8,
        id: `${index}`,
        name: 'do',
        input,
        invokedMs,
        returnedMs,
        outcome: 'ok',
        output,
      })
    }
    expect(checkLinearizable(registerModel(), operations).ok).toBe(true)
  })
})

/** Up to six operations of three clients on one register; about half of them fit. */
function randomHistory(seed: number): Operation[] {
  const random = seededRandom(seed)
  return Array.from({ length: 3 + random.int(4) }, (_, index): Operation => {
    const invokedMs = random.int(12)
    const op = (['read', 'write', 'cas'] as const)[random.int(3)]!
    const outcome = (['ok', 'ok', 'ok', 'unknown', 'fail'] as const)[random.int(5)]!
    const output = op === 'read' ? random.int(3) : op === 'cas' ? random.int(2) === 0 : null
    const returnedMs = invokedMs + 1 + random.int(6)
    const input = { op, value: random.int(3), expected: random.int(3) }
    return { client: index, id: `${index}/0`, name: 'do', input, invokedMs, returnedMs, outcome, output }
  })
}

/** By the definition: any subset of the unknown ones, any order that keeps to time. */
function someOrderFits(operations: readonly Operation[]): boolean {
  const possible = operations.filter(({ outcome }) => outcome !== 'fail')
  const model = registerModel()
  const search = (left: readonly Operation[], state: unknown): boolean => {
    if (left.every(({ outcome }) => outcome !== 'ok')) return true
    return left.some((next) => {
      const isTooEarly = left.some((other) => {
        return other !== next && other.outcome === 'ok' && (other.returnedMs as number) < next.invokedMs
      })
      if (isTooEarly) return false
      const after = model.step(state, next, next.outcome === 'ok')
      const rest = left.filter((other) => other !== next)
      return after !== undefined && search(rest, after)
    })
  }
  return search(possible, model.initial)
}
