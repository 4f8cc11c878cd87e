import assert from 'node:assert/strict'
import type { ConformancePromise } from './conformance-case.ts'
import { assertNumbered, numberedFrame, numberedFrames } from './frames.ts'

const manyFrames = 10_000
const largeBodyBytes = 3 * 1024 * 1024

/** A lane delivers frames in the order in which they were sent. */
export const order: ConformancePromise = {
  promise: 'order',
  cases: [
    {
      name: '10,000 small frames each way at once, on two lanes, arrive in order',
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        const lanes = world.supports.lanes > 1 ? [0, 1] : [0]
        await Promise.all(
          lanes.flatMap((lane) => [
            ours.sendAll(lane, numberedFrames(0, manyFrames)),
            theirs.sendAll(lane, numberedFrames(0, manyFrames)),
          ]),
        )
        for (const lane of lanes) {
          assertNumbered(await theirs.received(lane, manyFrames))
          assertNumbered(await ours.received(lane, manyFrames))
        }
      },
    },
    {
      name: 'small frames do not overtake large ones on their lane',
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        const large = Math.min(256 * 1024, world.supports.maxFrameBytes)
        const sizeOf = (number: number): number => (number % 5 === 0 ? large : 16)
        const count = 60
        const frames = Array.from({ length: count }, (_none, number) => [
          ...numberedFrames(number, number + 1, sizeOf(number)),
        ])
        const sent = ours.sendAll(0, frames.flat())
        const received = await theirs.received(0, count)
        await sent
        assertNumbered(received, sizeOf)
      },
    },
    {
      name: 'a large body and small ones behind it arrive in that order from core, over the lanes that it spreads them to',
      async run(world) {
        const a = await world.core('a')
        const b = await world.core('b')
        a.keepDialling(b)
        await a.until('a link', () => a.ups === 1)
        // Larger than any frame: it travels in parts, on another lane than the small ones.
        const sizeOf = (number: number): number => (number % 20 === 0 ? largeBodyBytes : 16)
        for (let number = 0; number < 60; number += 1) {
          assert.equal(a.send(b, numberedFrame(number, sizeOf(number))), 'sent')
        }
        await b.until('all bodies', () => b.frames.length >= 60)
        assertNumbered(b.frames, sizeOf)
      },
    },
    {
      name: 'a lane that is paused and resumed again and again keeps its order',
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        const lane = theirs.link.lane(0)
        const rounds = 40
        for (let round = 0; round < rounds; round += 1) {
          if (round % 2 === 0) lane.pause()
          for (const frame of numberedFrames(round * 50, (round + 1) * 50)) ours.link.lane(0).send(frame)
          if (round % 2 === 0) lane.resume()
          await theirs.received(0, round * 50 + 1)
        }
        assertNumbered(await theirs.received(0, rounds * 50))
      },
    },
  ],
}
