import { once } from 'node:events'
import net from 'node:net'
import { RPC } from '@chainsafe/libp2p-gossipsub/message'
import type { Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2pTransport } from '@skerry/transport-libp2p'
import { silentLog, systemPlatform } from '@skerry/core'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { SpawnRequest } from '../../../core/src/actor/signal.ts'
import { sealAccusation } from '../../../core/src/mesh/accusation.ts'
import { encodeSealed } from '../../../core/src/mesh/mesh-message.ts'
import { type NodeRecord, sealRecord } from '../../../core/src/mesh/node-record.ts'
import { nodeRecord } from '../../../core/test/fixtures/node-record.ts'
import { createSkerryLibp2p } from '../../src/v2/create-libp2p.ts'
import { readIdentity } from '../../src/identity.ts'
import { connectionLimits } from '../../src/limits.ts'
import { checkOptions } from '../../src/options.ts'
import {
  cluster,
  codec,
  expectBounded,
  grew,
  heldMax,
  here,
  type HostileMesh,
  mebi,
  overLibp2p,
  perPeerHeldMax,
  rssMax,
  secret,
  startHostile,
  startMember,
  startVictim as startVictimOf,
  type Victim,
  type VictimOptions,
} from './hostile-world.ts'

// Each starts a process and floods it: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000 })

/** What the transport itself has to withstand. `module`: whose `libp2pTransport` the victims use. The hostile peers are of libp2p 2. */
export function hostileToTransport(module: string): void {
  const startVictim = (options: VictimOptions = {}): Promise<Victim> =>
    startVictimOf({ mesh: overLibp2p(module), ...options })
  describe('a stranger without the secret', () => {
    it('who dials again and again is let in nowhere, and costs no memory', async () => {
      const victim = await startVictim()
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const stranger = createLibp2pTransport({ cluster, secrets: ['another secret, of 32 characters'] })
      onTestFinished(() => stranger.stop())
      await stranger.start({ accepted() {}, found() {} }, systemPlatform({ log: silentLog }))
      const never = new AbortController().signal
      for (let round = 0; round < 10; round += 1) {
        const dials = Array.from({ length: 10 }, () => stranger.dial(victim.address, undefined, never))
        for (const dial of await Promise.allSettled(dials)) {
          expect(dial).toMatchObject({ status: 'rejected', reason: { code: 'ERR_PEER_REFUSED' } })
        }
      }
      expect(await callVictim()).toBe('here')
      const after = await victim.report()
      expectBounded(before, after)
      expect(after.nodes.map(({ region }) => region).sort()).toEqual(['lax', 'syd'])
    })

    it('who says nothing, or a byte at a time, on three hundred connections delays nobody who is in, and later nobody', async () => {
      const victim = await startVictim()
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const sockets = Array.from({ length: 300 }, () => connectRaw(victim))
      for (const [index, socket] of sockets.entries()) if (index % 2 === 0) socket.write(Uint8Array.of(19))
      const held: number[] = []
      const stay = async (): Promise<number> => {
        held.push((await victim.report()).connections - before.connections)
        return sockets.filter((socket) => !socket.closed).length
      }
      await Promise.all(sockets.map((socket) => once(socket, 'connect')))
      await stay()
      expect(await callVictim()).toBe('here')
      // The victim closes each after its time for the handshake, and those beyond its bound at once; nothing of it stays.
      await expect.poll(stay, { timeout: 30_000, interval: 200 }).toBe(0)
      // And a few that are refused just now.
      expect(Math.max(...held)).toBeLessThan(connectionLimits.maxIncomingPendingConnections + 10)
      expect(Math.max(...held)).toBeGreaterThan(0)
      expect(await callVictim()).toBe('here')
      await startHostile(victim)
      expectBounded(before, await victim.report())
    })

    it('who sends garbage, or announces a handshake of any size, is cut off', async () => {
      const victim = await startVictim()
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const garbage = new Uint8Array(64 * 1024).fill(0xff)
      const sockets = Array.from({ length: 100 }, () => connectRaw(victim))
      for (const socket of sockets) socket.write(garbage)
      await Promise.all(sockets.map(async (socket) => await closed(socket)))
      expect(await callVictim()).toBe('here')
      expectBounded(before, await victim.report())
    })
  })

  describe('a member that turns hostile below the links', () => {
    it('cannot have a frame of any size kept, on any lane', async () => {
      const victim = await startVictim()
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      for (const lane of [0, 1, 2]) {
        // Its own maximum is larger, so its transport sends what the victim's does not take.
        const { link } = await startHostile(victim, { maxFrameBytes: 64 * mebi })
        link.lane(lane).send(new Uint8Array(32 * mebi))
        expect(await link.closed).toMatchObject({ local: false })
      }
      expect(await callVictim()).toBe('here')
      expectBounded(before, await victim.report())
    })

    it('floods it with subscriptions: of thirty thousand topics none is kept', async () => {
      const victim = await startVictim()
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const options = checkOptions({ cluster, secrets: [secret] })
      const flooder = await createSkerryLibp2p(options, await readIdentity(undefined), silentLog, () => undefined)
      onTestFinished(() => flooder.stop())
      await flooder.start()
      const topics = Array.from({ length: 30_000 }, (_, index) => ({ subscribe: true, topic: `flood ${index}` }))
      // All in one message, which is too many, and few in each: neither way leads to the map.
      for (const each of [30_000, 50]) {
        const messages = Array.from({ length: 30_000 / each }, (_, at) => topics.slice(at * each, (at + 1) * each))
        const bytes = messages.map((subscriptions) => behindLength(RPC.encode({ subscriptions, messages: [] })))
        const connection = await flooder.dial(multiaddr(victim.address), { force: true })
        const stream = await connection.newStream('/meshsub/1.1.0')
        await written(stream, bytes)
        connection.abort(new Error('enough'))
      }
      expect(await callVictim()).toBe('here')
      expectBounded(before, await victim.report())
    })
  })
}

