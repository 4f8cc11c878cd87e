import { describe, expect, it } from 'vitest'
import { tableBytes } from '../../src/region/region-table-layout.ts'
import { atomicWords, currentVersion, publish, type SharedWords, takeSnapshot } from '../../src/region/two-slots.ts'

// The tables of the search: of different lengths, no byte in common, so that any mixture shows.
const tables = [
  [0x11],
  [0x22, 0x22, 0x22, 0x22, 0x22],
  [0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33],
  [0x44, 0x44, 0x44],
].map((bytes) => Uint8Array.from(bytes))
const bufferBytes = tableBytes(12)

type Store = readonly [index: number, word: number]

/** The stores of the real `publish`, in their order, on memory as it is; the memory is not changed. */
function storesOf(memory: Int32Array, table: Uint8Array): Store[] {
  const copy = memory.slice()
  const stores: Store[] = []
  publish(
    {
      byteLength: bufferBytes,
      load: (index) => copy[index] as number,
      store: (index, word) => {
        copy[index] = word
        stores.push([index, word])
      },
    },
    table,
  )
  return stores
}

function apply(memory: Int32Array, stores: readonly Store[]): Int32Array {
  const copy = memory.slice()
  for (const [index, word] of stores) copy[index] = word
  return copy
}

/**
 * Runs the real `takeSnapshot` once for every way in which its loads and the writer's stores can follow each other, and
 * hands each outcome to `check`. A writer reads nothing that a reader writes, so its stores can be recorded beforehand;
 * a way is then how many of them happen before each load. Returns the number of ways.
 */
function searchAll(
  start: Int32Array,
  stores: readonly Store[],
  tries: number,
  check: (outcome: Outcome) => void,
): number {
  const choices: { taken: number; most: number }[] = []
  for (let ways = 1; ; ways += 1) {
    const memory = start.slice()
    let stored = 0
    let loads = 0
    const words: SharedWords = {
      byteLength: bufferBytes,
      load: (index) => {
        const choice = (choices[loads] ??= { taken: 0, most: stores.length - stored })
        loads += 1
        for (let count = 0; count < choice.taken; count += 1) {
          const [at, word] = stores[stored++] as Store
          memory[at] = word
        }
        return memory[index] as number
      },
      store: () => expect.unreachable('a reader must not write'),
    }
    let headAtStart: number | undefined
    const snapshot = takeSnapshot({ ...words, load: (index) => {
      const word = words.load(index)
      headAtStart ??= word
      return word
    } }, tries) // prettier-ignore
    check({ snapshot, headAtStart: headAtStart ?? 0, headAtEnd: memory[0] as number })

    // The next way in order: the last load that can come one store later does, and those after it start over.
    choices.length = loads
    while (choices.length > 0 && choices.at(-1)!.taken === choices.at(-1)!.most) choices.pop()
    const last = choices.at(-1)
    if (last === undefined) return ways
    last.taken += 1
  }
}

interface Outcome {
  readonly snapshot: { version: number; table: Uint8Array } | undefined
  readonly headAtStart: number
  readonly headAtEnd: number
}

function expectWhole(
  { snapshot, headAtStart, headAtEnd }: Outcome,
  byVersion: readonly (Uint8Array | undefined)[],
): void {
  if (snapshot === undefined) expect.fail('no table')
  const { version, table } = snapshot
  if (version < headAtStart || version > headAtEnd) expect.fail(`version ${version} of ${headAtStart} to ${headAtEnd}`)
  if (Buffer.compare(table, byVersion[version] ?? Buffer.from('none')) !== 0)
    expect.fail(`version ${version} is ${table}`)
}

function empty(): Int32Array {
  return new Int32Array(bufferBytes / 4)
}

