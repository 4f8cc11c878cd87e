import { manualPlatform } from '@skerry/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dnsDiscovery, srvDiscovery } from '../../src/discovery/dns-discovery.ts'
import { flyDiscovery } from '../../src/discovery/fly-discovery.ts'
import { kubernetesDiscovery } from '../../src/discovery/kubernetes-discovery.ts'
import type { DiscoverySource, PartialAnswer, Place } from '../../src/discovery/source.ts'
import { systemDns } from '../../src/platform/dns.ts'
import { DnsServer } from '../fixtures/dns-server.ts'

const never = new AbortController().signal
const self = { node: 'us', cluster: 'shop', region: 'syd', addresses: [] }

let server: DnsServer
beforeEach(async () => {
  server = await new DnsServer().start()
})
afterEach(() => server.stop())

async function found(source: DiscoverySource, signal = never): Promise<readonly Place[] | PartialAnswer> {
  const dns = systemDns({ servers: [server.address], timeoutMs: 200, tries: 1 })
  return await source.open(self, { ...manualPlatform(), dns }).find(signal)
}

async function foundSorted(source: DiscoverySource): Promise<string[]> {
  const answer = await found(source)
  const places = 'places' in answer ? answer.places : answer
  return places.map(({ address, region }) => (region === undefined ? address : `${address} ${region}`)).sort()
}

const target = (host: string, port = 4001): object => ({ priority: 0, weight: 0, port, target: host })

describe('a DNS name', () => {
  const source = dnsDiscovery({ name: 'nodes.shop.internal.', port: 4001 })

  it('leads to all of its A and AAAA records, as they are now', async () => {
    expect(await foundSorted(source)).toEqual([])
    server.set('nodes.shop.internal', 'A', '10.0.0.1', '10.0.0.2')
    server.set('nodes.shop.internal', 'AAAA', 'fdaa:0:1::2')
    const all = ['/ip4/10.0.0.1/tcp/4001', '/ip4/10.0.0.2/tcp/4001', '/ip6/fdaa:0:1::2/tcp/4001']
    expect(await foundSorted(source)).toEqual(all)
    server.set('nodes.shop.internal', 'A', '10.0.0.3')
    expect(await foundSorted(source)).toEqual(['/ip4/10.0.0.3/tcp/4001', '/ip6/fdaa:0:1::2/tcp/4001'])
  })

  it('leads to one family where the server can not answer for the other', async () => {
    server.set('nodes.shop.internal', 'A', '10.0.0.1')
    server.trouble('nodes.shop.internal', 'SERVFAIL', 'AAAA')
    expect(await foundSorted(source)).toEqual(['/ip4/10.0.0.1/tcp/4001'])
  })

  it('is a failure with the name in it when no family is answered', async () => {
    server.trouble('nodes.shop.internal', 'SERVFAIL')
    await expect(found(source)).rejects.toMatchObject({
      code: 'ERR_DISCOVERY_FAILED',
      message: expect.stringMatching(/nodes\.shop\.internal: .*ESERVFAIL/),
    })
  })

  it('is a failure when one family has nothing and the other is not answered: nobody knows that nobody is there', async () => {
    server.set('nodes.shop.internal', 'A', '10.0.0.1')
    server.trouble('nodes.shop.internal', 'silence', 'A')
    await expect(found(source)).rejects.toMatchObject({ code: 'ERR_DISCOVERY_FAILED' })
  })

  it('is a failure on a platform without name servers', async () => {
    const answer = source.open(self, manualPlatform()).find(never)
    await expect(answer).rejects.toMatchObject({ code: 'ERR_DISCOVERY_FAILED' })
  })

  it('becomes an address as the transport writes it', async () => {
    server.set('nodes.shop.internal', 'A', '10.0.0.1')
    const addressOf = (host: string, port: number): string => `tcp://${host}:${port}`
    expect(await foundSorted(dnsDiscovery({ name: 'nodes.shop.internal', port: 7, addressOf }))).toEqual([
      'tcp://10.0.0.1:7',
    ])
  })
})

describe('SRV records', () => {
  const source = srvDiscovery({ name: '_mesh._tcp.nodes.shop' })

  it('lead to every address of every host that they name, each with its port', async () => {
    server.set('_mesh._tcp.nodes.shop', 'SRV', target('a.shop', 4001), target('b.shop', 4002))
    server.set('a.shop', 'A', '10.0.0.1')
    server.set('b.shop', 'A', '10.0.0.2')
    server.set('b.shop', 'AAAA', 'fdaa::2')
    expect(await foundSorted(source)).toEqual([
      '/ip4/10.0.0.1/tcp/4001',
      '/ip4/10.0.0.2/tcp/4002',
      '/ip6/fdaa::2/tcp/4002',
    ])
  })

  it('give a partial answer when one of the hosts is not answered', async () => {
    server.set('_mesh._tcp.nodes.shop', 'SRV', target('a.shop'), target('b.shop'))
    server.set('a.shop', 'A', '10.0.0.1')
    server.trouble('b.shop', 'SERVFAIL')
    const answer = (await found(source)) as PartialAnswer
    expect(answer.places).toEqual([{ address: '/ip4/10.0.0.1/tcp/4001' }])
    expect(answer.failure).toMatchObject({ code: 'ERR_DISCOVERY_FAILED', message: expect.stringMatching(/b\.shop/) })
  })

  it('that say "not here" lead nowhere', async () => {
    server.set('_mesh._tcp.nodes.shop', 'SRV', target('.', 0), target('a.shop', 0))
    expect(await foundSorted(source)).toEqual([])
    expect(server.askedFor('a.shop')).toEqual([])
  })

  it('lead to 256 hosts at most', async () => {
    const hosts = Array.from({ length: 300 }, (_, index) => `pod-${index}.shop`)
    server.set('_mesh._tcp.nodes.shop', 'SRV', ...hosts.map((host) => target(host)))
    server.trouble('_mesh._tcp.nodes.shop', 'truncated')
    for (const host of hosts) server.set(host, 'A', '10.0.0.1')
    expect(await foundSorted(source)).toHaveLength(256)
  })
})

