import assert from 'node:assert/strict'
import { decodeLinkMessage, encodeLinkMessage, type Greeting, protocolVersion } from '@skerry/core/simulation'
import type { ConformancePromise } from './conformance-case.ts'
import { conformanceCluster, type CoreNode } from './core-node.ts'
import { patternFrame } from './frames.ts'
import type { LinkEnd } from './link-end.ts'
import { talk } from './talk.ts'
import type { World } from './world.ts'

/** Core's own hello passes over the transport, and what is wrong in it is refused there. */
export const hello: ConformancePromise = {
  promise: "core's hello over it",
  cases: [
    {
      name: 'a newer version that still speaks ours is taken, with fields that we do not know',
      async run(world) {
        const { core, dial, greeting } = await newcomer(world)
        const end = await dial()
        const newer = { ...greeting, protocolVersion: protocolVersion + 5, protocolVersionMin: protocolVersion }
        say(end, newer, patternFrame(40))
        assert.equal(await answer(end), 'accept')
        await core.until('a link', () => core.ups === 1)
      },
    },
    {
      name: 'a version that does not speak ours is refused by name, and its link ends',
      async run(world) {
        const { core, dial, greeting } = await newcomer(world)
        const end = await dial()
        const min = protocolVersion + 1
        say(end, { ...greeting, protocolVersion: min + 1, protocolVersionMin: min })
        assert.equal(await answer(end), 'ERR_PROTOCOL_VERSION')
        await end.closed()
        assert.deepEqual([core.ups, core.refusals.length], [0, 1])
      },
    },
    {
      name: 'another cluster is refused by name, and so is a node that says it is another than the transport knows',
      async run(world) {
        const { core, dial, greeting } = await newcomer(world)
        for (const [wrong, code] of [
          [{ cluster: 'another one' }, 'ERR_WRONG_CLUSTER'],
          [{ node: 'somebody else' }, 'ERR_WRONG_PEER'],
        ] as const) {
          const end = await dial()
          say(end, { ...greeting, ...wrong })
          assert.equal(await answer(end), code)
          await end.closed()
          assert.equal(core.ups, 0)
        }
      },
    },
    {
      name: 'what is no hello ends its link, and no other',
      async run(world) {
        const { core, dial } = await newcomer(world)
        const end = await dial()
        const other = await world.core('b')
        other.keepDialling(core)
        await core.until('a link to another node', () => core.ups === 1)
        end.link.lane(0).send(patternFrame(200, 7))
        await end.closed()
        await talk(world, core, other)
        assert.deepEqual([core.ups, core.downs], [1, 0])
      },
    },
  ],
}

interface Newcomer {
  readonly core: CoreNode
  /** The newcomer's end of a new link to core. Nothing was said on it. */
  dial(): Promise<LinkEnd>
  /** What it would rightly say. */
  readonly greeting: Greeting
}

async function newcomer(world: World): Promise<Newcomer> {
  const core = await world.core('a')
  const node = await world.node('c')
  const greeting: Greeting = {
    protocolVersion,
    protocolVersionMin: protocolVersion,
    cluster: conformanceCluster,
    node: node.id,
    life: 1,
    region: 'c',
    epoch: 1,
    addresses: [],
    frameBytesMax: 0,
    meshVersion: 1,
  }
  return { core, dial: () => node.dial(core), greeting }
}

function say(end: LinkEnd, greeting: Greeting, further: Uint8Array = new Uint8Array(0)): void {
  end.link.lane(0).send(Buffer.concat([encodeLinkMessage({ kind: 'hello', greeting }), further]))
}

/** `accept`, or the code of the refusal. */
async function answer(end: LinkEnd): Promise<string> {
  const [frame] = await end.received(0, 1)
  const message = decodeLinkMessage(frame as Uint8Array)
  return message.kind === 'refuse' ? message.code : message.kind
}
