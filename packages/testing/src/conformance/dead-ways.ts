import assert from 'node:assert/strict'
import type { ConformancePromise } from './conformance-case.ts'
import { assertSameBytes, patternFrame } from './frames.ts'
import { talk } from './talk.ts'

/** Ways that carry nothing any more, which nobody is told of; and connections that break. */
export const deadWays: ConformancePromise = {
  promise: 'half-open and broken connections',
  cases: [
    {
      name: 'a link over a way that carries nothing can be closed, and the transport stopped, without the peer',
      faults: true,
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const [ours] = await a.connect(b)
        const [other] = await a.connect(b)
        world.network.cut()
        ours.link.lane(0).send(patternFrame(100))
        ours.link.close('nobody answers')
        assert.deepEqual(await ours.closed(), { local: true, reason: 'nobody answers' })
        await world.until('a to stop', a.transport.stop())
        assert.equal((await other.closed()).local, true)
      },
    },
    {
      name: 'a dial over a way that carries nothing can be given up',
      faults: true,
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        world.network.cut()
        const giveUp = new AbortController()
        const dial = a.transport.dial(b.address, b.id, giveUp.signal)
        const rejected = assert.rejects(dial)
        giveUp.abort(new Error('given up'))
        await world.until('the dial to reject', rejected)
      },
    },
    {
      name: 'a way that is cut for a moment loses nothing on a link that stays',
      faults: true,
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const [ours, theirs] = await a.connect(b)
        world.network.cut()
        ours.link.lane(0).send(patternFrame(5_000))
        await world.pass(50)
        world.network.heal()
        // A transport may have ended it, and then says so at both ends.
        const arrived = theirs.received(0, 1).then(
          ([frame]) => assertSameBytes(frame, patternFrame(5_000), 'the frame'),
          () => undefined,
        )
        await arrived
        if (theirs.frames(0).length === 0) assert.equal((await ours.closed()).local, false)
      },
    },
    {
      name: 'a connection that breaks closes its links at both ends, and others can be made',
      faults: true,
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const [ours, theirs] = await a.connect(b)
        world.network.breakOff()
        assert.equal((await ours.closed()).local, false)
        assert.equal((await theirs.closed()).local, false)
        const again = await world.core('c')
        again.keepDialling(b)
        const fromCore = await b.nextAccepted()
        assert.equal(fromCore.link.peer, again.id)
      },
    },
    {
      name: 'core ends a link over a way that carries nothing, at both ends, and has another one when the way is back',
      faults: true,
      async run(world) {
        const a = await world.core('a')
        const b = await world.core('b')
        a.keepDialling(b)
        await Promise.all([a.until('a link', () => a.ups === 1), b.until('a link', () => b.ups === 1)])
        const before = a.links.linkTo(b.id)?.epoch ?? 0
        world.network.cut()
        a.send(b, patternFrame(10, 1))
        await Promise.all([a.until('its end', () => a.downs === 1), b.until('its end', () => b.downs === 1)])
        world.network.heal()
        await Promise.all([a.until('another link', () => a.ups > a.downs), b.until('another', () => b.ups > b.downs)])
        assert.ok((a.links.linkTo(b.id)?.epoch ?? 0) > before, 'a newer epoch')
        await talk(world, a, b)
      },
    },
  ],
}
