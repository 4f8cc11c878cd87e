import {
  defineApp,
  flyDiscovery,
  type Node,
  type NodeOptions,
  silentLog,
  startNode,
  systemPlatform,
} from '@skerry/core'
import { libp2pTransport } from '@skerry/transport-libp2p'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DnsServer } from '../../core/test/fixtures/dns-server.ts'
import { freePort } from '../../core/test/fixtures/free-port.ts'

const app = defineApp({ name: 'found', children: [] })
const secret = 'the secret of these tests, 32 characters'

interface Joined {
  readonly region: string
  readonly listen: readonly string[]
  readonly secrets?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly discovery?: NodeOptions['discovery']
}

async function join({ region, listen, secrets = [secret], environment = {}, discovery }: Joined): Promise<Node> {
  const node = await startNode(app, {
    region,
    transport: libp2pTransport({ cluster: 'found', secrets, listen }),
    platform: systemPlatform({ log: silentLog, environment }),
    ...(discovery !== undefined && { discovery }),
  })
  onTestFinished(() => node.stop())
  return node
}

async function startDns(): Promise<DnsServer> {
  const server = await new DnsServer().start()
  onTestFinished(() => server.stop())
  return server
}

const knows = async (node: Node, ...regions: string[]): Promise<void> => {
  for (const region of regions) await node.waitForRegion(region, { timeoutMs: 15_000 })
}

describe('nodes that know nothing of each other but a name', () => {
  it('[node] find each other by A records, also one that is listed later, as the environment says', async () => {
    const dns = await startDns()
    const port = await freePort(['127.0.0.2', '127.0.0.3', '127.0.0.4'])
    const environment = {
      SKERRY_DNS_SERVERS: dns.address,
      SKERRY_DISCOVERY: `dns:nodes.found.internal:${port}`,
    }
    const at = (last: number): string[] => [`/ip4/127.0.0.${last}/tcp/${port}`]
    dns.set('nodes.found.internal', 'A', '127.0.0.2', '127.0.0.3')
    const syd = await join({ region: 'syd', listen: at(2), environment })
    const lax = await join({ region: 'lax', listen: at(3), environment })
    await knows(syd, 'lax')
    await knows(lax, 'syd')
    // It is not listed yet, and lists nobody: the others find it.
    const fra = await join({ region: 'fra', listen: at(4), environment: {} })
    dns.set('nodes.found.internal', 'A', '127.0.0.2', '127.0.0.3', '127.0.0.4')
    await knows(fra, 'syd', 'lax')
    expect(syd.discovery()).toMatchObject([{ name: `dns:nodes.found.internal:${port}`, failure: undefined }])
    expect(syd.discovery()[0]!.places.map(({ address }) => address)).not.toContain(at(2)[0])
  })

  it('[node] find each other by SRV records, each with a port of its own', async () => {
    const dns = await startDns()
    const environment = { SKERRY_DNS_SERVERS: dns.address, SKERRY_DISCOVERY: 'srv:_mesh._tcp.found' }
    const syd = await join({ region: 'syd', listen: ['/ip4/127.0.0.1/tcp/0'], environment })
    const port = Number(/tcp\/(\d+)/.exec(syd.addresses[0]!)?.[1])
    dns.set('_mesh._tcp.found', 'SRV', { priority: 0, weight: 0, port, target: 'syd.found' })
    dns.set('syd.found', 'A', '127.0.0.1')
    const lax = await join({ region: 'lax', listen: [], environment })
    await knows(lax, 'syd')
    await knows(syd, 'lax')
  })

  it('[node] find machines of Fly over IPv6, and know their regions before they are linked', async () => {
    const dns = await startDns()
    const port = await freePort(['::1'])
    dns.set('vms.found.internal', 'TXT', ['91851e13e45e58 syd'])
    dns.set('syd.found.internal', 'AAAA', '::1')
    const environment = { SKERRY_DNS_SERVERS: dns.address }
    const discovery = [flyDiscovery({ app: 'found', port })]
    const lax = await join({ region: 'lax', listen: [], environment, discovery })
    await expect.poll(() => lax.discovery()[0]!.places).toEqual([{ address: `/ip6/::1/tcp/${port}`, region: 'syd' }])
    expect(lax.regions()).not.toContain('syd')
    await join({ region: 'syd', listen: [`/ip6/::1/tcp/${port}`], environment, discovery })
    await knows(lax, 'syd')
  })

  it('[node] start while no name server answers, and find each other once it does', async () => {
    const dns = await startDns()
    const port = await freePort(['127.0.0.2', '127.0.0.3'])
    const name = 'nodes.found.internal'
    const environment = { SKERRY_DNS_SERVERS: dns.address, SKERRY_DISCOVERY: `dns:${name}:${port}` }
    dns.set(name, 'A', '127.0.0.2', '127.0.0.3')
    dns.trouble(name, 'SERVFAIL')
    const syd = await join({ region: 'syd', listen: [`/ip4/127.0.0.2/tcp/${port}`], environment })
    const lax = await join({ region: 'lax', listen: [`/ip4/127.0.0.3/tcp/${port}`], environment })
    await expect.poll(() => syd.discovery()[0]!.failures).toBeGreaterThan(0)
    expect(syd.discovery()[0]!.failure).toMatch(/ERR_DISCOVERY_FAILED: .*ESERVFAIL/)
    dns.trouble(name, undefined)
    await knows(syd, 'lax')
    await knows(lax, 'syd')
  })

  it('[node] do not let in a stranger whom the name server lists, nor join it', async () => {
    const dns = await startDns()
    const hosts = ['127.0.0.2', '127.0.0.3', '127.0.0.4']
    const port = await freePort(hosts)
    const environment = {
      SKERRY_DNS_SERVERS: dns.address,
      SKERRY_DISCOVERY: `dns:nodes.found.internal:${port}`,
    }
    dns.set('nodes.found.internal', 'A', ...hosts)
    const [syd, lax, stranger] = await Promise.all(
      hosts.map((host, index) =>
        join({
          region: ['syd', 'lax', 'strange'][index]!,
          listen: [`/ip4/${host}/tcp/${port}`],
          secrets: [index === 2 ? 'another secret, of 32 characters' : secret],
          environment,
        }),
      ),
    )
    await knows(syd!, 'lax')
    await knows(lax!, 'syd')
    await expect.poll(() => stranger!.discovery()[0]!.questions).toBeGreaterThan(2)
    expect(syd!.regions()).toEqual(['lax', 'syd'])
    expect(lax!.regions()).toEqual(['lax', 'syd'])
    expect(stranger!.regions()).toEqual(['strange'])
  })
})
