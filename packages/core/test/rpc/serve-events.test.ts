import { expect, it } from 'vitest'
import type { RemoteWork } from '../../src/actor/thread-starter.ts'
import { ServeEvents } from '../../src/rpc/serve-events.ts'

/** How long a request waited that is begun at this moment, by the monotonic clock of its thread and the wall clock. */
function queueMs(now: { monotonic: number; wall: number }, came: Pick<RemoteWork, 'arrivedMs' | 'sentOver'>): number {
  const actor = { attach: () => undefined, detach: () => undefined }
  const clock = { monotonic: () => now.monotonic, wall: () => now.wall }
  const self = { node: 'here', life: 1, thread: 2, serial: 3 }
  const request = {
    procedure: 'p',
    version: 1,
    timeLeftMs: 1,
    idempotencyKey: undefined,
    callerRegion: 'lax',
    input: 1,
  }
  return new ServeEvents({ self, clock, actor }, { call: self, caller: 'there', request, ...came }).ended(undefined)
    .queueMs
}

it('a request has waited since it arrived, on the thread that read it', () => {
  expect(queueMs({ monotonic: 170, wall: 0 }, { arrivedMs: 100 })).toBe(70)
})

it('a request that runs on another thread has waited until it was sent there, and on the way by the wall clock', () => {
  const sentOver = { queueMs: 20, wallMs: 1_000 }
  // The monotonic clocks of threads have different beginnings.
  expect(queueMs({ monotonic: 5, wall: 1_030 }, { arrivedMs: 900, sentOver })).toBe(50)
  // It was set back on the way.
  expect(queueMs({ monotonic: 5, wall: 400 }, { arrivedMs: 900, sentOver })).toBe(20)
})
