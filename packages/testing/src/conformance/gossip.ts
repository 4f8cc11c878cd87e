import assert from 'node:assert/strict'
import type { ConformancePromise } from './conformance-case.ts'
import { assertSameBytes, patternFrame } from './frames.ts'
import type { Member } from './harness.ts'
import { never, type World, type WorldNode } from './world.ts'

const excuse = ({ gossip: supported }: { gossip: boolean }): string | undefined =>
  supported ? undefined : 'it has no gossip'

// A record may be repeated, and how often is bounded.
const repeatsMax = 10

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
        const atA = listen(a, 'regions')
        await a.connect(b)
        await a.connect(c)
        const publish = (): void => a.transport.publish?.('regions', patternFrame(200))
        const both = Promise.all([atB.first, atC.first])
        const [heardByB, heardByC] = await world.repeatUntil('the record at b and c', publish, both)
        assertVia(heardByB, [a, c])
        assertVia(heardByC, [a, b])
        for (const { record } of [heardByB, heardByC]) assertSameBytes(record, patternFrame(200), 'the record')
        assert.equal(atA.all.length, 0, 'the publisher is not told its own record')
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
        const came = await world.repeatUntil('the record', publish, heard.first)
        assertSameBytes(came.record, patternFrame(16 * 1024), 'the record')
        assertVia(came, [a])
      },
    },
    {
      name: 'publish of more than 16 KiB throws ERR_FRAME_TOO_LARGE, spreads nothing, and the next record is spread',
      excuse,
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const heard = listen(b, 'sizes')
        listen(a, 'sizes')
        await a.connect(b)
        const publish = (): void => {
          assert.throws(() => a.transport.publish?.('sizes', patternFrame(16 * 1024 + 1)), {
            code: 'ERR_FRAME_TOO_LARGE',
          })
          a.transport.publish?.('sizes', patternFrame(20))
        }
        await world.repeatUntil('the record', publish, heard.count(3))
        for (const { record } of heard.all) assert.equal(record.length, 20, 'only the small record is heard')
      },
    },
    {
      name: 'every subscriber of a topic is told, also two of one node',
      excuse,
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const [first, second] = [listen(b, 'twice'), listen(b, 'twice')]
        listen(a, 'twice')
        await a.connect(b)
        const publish = (): void => a.transport.publish?.('twice', patternFrame(30))
        await world.repeatUntil('the record at both', publish, Promise.all([first.first, second.first]))
      },
    },
    {
      name: 'a record is handed on by a subscriber to one that is linked to it alone, as often as there are records',
      excuse,
      async run(world) {
        const [a, b, c] = [await world.node('a'), await world.node('b'), await world.node('c')]
        const heard = listen(c, 'far')
        for (const node of [a, b]) listen(node, 'far')
        await a.connect(b)
        await b.connect(c)
        const publish = (): void => a.transport.publish?.('far', patternFrame(50))
        await world.repeatUntil('three records at c', publish, heard.count(3))
        for (const { record } of heard.all) assertSameBytes(record, patternFrame(50), 'the record')
      },
    },
    {
      name: 'a record comes to rest where nodes are linked in a ring',
      excuse,
      async run(world) {
        const [a, b, c] = [await world.node('a'), await world.node('b'), await world.node('c')]
        const heard = [a, b, c].map((node) => listen(node, 'ring'))
        const [ours, theirs] = await a.connect(b)
        await b.connect(c)
        await c.connect(a)
        let published = 0
        const publish = (): void => {
          published += 1
          a.transport.publish?.('ring', patternFrame(40, published))
        }
        await world.repeatUntil('a record at b and c', publish, Promise.all(heard.slice(1).map(({ first }) => first)))
        // One that is handed on for ever would have gone round far more often than this.
        for (let trip = 1; trip <= 60; trip += 1) {
          ours.link.lane(0).send(patternFrame(10))
          await theirs.received(0, trip)
          theirs.link.lane(0).send(patternFrame(10))
          await ours.received(0, trip)
        }
        for (const { all } of heard) {
          for (let number = 1; number <= published; number += 1) {
            const times = all.filter(({ record }) => Buffer.compare(record, patternFrame(40, number)) === 0).length
            assert.ok(times <= repeatsMax, `one record was heard ${times} times: it is handed on without an end`)
          }
        }
      },
    },
    {
      name: 'a record reaches no subscriber of another topic',
      excuse,
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const wanted = listen(b, 'wanted')
        const unwanted = ['unwanted', 'want', 'wanted too', 'Wanted'].map((topic) => listen(b, topic))
        listen(a, 'wanted')
        await a.connect(b)
        const publish = (): void => a.transport.publish?.('wanted', patternFrame(10))
        await world.repeatUntil('the record', publish, wanted.first)
        for (const { all } of unwanted) assert.equal(all.length, 0)
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
        assert.ok([a.id, b.id].includes(via), `via ${via} is the one who handed it on: a (${a.id}) or b (${b.id})`)
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

/** `via` is a peer's id, proved as that of its link is: never our own, nor what the record says. */
function assertVia({ via }: Heard, handers: readonly WorldNode[]): void {
  assert.ok(
    handers.some(({ id }) => id === via),
    `via is ${via}, where only ${handers.map(({ id }) => id).join(' or ')} can have handed it on`,
  )
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
