import assert from 'node:assert/strict'
import type { ConformancePromise } from './conformance-case.ts'
import { assertNumbered, numberedFrame, numberedFrames } from './frames.ts'
import type { LinkEnd } from './link-end.ts'
import type { World } from './world.ts'

const largeBytes = 64 * 1024
// So many round trips elsewhere without a byte more on the paused lane, and it counts as held up.
const idleRoundTrips = 50

/** A reader that pauses slows its sender down, and nobody else. */
export const slowReader: ConformancePromise = {
  promise: 'slow readers',
  cases: [
    {
      name: 'send returns false after a bounded amount, and onDrain tells when there is room again, each time',
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        for (let time = 1, before = 0; time <= 2; time += 1) {
          const { sent, size } = sendUntilFull(world, ours, before)
          before += sent
          await ours.drained(0, time)
          assertNumbered(await theirs.received(0, before), size)
        }
      },
    },
    {
      name: 'a second listener of onDrain replaces the first',
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        const told: string[] = []
        ours.link.lane(0).onDrain(() => told.push('the first'))
        const drained = new Promise<void>((resolve) => {
          ours.link.lane(0).onDrain(() => {
            told.push('the second')
            resolve()
          })
        })
        const { sent, size } = sendUntilFull(world, ours)
        await world.until('the second listener to be told of room', drained)
        assertNumbered(await theirs.received(0, sent), size)
        assert.ok(!told.includes('the first'), 'the replaced listener is told no more')
      },
    },
    {
      name: 'a paused lane stops its sender; after resume everything arrives, in order',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const [ours, theirs] = await a.connect(b)
        const [probe, probeThere] = await a.connect(b)
        theirs.link.lane(0).pause()
        const { sent, size } = await sendUntilHeldUp(world, ours, roundTrips(probe, probeThere, 0))
        const drains = ours.drains(0)

        theirs.link.lane(0).resume()
        await ours.drained(0, drains + 1)
        await ours.sendAll(0, numberedFrames(sent, sent + 20, size))
        assertNumbered(await theirs.received(0, sent + 20), size)
      },
    },
    {
      name: 'a paused lane does not hold up another lane of the link',
      excuse: ({ lanes }) => (lanes === 1 ? 'it has one lane' : undefined),
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        theirs.link.lane(0).pause()
        const { sent, size } = await sendUntilHeldUp(world, ours, roundTrips(ours, theirs, 1))

        const done = theirs.frames(1).length
        const bulk = Array.from({ length: 40 }, (_none, index) => numberedFrame(done + index, largeSize(world)))
        await Promise.all([ours.sendAll(1, bulk), theirs.received(1, done + bulk.length)])
        theirs.link.lane(0).resume()
        assertNumbered(await theirs.received(0, sent), size)
      },
    },
    {
      name: 'a paused lane does not hold up links to another peer',
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        const [other, otherThere] = await a.connect(await world.node('c'))
        theirs.link.lane(0).pause()
        const { sent, size } = await sendUntilHeldUp(world, ours, roundTrips(other, otherThere, 0))
        theirs.link.lane(0).resume()
        assertNumbered(await theirs.received(0, sent), size)
      },
    },
    {
      name: 'pause and resume may be repeated, and the last one counts',
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        const lane = theirs.link.lane(0)
        lane.resume()
        lane.pause()
        lane.pause()
        lane.resume()
        for (const frame of numberedFrames(0, 10)) ours.link.lane(0).send(frame)
        assertNumbered(await theirs.received(0, 10))
      },
    },
    {
      name: 'a link with a paused lane and a full buffer can be closed, by either end',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const [probe, probeThere] = await a.connect(b)
        for (const closer of ['sender', 'reader'] as const) {
          const [ours, theirs] = await a.connect(b)
          theirs.link.lane(0).pause()
          await sendUntilHeldUp(world, ours, roundTrips(probe, probeThere, 0))
          const end = closer === 'sender' ? ours : theirs
          end.link.close(`the ${closer} had enough`)
          await ours.closed()
          await theirs.closed()
        }
      },
    },
  ],
}

function largeSize(world: World): number {
  return Math.min(largeBytes, world.supports.maxFrameBytes)
}

/** Sends without a pause until lane 0 says that it is full, which must happen within the stated bound. */
function sendUntilFull(world: World, ours: LinkEnd, before = 0): { sent: number; size: number } {
  const size = largeSize(world)
  for (let sent = 1; sent * size <= world.pausedBytesMax; sent += 1) {
    if (!ours.link.lane(0).send(numberedFrame(before + sent - 1, size))) return { sent, size }
  }
  assert.fail(`took ${world.pausedBytesMax} bytes in one turn and never said that the buffer is full`)
}

/**
 * Sends on lane 0 whenever it has room, until it is full and stays so while round trips go on elsewhere. Fails when
 * more than the stated bound was taken by then: somebody buffers for the paused reader.
 */
async function sendUntilHeldUp(
  world: World,
  ours: LinkEnd,
  roundTrip: () => Promise<void>,
): Promise<{ sent: number; size: number }> {
  const size = largeSize(world)
  let sent = 0
  let fullSinceDrain: number | undefined
  let idle = 0
  while (idle < idleRoundTrips) {
    if (fullSinceDrain === undefined || ours.drains(0) > fullSinceDrain) {
      fullSinceDrain = undefined
      idle = 0
      // A few at a time, so that the round trips show a sender that is never told to wait.
      for (let burst = 0; burst < 16 && fullSinceDrain === undefined; burst += 1) {
        const drains = ours.drains(0)
        if (!ours.link.lane(0).send(numberedFrame(sent, size))) fullSinceDrain = drains
        sent += 1
      }
      assert.ok(
        sent * size <= world.pausedBytesMax,
        `${sent * size} bytes were taken for a lane whose reader is paused`,
      )
    } else {
      idle += 1
    }
    await roundTrip()
  }
  return { sent, size }
}

/** One small frame there and one back on a lane that only these use, each time it is called. */
function roundTrips(ours: LinkEnd, theirs: LinkEnd, lane: number): () => Promise<void> {
  let count = 0
  return async () => {
    ours.link.lane(lane).send(numberedFrame(count))
    count += 1
    await theirs.received(lane, count)
    theirs.link.lane(lane).send(numberedFrame(count - 1))
    await ours.received(lane, count)
  }
}
