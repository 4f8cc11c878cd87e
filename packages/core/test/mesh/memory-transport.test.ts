import { type ManualPlatform, manualPlatform, seededRandom } from '@skerry/testing'
import { type ConformanceManifest, type CreateRequest, transportConformance } from '@skerry/testing/conformance'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BlockSlice } from '../../src/mesh/block-slice.ts'
import { createMemoryTransport, memoryNetwork, memoryTransport } from '../../src/mesh/memory-transport.ts'
import type { RawLink, Transport, Uncarried } from '../../src/mesh/transport.ts'
import { systemPlatform } from '../../src/node/system-platform.ts'
import { silentLog } from '../../src/platform/log.ts'
import type { Platform } from '../../src/platform/platform.ts'

const supports: ConformanceManifest = {
  lanes: 3,
  gossip: true,
  maxFrameBytes: 1024 * 1024,
  secret: true,
  cluster: true,
  frameLimit: 'option',
  faults: true,
}

const create = ({ member, world, maxFrameBytes }: CreateRequest): Transport =>
  createMemoryTransport({
    hub: world,
    id: member,
    secret: member === 'stranger' ? 'something else' : 'the secret of this cluster',
    cluster: member === 'outsider' ? 'elsewhere' : 'here',
    ...(maxFrameBytes !== undefined && { maxFrameBytes }),
  })

const nobody = (world: string): string => `memory:${world}/nobody`

transportConformance('memory on real turns', {
  suite: { describe, it },
  supports,
  create,
  nobody,
  network: memoryNetwork,
  platform: () => systemPlatform({ log: silentLog }),
})

// The whole contract again with turns in an order that a seed picks, and with time that stands still while anything is
// left to do. One platform underneath, so that the seed picks among the turns of all nodes.
for (const seed of [1, 2, 3]) {
  describe(`on turns in the order of seed ${seed}`, () => {
    const world = manualPlatform({ seed, order: 'seeded' })
    let next = 0
    let pumping = true
    beforeAll(() => void pump(world, () => pumping))
    afterAll(() => {
      pumping = false
    })
    transportConformance(`memory with seed ${seed}`, {
      suite: { describe, it },
      supports,
      create,
      nobody,
      network: memoryNetwork,
      platform() {
        next += 1
        return manualPlatform({ seed: seededRandom(seed, String(next)).u32(), beside: world })
      },
    })
  })
}

