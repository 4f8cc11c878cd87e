import { defineApp, type Node, startNode } from '@skerry/core'
import { manualPlatform, type ManualPlatform } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { Kernel } from '../../src/actor/kernel.ts'
import type { RemoteOwner } from '../../src/actor/remote-verbs.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import { createMemoryTransport } from '../../src/mesh/memory-transport.ts'
import type { MembershipEvent } from '../../src/mesh/membership-event.ts'
import type { MembershipMemory } from '../../src/mesh/membership-memory.ts'
import { membershipServerName } from '../../src/mesh/membership-name.ts'
import { membershipServer } from '../../src/mesh/membership-server.ts'
import { encodeSealed } from '../../src/mesh/mesh-message.ts'
import { sealRecord } from '../../src/mesh/node-record.ts'
import { PeerIntake } from '../../src/mesh/peer-intake.ts'
import { type Primary, primaryFields } from '../../src/mesh/primary.ts'
import { createRegionTable, openRegionTable, regionTableWriter } from '../../src/region/region-table.ts'
import { createRpcClient } from '../../src/rpc/rpc-client.ts'
import { nodeRecord } from '../fixtures/node-record.ts'

const genuine = { sign: () => Uint8Array.of(1), verify: () => true }
const configured: Primary = { region: 'syd', epoch: 0, by: '' }
const lastEpoch = Number.MAX_SAFE_INTEGER

describe('setPrimaryRegion, of two nodes of a large mesh whose views are told some time later,', () => {
  it('resolves when the region table says so, and not when it was announced', async () => {
    const { low } = await twoNodes()
    const change = outcomeOf(low.setPrimary('fra'))
    await low.run(0)
    expect([change.settled, low.table]).toEqual([undefined, { region: 'syd', epoch: 0 }])
    await low.run(100)
    expect([change.settled, low.table]).toEqual([{ epoch: 1 }, { region: 'fra', epoch: 1 }])
  })

  it('is rejected at the node with the lower id when the news of another change comes before, and says which won', async () => {
    const { low, high } = await twoNodes()
    const [lost, won] = [outcomeOf(low.setPrimary('fra')), outcomeOf(high.setPrimary('lax'))]
    await low.run(0)
    low.hear(high)
    high.hear(low)
    await low.run(100)
    expect(won.settled).toEqual({ epoch: 1 })
    expect(lost.settled).toMatchObject({
      name: 'PrimaryError',
      code: 'ERR_PRIMARY_OUTBID',
      outcome: 'ran',
      primaryRegion: 'lax',
      primaryEpoch: 1,
      message: 'The primary region is "lax" as of epoch 1, and not "fra" [ran]',
    })
    for (const { table } of [low, high]) expect(table).toEqual({ region: 'lax', epoch: 1 })
  })

  it('is rejected as run also where the actor of the mesh is gone by then', async () => {
    const { low } = await twoNodes()
    const lost = outcomeOf(low.setPrimary('fra'))
    await low.run(0)
    low.loseMesh({ region: 'lax', epoch: 1, by: 'z' })
    await low.run(100)
    expect(lost.settled).toMatchObject({ code: 'ERR_PRIMARY_OUTBID', outcome: 'ran', primaryRegion: 'lax' })
  })

  it('resolves with the later epoch where somebody made the same region the primary in that', async () => {
    const { low, high } = await twoNodes()
    const first = outcomeOf(low.setPrimary('fra'))
    await low.run(0)
    high.hear(low)
    await low.run(0)
    void high.setPrimary('fra')
    await low.run(0)
    low.hear(high)
    await low.run(100)
    expect([first.settled, low.table]).toEqual([{ epoch: 2 }, { region: 'fra', epoch: 2 }])
  })

  it('is rejected as not run where a member with a higher id announced the last epoch that there can be', async () => {
    const { low, high } = await twoNodes()
    const liar = { region: 'nrt', epoch: lastEpoch, by: 'm' }
    for (const node of [low, high]) node.hearOf('m', liar)
    await low.run(200)
    const [lost, won] = [outcomeOf(low.setPrimary('fra')), outcomeOf(high.setPrimary('fra'), () => high.table)]
    await low.run(200)
    expect(lost.settled).toMatchObject({
      code: 'ERR_PRIMARY_OUTBID',
      outcome: 'not-run',
      primaryRegion: 'nrt',
      primaryEpoch: lastEpoch,
    })
    expect([low.table, won.settled]).toEqual([{ region: 'nrt', epoch: lastEpoch }, { epoch: lastEpoch }])
    expect(won.seen).toEqual({ region: 'fra', epoch: lastEpoch })
    // Whoever wants the region that won has it.
    const same = outcomeOf(low.setPrimary('nrt'))
    await low.run(200)
    expect(same.settled).toEqual({ epoch: lastEpoch })
  })
})

