import assert from 'node:assert/strict'
import { seededRandom } from '../platform/seeded-random.ts'
import type { ConformancePromise } from './conformance-case.ts'
import type { CoreNode } from './core-node.ts'
import { assertSameBytes, numberedFrame } from './frames.ts'
import type { World } from './world.ts'

const messagesEachWay = 10_000
const faultsInAll = 14
// How many may be on their way without a word of the receiver.
const unacknowledgedMax = 400
const headBytes = 5
const kinds = { message: 0, acknowledgement: 1 } as const

/** Many messages each way while links end all the time, for every reason that the harness knows. */
export const randomFaults: ConformancePromise = {
  promise: 'many messages under random faults',
  cases: [
    {
      name: '10,000 messages each way: within a link none is missing, repeated or out of order, and in the end all are there',
      slow: 6,
      async run(world) {
        try {
          await underFaults(world)
        } catch (error) {
          throw new Error(`with seed ${world.seed}: ${String(error)}`, { cause: error })
        }
      },
    },
  ],
}

async function underFaults(world: World): Promise<void> {
  const random = seededRandom(world.seed, 'conformance faults')
  const conversations: Conversation[] = []
  const happened = (): void => faults.due()
  const [a, b] = await Promise.all(
    (['a', 'b'] as const).map(
      async (member, index) =>
        await world.core(member, {
          on: {
            up: () => conversations[index]?.linkUp(),
            frame(frame) {
              conversations[index]?.heard(frame)
              happened()
            },
          },
        }),
    ),
  )
  assert.ok(a !== undefined && b !== undefined)
  conversations.push(conversation(a, b), conversation(b, a))
  const done = (): number => conversations.reduce((sum, { delivered }) => sum + delivered, 0)
  const faults = faultPlan(world, { a, b, random, done })
  a.keepDialling(b)
  b.keepDialling(a)
  const all = conversations.map(({ finished }, index) =>
    world.until(`the messages of ${index === 0 ? 'b' : 'a'}`, finished),
  )
  await Promise.all(all)
  await faults.settled()
  assert.ok(a.downs > 0 && b.downs > 0, 'there were faults')
}

interface Conversation {
  /** How many messages of the other came, all in order. */
  readonly delivered: number
  /** When the other's messages are all here and ours were all acknowledged. Rejects when one breaks a promise. */
  readonly finished: Promise<void>
  linkUp(): void
  heard(frame: Uint8Array): void
}

/** One end: sends its messages, again from the first that is not acknowledged after each loss, and checks what comes. */
function conversation(self: CoreNode, peer: CoreNode): Conversation {
  let next = 0
  let acknowledged = 0
  let delivered = 0
  let told = 0
  /** The number of the last message on this link; `undefined` at its beginning. */
  let last: number | undefined
  let finish: () => void
  let fail: (error: unknown) => void
  const finished = new Promise<void>((resolve, reject) => {
    finish = resolve
    fail = reject
  })
  // Whoever waits gets the rejection; until then it counts as handled.
  finished.catch(() => {})

  function pump(): void {
    while (next < messagesEachWay && next - acknowledged < unacknowledgedMax) {
      if (self.send(peer, messageOf(next)) !== 'sent') return
      next += 1
    }
  }

  function acknowledge(): void {
    if (self.send(peer, headed(kinds.acknowledgement, delivered, 0)) === 'sent') told = delivered
  }

  function take(frame: Uint8Array): void {
    const number = new DataView(frame.buffer, frame.byteOffset).getUint32(1)
    if (frame[0] === kinds.acknowledgement) {
      acknowledged = Math.max(acknowledged, number)
      next = Math.max(next, acknowledged)
      pump()
    } else {
      if (last !== undefined) assert.equal(number, last + 1, 'the message after the last one of this link')
      last = number
      assert.ok(number <= delivered, `message ${number} came where ${delivered} was the next`)
      assertSameBytes(frame, messageOf(number), `message ${number}`)
      if (number === delivered) delivered += 1
      if (delivered - told >= 50 || delivered === messagesEachWay || number < delivered - 1) acknowledge()
    }
    if (delivered === messagesEachWay && acknowledged === messagesEachWay) finish()
  }

  return {
    get delivered() {
      return delivered
    },
    finished,
    linkUp() {
      last = undefined
      next = acknowledged
      acknowledge()
      pump()
    },
    heard(frame) {
      try {
        take(frame)
      } catch (error) {
        fail(error)
      }
    },
  }
}

function messageOf(number: number): Uint8Array {
  // Some are too large for one frame of core's.
  const size = number % 211 === 0 ? 160 * 1024 : 16 + (number % 300)
  return headed(kinds.message, number, size)
}

function headed(kind: number, number: number, size: number): Uint8Array {
  const frame = new Uint8Array(headBytes + size)
  if (size > 0) frame.set(numberedFrame(number, size), headBytes)
  frame[0] = kind
  new DataView(frame.buffer).setUint32(1, number)
  return frame
}

interface Faults {
  /** Something was delivered: the next fault happens if it is time for it. */
  due(): void
  /** Resolves when none is going on. */
  settled(): Promise<void>
}

function faultPlan(
  world: World,
  given: { a: CoreNode; b: CoreNode; random: ReturnType<typeof seededRandom>; done: () => number },
): Faults {
  const { a, b, random, done } = given
  const stride = (2 * messagesEachWay) / (faultsInAll + 1)
  let happenedSoFar = 0
  let nextAt = stride
  let running: Promise<void> = Promise.resolve()
  let isRunning = false

  const closeBy = (node: CoreNode) => async (): Promise<void> => {
    for (const link of node.openLinks()) link.close('a fault')
  }
  const cutFor = (ms: number) => async (): Promise<void> => {
    world.network.cut()
    await world.pass(ms)
    world.network.heal()
  }
  const kindsOfFaults: (() => Promise<void>)[] = [closeBy(a), closeBy(b)]
  if (world.supports.faults) {
    kindsOfFaults.push(cutFor(50), cutFor(2_000), async () => world.network.breakOff())
  }

  return {
    due() {
      if (isRunning || happenedSoFar >= faultsInAll || done() < nextAt) return
      happenedSoFar += 1
      nextAt += stride * (0.5 + random.float())
      isRunning = true
      // The first of each kind in turn, so that none is left out.
      const index = happenedSoFar <= kindsOfFaults.length ? happenedSoFar - 1 : random.int(kindsOfFaults.length)
      running = (kindsOfFaults[index] as () => Promise<void>)().finally(() => {
        isRunning = false
      })
    },
    settled: () => running,
  }
}