/** Settles whenever the event loop comes round, and lets a little time pass: only what core does has to wait for it. */
async function pump(world: ManualPlatform, going: () => boolean): Promise<void> {
  while (going()) {
    await world.settle()
    await world.advance(10)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('memoryTransport', () => {
  it('is plain data that names the factory', async () => {
    const spec = memoryTransport({ hub: 'h', id: 'a' })
    expect(structuredClone(spec)).toEqual(spec)
    const module = (await import(spec.module)) as Record<string, (options: unknown) => Transport>
    expect(module[spec.export]?.(spec.options).supports).toEqual({ lanes: 3, gossip: true, maxFrameBytes: 1024 * 1024 })
  })

  it.each([
    ['hub', { hub: '' }],
    ['hub', { hub: 'a/b' }],
    ['hub', { hub: 'x'.repeat(201) }],
    ['id', { id: '' }],
    ['id', { id: 7 }],
    ['seeds', { seeds: 'a' }],
    ['seeds', { seeds: [''] }],
    ['maxFrameBytes', { maxFrameBytes: 0 }],
    ['maxFrameBytes', { maxFrameBytes: 1.5 }],
    ['cluster', { cluster: 1 }],
    ['secret', { secret: null }],
    ['hubb', { hubb: 'typo' }],
    ['options', null],
  ])('refuses a bad %s with ERR_TRANSPORT_START: %j', (name, options) => {
    expect(() => createMemoryTransport(options)).toThrow(
      expect.objectContaining({ code: 'ERR_TRANSPORT_START', message: expect.stringContaining(name) }),
    )
  })

  it('shows no option value in its errors', () => {
    expect(() => createMemoryTransport({ secret: 'hush', id: '' })).not.toThrow(/hush/)
  })
})

describe('a hub', () => {
  it('tells everyone of everyone, the newcomer and those already there', async () => {
    const world = hubWorld()
    const a = await world.start('a')
    await world.platform.settle()
    expect(a.found).toEqual([])
    const b = await world.start('b')
    const c = await world.start('c')
    await world.platform.settle()
    expect(a.found).toEqual([world.address('b'), world.address('c')])
    expect(b.found).toEqual([world.address('a'), world.address('c')])
    expect(c.found).toEqual([world.address('a'), world.address('b')])
    await world.stop()
  })

  it('reports seeds once, without itself, also those that are not there yet', async () => {
    const world = hubWorld()
    await world.start('a')
    const b = await world.start('b', { seeds: ['a', 'b', 'later'] })
    await world.platform.settle()
    expect(b.found).toEqual([world.address('a'), world.address('later')])
    await world.stop()
  })

  it('refuses the same id twice, and takes it again after a stop', async () => {
    const world = hubWorld()
    const first = await world.start('a')
    await expect(world.start('a')).rejects.toMatchObject({ code: 'ERR_TRANSPORT_START' })
    await first.transport.stop()
    expect((await world.start('a')).id).toBe('a')
    await world.stop()
  })

  it('is not reachable from another hub, and a node on none is alone', async () => {
    const here = hubWorld('here')
    const there = hubWorld('there')
    const a = await here.start('a')
    await there.start('b')
    const alone = createMemoryTransport({})
    const { id, addresses } = await alone.start({ accepted() {}, found() {} }, here.platform)
    expect(addresses).toEqual([])
    expect(id).toHaveLength(36)
    const dials = [
      a.transport.dial(there.address('b'), undefined, never),
      a.transport.dial(here.address(id), undefined, never),
      alone.dial(here.address('a'), undefined, never),
    ].map((dial) => expect(dial).rejects.toMatchObject({ code: 'ERR_DIAL_FAILED' }))
    await here.platform.settle()
    await Promise.all(dials)
    await Promise.all([here.stop(), there.stop(), alone.stop()])
  })

  it('disappears with its last node', async () => {
    const world = hubWorld()
    await world.start('a')
    await world.start('b')
    await world.stop()
    const a = await world.start('a')
    await world.platform.settle()
    expect(a.found).toEqual([])
    await world.stop()
  })

  it('leaves nothing behind: more of them than may be at a time can come and go', async () => {
    for (let count = 0; count < 10_001; count += 1) {
      const world = hubWorld('passing')
      await world.start('a')
      await world.stop()
    }
  })

  it('refuses a node with another secret or cluster at the dial, before anything is accepted', async () => {
    const world = hubWorld()
    const a = await world.start('a', { secret: 's', cluster: 'c' })
    await world.start('wrong-secret', { secret: 't', cluster: 'c' })
    await world.start('wrong-cluster', { secret: 's', cluster: 'd' })
    for (const id of ['wrong-secret', 'wrong-cluster']) {
      const dial = a.transport.dial(world.address(id), id, never)
      const refused = expect(dial).rejects.toMatchObject({ code: 'ERR_PEER_REFUSED' })
      await world.platform.settle()
      await refused
      expect(world.accepted(id)).toEqual([])
    }
    await world.stop()
  })

  it('gossips among members only', async () => {
    const world = hubWorld()
    const a = await world.start('a', { secret: 's' })
    const b = await world.start('b', { secret: 's' })
    const stranger = await world.start('stranger', { secret: 't' })
    const heard: string[] = []
    for (const { id, transport } of [a, b, stranger]) transport.subscribe?.('t', () => heard.push(id))
    a.transport.publish?.('t', new Uint8Array(1))
    await world.platform.settle()
    expect(heard).toEqual(['b'])
    await world.stop()
  })

  it('gives each gossip subscriber bytes of its own', async () => {
    const world = hubWorld()
    const [a, b, c] = [await world.start('a'), await world.start('b'), await world.start('c')]
    const records: Uint8Array[] = []
    for (const { transport } of [b, c]) transport.subscribe?.('t', (_via, record) => records.push(record))
    const published = Uint8Array.of(1, 2, 3)
    a.transport.publish?.('t', published)
    published.fill(9)
    await world.platform.settle()
    records[0]?.fill(7)
    expect(records).toEqual([Uint8Array.of(7, 7, 7), Uint8Array.of(1, 2, 3)])
    await world.stop()
  })

  it('refuses a gossip record over 16 KiB', async () => {
    const world = hubWorld()
    const { transport } = await world.start('a')
    expect(() => transport.publish?.('t', new Uint8Array(16 * 1024 + 1))).toThrow(
      expect.objectContaining({ code: 'ERR_FRAME_TOO_LARGE' }),
    )
    await world.stop()
  })

  it('drops gossip over 1,024 waiting records, counts it, and says so in the log', async () => {
    const world = hubWorld()
    const [a, b] = [await world.start('a'), await world.start('b')]
    let heard = 0
    b.transport.subscribe?.('t', () => (heard += 1))
    for (let count = 0; count < 1_030; count += 1) a.transport.publish?.('t', new Uint8Array(1))
    await world.platform.settle()
    expect(heard).toBe(1_024)
    expect(b.uncarried).toEqual({ dropped: 6, lost: 0, refused: 0 })
    expect(world.platform.log.entries.map(({ fields }) => fields)).toEqual([
      { dropped: 1 },
      { dropped: 2 },
      { dropped: 4 },
    ])
    await world.stop()
  })
})

describe('a link in memory', () => {
  it('delivers nothing before a turn runs, and then in a turn of the receiver', async () => {
    const world = hubWorld()
    const receiver = manualPlatform({ seed: 2 })
    const a = await world.start('a')
    await world.start('b', {}, receiver)
    const { ours, theirs } = await world.connect(a, 'b', receiver)
    const frames = collect(theirs, 0)
    ours.lane(0).send(Uint8Array.of(1))
    ours.lane(0).send(Uint8Array.of(2))
    await world.platform.settle()
    expect(frames).toEqual([])
    expect(receiver.turns.pending).toBe(1)
    await receiver.settle()
    expect(frames).toEqual([Uint8Array.of(1), Uint8Array.of(2)])
    await world.stop()
  })

  it('passes the very bytes on, without a copy', async () => {
    const world = hubWorld()
    const { ours, theirs } = await world.pair()
    const frames = collect(theirs, 0)
    const frame = Uint8Array.of(1, 2, 3)
    ours.lane(0).send(frame)
    await world.platform.settle()
    expect(frames[0]).toBe(frame)
    await world.stop()
  })

  it('gives a listener for frames within blocks those, and the other one the others, all in their order', async () => {
    const world = hubWorld()
    const { ours, theirs } = await world.pair()
    const block = Uint8Array.of(9, 1, 2, 9)
    const lane = theirs.lane(0)
    const came: unknown[] = []
    ours.lane(0).sendSlice?.(new BlockSlice(block, 1, 3))
    lane.onSlice?.((...slice) => void came.push(slice))
    lane.onFrame((frame) => void came.push(frame))
    const frame = Uint8Array.of(3)
    ours.lane(0).send(frame)
    ours.lane(0).sendSlice?.(new BlockSlice(block, 0, 1))
    await world.platform.settle()
    expect(came).toEqual([[block, 1, 3], frame, [block, 0, 1]])
    expect((came[0] as [Uint8Array])[0]).toBe(block)
    await world.stop()
  })

  it('hands on a record as it is, in its place among frames, and none while the lane is paused', async () => {
    const world = hubWorld()
    const { ours, theirs } = await world.pair()
    const [lane, sending] = [theirs.lane(1), ours.lane(1)]
    const came: unknown[] = []
    expect(sending.takesRecords).toBe(false)
    lane.onRecord?.((record) => {
      came.push(record)
      lane.pause()
    })
    lane.onFrame((frame) => void came.push(frame))
    expect(sending.takesRecords).toBe(true)
    const [frame, first, second] = [Uint8Array.of(1), { byteLength: 40 }, { byteLength: 41 }]
    sending.sendRecord?.(first)
    sending.send(frame)
    sending.sendRecord?.(second)
    await world.platform.settle()
    expect(came).toEqual([first])
    expect(came[0]).toBe(first)
    lane.resume()
    await world.platform.settle()
    expect(came).toEqual([first, frame, second])
    await world.stop()
  })

  it('counts a record as it counts a frame: the lane is full, and one that is too large is refused', async () => {
    const world = hubWorld()
    const { ours, theirs } = await world.pair()
    theirs.lane(1).onRecord?.(() => undefined)
    const lane = ours.lane(1)
    expect(lane.sendRecord?.({ byteLength: 1024 * 1024 - 64 })).toBe(true)
    expect(lane.sendRecord?.({ byteLength: 1 })).toBe(false)
    const problem: unknown = expect.objectContaining({ code: 'ERR_FRAME_TOO_LARGE' })
    expect(() => lane.sendRecord?.({ byteLength: 1024 * 1024 + 1 })).toThrow(problem)
    await world.stop()
  })

  it('takes no records with framesOnly', async () => {
    const world = hubWorld()
    const a = await world.start('a')
    const b = await world.start('b', { framesOnly: true })
    const { ours, theirs } = await world.connect(a, b.id)
    theirs.lane(1).onRecord?.(() => undefined)
    ours.lane(1).onRecord?.(() => undefined)
    expect([ours.lane(1).takesRecords, theirs.lane(1).takesRecords]).toEqual([false, true])
    await world.stop()
  })

  it('stops at once when paused, in the middle of a turn too', async () => {
    const world = hubWorld()
    const { ours, theirs } = await world.pair()
    const lane = theirs.lane(0)
    const numbers: number[] = []
    lane.onFrame(([number = -1]) => {
      numbers.push(number)
      if (number === 2) lane.pause()
    })
    for (const number of [1, 2, 3, 4]) ours.lane(0).send(Uint8Array.of(number))
    await world.platform.settle()
    expect(numbers).toEqual([1, 2])
    lane.resume()
    await world.platform.settle()
    expect(numbers).toEqual([1, 2, 3, 4])
    await world.stop()
  })

  it('is full over 1 MiB, counting 64 bytes for each frame, and drains once when empty', async () => {
    const world = hubWorld()
    const { ours, theirs } = await world.pair()
    const frames = collect(theirs, 0)
    let drains = 0
    ours.lane(0).onDrain(() => (drains += 1))
    let taken = 1
    while (ours.lane(0).send(new Uint8Array(0))) taken += 1
    expect(taken).toBe((1024 * 1024) / 64 + 1)
    ours.lane(0).send(new Uint8Array(0))
    await world.platform.settle()
    expect(frames).toHaveLength(taken + 1)
    expect(drains).toBe(1)
    ours.lane(0).send(new Uint8Array(0))
    await world.platform.settle()
    expect(drains).toBe(1)
    await world.stop()
  })

  it('tells a listener that came late that there is room again', async () => {
    const world = hubWorld()
    const { ours, theirs } = await world.pair()
    collect(theirs, 0)
    while (ours.lane(0).send(new Uint8Array(512 * 1024)));
    await world.platform.settle()
    let drains = 0
    ours.lane(0).onDrain(() => (drains += 1))
    await world.platform.settle()
    expect(drains).toBe(1)
    await world.stop()
  })

  it('closes on a sender that never waits, over 64 MiB', async () => {
    const world = hubWorld()
    const { ours, theirs } = await world.pair()
    theirs.lane(0).pause()
    let sent = 0
    let isClosed = false
    void ours.closed.then(() => (isClosed = true))
    for (; !isClosed && sent < 100; sent += 1) {
      ours.lane(0).send(new Uint8Array(1024 * 1024))
      await Promise.resolve()
    }
    expect(sent).toBeGreaterThan(60)
    expect(sent).toBeLessThan(70)
    expect(await ours.closed).toMatchObject({ local: true })
    await world.platform.settle()
    expect(await theirs.closed).toMatchObject({ local: false })
    await world.stop()
  })

  it('brings a dialler what the peer said before it closed in accepted', async () => {
    const world = hubWorld()
    const a = await world.start('a')
    await world.start('b', {}, world.platform, (link) => {
      link.lane(1).send(Uint8Array.of(42))
      link.close('no room')
    })
    const dial = a.transport.dial(world.address('b'), 'b', never)
    const heard = dial.then((link) => ({ frames: collect(link, 1), link }))
    await world.platform.settle()
    const { frames, link } = await heard
    await world.platform.settle()
    expect(frames).toEqual([Uint8Array.of(42)])
    expect(await link.closed).toEqual({ local: false, reason: 'no room' })
    expect(world.platform.clock.pending).toBe(0)
    await world.stop()
  })

  it('ends after a second when nobody listens to what came before the close', async () => {
    const world = hubWorld()
    const { ours, theirs } = await world.pair()
    ours.lane(0).send(Uint8Array.of(1))
    ours.close('gone')
    let closed: unknown
    void theirs.closed.then((end) => (closed = end))
    await world.platform.advance(999)
    expect(closed).toBeUndefined()
    await world.platform.advance(1)
    expect(closed).toEqual({ local: false, reason: 'gone' })
    expect(world.platform.clock.pending).toBe(0)
    await world.stop()
  })

  it('closes at the peer when the dial is given up after the peer accepted it', async () => {
    const world = hubWorld()
    const a = await world.start('a')
    await world.start('b')
    await world.platform.settle()
    const giveUp = new AbortController()
    const dial = a.transport.dial(world.address('b'), 'b', giveUp.signal)
    const rejected = expect(dial).rejects.toMatchObject({ code: 'ERR_DIAL_FAILED' })
    while (world.accepted('b').length === 0) world.platform.turns.runOne()
    giveUp.abort()
    await rejected
    await world.platform.settle()
    expect(await world.accepted('b')[0]?.closed).toMatchObject({ local: false })
    await world.stop()
  })

  it('closes at the peer when the dial is given up while the peer accepts it', async () => {
    const world = hubWorld()
    const giveUp = new AbortController()
    const a = await world.start('a')
    await world.start('b', {}, world.platform, () => giveUp.abort())
    const dial = a.transport.dial(world.address('b'), 'b', giveUp.signal)
    const rejected = expect(dial).rejects.toMatchObject({ code: 'ERR_DIAL_FAILED' })
    await world.platform.settle()
    await rejected
    expect(await world.accepted('b')[0]?.closed).toMatchObject({ local: false })
    await world.stop()
  })

  it('rejects a dial whose peer or whose own node stops while it is on its way', async () => {
    const world = hubWorld()
    const [a, b] = [await world.start('a'), await world.start('b')]
    const toStopped = a.transport.dial(world.address('b'), 'b', never)
    const failed = expect(toStopped).rejects.toMatchObject({ code: 'ERR_DIAL_FAILED' })
    world.platform.turns.runOne()
    await b.transport.stop()
    await world.platform.settle()
    await failed

    await world.start('c')
    const fromStopped = a.transport.dial(world.address('c'), 'c', never)
    const stopped = expect(fromStopped).rejects.toMatchObject({ code: 'ERR_TRANSPORT_STOPPED' })
    await a.transport.stop()
    await stopped
    await world.platform.settle()
    expect(world.accepted('c')).toEqual([])
    await world.stop()
  })
})

const never = new AbortController().signal
let hubCount = 0

interface HubNode {
  readonly id: string
  readonly transport: Transport
  readonly found: string[]
  readonly uncarried: Readonly<Record<Uncarried, number>>
}

interface HubWorld {
  readonly platform: ManualPlatform
  address(id: string): string
  accepted(id: string): readonly RawLink[]
  start(id: string, options?: object, on?: Platform, accepted?: (link: RawLink) => void): Promise<HubNode>
  connect(from: HubNode, to: string, on?: ManualPlatform): Promise<{ ours: RawLink; theirs: RawLink }>
  pair(): Promise<{ ours: RawLink; theirs: RawLink }>
  stop(): Promise<void>
}

/** Nodes of one hub on one manual platform. */
function hubWorld(name = 'hub'): HubWorld {
  hubCount += 1
  const hub = `${name}-${hubCount}`
  const platform = manualPlatform()
  const links = new Map<string, RawLink[]>()
  const running: Transport[] = []
  const world: HubWorld = {
    platform,
    address: (id) => `memory:${hub}/${id}`,
    accepted: (id) => links.get(id) ?? [],
    async start(id, options = {}, on = platform, accepted = () => {}) {
      const transport = createMemoryTransport({ hub, id, ...options })
      const found: string[] = []
      const uncarried = { dropped: 0, lost: 0, refused: 0 }
      await transport.start(
        {
          accepted(link) {
            links.set(id, [...(links.get(id) ?? []), link])
            accepted(link)
          },
          found: (address) => void found.push(address),
          uncarried: (how, count) => void (uncarried[how] += count),
        },
        on,
      )
      running.push(transport)
      return { id, transport, found, uncarried }
    },
    async connect(from, to, on = platform) {
      const dial = from.transport.dial(world.address(to), to, never)
      await platform.settle()
      await on.settle()
      await platform.settle()
      const theirs = world.accepted(to).at(-1)
      if (theirs === undefined) throw new Error(`${to} accepted nothing`)
      return { ours: await dial, theirs }
    },
    async pair() {
      const a = await world.start('a')
      await world.start('b')
      return world.connect(a, 'b')
    },
    async stop() {
      await Promise.all(running.map((transport) => transport.stop()))
      await platform.settle()
    },
  }
  return world
}

function collect(link: RawLink, lane: number): Uint8Array[] {
  const frames: Uint8Array[] = []
  link.lane(lane).onFrame((frame) => void frames.push(frame))
  return frames
}
