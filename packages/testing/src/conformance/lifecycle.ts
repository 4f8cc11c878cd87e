import assert from 'node:assert/strict'
import type { ConformancePromise } from './conformance-case.ts'
import { assertSameBytes, patternFrame } from './frames.ts'
import { rejectsWithCode } from './rejects.ts'
import { never } from './world.ts'

/** Starting, dialling, closing, stopping. */
export const lifecycle: ConformancePromise = {
  promise: 'lifecycle',
  cases: [
    {
      name: 'says of itself what its manifest says',
      async run(world) {
        const { transport } = await world.node('a')
        const { lanes, gossip, maxFrameBytes } = world.supports
        assert.deepEqual({ ...transport.supports }, { lanes, gossip, maxFrameBytes })
        assert.ok(lanes >= 1, 'at least one lane')
        const functions = { publish: typeof transport.publish, subscribe: typeof transport.subscribe }
        if (gossip) assert.deepEqual(functions, { publish: 'function', subscribe: 'function' })
      },
    },
    {
      name: 'connects two nodes, each of which sees the other under its id',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        assert.notEqual(a.id, b.id)
        const [ours, theirs] = await a.connect(b)
        assert.equal(ours.link.peer, b.id)
        assert.equal(theirs.link.peer, a.id)
      },
    },
    {
      name: 'gives the same object for the same lane, and the last lane for numbers beyond it',
      async run(world) {
        const a = await world.node('a')
        const { link } = await a.dial(await world.node('b'))
        const last = world.supports.lanes - 1
        assert.equal(link.lane(0), link.lane(0))
        assert.equal(link.lane(last + 1), link.lane(last))
        assert.equal(link.lane(last + 100), link.lane(last))
        if (last > 0) assert.notEqual(link.lane(0), link.lane(last))
      },
    },
    {
      name: 'close tells both ends who ended the link',
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        ours.link.close('done here')
        assert.deepEqual(await ours.closed(), { local: true, reason: 'done here' })
        assert.equal((await theirs.closed()).local, false)
      },
    },
    {
      name: 'close by the end that accepted works the same way',
      async run(world) {
        const a = await world.node('a')
        const [ours, theirs] = await a.connect(await world.node('b'))
        theirs.link.close('not you')
        assert.deepEqual(await theirs.closed(), { local: true, reason: 'not you' })
        assert.equal((await ours.closed()).local, false)
      },
    },
    {
      name: 'a second close changes nothing',
      async run(world) {
        const a = await world.node('a')
        const [ours] = await a.connect(await world.node('b'))
        ours.link.close('first')
        ours.link.close('second')
        assert.equal((await ours.closed()).reason, 'first')
        ours.link.close('third')
        assert.equal((await ours.closed()).reason, 'first')
      },
    },
    {
      name: 'links to one peer come and go, two dozen one after the other, whoever closes them, and leave nothing that the next would lack',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        for (let round = 0; round < 24; round += 1) {
          const [ours, theirs] = await a.connect(b)
          ours.link.lane(0).send(patternFrame(3))
          await theirs.received(0, 1)
          const [closer, other] = round % 2 === 0 ? [ours, theirs] : [theirs, ours]
          closer.link.close('the next one')
          await other.closed()
        }
      },
    },
    {
      name: 'stop closes every link, and both ends notice',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const [dialled, dialledThere] = await a.connect(b)
        const [acceptedThere, accepted] = await b.connect(a)
        await world.until('a to stop', a.transport.stop())
        assert.equal((await dialled.closed()).local, true)
        assert.equal((await accepted.closed()).local, true)
        assert.equal((await dialledThere.closed()).local, false)
        assert.equal((await acceptedThere.closed()).local, false)
      },
    },
    {
      name: 'stop can be called again, during and after',
      async run(world) {
        const a = await world.node('a')
        await a.connect(await world.node('b'))
        await world.until('both stops', Promise.all([a.transport.stop(), a.transport.stop()]))
        await world.until('a third stop', a.transport.stop())
      },
    },
    {
      name: 'dial after stop rejects with ERR_TRANSPORT_STOPPED',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        await world.until('a to stop', a.transport.stop())
        const dial = a.transport.dial(b.address, b.id, never)
        await world.until('the dial to reject', rejectsWithCode(dial, 'ERR_TRANSPORT_STOPPED'))
      },
    },
    {
      name: 'stop ends a dial in progress',
      async run(world) {
        const a = await world.node('a')
        const dial = a.transport.dial(world.nobody(), undefined, never)
        const rejected = rejectsWithCode(dial, 'ERR_TRANSPORT_STOPPED', 'ERR_DIAL_FAILED')
        await world.until('a to stop', a.transport.stop())
        await world.until('the dial to reject', rejected)
      },
    },
    {
      name: 'dial to nobody rejects with ERR_DIAL_FAILED',
      async run(world) {
        const a = await world.node('a')
        const dial = a.transport.dial(world.nobody(), undefined, never)
        await world.until('the dial to reject', rejectsWithCode(dial, 'ERR_DIAL_FAILED'))
      },
    },
    {
      name: 'dial to something that is no address rejects with ERR_DIAL_FAILED',
      async run(world) {
        const a = await world.node('a')
        for (const address of ['', 'not an address', '/', '\u0000', 'x'.repeat(10_000)]) {
          const dial = a.transport.dial(address, undefined, never)
          await world.until('the dial to reject', rejectsWithCode(dial, 'ERR_DIAL_FAILED'))
        }
      },
    },
    {
      name: 'dial to our own address rejects with ERR_OWN_ADDRESS, or gives a link to ourselves',
      async run(world) {
        const a = await world.node('a')
        const dial = a.transport.dial(a.address, undefined, never)
        const outcome = await world.until(
          'the dial to settle',
          dial.then(
            (link) => link.peer,
            (error: unknown) => (error as { code?: unknown }).code,
          ),
        )
        assert.ok(
          outcome === 'ERR_OWN_ADDRESS' || outcome === a.id,
          `it ended with ${String(outcome)}, and core would dial itself for ever`,
        )
      },
    },
    {
      name: 'dial to a node that stopped rejects with ERR_DIAL_FAILED',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        await world.until('b to stop', b.transport.stop())
        const dial = a.transport.dial(b.address, b.id, never)
        await world.until('the dial to reject', rejectsWithCode(dial, 'ERR_DIAL_FAILED'))
      },
    },
    {
      name: 'dial with a signal that is aborted already rejects',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const dial = a.transport.dial(b.address, b.id, AbortSignal.abort(new Error('given up before')))
        await world.until('the dial to reject', assert.rejects(dial))
      },
    },
    {
      name: 'a dial that is given up rejects and leaves no link open',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const giveUp = new AbortController()
        const dial = a.transport.dial(b.address, b.id, giveUp.signal)
        giveUp.abort(new Error('given up'))
        await world.until('the dial to reject', assert.rejects(dial))

        // A frame over a second link shows that the peer is past the first dial. Whatever it accepted before has to end.
        const { link } = await a.dial(b)
        link.lane(0).send(patternFrame(8))
        let carried = false
        while (!carried) {
          const end = await b.nextAccepted()
          carried = await end.received(0, 1).then(
            () => true,
            () => false,
          )
        }
      },
    },
    {
      name: 'a signal that aborts after the dial succeeded does not touch the link',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const tooLate = new AbortController()
        const next = b.nextAccepted()
        const link = await world.until('a to dial b', a.transport.dial(b.address, b.id, tooLate.signal))
        const theirs = await next
        tooLate.abort()
        link.lane(0).send(patternFrame(20))
        const [frame] = await theirs.received(0, 1)
        assertSameBytes(frame, patternFrame(20), 'the frame sent after the abort')
      },
    },
    {
      name: 'a node can stop and start again',
      async run(world) {
        const b = await world.node('b')
        const before = await world.node('a')
        await b.connect(before)
        await world.until('the first life to stop', before.transport.stop())
        const after = await world.node('a')
        const [ours, theirs] = await b.connect(after)
        ours.link.lane(0).send(patternFrame(5))
        assertSameBytes((await theirs.received(0, 1))[0], patternFrame(5), 'the frame to the second life')
      },
    },
  ],
}
