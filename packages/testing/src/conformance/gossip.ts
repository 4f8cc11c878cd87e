import assert from 'node:assert/strict'
import type { ConformancePromise } from './conformance-case.ts'
import { assertSameBytes, patternFrame } from './frames.ts'
import type { WorldNode } from './world.ts'

const excuse = ({ gossip: supported }: { gossip: boolean }): string | undefined =>
  supported ? undefined : 'it has no gossip'

interface Heard {
  readonly via: string
  readonly record: Uint8Array
}

/** Records spread to the subscribers of their topic: best effort, so every case publishes until something comes. */
export const gossip: ConformancePromise = {
  promise: 'gossip',
  cases: [
    {
      name: 'a record reaches the other subscribers of its topic, and says which node handed it on',
      excuse,
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const c = await world.node('c')
        const atB = listen(b, 'regions')
        const atC = listen(c, 'regions')
        listen(a, 'regions')
        await a.connect(b)
        await a.connect(c)
        const publish = (): void => a.transport.publish?.('regions', patternFrame(200))
        const both = Promise.all([atB.first, atC.first])
        for (const { via, record } of await world.repeatUntil('the record at b and c', publish, both)) {
          assert.ok([a.id, b.id, c.id].includes(via), `via ${via} is a member`)
          assertSameBytes(record, patternFrame(200), 'the record')
        }
      },
    },
    {
      name: 'a record of 16 KiB arrives whole',
      excuse,
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const heard = listen(b, 'large')
        listen(a, 'large')
        await a.connect(b)
        const publish = (): void => a.transport.publish?.('large', patternFrame(16 * 1024))
        const { record } = await world.repeatUntil('the record', publish, heard.first)
        assertSameBytes(record, patternFrame(16 * 1024), 'the record')
      },
    },
    {
      name: 'a record reaches no subscriber of another topic',
      excuse,
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const wanted = listen(b, 'wanted')
        const unwanted = listen(b, 'unwanted')
        listen(a, 'wanted')
        await a.connect(b)
        const publish = (): void => a.transport.publish?.('wanted', patternFrame(10))
        await world.repeatUntil('the record', publish, wanted.first)
        assert.equal(unwanted.all.length, 0)
      },
    },
    {
      name: 'after stop a subscriber hears nothing, and publish does nothing',
      excuse,
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const c = await world.node('c')
        const atB = listen(b, 'news')
        const atC = listen(c, 'news')
        listen(a, 'news')
        await a.connect(b)
        await a.connect(c)
        await world.until('b to stop', b.transport.stop())
        b.transport.publish?.('news', patternFrame(9))
        const heardBefore = atB.all.length
        const publish = (): void => a.transport.publish?.('news', patternFrame(10))
        await world.repeatUntil('the record at c', publish, atC.first)
        assert.equal(atB.all.length, heardBefore)
        assert.ok(atC.all.every(({ record }) => record.length === 10))
      },
    },
  ],
}

function listen(node: WorldNode, topic: string): { first: Promise<Heard>; all: readonly Heard[] } {
  const all: Heard[] = []
  let heardFirst: (heard: Heard) => void
  const first = new Promise<Heard>((resolve) => {
    heardFirst = resolve
  })
  node.transport.subscribe?.(topic, (via, record) => {
    all.push({ via, record })
    heardFirst({ via, record })
  })
  return { first, all }
}
