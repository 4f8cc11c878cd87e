import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemDns } from '../../src/platform/dns.ts'
import { DnsServer, type DnsTrouble } from '../fixtures/dns-server.ts'

const never = new AbortController().signal

let server: DnsServer
beforeEach(async () => {
  server = await new DnsServer().start()
})
afterEach(() => server.stop())

const dns = (timeoutMs = 1_000): ReturnType<typeof systemDns> =>
  systemDns({ servers: [server.address], timeoutMs, tries: 1 })

describe('questions to a name server', () => {
  it('are answered with the addresses of each family', async () => {
    server.set('a.shop.internal', 'A', '10.0.0.1', '10.0.0.2')
    server.set('a.shop.internal', 'AAAA', 'fdaa::1')
    expect([...(await dns().addresses4('a.shop.internal', never))].sort()).toEqual(['10.0.0.1', '10.0.0.2'])
    expect(await dns().addresses6('a.shop.internal', never)).toEqual(['fdaa::1'])
  })

  it('are answered with each text in one piece', async () => {
    server.set('vms.shop.internal', 'TXT', ['aa syd,', 'bb lax'], ['cc fra'])
    expect([...(await dns().texts('vms.shop.internal', never))].sort()).toEqual(['aa syd,bb lax', 'cc fra'])
  })

  it('are answered with hosts and ports', async () => {
    server.set('_mesh._tcp.shop', 'SRV', { priority: 0, weight: 0, port: 4001, target: 'a.shop' })
    expect(await dns().services('_mesh._tcp.shop', never)).toEqual([{ host: 'a.shop', port: 4001 }])
  })

  it('for what does not exist are answered with nothing, whether it is the name or the type', async () => {
    server.set('a.shop.internal', 'A', '10.0.0.1')
    expect(await dns().addresses6('nobody.shop.internal', never)).toEqual([])
    expect(await dns().addresses6('a.shop.internal', never)).toEqual([])
  })

  it('are asked again over TCP when the answer is too large', async () => {
    const many = Array.from({ length: 200 }, (_, index) => `fdaa::${(index + 1).toString(16)}`)
    server.set('shop.internal', 'AAAA', ...many)
    server.trouble('shop.internal', 'truncated')
    expect(await dns().addresses6('shop.internal', never)).toHaveLength(200)
    expect(server.asked.map(({ over }) => over)).toEqual(['udp', 'tcp'])
  })

  const troubles: readonly [DnsTrouble, code: RegExp][] = [
    ['SERVFAIL', /ESERVFAIL/],
    ['REFUSED', /EREFUSED/],
    ['garbage', /EBADRESP|ETIMEOUT/],
    ['silence', /ETIMEOUT/],
    ['wrong-id', /ETIMEOUT/],
  ]
  for (const [trouble, code] of troubles) {
    it(`reject when all that comes is ${trouble}`, async () => {
      server.set('shop.internal', 'AAAA', 'fdaa::1')
      server.trouble('shop.internal', trouble)
      const asking = dns(100).addresses6('shop.internal', never)
      await expect(asking).rejects.toMatchObject({ code: expect.stringMatching(code) })
    })
  }

  it('reject when nobody listens there', async () => {
    const asking = systemDns({ servers: ['127.0.0.1:1'], timeoutMs: 100, tries: 1 }).addresses6('shop.internal', never)
    await expect(asking).rejects.toMatchObject({ code: expect.stringMatching(/ECONNREFUSED|ETIMEOUT/) })
  })

  it('end at once by an abort, before and after they were sent', async () => {
    server.trouble('shop.internal', 'silence')
    const abort = new AbortController()
    const asking = dns(60_000).addresses6('shop.internal', abort.signal)
    await expect.poll(() => server.asked.length).toBe(1)
    abort.abort()
    await expect(asking).rejects.toMatchObject({ code: 'ECANCELLED' })
    await expect(dns(60_000).addresses6('shop.internal', abort.signal)).rejects.toMatchObject({ code: 'ECANCELLED' })
  })

  it('can not be put to a server whose address is none', () => {
    expect(() => systemDns({ servers: ['not an address'] })).toThrow(/ip address/i)
  })
})