/** What core withstands over any transport, through this one of libp2p. */
export function hostileToCore(module: string): void {
  const mesh = overLibp2p(module)
  floods(() => mesh)
  sayings(() => mesh)
  addressesThatLead(() => mesh)
}

/** What a member may try to fill the memory with. */
export function floods(mesh: () => HostileMesh): void {
  const startVictim = (options: VictimOptions = {}): Promise<Victim> => startVictimOf({ mesh: mesh(), ...options })
  describe('a member that turns hostile', () => {
    it('cannot fill the memory with large frames that never become whole', async () => {
      const victim = await startVictim()
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const { link } = await startHostile(victim)
      const { encodePart } = await import('../../../core/src/mesh/link-message.ts')
      // The largest that may be, three at a time: one more than a peer may have under way.
      for (const large of [0, 1, 2]) link.lane(2).send(encodePart(large, 64 * mebi, new Uint8Array(60_000)))
      expect(await link.closed).toMatchObject({ local: false })
      expect(await callVictim()).toBe('here')
      // The place for two of them was taken, and no page of it written but for what came.
      expect(grew(before, await victim.report()).rss).toBeLessThan(rssMax)
      await expect.poll(async () => grew(before, await victim.report()).held).toBeLessThan(heldMax)
    })

    it('floods it with requests: so many run as one peer may have, the others are refused, and others are served', async () => {
      const victim = await startVictim({ load: { perPeerMax: 500 } })
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const hostile = await startHostile(victim)
      const request = holdingRequest(codec.encode(null))
      for (let serial = 1; serial <= 20_000; serial += 1) {
        await hostile.send({ type: 'spawn', from: { ...here(victim), serial }, to: here(victim), request })
      }
      await hostile.heard()
      expect(await callVictim()).toBe('here')
      const after = await victim.report()
      expect(after.counters['overloads']).toBe(19_500)
      expectBounded(before, after)
      hostile.link.close('enough')
      await expect.poll(async () => grew(before, await victim.report()).held).toBeLessThan(4 * mebi)
    })

    it('floods it with requests of 256 KiB each: so many bytes of them are held as one peer may have, and others are served', async () => {
      const victim = await startVictim()
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const hostile = await startHostile(victim)
      const request = holdingRequest(codec.encode(new Uint8Array(256 * 1024)))
      for (let serial = 1; serial <= 600; serial += 1) {
        await hostile.send({ type: 'spawn', from: { ...here(victim), serial }, to: here(victim), request })
      }
      await hostile.heard()
      expect(await callVictim()).toBe('here')
      const after = await victim.report()
      // One with its head is a little more than a 256th of 64 MiB.
      expect(after.counters['overloads']).toBe(345)
      expect(grew(before, after).held).toBeLessThan(perPeerHeldMax + heldMax)
      expect(grew(before, after).rss).toBeLessThan(perPeerHeldMax + rssMax)
      hostile.link.close('enough')
      await expect.poll(async () => grew(before, await victim.report()).held).toBeLessThan(4 * mebi)
    })

    it('floods it with small requests full of empty maps: what they become counts, and others are served', async () => {
      const victim = await startVictim()
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const hostile = await startHostile(victim)
      // A thousand bytes, which take forty times as much when they are decoded.
      const input = codec.encode(Array.from({ length: 200 }, () => new Map()))
      expect(input.byteLength).toBeLessThan(1_024)
      const request = { ...holdingRequest(input), procedure: 'victim.keep' }
      for (let serial = 1; serial <= 5_000; serial += 1) {
        await hostile.send({ type: 'spawn', from: { ...here(victim), serial }, to: here(victim), request })
      }
      await hostile.heard()
      expect(await callVictim()).toBe('here')
      // They are taken to need 44,864 bytes each, of 64 MiB; and some do not find room in the queue, where others wait a while.
      const overloads = async (): Promise<number> => (await victim.report()).counters['overloads'] ?? 0
      await expect.poll(overloads, { timeout: 20_000 }).toBeGreaterThanOrEqual(5_000 - 1_495)
      const after = await victim.report()
      expect(grew(before, after).held).toBeLessThan(perPeerHeldMax + heldMax)
      expect(grew(before, after).rss).toBeLessThan(perPeerHeldMax + rssMax)
      hostile.link.close('enough')
      await expect.poll(async () => grew(before, await victim.report()).held).toBeLessThan(4 * mebi)
    })

    it('sends casts of 256 KiB to an actor that is busy for ever: so many bytes wait as one peer may have, the others are dropped', async () => {
      const victim = await startVictim()
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const hostile = await startHostile(victim)
      const args = codec.encode([new Uint8Array(256 * 1024)])
      for (let more = 1; more <= 600; more += 1) {
        await hostile.send({ type: 'cast', to: victim.stuck, name: 'see', args, encoded: true })
      }
      await hostile.heard()
      expect(await callVictim()).toBe('here')
      const after = await victim.report()
      // The first is with the handler, and its body a little more than a 256th of 64 MiB.
      expect(after.counters['mailboxDrops']).toBe(344)
      expect(grew(before, after).held).toBeLessThan(perPeerHeldMax + heldMax)
      expect(grew(before, after).rss).toBeLessThan(perPeerHeldMax + rssMax)
    })

    it('sends bodies that nest without end or hold a million empty lists: they are refused before anything is made of them', async () => {
      const victim = await startVictim()
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const hostile = await startHostile(victim)
      const deep = new Uint8Array(900_000).fill(0x91)
      const wide = new Uint8Array(900_000).fill(0x90)
      wide.set([0xdd, 0, 0x0d, 0xbb, 0x9b])
      const claims = Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0)
      for (const args of [deep, wide, claims, deep, wide, claims]) {
        await hostile.send({ type: 'cast', to: victim.open, name: 'see', args, encoded: true })
      }
      await hostile.heard()
      const after = await victim.report()
      expect((after.counters['undecodable'] ?? 0) - (before.counters['undecodable'] ?? 0)).toBe(6)
      expectBounded(before, after)
      expect(await callVictim()).toBe('here')
    })

    it('links and monitors from a hundred thousand actors that it says to have: all is gone with its link', async () => {
      const victim = await startVictim()
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const hostile = await startHostile(victim)
      for (let serial = 1; serial <= 50_000; serial += 1) {
        const from = { ...here(victim), serial }
        await hostile.send({ type: 'link', from, to: victim.open })
        await hostile.send({ type: 'monitor', from, to: victim.open, ref: serial })
      }
      await hostile.heard()
      // Some 340 bytes each, which is 32 MiB by itself.
      expect(grew(before, await victim.report()).held).toBeLessThan(heldMax + 8 * mebi)
      hostile.link.close('enough')
      await expect.poll(async () => grew(before, await victim.report()).held).toBeLessThan(4 * mebi)
      expect(await callVictim()).toBe('here')
    })
  })
}

