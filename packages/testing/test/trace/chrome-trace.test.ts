import { chromeTrace } from '@skerry/testing'
import { describe, expect, test } from 'vitest'
import { sampleTrace } from './sample-trace.ts'

const trace = sampleTrace()
const written = JSON.parse(chromeTrace(trace)) as {
  traceEvents: Row[]
  displayTimeUnit: string
  otherData: object
}
const rows = written.traceEvents

describe('keeps to the trace event format', () => {
  test('every row has a name, a phase that is known, and a place', () => {
    for (const { name, ph, pid, tid } of rows) {
      expect(typeof name).toBe('string')
      expect('MXibesf').toContain(ph)
      expect(Number.isInteger(pid) && Number.isInteger(tid)).toBe(true)
    }
  })

  test('whatever happened has a time, slices a length above zero, instants a scope', () => {
    for (const row of rows.filter(({ ph }) => ph !== 'M')) expect(row.ts).toBeGreaterThanOrEqual(0)
    for (const row of phase('X')) expect(row.dur).toBeGreaterThan(0)
    for (const row of phase('i')) expect(row.s).toBe('t')
  })

  test('slices of one thread never overlap', () => {
    const freeUs = new Map<number, number>()
    for (const { tid, ts, dur } of phase('X').toSorted((a, b) => a.ts - b.ts)) {
      expect(ts).toBeGreaterThanOrEqual(freeUs.get(tid) ?? 0)
      freeUs.set(tid, ts + dur)
    }
  })

  test('arrows come in pairs, end no sooner than they begin, and lie on slices', () => {
    const ends = new Map(phase('f').map((row) => [row.id, row]))
    expect(ends.size).toBe(phase('s').length)
    const slices = new Set(phase('X').map(({ tid, ts }) => `${tid}/${ts}`))
    for (const start of phase('s')) {
      const end = ends.get(start.id)!
      expect(end).toMatchObject({ cat: start.cat, name: start.name, bp: 'e' })
      expect(end.ts).toBeGreaterThanOrEqual(start.ts)
      for (const { tid, ts } of [start, end]) expect(slices).toContain(`${tid}/${ts}`)
    }
  })

  test('spans begin and end', () => {
    const ends = new Map(phase('e').map((row) => [row.id, row]))
    for (const start of phase('b')) expect(ends.get(start.id)!.ts).toBeGreaterThan(start.ts)
    expect(ends.size).toBe(phase('b').length)
  })
})

test('has a process for each region and a thread for each node in it', () => {
  const named = (name: string): Row[] => phase('M').filter((row) => row.name === name)
  const regions = new Map(named('process_name').map(({ pid, args }) => [pid, args['name']]))
  expect([...regions.values()]).toEqual(['simulation', 'syd', 'lax', 'fra'])
  expect(named('thread_name').map(({ pid, args }) => `${regions.get(pid)} ${args['name']}`)).toEqual([
    'simulation simulation',
    ...trace.header.nodes.map(({ name, region }) => `${region} ${name}`),
  ])
})

test('tells every event once, every message that arrived, every fault, and when a node was down', () => {
  const told = [...phase('X'), ...phase('i')].filter(({ cat }) => cat !== 'down').map(({ args }) => args['i'])
  expect(told.toSorted((a, b) => Number(a) - Number(b))).toEqual(trace.events.map(({ i }) => i))
  expect(phase('s')).toHaveLength(trace.events.filter(({ kind }) => kind === 'recv').length)
  expect(phase('b').map(({ name, ts }) => [name, ts])).toEqual([
    ['partition {syd}|{rest} 4.000s..7.000s', 4_000_000],
    ['crash fra-1 silently 5.000s..8.500s', 5_000_000],
    ['slow lax-1 800 us a turn 5.400s..6.400s', 5_400_000],
  ])
  const down = phase('X').findLast(({ cat }) => cat === 'down')
  expect(down).toMatchObject({ tid: 6, ts: 5_000_001, dur: 3_499_999 })
})

interface Row {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly ts: number
  readonly dur: number
  readonly cat: string
  readonly id: number
  readonly s: string
  readonly args: Readonly<Record<string, unknown>>
}

function phase(ph: string): Row[] {
  return rows.filter((row) => row.ph === ph)
}
