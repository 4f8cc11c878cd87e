import { manualPlatform, seededRandom, type ManualPlatform } from '@skerry/testing'
import { transportConformance } from '@skerry/testing/conformance'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createMemoryTransport, memoryNetwork } from '../../src/mesh/memory-transport.ts'
import type { RawLink, Transport, TransportHost } from '../../src/mesh/transport.ts'
import type { Platform } from '../../src/platform/platform.ts'
import { silentLog } from '../../src/platform/log.ts'
import { systemPlatform } from '../../src/node/system-platform.ts'
import { type PortedTransport, portedTransport } from './turns-thread.ts'

const supports = {
  lanes: 3,
  gossip: true,
  maxFrameBytes: 1024 * 1024,
  secret: true,
  cluster: true,
  frameLimit: 'option',
  faults: true,
} as const

function conformanceOn(name: string, platform: () => Platform): void {
  transportConformance(name, {
    suite: { describe, it },
    supports,
    platform,
    nobody: (world) => `memory:${world}/nobody`,
    network: memoryNetwork,
    create: ({ member, world, maxFrameBytes }) => {
      const create = (): Transport =>
        createMemoryTransport({
          hub: world,
          id: member,
          secret: member === 'stranger' ? 'something else' : 'the secret of this cluster',
          cluster: member === 'outsider' ? 'elsewhere' : 'here',
          ...(maxFrameBytes !== undefined && { maxFrameBytes }),
        })
      return portedTransport(create, platform()).transport
    },
  })
}

conformanceOn('memory behind a port', () => systemPlatform({ log: silentLog }))

describe('in the order of a seed', () => {
  const world = manualPlatform({ seed: 1, order: 'seeded' })
  let next = 0
  let pumping = true
  beforeAll(() => void pump(world, () => pumping))
  afterAll(() => {
    pumping = false
  })
  conformanceOn('memory behind a port, seeded', () => {
    next += 1
    return manualPlatform({ seed: seededRandom(1, String(next)).u32(), beside: world })
  })
})