/** What a member may say of others. */
export function sayings(mesh: () => HostileMesh): void {
  const startVictim = (options: VictimOptions = {}): Promise<Victim> => startVictimOf({ mesh: mesh(), ...options })
  describe('what a member says of others', () => {
    it('is not believed: a forged record, one of another life, one that was said before, and one of the victim itself', async () => {
      const victim = await startVictim()
      const { node, callVictim } = await startMember(victim)
      const before = await victim.report()
      const hostile = await startHostile(victim)
      const forged = nodeRecord(node.id, { life: node.life, version: Date.now() + 1e9, region: 'fra' })
      const own = nodeRecord(hostile.id, { version: Date.now() + 1e6 })
      const ofVictim = nodeRecord(victim.id, { life: victim.life, version: Date.now() + 1e9, region: 'fra' })
      const seal = (record: NodeRecord): Uint8Array => sealRecord(record, hostile.transport)
      const newer = seal({ ...own, region: 'nowhere', version: own.version + 1 })
      const older = seal({ ...own, region: 'lon' })
      tell(hostile.control, [
        newer,
        older,
        seal(forged),
        seal(ofVictim),
        seal({ ...own, life: 9, version: own.version + 5 }),
      ])
      hostile.transport.publish?.('skerry/members/1', seal(forged))
      await expect.poll(async () => (await victim.report()).counters['recordsIgnored']).toBeGreaterThanOrEqual(2)
      await hostile.heard()
      const regions = new Map((await victim.report()).nodes.map(({ id, region }) => [id, region]))
      expect(regions).toEqual(
        new Map([
          [victim.id, 'syd'],
          [node.id, 'lax'],
          [hostile.id, 'nowhere'],
        ]),
      )
      expect(node.regionOf(victim.id)).toBe('syd')
      expect(await callVictim()).toBe('here')
      expectBounded(before, await victim.report())
    })

    it('accuses in vain with versions that nobody could refute, the victim too', async () => {
      const victim = await startVictim()
      const { node, callVictim } = await startMember(victim)
      const before = await victim.report()
      const hostile = await startHostile(victim)
      const subjects = [victim, { id: node.id, life: node.life }]
      const versions = [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1, Date.now() * 2]
      const accusations = subjects.flatMap(({ id: subject, life }) =>
        versions.map((version) => sealAccusation({ subject, life, version, accuser: hostile.id }, hostile.transport)),
      )
      for (const chunk of encodeSealed('accusations', accusations, 60_000).chunks) hostile.control(chunk)
      tell(hostile.control, [sealRecord(nodeRecord(hostile.id, { version: 2 }), hostile.transport)])
      // Behind them on the same lane.
      await expect.poll(async () => (await victim.report()).nodes.length).toBe(3)
      const after = await victim.report()
      const { counters, nodes } = after
      expectBounded(before, after)
      expect([counters['crashes'], counters['restarts']]).toEqual([
        before.counters['crashes'],
        before.counters['restarts'],
      ])
      expect(nodes.map(({ region }) => region).sort()).toEqual(['lax', 'nowhere', 'syd'])
      expect(await callVictim()).toBe('here')
    })

    it('is bounded: two thousand nodes that are none', async () => {
      const victim = await startVictim()
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const hostile = await startHostile(victim)
      // Without their keys it can't sign as anybody else: each costs it an identity, and here they are forged.
      for (let round = 0; round < 20; round += 1) {
        const records = Array.from({ length: 100 }, (_, index) => nodeRecord(`12D3Koo${round}x${index}`))
        tell(
          hostile.control,
          records.map((record) => sealRecord(record, hostile.transport)),
        )
      }
      await expect.poll(async () => (await victim.report()).counters['recordsIgnored']).toBe(2_000)
      const after = await victim.report()
      expect(after.nodes.map(({ region }) => region).sort()).toEqual(['lax', 'syd'])
      expectBounded(before, after)
      expect(await callVictim()).toBe('here')
    })

    it('is believed so often, however often it says something new of itself', async () => {
      const victim = await startVictim()
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const hostile = await startHostile(victim)
      const records = Array.from({ length: 500 }, (_, index) =>
        sealRecord(nodeRecord(hostile.id, { version: 10 + index }), hostile.transport),
      )
      const toldMs = performance.now()
      tell(hostile.control, records)
      // 64 at once, and two for each second that it took; the rest is not believed.
      const ignoredOrMay = async (): Promise<number> =>
        ((await victim.report()).counters['recordsIgnored'] ?? 0) + 64 + 2 * ((performance.now() - toldMs) / 1_000 + 1)
      await expect.poll(ignoredOrMay).toBeGreaterThanOrEqual(records.length)
      expect(await callVictim()).toBe('here')
      expectBounded(before, await victim.report())
    })
  })
}

