import { connect as connectTo } from 'node:net'
import { createServer } from 'node:tls'
import { onOwnThread, silentLog, systemPlatform } from '@skerry/core'
import { natsTransport } from '@skerry/transport-nats'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { createNatsTransport } from '../src/nats-transport.ts'
import { describeOnServerUnless, type NatsServer, startNatsServer } from './nats-server.ts'
import { cluster, connect, dialUntil, roundTrip, secret, startNode } from './nodes.ts'
import { startProxy } from './proxy.ts'
import { makeCertificates, noCertificates, type TlsCertificates } from './tls-certificates.ts'

describeOnServerUnless(noCertificates)('TLS to the server', () => {
  let made: TlsCertificates
  beforeAll(() => {
    made = makeCertificates()
  })

  /** A server that takes nobody without TLS. */
  async function tlsServer(
    { certFile, keyFile }: { readonly certFile: string; readonly keyFile: string } = made.server,
    more = '',
  ): Promise<NatsServer> {
    const started = await startNatsServer({
      config: `tls { cert_file: "${certFile}", key_file: "${keyFile}", ${more} }`,
    })
    onTestFinished(() => started.stop('SIGKILL'))
    return { ...started, url: started.url.replace('nats:', 'tls:') }
  }

  it('carries links, with the authority as text or as a file, also under a server that is written nats://', async () => {
    const server = await tlsServer()
    const a = await startNode(server, { tls: { ca: made.authority.cert } })
    const b = await startNode(server, { tls: { caFile: made.authority.certFile } })
    const c = await startNode({ url: server.url.replace('tls:', 'nats:') }, { tls: { ca: made.authority.cert } })
    await roundTrip(await connect(a, b))
    await roundTrip(await connect(b, c))
  })

  it('fails the start where the server can not prove that it is the one: no authority that we know, or another host', async () => {
    const [server, elsewhere] = [await tlsServer(), await tlsServer(made.elsewhere)]
    for (const [to, tls] of [
      [server, undefined],
      [server, {}],
      [server, { ca: made.stranger.cert }],
      [elsewhere, { ca: made.authority.cert }],
    ] as const) {
      await expect(startNode(to, tls === undefined ? {} : { tls })).rejects.toMatchObject({
        code: 'ERR_TRANSPORT_START',
        message: expect.stringMatching(/certificate|altnames/i),
      })
    }
  })

  it('is not given up for a server that speaks none: what was asked for is not sent in the clear', async () => {
    const plain = await startNatsServer()
    onTestFinished(() => plain.stop('SIGKILL'))
    await expect(startNode(plain, { tls: { ca: made.authority.cert } })).rejects.toMatchObject({
      code: 'ERR_TRANSPORT_START',
    })
  })

  it('proves who we are where the server asks for it, and fails the start of who can not', async () => {
    const server = await tlsServer(made.server, `ca_file: "${made.authority.certFile}", verify: true`)
    const { cert, key, certFile, keyFile } = made.client
    const ca = made.authority.cert
    const a = await startNode(server, { tls: { ca, cert, key } })
    const b = await startNode(server, { tls: { ca, certFile, keyFile } })
    await roundTrip(await connect(a, b))
    // At once: the client learns of it only by its own limit of time.
    const refused = [{ ca }, { ca, cert: made.stranger.cert, key: made.stranger.key }].map((tls) =>
      expect(startNode(server, { tls })).rejects.toMatchObject({ code: 'ERR_TRANSPORT_START' }),
    )
    await Promise.all(refused)
  })

  it('is there again after the server was killed and started again', async () => {
    const server = await tlsServer()
    const tls = { ca: made.authority.cert }
    const [a, b] = [await startNode(server, { tls }), await startNode(server, { tls })]
    const [ours] = await connect(a, b)
    await server.stop('SIGKILL')
    expect(await ours.closed).toMatchObject({ local: false })
    await server.start()
    await roundTrip(await dialUntil(a, b))
  })

  it('works on a thread of its own, to which its options go as they are', async () => {
    const server = await tlsServer()
    const options = { cluster, secrets: [secret], servers: [server.url], tls: { ca: made.authority.cert } }
    const transport = onOwnThread(natsTransport(options), createNatsTransport)
    onTestFinished(() => transport.stop())
    const { id, addresses } = await transport.start({ accepted() {}, found() {} }, systemPlatform({ log: silentLog }))
    const b = await startNode(server, { tls: { ca: made.authority.cert } })
    const link = await b.transport.dial(addresses[0] as string, id, new AbortController().signal)
    expect(link.peer).toBe(id)
  })

  it('begins at the first byte where that is asked for', async () => {
    const server = await startNatsServer()
    onTestFinished(() => server.stop('SIGKILL'))
    const ending = createServer({ cert: made.server.cert, key: made.server.key }, (client) => {
      const way = connectTo(server.port, '127.0.0.1')
      client.on('error', () => way.destroy()).pipe(way)
      // As a server says it that speaks TLS from the first byte on; the one of these tests can't.
      way
        .on('error', () => client.destroy())
        .once('data', (info: Buffer) => {
          client.write(info.toString('latin1').replace('"max_payload"', '"tls_required":true,"max_payload"'), 'latin1')
          way.pipe(client)
        })
    })
    await new Promise<void>((resolve) => ending.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void ending.close())
    const { port } = ending.address() as { port: number }
    const tls = { ca: made.authority.cert, handshakeFirst: true }
    const [a, b] = [await startNode({ url: `tls://127.0.0.1:${port}` }, { tls }), await startNode(server)]
    await roundTrip(await connect(a, b))
  })

  it('shows nothing to the network of what nodes say to the server: not even whose subjects they are', async () => {
    const server = await tlsServer()
    const proxy = await startProxy(server.port)
    const tls = { ca: made.authority.cert }
    const [a, b] = [
      await startNode({ url: proxy.url.replace('nats:', 'tls:') }, { tls }),
      await startNode(server, { tls }),
    ]
    await roundTrip(await connect(a, b))
    const seen = Buffer.concat(proxy.seen())
    expect(seen.byteLength).toBeGreaterThan(1_000)
    expect(seen.includes('skerry.1.')).toBe(false)
  })
})
