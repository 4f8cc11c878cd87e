import { manualPlatform } from '@skerry/testing'
import { expect, it } from 'vitest'
import { Kernel } from '../../src/actor/kernel.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import { peekAccusation, sealAccusation } from '../../src/mesh/accusation.ts'
import type { MembershipEvent } from '../../src/mesh/membership-event.ts'
import { membershipServer } from '../../src/mesh/membership-server.ts'
import { decodeMeshMessage, encodeDigest, encodeSealed } from '../../src/mesh/mesh-message.ts'
import { MonitorTable } from '../../src/mesh/monitors.ts'
import { peekRecord, sealRecord } from '../../src/mesh/node-record.ts'
import { PeerIntake } from '../../src/mesh/peer-intake.ts'
import { digestParts } from '../../src/mesh/record-digest.ts'

const genuine = { sign: () => Uint8Array.of(1), verify: () => true }
const largeMesh = Array.from({ length: 120 }, (_, at) => `n${at}`)

it('a newcomer to a large mesh dials its neighbours alone, and passes on nothing of what it is told of all', async () => {
  const mesh = await World.start()
  await mesh.tell({ event: 'up', peer: { node: 'n0', life: 1 } })
  mesh.sent.length = 0
  await mesh.hear(
    'n0',
    'records',
    largeMesh.map((node) => sealed(node)),
  )
  await mesh.run(1_500)
  expect(mesh.recordsSent().filter(({ node }) => node !== 'self')).toEqual([])
  expect(new Set(mesh.learnt).size).toBeLessThan(21)
  expect(mesh.viewSize).toBe(121)
  expect(mesh.looksForIdle).toBe(1)
  await mesh.tell({ event: 'unreachable', node: 'n5' })
  expect(mesh.viewSize).toBe(120)
})

it('a node that has been there for long passes on the other side of a cut, to all neighbours but the one that told it', async () => {
  const mesh = await World.start()
  const [near, far] = [largeMesh.slice(0, 55), largeMesh.slice(55)]
  await mesh.hear(
    'n0',
    'records',
    near.map((node) => sealed(node)),
  )
  await mesh.run(5_500)
  mesh.sent.length = 0
  await mesh.hear(
    'n0',
    'records',
    far.map((node) => sealed(node)),
  )
  await mesh.run(500)
  const passedOn = mesh.recordsSent().filter(({ to }) => to !== 'n0')
  expect(new Set(passedOn.map(({ node }) => node))).toEqual(new Set(far))
  expect(mesh.messages('records')).toBeLessThan(21)
})

it('a node whose clock was set back hears from its neighbours what its last life said, and outbids it', async () => {
  const mesh = await World.start()
  const last = sealed('n0', 5_000)
  await mesh.tell({ event: 'up', peer: { node: 'n0', life: 1 } })
  await mesh.hear('n0', 'records', [last])
  await mesh.tell({ event: 'down', peer: { node: 'n0', life: 1 }, left: false })
  mesh.sent.length = 0
  await mesh.tell({ event: 'up', peer: { node: 'n0', life: 2 } })
  const toIt = mesh.sent.filter(({ to }) => to === 'n0').map(({ bytes }) => decodeMeshMessage(bytes))
  expect(toIt.flatMap((one) => (one?.kind === 'records' ? one.records : []))).toContainEqual(last)

  const reborn = await World.start()
  const said = (): number[] => reborn.ownVersionsSent()
  await reborn.tell({ event: 'up', peer: { node: 'n0', life: 1 } })
  const before = Math.max(...said())
  await reborn.hear('n0', 'records', [sealed('self', before + 3_600_000)])
  await reborn.tell({ event: 'up', peer: { node: 'n1', life: 1 } })
  expect(Math.max(...said())).toBeGreaterThan(before + 3_600_000)
})

it('what news has lost is healed by comparing: in a small mesh with each peer every ten seconds, in any with a neighbour each second', async () => {
  const small = await World.start()
  small.peers = ['n0', 'n1', 'n2']
  for (const node of small.peers) await small.tell({ event: 'up', peer: { node, life: 1 } })
  await small.hear(
    'n0',
    'records',
    small.peers.map((node) => sealed(node)),
  )
  small.sent.length = 0
  await small.run(5_000)
  const each = (node: string): number => small.digestsTo().filter((to) => to === node).length
  // One after the other.
  expect(small.peers.map(each).toSorted((one, other) => one - other)).toEqual([1, 2, 2])
  await small.run(5_000)
  // And all at the tenth second.
  expect(small.peers.map(each).toSorted((one, other) => one - other)).toEqual([4, 4, 5])
  expect(small.looksForIdle).toBe(0)
})