it.each([1, 2, 3, 4, 5, 6])(
  'of two changes at the same time, in order %i, neither is told what its node does not say',
  async (seed) => {
    const first = manualPlatform({ seed, order: 'seeded' })
    const second = manualPlatform({ seed: seed + 100, beside: first })
    const nodes = [
      await startBeside(first, 'a', 'syd', `outbid-${seed}`),
      await startBeside(second, 'b', 'lax', `outbid-${seed}`),
    ]
    await first.advance(2_000)
    const told = nodes.map((node, at) => {
      const region = ['fra', 'nrt'][at] as string
      return outcomeOf(node.setPrimaryRegion(region), () => ({ region: node.primaryRegion, wanted: region }))
    })
    await first.advance(1_000)
    for (const node of nodes) expect([node.primaryRegion, node.primaryEpoch]).toEqual(['nrt', 1])
    for (const { settled, seen } of told) {
      const { region, wanted } = seen as { region: string; wanted: string }
      if ('epoch' in (settled as object)) expect([settled, region]).toEqual([{ epoch: 1 }, wanted])
      else expect(settled).toMatchObject({ code: 'ERR_PRIMARY_OUTBID', outcome: 'ran', primaryRegion: region })
    }
    expect(told[1]?.settled).toEqual({ epoch: 1 })
    const stopping = Promise.all(nodes.map((node) => node.stop()))
    await first.advance(20_000)
    await stopping
  },
)

async function startBeside(platform: ManualPlatform, id: string, region: string, hub: string): Promise<Node> {
  const app = defineApp({ name: 'outbid', children: [] })
  const transport = () => createMemoryTransport({ hub, id })
  const starting = startNode(app, { platform, region, primaryRegion: 'syd', transport })
  await platform.settle()
  return await starting
}

interface Told {
  /** The epoch, or the error. */
  settled: unknown
  /** What was looked at then. */
  seen: unknown
}

function outcomeOf(change: Promise<number>, look: () => unknown = () => undefined): Told {
  const told: Told = { settled: undefined, seen: undefined }
  const note = (settled: unknown): void => void Object.assign(told, { settled, seen: look() })
  change.then((epoch) => note({ epoch }), note)
  return told
}

/** In a mesh of 70, with ids below and above that of its member `m`. */
async function twoNodes(): Promise<{ low: PrimaryNode; high: PrimaryNode }> {
  const first = manualPlatform()
  const low = new PrimaryNode('a', first)
  const high = new PrimaryNode('z', manualPlatform({ seed: 2, beside: first }))
  await first.advance(0)
  for (const node of [low, high]) for (let at = 0; at < 70; at += 1) node.hearOf(`n${at}`, configured)
  // Until the views of all that were told, and the next is told no sooner than 18 ms after.
  await first.advance(500)
  for (const node of [low, high]) node.hearOf('m', configured)
  await first.advance(0)
  return { low, high }
}