/** Where the addresses that a member tells lead to, as multiaddrs. */
function addressesThatLead(mesh: () => HostileMesh): void {
  const startVictim = (options: VictimOptions = {}): Promise<Victim> => startVictimOf({ mesh: mesh(), ...options })
  describe('what a member says of its own addresses', () => {
    it('leads to no third party but as a connection that says the protocol and nothing of ours', async () => {
      const victim = await startVictim()
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const hostile = await startHostile(victim)
      const third = await startThirdParty()
      const addresses = [`/ip4/127.0.0.1/tcp/${third.port}`]
      tell(hostile.control, [sealRecord(nodeRecord(hostile.id, { addresses, version: 5 }), hostile.transport)])
      hostile.link.close('the victim shall dial')
      await expect.poll(() => third.heard.length, { timeout: 15_000 }).toBeGreaterThan(0)
      await expect.poll(() => third.heard.some((said) => said.length > 0)).toBe(true)
      for (const line of third.heard.flatMap((said) => said.split('\n'))) {
        // Each behind its length in one byte.
        expect(line.slice(1)).toMatch(/^(\/multistream\/1\.0\.0|\/noise\/[0-9a-f]{32})?$/)
      }
      expect(await callVictim()).toBe('here')
      expectBounded(before, await victim.report())
    })

    it('leads nowhere outside of the networks that the node may dial', async () => {
      const victim = await startVictim({ transport: { dialNetworks: ['10.0.0.0/8'] } })
      const before = await victim.report()
      const hostile = await startHostile(victim)
      const third = await startThirdParty()
      const addresses = [`/ip4/127.0.0.1/tcp/${third.port}`, `/dns4/localhost/tcp/${third.port}`]
      tell(hostile.control, [sealRecord(nodeRecord(hostile.id, { addresses, version: 5 }), hostile.transport)])
      await expect.poll(async () => (await victim.report()).nodes.length).toBe(2)
      hostile.link.close('the victim shall dial')
      // Its record is dropped after five seconds without a link, in which it was dialled several times.
      await expect.poll(async () => (await victim.report()).nodes.length, { timeout: 15_000 }).toBe(1)
      expect(third.heard).toEqual([])
      // Only now: it would dial there itself.
      const { callVictim } = await startMember(victim)
      expect(await callVictim()).toBe('here')
      expectBounded(before, await victim.report())
    })
  })
}