it('a peer that says something again is told who is suspected, as one that comes', async () => {
  const mesh = await World.start()
  await mesh.hear(
    'n0',
    'records',
    ['n0', 'n1', 'n2'].map((node) => sealed(node)),
  )
  for (const node of ['n0', 'n1']) await mesh.tell({ event: 'up', peer: { node, life: 1 } })
  await mesh.tell({ event: 'suspect', peer: { node: 'n1', life: 1 } })
  await mesh.run(500)
  mesh.sent.length = 0
  await mesh.tell({ event: 'trusted', peer: { node: 'n0', life: 1 } })
  expect(mesh.accusationsSent()).toContainEqual({ to: 'n0', of: 'n1', by: 'self' })
  // And as long as nothing refutes it, it is said again each second.
  mesh.sent.length = 0
  await mesh.run(2_000)
  expect(mesh.accusationsSent().filter(({ to, of }) => to === 'n0' && of === 'n1')).toHaveLength(2)
})

it('a node that is gone is dialled on until its tombstone expires', async () => {
  const mesh = await World.start()
  await mesh.hear('n0', 'records', [sealed('n0')])
  await mesh.tell({ event: 'up', peer: { node: 'n0', life: 1 } })
  await mesh.tell({ event: 'down', peer: { node: 'n0', life: 1 }, left: false })
  await mesh.run(60_000)
  expect(mesh.forgotten).toEqual([])
  await mesh.run(10_000)
  expect(mesh.forgotten).toEqual(['n0'])
})

it('accusations that are refuted are answered in one message, each subject once', async () => {
  const mesh = await World.start()
  await mesh.hear(
    'n0',
    'records',
    largeMesh.map((node) => sealed(node, 5)),
  )
  await mesh.run(10_000)
  mesh.sent.length = 0
  const accusations = ['n1', 'n2'].flatMap((subject) =>
    ['n3', 'n4', 'n5'].map((accuser) => sealAccusation({ subject, life: 1, version: 4, accuser }, genuine)),
  )
  await mesh.hear('n0', 'accusations', accusations)
  await mesh.run(0)
  expect(mesh.messages('records')).toBe(1)
  expect(mesh.recordsSent()).toEqual([
    { to: 'n0', node: 'n1' },
    { to: 'n0', node: 'n2' },
  ])
})

it('what a peer says and is not believed has few lines in the log, and a minute later how many more there were', async () => {
  const mesh = await World.start()
  // News of one node, 64 of which are believed.
  await mesh.hear(
    'n0',
    'records',
    Array.from({ length: 200 }, (_, at) => sealed('n1', at + 1)),
  )
  await mesh.hear(
    'n0',
    'accusations',
    Array.from({ length: 200 }, (_, at) => Uint8Array.of(0xc1, at)),
  )
  const ignored = ['a membership record was ignored', 'an accusation was ignored']
  expect(ignored.map((message) => mesh.lines(message))).toEqual([
    { lines: 8, leftOut: 0 },
    { lines: 8, leftOut: 0 },
  ])
  await mesh.run(60_000)
  expect(ignored.map((message) => mesh.lines(message))).toEqual([
    { lines: 8, leftOut: 128 },
    { lines: 8, leftOut: 192 },
  ])
})

it('a peer whose link comes up is told of whom this node suspects, so that the other side of a cut hears of it in time', async () => {
  const mesh = await World.start()
  const nodes = largeMesh.slice(0, 8)
  await mesh.hear(
    'n0',
    'records',
    nodes.map((node) => sealed(node)),
  )
  const accusations = ['n2', 'n3'].map((accuser) =>
    sealAccusation({ subject: 'n1', life: 1, version: 1, accuser }, genuine),
  )
  await mesh.hear('n0', 'accusations', accusations)
  await mesh.run(500)
  mesh.sent.length = 0
  await mesh.tell({ event: 'up', peer: { node: 'n4', life: 1 } })
  await mesh.tell({ event: 'up', peer: { node: 'n1', life: 1 } })
  expect(mesh.accusationsSent()).toEqual([
    { to: 'n4', of: 'n1', by: 'n2' },
    { to: 'n1', of: 'n1', by: 'n2' },
    { to: 'n1', of: 'n1', by: 'n3' },
  ])
})

