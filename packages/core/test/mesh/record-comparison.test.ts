import { describe, expect, it } from 'vitest'
import type { NodeRecord } from '../../src/mesh/node-record.ts'
import { RecordComparison } from '../../src/mesh/record-comparison.ts'
import type { VouchedRecords } from '../../src/mesh/record-digest.ts'

const full = { isAnswer: false, shape: 'full', now: 0 } as const
const sparse = { ...full, shape: 'sparse' } as const

describe('two nodes that compare', () => {
  it('end with the same records, whoever began', () => {
    const [a, b] = pair()
    a.has('x')
    a.has('both')
    b.has('y')
    b.has('both')
    a.comparison.with('b')
    expect([...a.records.keys()].toSorted()).toEqual(['both', 'x', 'y'])
    expect([...b.records.keys()].toSorted()).toEqual(['both', 'x', 'y'])
  })

  it('say nothing more when they agree', () => {
    const [a, b] = pair()
    for (const node of [a, b]) node.has('x')
    a.comparison.with('b')
    expect([a.log, b.log]).toEqual([['digest'], []])
  })
})

it('asks for what it lacks once, and not whoever answers it: what can not be brought is not asked for again and again', () => {
  const { comparison, log } = alone()
  vouch(comparison.vouched, 'x')
  const theirs = new Uint32Array(comparison.vouched.digest.length)
  comparison.heard('a', theirs, full)
  expect(log.splice(0)).toEqual(['a: all that it may have', 'a: answering digest'])
  comparison.heard('a', theirs, { ...full, isAnswer: true })
  expect(log).toEqual(['a: all that it may have'])
})

it('a peer of an older version is told all instead', () => {
  const { comparison, log } = alone(['old'])
  comparison.with('old')
  expect(log).toEqual(['old: all'])
})

it('a peer that comes is told as much as it may be answered', () => {
  const { comparison, log } = alone()
  comparison.introduceTo('a')
  expect(log).toEqual(['a: all that it may have'])
})

it('compares with one neighbour after the other, of those that can', () => {
  const { comparison, log } = alone(['old'])
  for (let round = 0; round < 4; round += 1) comparison.withNext(['a', 'old', 'b', 'c'])
  expect(log).toEqual(['a: digest', 'b: digest', 'c: digest', 'a: digest'])
  comparison.withNext(['old'])
  comparison.withNext([])
  expect(log).toHaveLength(4)
})

it('in a sparse mesh it asks one peer in half a second for what it lacks, in a full one each', () => {
  const { comparison, log } = alone()
  for (const [node, now] of [
    ['a', 1_000],
    ['b', 1_499],
    ['c', 1_500],
  ] as const) {
    comparison.askForLack(node, { ...sparse, now })
  }
  expect(log.splice(0)).toEqual(['a: digest', 'c: digest'])
  comparison.askForLack('a', full)
  comparison.askForLack('b', full)
  expect(log).toEqual(['a: digest', 'b: digest'])
})

interface Side {
  readonly comparison: RecordComparison
  readonly records: Map<string, Uint8Array>
  readonly log: string[]
  has(node: string): void
}

/** Two that hear each other at once. */
function pair(): [Side, Side] {
  const a: Side = side(() => b)
  const b: Side = side(() => a)
  return [a, b]
}

function side(other: () => Side): Side {
  const records = new Map<string, Uint8Array>()
  const log: string[] = []
  const comparison = new RecordComparison(
    {
      readsDigests: () => true,
      sendSealed: () => undefined,
      answer: (_node, _kind, sealed) => {
        log.push('records')
        for (const one of sealed) other().has(new TextDecoder().decode(one))
      },
      sendDigest: (_node, digest, isAnswer) => {
        log.push('digest')
        other().comparison.heard('other', digest.slice(), { ...full, isAnswer })
      },
    },
    () => records.values(),
  )
  const has = (node: string): void => {
    records.set(node, new TextEncoder().encode(node))
    vouch(comparison.vouched, node)
  }
  return { comparison, records, log, has }
}

function alone(old: readonly string[] = []) {
  const log: string[] = []
  const comparison = new RecordComparison(
    {
      readsDigests: (node) => !old.includes(node),
      sendSealed: (nodes) => void log.push(`${nodes.join()}: all`),
      answer: (node) => void log.push(`${node}: all that it may have`),
      sendDigest: (node, _digest, isAnswer) => void log.push(`${node}: ${isAnswer ? 'answering ' : ''}digest`),
    },
    () => [],
  )
  return { comparison, log }
}

function vouch(vouched: VouchedRecords, node: string): void {
  vouched.set(node, { record: { node, version: 1 } as NodeRecord, sealed: new TextEncoder().encode(node) })
}