function tell(control: (bytes: Uint8Array) => void, sealed: readonly Uint8Array[]): void {
  for (const chunk of encodeSealed('records', sealed, 60_000).chunks) control(chunk)
}

/** As protobuf has it: the length in groups of seven bits. */
function behindLength(bytes: Uint8Array): Uint8Array {
  const length: number[] = []
  let rest = bytes.length
  for (; rest >= 0x80; rest >>= 7) length.push((rest & 0x7f) | 0x80)
  return new Uint8Array(Buffer.concat([Uint8Array.of(...length, rest), bytes]))
}

/** Resolves when all is on its way, or the other side has reset the stream. */
async function written(stream: Stream, bytes: readonly Uint8Array[]): Promise<void> {
  await new Promise<void>((resolve) => {
    async function* all(): AsyncGenerator<Uint8Array> {
      yield* bytes
      resolve()
    }
    // A stream that the victim ends takes no more, and need not call that an error. One that it reads no more waits for ever.
    stream.sink(all()).then(resolve, () => resolve())
    setTimeout(resolve, 5_000).unref()
  })
}

function connectRaw({ port }: Victim): net.Socket {
  const socket = net.connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  // A reset is one way of being cut off.
  socket.on('error', () => undefined)
  socket.resume()
  return socket
}

async function closed(socket: net.Socket): Promise<void> {
  if (socket.closed) return
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
}

/** Somebody else's server, which says nothing. */
async function startThirdParty(): Promise<{ port: number; heard: string[] }> {
  const heard: string[] = []
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    const at = heard.push('') - 1
    socket.on('data', (data) => {
      heard[at] += data.toString('latin1')
    })
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as net.AddressInfo).port, heard }
}

/** Of a procedure that ends when its caller does. */
function holdingRequest(input: Uint8Array): SpawnRequest {
  return {
    procedure: 'victim.hold',
    version: 1,
    timeLeftMs: 3_600_000,
    idempotencyKey: undefined,
    callerRegion: 'nowhere',
    input,
  }
}