it('a node that was believed dead and is there shows that a cut may have healed: who is suspected beside it is given more time', async () => {
  const others = largeMesh.slice(0, 10)
  const diesAt = async (comesBack: boolean): Promise<number> => {
    const mesh = await World.start()
    const accuse = (subject: string): Promise<void> => mesh.hear('n0', 'accusations', wordsOfMonitors(subject, others))
    await mesh.hear(
      'n0',
      'records',
      others.map((node) => sealed(node)),
    )
    await accuse('n1')
    await mesh.run(1_000)
    await accuse('n2')
    await mesh.run(1_400)
    expect(mesh.dead()).toEqual(['n1'])
    if (comesBack) await mesh.hear('n0', 'records', [sealed('n1', 2)])
    let ms = 0
    for (; !mesh.dead().includes('n2'); ms += 50) await mesh.run(50)
    return ms
  }
  const [alone, beside] = [await diesAt(false), await diesAt(true)]
  expect(beside).toBeGreaterThanOrEqual(alone + 500)
})

it('who accused a node and is no monitor of it any more says so a last time', async () => {
  const mesh = await World.start()
  const few = largeMesh.slice(0, 6)
  await mesh.hear(
    'n0',
    'records',
    few.map((node) => sealed(node)),
  )
  await mesh.tell({ event: 'up', peer: { node: 'n1', life: 1 } })
  await mesh.tell({ event: 'suspect', peer: { node: 'n1', life: 1 } })
  const own = (): unknown[] => mesh.accusationsSent().filter(({ of, by }) => of === 'n1' && by === 'self')
  await mesh.run(500)
  expect(own().length).toBeGreaterThan(0)
  mesh.sent.length = 0
  expect(new MonitorTable(['self', ...largeMesh]).counts('self', 'n1')).toBe(false)
  await mesh.hear(
    'n0',
    'records',
    largeMesh.map((node) => sealed(node)),
  )
  await mesh.run(3_000)
  // To each neighbour once, and no more with every second.
  expect(own().length).toBeGreaterThan(0)
  expect(new Set(own().map((one) => JSON.stringify(one))).size).toBe(own().length)
})

it('a node that was lost is dialled at once when a peer vouches for it: a cut may have healed', async () => {
  const mesh = await World.start()
  const record = sealed('n0')
  await mesh.hear('n1', 'records', [record, sealed('n1')])
  await mesh.tell({ event: 'up', peer: { node: 'n0', life: 1 } })
  await mesh.tell({ event: 'down', peer: { node: 'n0', life: 1 }, left: false })
  await mesh.run(10_000)
  expect(mesh.hurried).toEqual([])
  await mesh.hear('n1', 'records', [record])
  expect(mesh.hurried).toEqual(['n0'])
})

it('a peer that asks for what it lacks is asked in turn, one that answers is not', async () => {
  const mesh = await World.start()
  const digest = new Uint32Array(digestParts)
  await mesh.hearDigest('n0', digest, { isAnswer: false })
  expect([mesh.recordsSent(), mesh.digestsTo()]).toEqual([[{ to: 'n0', node: 'self' }], ['n0']])
  mesh.sent.length = 0
  await mesh.hearDigest('n0', digest, { isAnswer: true })
  expect([mesh.recordsSent(), mesh.digestsTo()]).toEqual([[{ to: 'n0', node: 'self' }], []])
})

/** What all of them that watch it in this mesh say against it. */
function wordsOfMonitors(subject: string, others: readonly string[]): Uint8Array[] {
  const monitors = new MonitorTable(['self', ...others]).of(subject).filter((node) => node !== 'self')
  return monitors.map((accuser) => sealAccusation({ subject, life: 1, version: 1, accuser }, genuine))
}

function sealed(node: string, version = 1): Uint8Array {
  return sealRecord({ ...facts, node, version, addresses: [node], primaryEpoch: 0, primaryBy: '' }, genuine)
}

const facts = {
  life: 1,
  region: 'fra',
  primaryRegion: 'fra',
  state: 'up',
  appVersion: '',
  procedures: [],
} as const

/** The actor of the mesh alone: what it sends and whom it has dialled. */
class World {
  readonly sent: { readonly to: string; readonly bytes: Uint8Array }[] = []
  readonly learnt: string[] = []
  /** Those with a link, in a full mesh. */
  peers: string[] = []
  viewSize = 0
  looksForIdle = 0
  readonly forgotten: string[] = []
  readonly hurried: string[] = []
  readonly #platform = manualPlatform()
  readonly #intake = new PeerIntake({ wake: () => this.#tell({ event: 'read' }), dropped: () => undefined })
  readonly #tell: (event: MembershipEvent) => void

