import assert from 'node:assert/strict'
import type { ConformanceManifest } from './harness.ts'
import type { ConformancePromise } from './conformance-case.ts'
import { assertSameBytes, patternFrame } from './frames.ts'
import type { LinkEnd } from './link-end.ts'
import type { World } from './world.ts'

const silentConnections = 20

const excuse = ({ intruders = false }: ConformanceManifest): string | undefined =>
  intruders ? undefined : 'its harness lets nobody connect who is no node'

/** Whoever reaches a node without being one: its connection ends, and nobody else notices. */
export const intruders: ConformancePromise = {
  promise: 'intruders',
  cases: [
    {
      name: 'connections that say nothing end by themselves, and keep no member out',
      excuse,
      faults: true,
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const silent = Array.from({ length: silentConnections }, () => intrude(world, new Uint8Array(0)))
        const [ours, theirs] = await a.connect(b)
        await world.until('the silent connections to be ended by the nodes', Promise.all(silent))
        await assertMemberIsHeard(ours, theirs)
        assert.equal(b.accepted.length, 1, 'only the member is accepted')
      },
    },
    {
      name: 'bytes that are none of its protocol end their connection, and no link',
      excuse,
      faults: true,
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const [ours, theirs] = await a.connect(b)
        const ended = [
          new Uint8Array(64 * 1024).fill(0xff),
          new Uint8Array(64 * 1024),
          patternFrame(10_000),
          new TextEncoder().encode('GET / HTTP/1.1\r\nhost: nobody\r\n\r\n'),
        ].map((bytes) => intrude(world, bytes))
        await world.until('the connections with garbage to be ended by the nodes', Promise.all(ended))
        await assertMemberIsHeard(ours, theirs)
        assert.equal(b.accepted.length, 1, 'only the member is accepted')
      },
    },
    {
      name: 'what a node said is worth nothing when somebody says it again',
      excuse,
      faults: true,
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const [ours, theirs] = await a.connect(b)
        ours.link.lane(0).send(patternFrame(20))
        await theirs.received(0, 1)
        const said = world.network.said?.() ?? []
        assert.ok(said.length > 0, 'the network has what the dialler said')
        const ended = said.map((bytes) => intrude(world, bytes))
        await world.until('the connections that repeat it to be ended by the nodes', Promise.all(ended))
        ours.link.lane(0).send(patternFrame(30))
        assertSameBytes((await theirs.received(0, 2))[1], patternFrame(30), 'the frame of the member itself')
        assert.equal(theirs.frames(0).length, 2, 'no frame came again')
        assert.equal(b.accepted.length, 1, 'nobody is taken for the member')
      },
    },
  ],
}

async function assertMemberIsHeard(ours: LinkEnd, theirs: LinkEnd): Promise<void> {
  ours.link.lane(0).send(patternFrame(20))
  assertSameBytes((await theirs.received(0, 1))[0], patternFrame(20), 'the frame of a member')
}

async function intrude(world: World, bytes: Uint8Array): Promise<void> {
  const { network } = world
  assert.ok(network.intrude, 'the network lets intruders in, as the manifest says')
  await network.intrude(bytes)
}
