import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import {
  defineApp,
  type DiscoverySelf,
  type Node,
  type OpenSource,
  type Place,
  silentLog,
  startNode,
} from '@skerry/core'
import { libp2pTransport } from '@skerry/transport-libp2p'
import { mdnsDiscovery } from '@skerry/transport-libp2p/mdns'
import { afterEach, describe, expect, it } from 'vitest'
import { testPlatform } from './test-platform.ts'

const group = '224.0.0.251'
const loopback = '127.0.0.1'
const never = new AbortController().signal

const multicast = await multicastWorks()
if (!multicast) process.stderr.write('mDNS is not tried: multicast does not work on the loopback interface here\n')

const open: { close?(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close?.()
})

describe.runIf(multicast)('multicast DNS', () => {
  it('[node] leads the nodes of one cluster on one network to each other, and not those of another', async () => {
    const port = await freeUdpPort()
    const [syd, lax, other] = await Promise.all([
      join('mdns', 'syd', port),
      join('mdns', 'lax', port),
      join('other', 'fra', port),
    ])
    await syd.waitForRegion('lax', { timeoutMs: 15_000 })
    await lax.waitForRegion('syd', { timeoutMs: 15_000 })
    expect(syd.discovery()).toMatchObject([{ name: 'mdns', failure: undefined, places: [{ region: 'lax' }] }])
    await expect.poll(() => other.discovery()[0]!.questions).toBeGreaterThan(1)
    expect(other.discovery()[0]!.places).toEqual([])
  })

  it('names what others announced, with their region, and leaves out loopback where they have better', async () => {
    const port = await freeUdpPort()
    const addresses = ['/ip4/127.0.0.1/tcp/1/p2p/x', '/ip4/192.168.7.4/tcp/4001/p2p/x', '/ip6/fd00::4/tcp/4001']
    await source(port, { region: 'attic', addresses }).find(never)
    const listener = source(port)
    await expect
      .poll(() => listener.find(never))
      .toEqual([
        { address: '/ip4/192.168.7.4/tcp/4001', region: 'attic' },
        { address: '/ip6/fd00::4/tcp/4001', region: 'attic' },
      ])
  })

  it('is not put out by rubbish, and believes at most 256 addresses, 8 of one answer', async () => {
    const port = await freeUdpPort()
    const listener = source(port)
    await listener.find(never)
    const sender = createSocket('udp4')
    await bound(sender)
    sender.setMulticastInterface(loopback)
    for (const rubbish of ['', 'x', '\u0000'.repeat(600), '\u00c0\u000c'.repeat(30)]) {
      await new Promise((sent) => sender.send(Buffer.from(rubbish, 'latin1'), port, group, sent))
    }
    const many = Array.from({ length: 40 }, (_, index) => `/ip4/10.0.0.${index}/tcp/1`)
    const flood = Array.from({ length: 60 }, (_, node) =>
      source(port, { addresses: many.map((one) => `${one}${node + 1}`) }),
    )
    for (const one of flood) await one.find(AbortSignal.abort()).catch(() => undefined)
    sender.close()
    const count = async (): Promise<number> => ((await listener.find(never)) as readonly Place[]).length
    await expect.poll(count).toBe(256)
    expect(await count()).toBe(256)
  })

  it('fails when the interface is none, and when the question is given up', async () => {
    const none = mdnsDiscovery({ interface: '192.0.2.77', port: await freeUdpPort() }).open(self({}), testPlatform())
    open.push(none)
    await expect(none.find(never)).rejects.toThrow()
    const abort = new AbortController()
    const finding = source(await freeUdpPort()).find(abort.signal)
    abort.abort()
    await expect(finding).rejects.toThrow(/given up/)
  })
})

function self(changed: Partial<DiscoverySelf>): DiscoverySelf {
  return { node: 'x', cluster: 'mdns', region: 'syd', addresses: [], ...changed }
}

function source(port: number, changed: Partial<DiscoverySelf> = {}): OpenSource {
  const opened = mdnsDiscovery({ interface: loopback, port }).open(self(changed), testPlatform())
  open.push(opened)
  return opened
}

async function join(cluster: string, region: string, port: number): Promise<Node> {
  const node = await startNode(defineApp({ name: 'mdns', children: [] }), {
    region,
    log: silentLog,
    transport: libp2pTransport({ cluster, secrets: ['the secret of these tests, 32 characters'] }),
    discovery: [mdnsDiscovery({ interface: loopback, port })],
  })
  open.push({ close: () => node.stop() })
  return node
}

async function bound(socket: Socket, port = 0): Promise<number> {
  socket.bind(port)
  await once(socket, 'listening')
  return socket.address().port
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4')
  const port = await bound(socket)
  socket.close()
  return port
}

async function multicastWorks(): Promise<boolean> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  try {
    const port = await bound(socket)
    socket.setMulticastInterface(loopback)
    socket.addMembership(group, loopback)
    socket.setMulticastLoopback(true)
    const heard = once(socket, 'message', { signal: AbortSignal.timeout(2_000) })
    socket.send('hello', port, group)
    await heard
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}