  static async start(): Promise<World> {
    const world = new World()
    await world.run(0)
    return world
  }

  private constructor() {
    const platform = this.#platform
    const kernel = new Kernel({ node: 'self', life: 1, thread: 0, platform, codec: msgpackCodec() })
    const links = {
      learn: (_address: string, node: string) => void this.learnt.push(node),
      hurry: (node: string) => void this.hurried.push(node),
      forget: (node: string) => void this.forgotten.push(node),
      restSeeds: () => undefined,
      measured: () => ({ rttMs: 1, load: 0, inFlight: 0, isStuck: false, meshVersion: 2 }),
      peers: () => [],
      peerNodes: () => this.peers,
      sendControl: (to: string, bytes: Uint8Array) => {
        this.sent.push({ to, bytes })
        return 'sent'
      },
      controlBytesMax: 256 * 1024,
      lagMs: 0,
    }
    const behavior = membershipServer({
      kernel,
      links: links as never,
      intake: this.#intake,
      transport: genuine as never,
      memory: {
        records: () => [],
        primary: { region: 'fra', epoch: 0, by: '' },
        conflicts: [],
        reach: () => [],
        isSpare: () => false,
      },
      ownLoad: () => ({ load: 0, inFlight: 0 }),
      self: () => ({ ...facts, node: 'self', addresses: [] }),
      isReady: () => true,
      onView: (nodes) => (this.viewSize = nodes.length),
      lookForIdle: () => void (this.looksForIdle += 1),
    })
    const mesh = kernel.spawn(behavior, [], { system: true })
    this.#tell = (message) => mesh.receive({ type: 'message', to: mesh.pid, message, encoded: false })
  }

  async tell(event: MembershipEvent): Promise<void> {
    this.#tell(event)
    await this.run(0)
  }

  async hear(via: string, kind: 'records' | 'accusations', sealed: readonly Uint8Array[]): Promise<void> {
    for (const chunk of encodeSealed(kind, sealed, 256 * 1024).chunks) this.#intake.put(via, chunk)
    await this.run(0)
  }

  async hearDigest(via: string, digest: Uint32Array, { isAnswer }: { isAnswer: boolean }): Promise<void> {
    this.#intake.put(via, encodeDigest(digest, isAnswer))
    await this.run(0)
  }

  async run(ms: number): Promise<void> {
    await this.#platform.advance(ms)
  }

  messages(kind: string): number {
    return this.sent.filter(({ bytes }) => decodeMeshMessage(bytes)?.kind === kind).length
  }

  /** What was logged of this: its lines, and how many of it were left out. */
  lines(message: string): { lines: number; leftOut: number } {
    const entries = this.#platform.log.entries.filter((entry) => entry.message.startsWith(message))
    const leftOut = entries.flatMap(({ fields }) => ('leftOut' in fields ? [Number(fields.leftOut)] : []))
    return { lines: entries.length - leftOut.length, leftOut: leftOut.reduce((sum, some) => sum + some, 0) }
  }

  /** Who is believed dead, as logged. */
  dead(): unknown[] {
    const entries = this.#platform.log.entries.filter(({ message }) => message === 'a node is believed dead')
    return entries.map(({ fields }) => ('node' in fields ? fields.node : undefined))
  }

  accusationsSent(): { to: string; of: string | undefined; by: string | undefined }[] {
    return this.sent.flatMap(({ to, bytes }) => {
      const message = decodeMeshMessage(bytes)
      if (message?.kind !== 'accusations') return []
      return message.accusations.map((one) => ({
        to,
        of: peekAccusation(one)?.subject,
        by: peekAccusation(one)?.accuser,
      }))
    })
  }

  digestsTo(): string[] {
    return this.sent.flatMap(({ to, bytes }) => (decodeMeshMessage(bytes)?.kind === 'digest' ? [to] : []))
  }

  ownVersionsSent(): number[] {
    return this.sent.flatMap(({ bytes }) => {
      const message = decodeMeshMessage(bytes)
      const claims = message?.kind === 'records' ? message.records.map((one) => peekRecord(one)) : []
      return claims.flatMap((claim) => (claim?.node === 'self' ? [claim.version] : []))
    })
  }

  recordsSent(): { to: string; node: string | undefined }[] {
    return this.sent.flatMap(({ to, bytes }) => {
      const message = decodeMeshMessage(bytes)
      return message?.kind === 'records' ? message.records.map((one) => ({ to, node: peekRecord(one)?.node })) : []
    })
  }
}
