import assert from 'node:assert/strict'
import type { FrameSlice } from '@skerry/core/transport'
import type { ConformancePromise } from './conformance-case.ts'
import { assertNumbered, assertSameBytes, numberedFrames, patternFrame } from './frames.ts'

/** Frames arrive whole, once, on their lane, and none is lost at the beginning. */
export const delivery: ConformancePromise = {
  promise: 'delivery',
  cases: [
    {
      name: 'frames of 0, 1, 64 KiB and exactly maxFrameBytes arrive whole, both ways and on every lane',
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        const sizes = [0, 1, 2, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, world.supports.maxFrameBytes].filter(
          (size) => size <= world.supports.maxFrameBytes,
        )
        for (let lane = 0; lane < world.supports.lanes; lane += 1) {
          for (const [from, to] of [
            [ours, theirs],
            [theirs, ours],
          ] as const) {
            const sent = from.sendAll(
              lane,
              sizes.map((size) => patternFrame(size, lane)),
            )
            const frames = await to.received(lane, sizes.length)
            await sent
            for (const [index, size] of sizes.entries()) {
              assertSameBytes(frames[index], patternFrame(size, lane), `the frame of ${size} bytes`)
            }
          }
        }
      },
    },
    {
      name: 'a frame that is a view into a larger buffer arrives without its surroundings',
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        const frame = patternFrame(300)
        const surroundings = new Uint8Array(4096).fill(0xee)
        surroundings.set(frame, 1000)
        ours.link.lane(0).send(surroundings.subarray(1000, 1300))
        assertSameBytes((await theirs.received(0, 1))[0], frame, 'the view')
      },
    },
    {
      name: 'frames in two pieces arrive whole among others, their bodies unchanged, and are refused beyond maxFrameBytes',
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        const lane = ours.link.lane(0)
        // Optional: without it core puts the pieces together, and there is nothing to try.
        if (lane.sendPieces === undefined) return
        const { maxFrameBytes } = world.supports
        assert.throws(() => lane.sendPieces?.(new Uint8Array(1), new Uint8Array(maxFrameBytes)), {
          code: 'ERR_FRAME_TOO_LARGE',
        })
        const body = patternFrame(Math.min(100_000, maxFrameBytes - 30))
        const frames = [
          [patternFrame(30), body],
          [patternFrame(20, 1), body.subarray(7, 5_000)],
          [new Uint8Array(0), patternFrame(10)],
          [patternFrame(10), new Uint8Array(0)],
        ] as const
        for (const [head, rest] of frames) {
          lane.sendPieces(head.slice(), rest)
          lane.send(patternFrame(15))
        }
        const received = await theirs.received(0, 2 * frames.length)
        for (const [index, pieces] of frames.entries()) {
          assertSameBytes(received[2 * index], Buffer.concat(pieces), `the frame of pieces ${index}`)
          assertSameBytes(received[2 * index + 1], patternFrame(15), `the frame behind pieces ${index}`)
        }
        assertSameBytes(body, patternFrame(body.length), 'the body that was sent twice')
      },
    },
    {
      name: 'frames within a block arrive whole among others, without what stands around them, and are refused beyond maxFrameBytes',
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        const lane = ours.link.lane(0)
        // Optional: without it core sends a view, and there is nothing to try.
        if (lane.sendSlice === undefined) return
        const { maxFrameBytes } = world.supports
        assert.throws(() => lane.sendSlice?.(sliceOf(new Uint8Array(maxFrameBytes + 1), 0, maxFrameBytes + 1)), {
          code: 'ERR_FRAME_TOO_LARGE',
        })
        const block = patternFrame(3_000)
        const places = [
          [0, 40],
          [40, 41],
          [41, 41],
          [900, 3_000],
        ] as const
        for (const [from, end] of places) {
          // What a lane has copied its sender writes over.
          const own = lane.copiesSlices === true ? block.slice() : block
          lane.sendSlice(sliceOf(own, from, end))
          if (own !== block) own.fill(0xee)
          lane.send(patternFrame(15))
        }
        const received = await theirs.received(0, 2 * places.length)
        for (const [index, [from, end]] of places.entries()) {
          assertSameBytes(received[2 * index], block.subarray(from, end), `the frame from ${from} to ${end}`)
          assertSameBytes(received[2 * index + 1], patternFrame(15), `the frame behind that from ${from} to ${end}`)
        }
      },
    },
    {
      name: 'a link that is told of any round-trip time carries as before',
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        const last = world.supports.lanes - 1
        const large = Math.min(16 * 1024, world.supports.maxFrameBytes)
        let sent = 0
        // A hint may be wrong: a busy peer looks far away.
        for (const ms of [0, 0.01, 20, 150, 3_600_000, 1]) {
          ours.link.leastRtt?.(ms)
          theirs.link.leastRtt?.(ms)
          sent += 20
          const frames = [...numberedFrames(sent - 20, sent, large)]
          await Promise.all([
            ours.sendAll(
              last,
              frames.map((frame) => frame.slice()),
            ),
            theirs.sendAll(last, frames),
            ours.received(last, sent),
            theirs.received(last, sent),
          ])
        }
        for (const end of [ours, theirs]) assertNumbered(end.frames(last), large)
      },
    },
    {
      name: 'frames sent right after the dial are not lost',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const next = b.nextAccepted()
        const ours = await a.dial(b)
        for (const frame of numberedFrames(0, 50)) ours.link.lane(0).send(frame)
        assertNumbered(await (await next).received(0, 50))
      },
    },
    {
      name: 'frames sent inside accepted, before the dialler listens, are not lost',
      async run(world) {
        const a = await world.node('a')
        const last = world.supports.lanes - 1
        const b = await world.node('b', {
          accepted({ link }) {
            for (const frame of numberedFrames(0, 50)) link.lane(0).send(frame)
            if (last > 0) for (const frame of numberedFrames(0, 50)) link.lane(last).send(frame)
          },
        })
        const ours = await a.dial(b)
        assertNumbered(await ours.received(0, 50))
        if (last > 0) assertNumbered(await ours.received(last, 50))
      },
    },
    {
      name: 'a frame travels on its own lane only',
      excuse: ({ lanes }) => (lanes === 1 ? 'it has one lane' : undefined),
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        const last = world.supports.lanes - 1
        for (let lane = 0; lane <= last; lane += 1) ours.link.lane(lane).send(patternFrame(100, lane))
        for (let lane = 0; lane <= last; lane += 1) {
          assertSameBytes((await theirs.received(lane, 1))[0], patternFrame(100, lane), `the frame of lane ${lane}`)
        }
        for (let lane = 0; lane <= last; lane += 1) assert.equal(theirs.frames(lane).length, 1)
      },
    },
    {
      name: 'two links to the same peer carry independently',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const [first, firstThere] = await a.connect(b)
        const [second, secondThere] = await a.connect(b)
        first.link.lane(0).send(patternFrame(10, 1))
        second.link.lane(0).send(patternFrame(10, 2))
        assertSameBytes((await firstThere.received(0, 1))[0], patternFrame(10, 1), "the first link's frame")
        assertSameBytes((await secondThere.received(0, 1))[0], patternFrame(10, 2), "the second link's frame")

        first.link.close('one is enough')
        await firstThere.closed()
        second.link.lane(0).send(patternFrame(10, 3))
        secondThere.link.lane(0).send(patternFrame(10, 4))
        assertSameBytes(
          (await secondThere.received(0, 2))[1],
          patternFrame(10, 3),
          'the frame after the other link closed',
        )
        assertSameBytes((await second.received(0, 1))[0], patternFrame(10, 4), 'the frame the other way')
      },
    },
    {
      name: 'links that two nodes dial to each other at once carry independently',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const [[fromA, atB], [fromB, atA]] = await Promise.all([a.connect(b), b.connect(a)])
        fromA.link.lane(0).send(patternFrame(10, 1))
        fromB.link.lane(0).send(patternFrame(10, 2))
        assertSameBytes((await atB.received(0, 1))[0], patternFrame(10, 1), "the frame on a's link")
        assertSameBytes((await atA.received(0, 1))[0], patternFrame(10, 2), "the frame on b's link")
      },
    },
    {
      name: 'one node talks to several at a time',
      async run(world) {
        const a = await world.node('a')
        const [toB, atB] = await a.connect(await world.node('b'))
        const [toC, atC] = await a.connect(await world.node('c'))
        toB.link.lane(0).send(patternFrame(10, 1))
        toC.link.lane(0).send(patternFrame(10, 2))
        assertSameBytes((await atB.received(0, 1))[0], patternFrame(10, 1), 'the frame for b')
        assertSameBytes((await atC.received(0, 1))[0], patternFrame(10, 2), 'the frame for c')
        assert.deepEqual([atB.frames(0).length, atC.frames(0).length], [1, 1])
      },
    },
  ],
}

function sliceOf(block: Uint8Array, from: number, end: number): FrameSlice {
  return { block, from, end, byteLength: end - from, view: () => block.subarray(from, end) }
}
