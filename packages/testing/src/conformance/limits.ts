import assert from 'node:assert/strict'
import type { ConformancePromise } from './conformance-case.ts'
import { assertSameBytes, patternFrame } from './frames.ts'

// What the narrow node of the last case takes. Small enough to be a legal limit everywhere.
const narrowBytesMax = 1024

/** Frames beyond `maxFrameBytes`. */
export const limits: ConformancePromise = {
  promise: 'limits',
  cases: [
    {
      name: 'send of more than maxFrameBytes throws ERR_FRAME_TOO_LARGE, takes nothing, and the link goes on',
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        const lane = ours.link.lane(0)
        for (let time = 0; time < 3; time += 1) {
          assert.throws(() => lane.send(new Uint8Array(world.supports.maxFrameBytes + 1)), {
            code: 'ERR_FRAME_TOO_LARGE',
          })
        }
        lane.send(patternFrame(33))
        assertSameBytes((await theirs.received(0, 1))[0], patternFrame(33), 'the frame after the refused ones')
        assert.equal(theirs.frames(0).length, 1)
      },
    },
    {
      name: "a frame larger than the receiver's limit closes the link and is not delivered",
      excuse: ({ frameLimit }) =>
        frameLimit === 'fixed'
          ? 'its frame limit is fixed, so nobody here can send more: as an option it can be tested'
          : undefined,
      async run(world) {
        const a = await world.node('a')
        const narrow = await world.node('b', { maxFrameBytes: narrowBytesMax })
        assert.equal(narrow.transport.supports.maxFrameBytes, narrowBytesMax)
        const [ours, theirs] = await a.connect(narrow)
        ours.link.lane(0).send(patternFrame(narrowBytesMax))
        assertSameBytes((await theirs.received(0, 1))[0], patternFrame(narrowBytesMax), 'the largest frame allowed')

        ours.link.lane(0).send(patternFrame(narrowBytesMax + 1))
        await theirs.closed()
        await ours.closed()
        assert.equal(theirs.frames(0).length, 1)

        const [, next] = await a.connect(narrow)
        assert.equal(next.frames(0).length, 0)
      },
    },
  ],
}