/** What of a node has to do with the primary: the actor of the mesh, the region table, and the verb. */
class PrimaryNode {
  readonly #id: string
  readonly #platform: ManualPlatform
  readonly #table = createRegionTable()
  readonly #reader = openRegionTable(this.#table)
  readonly #verbs: ReturnType<typeof createRpcClient>
  readonly #intake: PeerIntake
  readonly #loseMesh: (primary: Primary) => void
  #published: Uint8Array = new Uint8Array()
  #version = 1

  constructor(id: string, platform: ManualPlatform) {
    this.#id = id
    this.#platform = platform
    const kernel = new Kernel({ node: id, life: 1, thread: 0, platform, codec: msgpackCodec() })
    this.#verbs = createRpcClient(kernel, this.#reader)
    const writer = regionTableWriter(this.#table)
    const memory: MembershipMemory = {
      records: () => [],
      primary: configured,
      conflicts: [],
      reach: () => [],
      isSpare: () => false,
    }
    const write = (): void => {
      const { region: primaryRegion, epoch: primaryEpoch } = memory.primary
      writer.write({ self: id, myRegion: 'syd', primaryRegion, primaryEpoch, nodes: [], omitted: 0 })
      this.#verbs.tableWritten()
    }
    write()
    const tell = (message: MembershipEvent): void =>
      mesh.receive({ type: 'message', to: mesh.pid, message, encoded: false })
    this.#intake = new PeerIntake({ wake: () => tell({ event: 'read' }), dropped: () => undefined })
    const behavior = membershipServer({
      kernel,
      links: quietLinks as never,
      intake: this.#intake,
      transport: { ...genuine, publish: (_: string, sealed: Uint8Array) => void (this.#published = sealed) } as never,
      memory,
      ownLoad: () => ({ load: 0, inFlight: 0 }),
      self: () => ({ ...nodeRecord(id), addresses: [] }),
      isReady: () => true,
      onView: write,
      lookForIdle: () => undefined,
    })
    const mesh = kernel.spawn(behavior, [], { system: true, register: membershipServerName })
    this.#loseMesh = (primary) => {
      kernel.deliver({ type: 'exit', from: mesh.pid, to: mesh.pid, reason: 'kill', viaLink: false })
      memory.primary = primary
      write()
    }
  }

  /** What its region table says. */
  get table(): { region: string; epoch: number } {
    const { primaryRegion, primaryEpoch } = this.#reader.read().data
    return { region: primaryRegion, epoch: primaryEpoch }
  }

  setPrimary(region: string): Promise<number> {
    return this.#verbs.setPrimaryRegion(plainOwner, region)
  }

  /** Hears what the other said last. */
  hear({ id, published }: PrimaryNode): void {
    this.#put(id, published)
  }

  /** Hears that a member believes in that primary. */
  hearOf(node: string, primary: Primary): void {
    this.#version += 1
    const record = nodeRecord(node, { ...primaryFields(primary), version: this.#version, addresses: [node] })
    this.#put(node, sealRecord(record, genuine))
  }

  /** Its actor of the mesh ends, and its table comes to say that. */
  loseMesh(primary: Primary): void {
    this.#loseMesh(primary)
  }

  async run(ms: number): Promise<void> {
    await this.#platform.advance(ms)
  }

  get id(): string {
    return this.#id
  }

  get published(): Uint8Array {
    return this.#published
  }

  #put(via: string, sealed: Uint8Array): void {
    for (const chunk of encodeSealed('records', [sealed], 256 * 1024).chunks) this.#intake.put(via, chunk)
  }
}

const quietLinks = {
  learn: () => undefined,
  hurry: () => undefined,
  forget: () => undefined,
  restSeeds: () => undefined,
  measured: () => ({ rttMs: 1, load: 0, inFlight: 0, isStuck: false, meshVersion: 2 }),
  peers: () => [],
  peerNodes: () => [],
  sendControl: () => 'sent',
  controlBytesMax: 256 * 1024,
  lagMs: 0,
}

const plainOwner: RemoteOwner = { alive: true, deadlineMs: undefined, attach() {}, detach() {} }
