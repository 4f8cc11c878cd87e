import assert from 'node:assert/strict'
import type { ConformancePromise } from './conformance-case.ts'
import type { CoreNode } from './core-node.ts'
import { talk } from './talk.ts'
import { never } from './world.ts'

/** However many connections there are between two nodes, core uses one, and both ends the same. */
export const oneLink: ConformancePromise = {
  promise: 'duplicate connections',
  cases: [
    {
      name: 'two nodes that dial each other at once come to hold the same one link, each time',
      async run(world) {
        const a = await world.core('a')
        const b = await world.core('b')
        a.keepDialling(b)
        b.keepDialling(a)
        for (let round = 0; round < 6; round += 1) {
          await talk(world, a, b)
          await Promise.all([agreement(a, b), agreement(b, a)])
          for (const link of [...a.openLinks(), ...b.openLinks()]) link.close('to begin anew')
        }
      },
    },
    {
      name: 'further connections to a node take nothing from the link that is up',
      async run(world) {
        const a = await world.core('a')
        const b = await world.core('b')
        b.keepDialling(a)
        await talk(world, a, b)
        const c = await world.node('c')
        const further = await Promise.all(
          Array.from({ length: 5 }, () => world.until('a further dial', c.transport.dial(a.address, a.id, never))),
        )
        await talk(world, a, b)
        for (const link of further) link.close('it said nothing')
        await talk(world, a, b)
        assert.deepEqual([a.ups, a.downs, b.ups, b.downs], [1, 0, 1, 0])
      },
    },
  ],
}

/** Both hold one link and mean the same: what one said on it last is what the other heard last. */
async function agreement(here: CoreNode, there: CoreNode): Promise<void> {
  await here.until('both to hold the same link', () => {
    const [ours, theirs] = [here.links.linkTo(there.id), there.links.linkTo(here.id)]
    return ours !== undefined && ours.epoch === theirs?.peerEpoch && ours.peerEpoch === theirs.epoch
  })
}