async function pump(world: ManualPlatform, goesOn: () => boolean): Promise<void> {
  while (goesOn()) {
    await world.advance(1)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('a transport whose thread is lost', () => {
  it('closes its links with a coded reason, and runs again as the same node', async () => {
    const { platform, ported, peer } = await twoNodes()
    const link = await dialled(platform, peer, 'memory:lost/here')
    const [accepted] = ported.accepted
    ported.lose(new Error('out of memory'))
    await platform.advance(1)
    const closed = await accepted?.closed
    expect(closed).toMatchObject({ local: false })
    expect(closed?.reason).toMatch(/^ERR_TRANSPORT_THREAD_LOST: .*out of memory/)
    expect(await link.closed).toMatchObject({ local: false })
    await expect(ported.transport.dial('memory:lost/peer', undefined, never)).rejects.toMatchObject({
      code: 'ERR_TRANSPORT_THREAD_LOST',
    })
    await platform.advance(200)
    expect(ported.starts).toBe(2)
    await dialled(platform, peer, 'memory:lost/here')
    expect(ported.failures).toEqual([])
  })

  it('rejects a dial that was on its way', async () => {
    const { platform, ported } = await twoNodes()
    const dial = ported.transport.dial('memory:lost/peer', undefined, never)
    ported.lose(new Error('gone'))
    const rejected = expect(dial).rejects.toMatchObject({ code: 'ERR_TRANSPORT_THREAD_LOST' })
    await platform.advance(1)
    await rejected
  })

  it('tells its host once it is lost too often, and is not started again', async () => {
    const { platform, ported } = await twoNodes()
    for (let lost = 0; lost < 6; lost += 1) {
      ported.lose(new Error('again'))
      await platform.advance(6_000)
    }
    expect(ported.failures).toMatchObject([{ code: 'ERR_TRANSPORT_THREAD_LOST' }])
    expect(ported.starts).toBe(6)
  })

  it('is not started again when it was stopped', async () => {
    const { platform, ported } = await twoNodes()
    ported.lose(new Error('gone'))
    await platform.advance(1)
    await ported.transport.stop()
    await platform.advance(10_000)
    expect(ported.starts).toBe(1)
  })
})

const never = new AbortController().signal

describe('the round-trip time that core measured', () => {
  it('is told to the transport on its thread', async () => {
    const platform = manualPlatform()
    const peer = createMemoryTransport({ hub: 'rtt', id: 'peer' })
    const told: number[] = []
    const ported = portedTransport(() => {
      const transport = createMemoryTransport({ hub: 'rtt', id: 'here' })
      return Object.assign(Object.create(transport) as Transport, {
        supports: transport.supports,
        start: (host: TransportHost, on: Platform) => transport.start(host, on),
        stop: () => transport.stop(),
        dial: async (...to: Parameters<Transport['dial']>) => {
          const link: RawLink = await transport.dial(...to)
          return Object.assign(link, { leastRtt: (ms: number) => void told.push(ms) })
        },
      })
    }, platform)
    onTestFinished(async () => {
      await Promise.all([peer.stop(), ported.transport.stop(), platform.advance(20_000)])
    })
    const nobody = { accepted() {}, found() {} }
    await Promise.all([ported.transport.start(nobody, platform), peer.start(nobody, platform), platform.advance(1)])
    const link = await dialled(platform, ported.transport, 'memory:rtt/peer')
    link.leastRtt?.(150.5)
    await platform.advance(1)
    expect(told).toEqual([150.5])
    link.close('enough')
    link.leastRtt?.(10)
    await platform.advance(1)
    expect(told).toEqual([150.5])
  })
})

describe('messages that come to nothing', () => {
  it('are told to main ten times a second at most, and before the end, however many there are', async () => {
    const platform = manualPlatform()
    let host: TransportHost | undefined
    const ported = portedTransport(() => hostedBy((its) => (host = its)), platform)
    const told: [how: string, messages: number][] = []
    const started = ported.transport.start(
      { accepted() {}, found() {}, uncarried: (how, messages) => void told.push([how, messages]) },
      platform,
    )
    await Promise.all([started, platform.advance(1)])
    for (let time = 0; time < 1_000; time += 1) host?.uncarried?.('dropped', 1)
    host?.uncarried?.('lost', 3)
    host?.uncarried?.('refused', 2)
    await platform.advance(150)
    expect(told).toEqual([
      ['dropped', 1_000],
      ['lost', 3],
      ['refused', 2],
    ])
    await platform.advance(1_000)
    expect(told).toHaveLength(3)
    host?.uncarried?.('lost', 1)
    await Promise.all([ported.transport.stop(), platform.advance(20_000)])
    expect(told.at(-1)).toEqual(['lost', 1])
  })

  it('are records that the other thread has not read by their millions, either way, and links beyond a number', async () => {
    const platform = manualPlatform()
    const told: Record<string, number> = {}
    let host: TransportHost | undefined
    let heard: ((via: string, record: Uint8Array) => void) | undefined
    const gossip = { publish: () => undefined, subscribe: (_topic: string, on: typeof heard) => void (heard = on) }
    const ported = portedTransport(() => hostedBy((its) => (host = its), gossip), platform)
    const started = ported.transport.start(
      { accepted() {}, found() {}, uncarried: (how, count) => void (told[how] = (told[how] ?? 0) + count) },
      platform,
    )
    ported.transport.subscribe?.('news', () => undefined)
    await Promise.all([started, platform.advance(1)])
    const record = new Uint8Array(16 * 1024)
    // 257 fill the bound of 4 MiB, and one more.
    for (let said = 0; said < 300; said += 1) ported.transport.publish?.('news', record)
    expect(told).toEqual({ dropped: 43 })
    for (let said = 0; said < 300; said += 1) heard?.('peer', record)
    const lane = { onDrain() {}, onFrame() {}, pause() {}, resume() {} }
    const link = { peer: 'peer', lane: () => lane, close() {}, closed: new Promise(() => undefined) }
    for (let opened = 0; opened < 260; opened += 1) host?.accepted(link as unknown as RawLink)
    await platform.advance(150)
    expect(told).toEqual({ dropped: 86, refused: 4 })
    await Promise.all([ported.transport.stop(), platform.advance(20_000)])
  })
})

/** A transport whose host the test plays for. */
function hostedBy(hosted: (host: TransportHost) => void, other: Partial<Transport> = {}): Transport {
  const transport = createMemoryTransport({ id: 'here' })
  return Object.assign(Object.create(transport) as Transport, {
    supports: transport.supports,
    start: (host: TransportHost, on: Platform) => {
      hosted(host)
      return transport.start(host, on)
    },
    stop: () => transport.stop(),
    ...other,
  })
}

async function twoNodes() {
  const platform = manualPlatform()
  const peer = createMemoryTransport({ hub: 'lost', id: 'peer' })
  const ported = portedTransport(() => createMemoryTransport({ hub: 'lost', id: 'here' }), platform)
  onTestFinished(async () => {
    await Promise.all([peer.stop(), ported.transport.stop(), platform.advance(20_000)])
  })
  const accepted: RawLink[] = []
  const failures: Error[] = []
  const started = ported.transport.start(
    { accepted: (link) => accepted.push(link), found() {}, failed: (error) => failures.push(error) },
    platform,
  )
  await Promise.all([started, peer.start({ accepted() {}, found() {} }, platform), platform.advance(1)])
  const view: Extended = Object.assign(Object.create(ported) as PortedTransport, { accepted, failures })
  return { platform, peer, ported: view }
}

type Extended = PortedTransport & { readonly accepted: RawLink[]; readonly failures: Error[] }

async function dialled(platform: ManualPlatform, from: Transport, address: string): Promise<RawLink> {
  const dial = from.dial(address, undefined, never)
  await platform.advance(1)
  return await dial
}