describe('an app on Fly', () => {
  const source = flyDiscovery({ app: 'shop', port: 4001 })
  const machines = (): void => {
    server.set('vms.shop.internal', 'TXT', ['91851e13e45e58 syd,9080514c154587 lax', ',4d891 syd'])
    server.set('shop.internal', 'AAAA', 'fdaa::1', 'fdaa::2', 'fdaa::3')
    server.set('syd.shop.internal', 'AAAA', 'fdaa::1', 'fdaa::3')
    server.set('lax.shop.internal', 'AAAA', 'fdaa::2')
  }
  const withRegions = ['/ip6/fdaa::1/tcp/4001 syd', '/ip6/fdaa::2/tcp/4001 lax', '/ip6/fdaa::3/tcp/4001 syd']
  const without = withRegions.map((place) => place.slice(0, -4))

  it('has machines whose regions are known without asking them', async () => {
    machines()
    expect(await foundSorted(source)).toEqual(withRegions)
    expect(server.askedFor('shop.internal')).toEqual([])
  })

  it('is asked for its list of regions when the list of machines can not be had', async () => {
    machines()
    server.set('regions.shop.internal', 'TXT', ['lax,syd'])
    server.trouble('vms.shop.internal', 'SERVFAIL')
    expect(await foundSorted(source)).toEqual(withRegions)
  })

  it('is asked for all of its machines when no region is known, whether the lists fail or are empty or rubbish', async () => {
    machines()
    server.trouble('vms.shop.internal', 'SERVFAIL')
    server.trouble('regions.shop.internal', 'REFUSED')
    expect(await foundSorted(source)).toEqual(without)
    server.trouble('vms.shop.internal', undefined)
    server.trouble('regions.shop.internal', undefined)
    server.set('vms.shop.internal', 'TXT')
    expect(await foundSorted(source)).toEqual(without)
    server.set('vms.shop.internal', 'TXT', [',,; ../.. \u0000 a.b.c x'], [''])
    server.set('regions.shop.internal', 'TXT', ['../../etc', 'a b'])
    expect(await foundSorted(source)).toEqual(without)
  })

  it('is a failure when even that is not answered', async () => {
    server.trouble('vms.shop.internal', 'SERVFAIL')
    server.trouble('regions.shop.internal', 'SERVFAIL')
    server.trouble('shop.internal', 'SERVFAIL')
    await expect(found(source)).rejects.toMatchObject({ code: 'ERR_DISCOVERY_FAILED' })
  })

  it('gives a partial answer when one region is not answered', async () => {
    machines()
    server.trouble('lax.shop.internal', 'SERVFAIL')
    const answer = (await found(source)) as PartialAnswer
    expect(answer.places.map(({ region }) => region)).toEqual(['syd', 'syd'])
    expect(answer.failure).toMatchObject({ message: expect.stringMatching(/lax\.shop\.internal/) })
  })

  it('is asked nothing more once the answer is not wanted', async () => {
    machines()
    server.trouble('vms.shop.internal', 'silence')
    const abort = new AbortController()
    const answer = found(source, abort.signal)
    await expect.poll(() => server.asked.length).toBe(1)
    abort.abort()
    await expect(answer).rejects.toMatchObject({ code: 'ERR_DISCOVERY_FAILED' })
    expect(server.asked).toHaveLength(1)
  })
})

describe('a headless service of Kubernetes', () => {
  it('leads to its pods, by a port or by the name of one', async () => {
    server.set('skerry.shop.svc.cluster.local', 'A', '10.244.1.7')
    server.set(
      '_mesh._tcp.skerry.shop.svc.cluster.local',
      'SRV',
      target('skerry-0.skerry.shop.svc.cluster.local', 4002),
    )
    server.set('skerry-0.skerry.shop.svc.cluster.local', 'A', '10.244.1.8')
    const service = { service: 'skerry', namespace: 'shop' }
    expect(await foundSorted(kubernetesDiscovery({ ...service, port: 4001 }))).toEqual(['/ip4/10.244.1.7/tcp/4001'])
    expect(await foundSorted(kubernetesDiscovery({ ...service, port: 'mesh' }))).toEqual(['/ip4/10.244.1.8/tcp/4002'])
  })
})

describe('options that can not be', () => {
  const bad: readonly [what: string, create: () => unknown][] = [
    ['no name', () => dnsDiscovery({ name: '', port: 4001 })],
    ['a name with a space', () => dnsDiscovery({ name: 'a b', port: 4001 })],
    ['a name of 254 characters', () => srvDiscovery({ name: 'a.'.repeat(126) + 'ab' })],
    ['port 0', () => dnsDiscovery({ name: 'a', port: 0 })],
    ['half a port', () => dnsDiscovery({ name: 'a', port: 1.5 })],
    ['a port that is no number', () => flyDiscovery({ app: 'shop', port: Number('x') })],
    ['an app with a slash', () => flyDiscovery({ app: 'a/b', port: 4001 })],
    ['a namespace with a dot', () => kubernetesDiscovery({ service: 'a', namespace: 'b.c', port: 4001 })],
    ['a port without a name', () => kubernetesDiscovery({ service: 'a', namespace: 'b', port: ' ' })],
  ]
  for (const [what, create] of bad) {
    it(`are refused: ${what}`, () => {
      expect(create).toThrow(expect.objectContaining({ code: 'ERR_BAD_DISCOVERY' }))
    })
  }
})
