import { expect, it } from 'vitest'
import { LinkLanes } from '../../src/mesh/link-lanes.ts'
import type { RawLane } from '../../src/mesh/transport.ts'

it('each kind has a lane of its own where the transport has three', () => {
  const { lanes, log } = lanesOf(3)
  expect(new Set([lanes.controls, lanes.frames, lanes.bulk]).size).toBe(3)
  lanes.pauseFurther()
  lanes.resumeFurther()
  expect(log).toEqual(['pause 1', 'pause 2', 'resume 1', 'resume 2'])
})

it('large frames share a writer with the others on two lanes, and all share one on a single lane', () => {
  const two = lanesOf(2).lanes
  expect([two.bulk === two.frames, two.frames === two.controls]).toEqual([true, false])
  const { lanes, log } = lanesOf(1)
  expect([lanes.bulk === lanes.frames, lanes.frames === lanes.controls]).toEqual([true, true])
  lanes.pauseFurther()
  expect(log).toEqual([])
})

it('what comes is told apart by whether it came on the control lane, and once', () => {
  const came = (count: number): string[] => {
    const { lanes, deliver } = lanesOf(count)
    const log: string[] = []
    lanes.listen(
      () => log.push('control') > 0,
      () => log.push('further') > 0,
      () => log.push('within') > 0,
    )
    deliver()
    return log
  }
  expect([came(1), came(2), came(3)]).toEqual([['control'], ['control', 'further'], ['control', 'further', 'further']])
})

/** Of a transport with so many lanes: a higher number is the last one that there is. */
function lanesOf(count: number) {
  const log: string[] = []
  const listeners: ((frame: Uint8Array) => unknown)[] = []
  const raw = Array.from({ length: count }, (_, at): RawLane => ({
    send: () => true,
    onDrain() {},
    onFrame: (on) => void listeners.push(on),
    pause: () => void log.push(`pause ${at}`),
    resume: () => void log.push(`resume ${at}`),
  }))
  const lanes = new LinkLanes({ lane: (at) => raw[Math.min(at, count - 1)] as RawLane }, 1_000)
  const deliver = (): void => {
    for (const on of listeners) on(Uint8Array.of(1))
  }
  return { lanes, log, deliver }
}
