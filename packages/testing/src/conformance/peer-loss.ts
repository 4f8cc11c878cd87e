import assert from 'node:assert/strict'
import type { ConformancePromise } from './conformance-case.ts'
import { assertNumbered, numberedFrames, patternFrame } from './frames.ts'
import { never } from './world.ts'

/** What is seen when a link or a peer goes away: a clean end, once, and nothing after it. */
export const peerLoss: ConformancePromise = {
  promise: 'peer loss',
  cases: [
    {
      name: 'a peer that stops closes every link to it, of everyone',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const c = await world.node('c')
        const [fromA] = await a.connect(b)
        const [again] = await a.connect(b)
        const [fromC] = await c.connect(b)
        const [unconcerned, unconcernedThere] = await a.connect(c)
        await world.until('b to stop', b.transport.stop())
        for (const end of [fromA, again, fromC]) assert.equal((await end.closed()).local, false)

        unconcerned.link.lane(0).send(patternFrame(7))
        await unconcernedThere.received(0, 1)
      },
    },
    {
      name: 'a link closed in the middle of a stream delivers a beginning of it, in order, and nothing after the end',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const [ours, theirs] = await a.connect(b)
        const [other, otherThere] = await a.connect(b)
        for (const frame of numberedFrames(0, 2_000)) ours.link.lane(0).send(frame)
        await theirs.received(0, 1)
        theirs.link.close('enough')
        await theirs.closed()
        await ours.closed()
        assertNumbered(theirs.frames(0))

        other.link.lane(0).send(patternFrame(7))
        await otherThere.received(0, 1)
        assert.equal(theirs.lateFrames(), 0)
      },
    },
    {
      name: 'after its own close an end is given no frame more, even by a peer that goes on sending',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const [ours, theirs] = await a.connect(b)
        const [other, otherThere] = await a.connect(b)
        ours.link.close('deaf from now on')
        for (const frame of numberedFrames(0, 100)) theirs.link.lane(0).send(frame)
        await ours.closed()
        await theirs.closed()
        otherThere.link.lane(0).send(patternFrame(7))
        await other.received(0, 1)
        assert.equal(ours.lateFrames(), 0)
      },
    },
    {
      name: 'send on a closed link drops the frame and returns false',
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        ours.link.close('over')
        await theirs.closed()
        assert.equal(ours.link.lane(0).send(patternFrame(5)), false)
        assert.equal(theirs.link.lane(0).send(patternFrame(5)), false)
        assert.deepEqual([ours.frames(0).length, theirs.frames(0).length], [0, 0])
      },
    },
    {
      name: 'frames sent just before close are delivered when nothing holds them up',
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        for (const frame of numberedFrames(0, 20)) ours.link.lane(0).send(frame)
        ours.link.close('that was all')
        assertNumbered(await theirs.received(0, 20))
        assert.equal((await theirs.closed()).local, false)
      },
    },
    {
      name: 'a link closed inside accepted shows as closed on the side that dialled',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b', { accepted: ({ link }) => link.close('not now') })
        const dial = a.transport.dial(b.address, b.id, never)
        // Either is right: the dial may resolve before the peer's decision is known.
        const link = await world.until(
          'the dial to settle',
          dial.catch(() => undefined),
        )
        if (link !== undefined) assert.equal((await world.until('the link to close', link.closed)).local, false)
      },
    },
    {
      name: 'both ends that close at once agree that the link is over',
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        ours.link.close('mine')
        theirs.link.close('yours')
        await ours.closed()
        await theirs.closed()
      },
    },
  ],
}
