import { expect, it } from 'vitest'
import { Beats } from '../../src/mesh/beats.ts'
import { defaultPeerLinkSettings, zeroPeerLinkCounters } from '../../src/mesh/peer-link-settings.ts'

it('what comes before an answer that is overdue shows how old it is', () => {
  const { beats, beatAt, moveTo } = beatsByHand()
  for (const at of [0, 450, 900]) beatAt(at)
  moveTo(2_000)
  // The second beat, of 450 ms, is the oldest without an answer; the link needs 100 ms.
  beats.overtook(1, 100)
  beatAt(2_100)
  expect(beats.lagMs).toBe(1_450)
  // A frame of a link on which nothing is overdue says nothing.
  moveTo(2_150)
  beats.overtook(4, 100)
  beatAt(2_550)
  expect(beats.lagMs).toBe(1_450)
  beats.ponged(20)
  beatAt(3_000)
  expect(beats.lagMs).toBe(20)
})

function beatsByHand(): { beats: Beats; beatAt: (at: number) => void; moveTo: (at: number) => void } {
  let now = 0
  let next = (): void => beats.start()
  const beats = new Beats({
    clock: {
      wall: () => now,
      monotonic: () => now,
      after: (_delayMs, run) => {
        next = run
        return { cancel: () => undefined }
      },
    },
    settings: defaultPeerLinkSettings,
    counters: zeroPeerLinkCounters(),
    load: () => ({ load: 0, inFlight: 0 }),
    links: () => [],
    suspect: () => undefined,
    told: () => undefined,
  })
  const moveTo = (at: number): void => void (now = at)
  return {
    beats,
    moveTo,
    beatAt(at) {
      moveTo(at)
      next()
    },
  }
}
