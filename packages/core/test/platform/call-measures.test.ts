import { channel, tracingChannel } from 'node:diagnostics_channel'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CallMeasures, type MeasuredSeries } from '../../src/platform/call-measures.ts'
import { MeasureSums } from '../../src/platform/measure-sums.ts'

const source = { node: 'here', life: 1, thread: 3 }
const call = tracingChannel<unknown, object>('skerry:rpc.call')

/** A call of 20 ms that was answered, unless it is told otherwise. */
function callEvent(fields: object = {}): object {
  return { ...source, procedure: 'echo', toRegion: 'syd', attempts: 1, durationMs: 20, error: undefined, ...fields }
}

function makeCall(fields: object = {}): void {
  const event = callEvent(fields)
  call.start.publish(event)
  call.asyncEnd.publish(event)
}

function measure(buckets: readonly number[] = [0.01, 0.1]): { sums: MeasureSums; measures: CallMeasures } {
  const sums = new MeasureSums()
  const measures = new CallMeasures(source, buckets, (series) => sums.add(source.thread, series))
  onTestFinished(() => measures.stop())
  return { sums, measures }
}

describe('the calls of a thread', () => {
  it('are counted by how long they took, and summed', () => {
    const { sums } = measure()
    for (const durationMs of [5, 10, 50, 7_000.5]) makeCall({ durationMs })
    expect(sums.read()).toEqual([
      { family: 'clientActive', labels: { method: 'echo' }, values: [0] },
      {
        family: 'clientDuration',
        labels: { method: 'echo', region: 'syd', code: 'OK' },
        values: [2, 1, 1, 7_065_500_000],
      },
    ])
  })

  it('are counted by their attempts after the first', () => {
    const { sums } = measure()
    for (const attempts of [1, 3, 2]) makeCall({ attempts })
    const retries = sums.read().filter(({ family }) => family === 'retries')
    expect(retries).toEqual([{ family: 'retries', labels: { method: 'echo' }, values: [3] }])
  })

  it('are those of this thread, in this life of this node, that began while it listened', () => {
    const before = callEvent()
    call.start.publish(before)
    const { sums, measures } = measure()
    call.asyncEnd.publish(before)
    makeCall({ node: 'there' })
    makeCall({ life: 2 })
    makeCall({ thread: 4 })
    expect(sums.read()).toEqual([])
    measures.stop()
    makeCall()
    expect(sums.read()).toEqual([])
  })

  it('that were refused are counted without the names that nobody has', () => {
    const { sums } = measure()
    const refuse = channel('skerry:rpc.refuse')
    refuse.publish({ ...source, procedure: 'echo', error: { code: 'ERR_OVERLOADED' } })
    refuse.publish({ ...source, procedure: 'anything', error: { code: 'ERR_NO_PROCEDURE' } })
    expect(sums.read()).toEqual([
      { family: 'refusals', labels: { method: 'echo', code: 'ERR_OVERLOADED' }, values: [1] },
      { family: 'refusals', labels: { method: '_OTHER', code: 'ERR_NO_PROCEDURE' }, values: [1] },
    ])
  })

  it('make at most 1,000 series a family, and what has no room is counted', () => {
    const { sums } = measure()
    for (let index = 0; index < 1_003; index += 1) makeCall({ procedure: `p${index}` })
    const all = sums.read()
    expect(all.filter(({ family }) => family === 'clientDuration')).toHaveLength(1_000)
    // Of the three without room: begun, ended, measured.
    expect(all.find(({ family }) => family === 'dropped')?.values).toEqual([9])
    makeCall({ procedure: 'p7' })
    expect(sums.read().find(({ labels }) => labels['code'] === 'OK' && labels['method'] === 'p7')?.values[1]).toBe(2)
  })
})

describe('what several threads measured', () => {
  it('is added up, and what one has counted that has ended is kept, but not what it was doing', () => {
    const sums = new MeasureSums()
    sums.add(1, seriesOf('retries', 2n))
    sums.add(1, seriesOf('clientActive', 1n))
    sums.add(2, seriesOf('retries', 3n))
    sums.add(2, seriesOf('clientActive', 5n))
    const read = (): unknown[] => sums.read().map(({ family, values }) => [family, ...values])
    expect(read()).toEqual([
      ['retries', 5],
      ['clientActive', 6],
    ])
    sums.threadEnded(1)
    expect(read()).toEqual([
      ['retries', 5],
      ['clientActive', 5],
    ])
    sums.add(3, seriesOf('retries', 4n))
    sums.threadEnded(3)
    sums.threadEnded(3)
    expect(read()).toEqual([
      ['retries', 9],
      ['clientActive', 5],
    ])
  })

  it('is at most 1,000 series a family, however many threads come and go', () => {
    const sums = new MeasureSums()
    for (let thread = 1; thread <= 1_002; thread += 1) {
      sums.add(thread, seriesOf('retries', 1n, `p${thread}`))
      sums.threadEnded(thread)
    }
    const all = sums.read()
    expect(all.filter(({ family }) => family === 'retries')).toHaveLength(1_000)
    expect(all.find(({ family }) => family === 'dropped')?.values).toEqual([2])
  })
})

function seriesOf(family: MeasuredSeries['family'], value: bigint, method = 'echo'): MeasuredSeries {
  const cells = new SharedArrayBuffer(8)
  new BigInt64Array(cells)[0] = value
  return { family, labels: { method }, cells }
}
