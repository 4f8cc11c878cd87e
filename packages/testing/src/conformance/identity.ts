import assert from 'node:assert/strict'
import type { ConformancePromise } from './conformance-case.ts'
import { patternFrame } from './frames.ts'
import type { Member } from './harness.ts'
import type { LinkEnd } from './link-end.ts'
import { rejectsWithCode } from './rejects.ts'
import { type World, never } from './world.ts'

/** Who is at the other end, who may connect, and who signed what. */
export const identity: ConformancePromise = {
  promise: 'identity',
  cases: [
    {
      name: 'dial that expects another node rejects with ERR_WRONG_PEER and hands over no link',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const c = await world.node('c')
        const dial = a.transport.dial(b.address, c.id, never)
        await world.until('the dial to reject', rejectsWithCode(dial, 'ERR_WRONG_PEER'))

        const [ours, theirs] = await a.connect(c)
        ours.link.lane(0).send(patternFrame(3))
        await theirs.received(0, 1)
        for (const end of b.accepted) await end.closed()
      },
    },
    {
      name: 'dial that expects nobody in particular names the node that it found',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const link = await world.until('a to dial b', a.transport.dial(b.address, undefined, never))
        assert.equal(link.peer, b.id)
      },
    },
    {
      name: 'a node with another secret is refused, whoever dials, before any frame',
      excuse: ({ secret }) => (secret ? undefined : 'it knows no secret'),
      run: (world) => assertRefused(world, 'stranger'),
    },
    {
      name: 'a node of another cluster is refused, whoever dials, before any frame',
      excuse: ({ cluster }) => (cluster ? undefined : 'it leaves clusters to the hello above it'),
      run: (world) => assertRefused(world, 'outsider'),
    },
    {
      name: 'a signature holds for its author and its bytes, at every node',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        for (const bytes of [new Uint8Array(0), patternFrame(1), patternFrame(5_000)]) {
          const signature = a.transport.sign(bytes)
          assert.equal(a.transport.verify(a.id, bytes, signature), true)
          assert.equal(b.transport.verify(a.id, bytes, signature), true)
        }
      },
    },
    {
      name: 'a signature does not hold for another author, other bytes, or after a change',
      async run(world) {
        const a = await world.node('a')
        const b = await world.node('b')
        const bytes = patternFrame(100)
        const signature = a.transport.sign(bytes)
        assert.equal(b.transport.verify(b.id, bytes, signature), false, 'another author')
        assert.equal(b.transport.verify(a.id, patternFrame(100, 1), signature), false, 'other bytes')
        assert.equal(b.transport.verify(a.id, bytes.subarray(0, 99), signature), false, 'fewer bytes')
        assert.equal(b.transport.verify(a.id, bytes, b.transport.sign(bytes)), false, "another's signature")
        assert.equal(
          b.transport.verify(a.id, bytes, Uint8Array.of(...signature, 0)),
          false,
          'a byte more in the signature',
        )
        for (let index = 0; index < signature.length; index += 1) {
          const changed = Uint8Array.from(signature)
          changed[index] = (changed[index] as number) ^ 1
          assert.equal(b.transport.verify(a.id, bytes, changed), false, `byte ${index} of the signature changed`)
        }
      },
    },
    {
      name: 'garbage in the place of a signature or an author is false, never an error',
      async run(world) {
        const a = await world.node('a')
        const bytes = patternFrame(100)
        const signature = a.transport.sign(bytes)
        for (const size of [0, 1, 31, 32, 63, 64, 65, 1_000, 100_000]) {
          assert.equal(a.transport.verify(a.id, bytes, patternFrame(size)), false, `${size} bytes of garbage`)
        }
        assert.equal(a.transport.verify(a.id, bytes, signature.subarray(0, signature.length - 1)), false, 'cut short')
        for (const author of ['', 'nobody', '\u0000', '/', a.id.slice(1), `${a.id}x`, 'x'.repeat(10_000)]) {
          const problem = `verify takes ${JSON.stringify(author.slice(0, 80))} for the author, an id that nobody has: an id has one spelling`
          assert.equal(a.transport.verify(author, bytes, signature), false, problem)
        }
      },
    },
  ],
}

/** A member and an intruder try to connect, each to the other; no frame gets through, and members still connect. */
async function assertRefused(world: World, intruding: Member): Promise<void> {
  const a = await world.node('a')
  const sends = { accepted: ({ link }: LinkEnd): void => void link.lane(0).send(patternFrame(66)) }
  const b = await world.node('b', sends)
  const intruder = await world.node(intruding, sends)
  for (const [from, to] of [
    [intruder, b],
    [a, intruder],
  ] as const) {
    const dial = from.transport.dial(to.address, to.id, never)
    // A dial may resolve before the peer's decision is known; then the refusal shows as the link's end.
    const outcome = await world.until(
      'the dial to settle',
      dial.then(
        (link) => ({ link }),
        (error: unknown) => ({ error }),
      ),
    )
    if ('error' in outcome) {
      await rejectsWithCode(Promise.reject(outcome.error), 'ERR_PEER_REFUSED')
    } else {
      let framesFromRefused = 0
      outcome.link.lane(0).onFrame(() => {
        framesFromRefused += 1
      })
      outcome.link.lane(0).send(patternFrame(77))
      await world.until('the link to be refused', outcome.link.closed)
      assert.equal(framesFromRefused, 0)
    }
    for (const end of to.accepted) {
      await end.closed()
      assert.equal(end.frames(0).length, 0)
    }
  }
  const [ours, theirs] = await a.connect(b)
  ours.link.lane(0).send(patternFrame(4))
  await theirs.received(0, 1)
  assert.equal(b.accepted.filter((end) => end.frames(0).length > 0).length, 1)
}
