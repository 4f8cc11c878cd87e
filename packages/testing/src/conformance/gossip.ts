import assert from 'node:assert/strict'
import type { ConformancePromise } from './conformance-case.ts'
import { assertSameBytes, patternFrame } from './frames.ts'
import type { Member } from './harness.ts'
import { never, type World, type WorldNode } from './world.ts'

const excuse = ({ gossip: supported }: { gossip: boolean }): string | undefined =>
  supported ? undefined : 'it has no gossip'

interface Heard {
  readonly via: string
  readonly record: Uint8Array
}

interface Listener {
  readonly first: Promise<Heard>
  readonly all: readonly Heard[]
  /** Resolves when so many came in all, at the next one at the earliest. */
  count(count: number): Promise<void>
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
      name: 'what an author signed holds wherever it is heard, whoever handed it on, and nobody else can have signed it',
      excuse,
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const c = await world.node('c')
        const heard = listen(c, 'signed')
        listen(b, 'signed')
        await a.connect(b)
        await b.connect(c)
        const said = patternFrame(300)
        const signature = a.transport.sign(said)
        // As core does: the author's signature is a part of the record, which others pass on.
        const record = Uint8Array.from([...signature, ...said])
        const publish = (): void => b.transport.publish?.('signed', record.slice())
        const { via, record: came } = await world.repeatUntil('the record', publish, heard.first)
        assert.ok([a.id, b.id].includes(via), `via ${via} is the one who handed it on`)
        const [cameSignature, cameSaid] = [came.subarray(0, signature.length), came.subarray(signature.length)]
        assertSameBytes(cameSaid, said, 'what was said')
        assert.equal(c.transport.verify(a.id, cameSaid, cameSignature), true, 'it is of its author')
        for (const other of [b.id, c.id]) {
          assert.equal(c.transport.verify(other, cameSaid, cameSignature), false, 'it is of nobody else')
        }
      },
    },
    {
      name: 'a record of a node with another secret reaches no member, whatever it names as author',
      excuse: (supports) => excuse(supports) ?? (supports.secret ? undefined : 'it knows no secret'),
      run: (world) => assertUnheard(world, 'stranger'),
    },
    {
      name: 'a record of another cluster reaches no member',
      excuse: (supports) =>
        excuse(supports) ?? (supports.cluster ? undefined : 'it leaves clusters to the hello above it'),
      run: (world) => assertUnheard(world, 'outsider'),
    },
    {
      name: 'what a subscriber does to the bytes of a record is seen by no other node, nor by the publisher',
      excuse,
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const c = await world.node('c')
        let spoilt: () => void
        const spoils = new Promise<void>((resolve) => {
          spoilt = resolve
        })
        b.transport.subscribe?.('shared', (_via, record) => {
          record.fill(0)
          spoilt()
        })
        const heard = listen(c, 'shared')
        listen(a, 'shared')
        await a.connect(b)
        await a.connect(c)
        const record = patternFrame(64)
        const publish = (): void => a.transport.publish?.('shared', record)
        await world.repeatUntil('the record at b', publish, spoils)
        await world.repeatUntil('the record at c', publish, heard.count(2))
        for (const { record: came } of heard.all) assertSameBytes(came, patternFrame(64), 'the record')
        assertSameBytes(record, patternFrame(64), 'the one that was published')
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

/** An intruder publishes and dials; of all that is said, a member hears only what a member said. */
async function assertUnheard(world: World, intruding: Member): Promise<void> {
  const a = await world.node('a')
  const b = await world.node('b')
  const intruder = await world.node(intruding)
  const heard = listen(b, 'members')
  listen(a, 'members')
  listen(intruder, 'members')
  await a.connect(b)
  // It may be refused by either side of the dial.
  await intruder.transport.dial(b.address, b.id, never).catch(() => undefined)
  const publish = (): void => {
    intruder.transport.publish?.('members', patternFrame(77))
    a.transport.publish?.('members', patternFrame(100))
  }
  await world.repeatUntil('the record of the member', publish, heard.first)
  // Ways may differ in speed: a few more of the member's, and one of the intruder's would have come too.
  for (let more = 1; more <= 5; more += 1) await world.repeatUntil('another', publish, heard.count(2 * more))
  for (const { record } of heard.all) assert.equal(record.length, 100)
}

function listen(node: WorldNode, topic: string): Listener {
  const all: Heard[] = []
  const waiting: { readonly count: number; readonly resolve: () => void }[] = []
  let heardFirst: (heard: Heard) => void
  const first = new Promise<Heard>((resolve) => {
    heardFirst = resolve
  })
  node.transport.subscribe?.(topic, (via, record) => {
    all.push({ via, record })
    heardFirst({ via, record })
    for (const { count, resolve } of waiting) if (all.length >= count) resolve()
  })
  return { first, all, count: (count) => new Promise((resolve) => waiting.push({ count, resolve })) }
}