describe('every interleaving of a read', { timeout: 60_000 }, () => {
  it('with two writes gives one whole table, current at some moment of the read', () => {
    const start = apply(empty(), storesOf(empty(), tables[1]!))
    const first = storesOf(start, tables[2]!)
    const stores = [...first, ...storesOf(apply(start, first), tables[3]!)]
    const seen = new Set<number>()
    const ways = searchAll(start, stores, 3, (outcome) => {
      expectWhole(outcome, [undefined, tables[1], tables[2], tables[3]])
      seen.add(outcome.snapshot!.version)
    })
    expect([...seen].sort((one, other) => one - other)).toEqual([1, 2, 3])
    expect(ways).toBeGreaterThan(1000)
  })

  it('with the first two writes ever gives no table yet, or a whole one', () => {
    const first = storesOf(empty(), tables[1]!)
    const stores = [...first, ...storesOf(apply(empty(), first), tables[2]!)]
    searchAll(empty(), stores, 3, (outcome) => {
      if (outcome.snapshot === undefined) expect(outcome.headAtStart).toBe(0)
      else expectWhole(outcome, [undefined, tables[1], tables[2]])
    })
  })

  it('with a writer that dies at any step, and its successor, gives a whole table', () => {
    const start = apply(empty(), storesOf(empty(), tables[1]!))
    const whole = storesOf(start, tables[2]!)
    for (let steps = 0; steps < whole.length; steps += 1) {
      const begun = whole.slice(0, steps)
      const halfWay = apply(start, begun)
      // Without a successor the last good table stays readable at the first try.
      searchAll(start, begun, 1, (outcome) => expectWhole(outcome, [undefined, tables[1]]))
      const third = storesOf(halfWay, tables[3]!)
      const stores = [...begun, ...third, ...storesOf(apply(halfWay, third), tables[0]!)]
      searchAll(start, stores, 3, (outcome) => expectWhole(outcome, [undefined, tables[1], tables[3], tables[0]]))
    }
  })

  it('that may try only once gives a whole table or none', () => {
    const start = apply(empty(), storesOf(empty(), tables[1]!))
    const first = storesOf(start, tables[2]!)
    const stores = [...first, ...storesOf(apply(start, first), tables[3]!)]
    let without = 0
    searchAll(start, stores, 1, (outcome) => {
      if (outcome.snapshot === undefined) without += 1
      else expectWhole(outcome, [undefined, tables[1], tables[2], tables[3]])
    })
    expect(without).toBeGreaterThan(0)
  })

  it('across the wrap of the version', () => {
    for (const head of [-2, -1, 2 ** 31 - 1]) {
      const base = empty()
      base[0] = head
      const start = apply(base, storesOf(base, tables[1]!))
      const first = storesOf(start, tables[2]!)
      const stores = [...first, ...storesOf(apply(start, first), tables[3]!)]
      const after = apply(start, stores)
      expect([start[0], apply(start, first)[0], after[0]]).not.toContain(0)
      const byTag = new Map([[0x22, start[0]], [0x33, apply(start, first)[0]], [0x44, after[0]]]) // prettier-ignore
      searchAll(start, stores, 3, ({ snapshot }) => {
        const { table, version } = snapshot!
        if (byTag.get(table[0]!) !== version || !table.every((byte) => byte === table[0])) expect.fail(`torn: ${table}`)
      })
    }
  })
})

describe('a slot', () => {
  it('takes a table that just fits, and no larger one', () => {
    const words = atomicWords(new SharedArrayBuffer(tableBytes(12)))
    expect(publish(words, new Uint8Array(8).fill(7))).toBe(1)
    expect(takeSnapshot(words, 1)).toEqual({ version: 1, table: new Uint8Array(8).fill(7) })
    expect(() => publish(words, new Uint8Array(9))).toThrow(/does not fit/)
    expect(currentVersion(words)).toBe(1)
  })

  it('is not read beyond its end when its length is damaged', () => {
    const buffer = new SharedArrayBuffer(tableBytes(12))
    const words = atomicWords(buffer)
    publish(words, tables[1]!)
    for (const length of [9, 2 ** 31 - 1, -1]) {
      new Int32Array(buffer).fill(length, 16)
      expect(takeSnapshot(words, 64)).toBeUndefined()
    }
  })
})
