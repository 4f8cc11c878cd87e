import assert from 'node:assert/strict'
import type { Transport } from '@skerry/core/transport'
import type { ConformancePromise } from './conformance-case.ts'
import { assertSameBytes, patternFrame } from './frames.ts'
import type { Member } from './harness.ts'
import { rejectsWithCode } from './rejects.ts'
import { never, type World } from './world.ts'

/** What lets a transport run on a thread of its own: one instance signs, others made from its options carry the frames. */
export const settle: ConformancePromise = {
  promise: 'one node in several instances (settle)',
  cases: [
    {
      name: 'settled options are plain data, and make the node whose signatures the settled instance makes, not started',
      settles: true,
      async run(world) {
        const { here, options } = await settled(world, 'a')
        const bytes = patternFrame(300)
        const signature = here.sign(bytes)
        const there = await world.node('a', { transport: world.fromSettled(options) })
        const b = await world.node('b')
        for (const [name, node] of [
          ['itself', here],
          ['the instance that runs', there.transport],
          ['another node', b.transport],
        ] as const) {
          assert.equal(node.verify(there.id, bytes, signature), true, `its signature holds at ${name}`)
          assert.equal(node.verify(b.id, bytes, signature), false, `and is nobody else's at ${name}`)
        }
        assert.equal(b.transport.verify(there.id, bytes, there.transport.sign(bytes)), true, 'both sign as one')
      },
    },
    {
      name: 'an instance that is settled and not started judges the signatures of others',
      settles: true,
      async run(world) {
        const { here } = await settled(world, 'a')
        const b = await world.node('b')
        const bytes = patternFrame(100)
        const signature = b.transport.sign(bytes)
        assert.equal(here.verify(b.id, bytes, signature), true)
        assert.equal(here.verify(b.id, patternFrame(100, 1), signature), false, 'other bytes')
        for (const size of [0, 1, 64, 1_000])
          assert.equal(here.verify(b.id, bytes, patternFrame(size)), false, 'garbage')
        assert.equal(here.verify('', bytes, signature), false, 'no author')
        const { address } = b
        const dial = here.dial(address, b.id, never)
        await world.until('a dial of it to reject', rejectsWithCode(dial, 'ERR_TRANSPORT_STOPPED'))
      },
    },
    {
      name: 'instances from the same options, one after another, are the same node, and carry frames',
      settles: true,
      async run(world) {
        const { options } = await settled(world, 'a')
        const b = await world.node('b')
        const ids = new Set<string>()
        for (let life = 0; life < 3; life += 1) {
          const a = await world.node('a', { transport: world.fromSettled(options) })
          ids.add(a.id)
          const [ours, theirs] = await a.connect(b)
          assert.equal(theirs.link.peer, a.id)
          ours.link.lane(0).send(patternFrame(20, life))
          assertSameBytes((await theirs.received(0, 1))[0], patternFrame(20, life), 'the frame')
          await world.until('this instance to stop', a.transport.stop())
          await theirs.closed()
        }
        assert.equal(ids.size, 1)
      },
    },
    {
      name: 'two instances that were asked each on its own are two nodes',
      settles: true,
      async run(world) {
        const [one, other] = [await settled(world, 'a'), await settled(world, 'b')]
        const [a, b] = [
          await world.node('a', { transport: world.fromSettled(one.options) }),
          await world.node('b', { transport: world.fromSettled(other.options) }),
        ]
        assert.notEqual(a.id, b.id)
      },
    },
  ],
}

/** An instance that never starts, and the options that it chose, as they come to another thread. */
async function settled(world: World, member: Member): Promise<{ here: Transport; options: unknown }> {
  const here = await world.create(member)
  assert.ok(here.settle !== undefined, 'a harness with `fromSettled` makes transports that settle')
  return { here, options: structuredClone(await world.until('it to settle', here.settle())) }
}
