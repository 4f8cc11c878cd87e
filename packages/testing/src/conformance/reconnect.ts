import assert from 'node:assert/strict'
import type { ConformancePromise } from './conformance-case.ts'
import { talk } from './talk.ts'

/** Links that end are replaced by core, again and again, whoever ended them. */
export const reconnect: ConformancePromise = {
  promise: 'reconnecting',
  cases: [
    {
      name: 'core has another link after either end closed one, as often as it happens',
      async run(world) {
        const a = await world.core('a')
        const b = await world.core('b')
        a.keepDialling(b)
        b.keepDialling(a)
        await talk(world, a, b)
        for (let round = 0; round < 8; round += 1) {
          const closer = round % 2 === 0 ? a : b
          const [downsOfA, downsOfB] = [a.downs, b.downs]
          for (const link of closer.openLinks()) link.close('a fault of the case')
          await Promise.all([
            a.until('the end of the link', () => a.downs > downsOfA),
            b.until('the end of the link', () => b.downs > downsOfB),
          ])
          await talk(world, a, b)
        }
      },
    },
    {
      name: 'core reaches a node that stopped and started again, as a new life of it or as another node',
      async run(world) {
        const a = await world.core('a')
        const before = await world.core('b')
        a.keepDialling(before)
        await talk(world, a, before)
        await world.until('the first life to stop', before.links.stop('the first life is over'))
        await a.until('the end of the link', () => a.downs === 1)
        const after = await world.core('b', { life: 2 })
        a.keepDialling(after)
        await talk(world, a, after)
        assert.equal(a.links.linkTo(after.id)?.life, 2)
      },
    },
    {
      name: 'core has another link after its connection broke',
      faults: true,
      async run(world) {
        const a = await world.core('a')
        const b = await world.core('b')
        a.keepDialling(b)
        await talk(world, a, b)
        for (let round = 0; round < 3; round += 1) {
          const [downsOfA, downsOfB] = [a.downs, b.downs]
          world.network.breakOff()
          await Promise.all([
            a.until('the end of the link', () => a.downs > downsOfA),
            b.until('the end of the link', () => b.downs > downsOfB),
          ])
          await talk(world, a, b)
        }
      },
    },
  ],
}
