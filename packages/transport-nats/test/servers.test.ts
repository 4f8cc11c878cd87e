import {
  defineApp,
  procedure,
  startNode as startSkerryNode,
  systemPlatform,
  type Node,
  type ProcedureHere,
} from '@skerry/core'
import { natsTransport } from '@skerry/transport-nats'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../core/test/fixtures/free-port.ts'
import { describeOnServer, type NatsServer, startNatsServer } from './nats-server.ts'
import { cluster, connect, dialUntil, frames, never, roundTrip, secret, startNode } from './nodes.ts'
import { startProxy } from './proxy.ts'

async function server(options: Parameters<typeof startNatsServer>[0] = {}): Promise<NatsServer> {
  const started = await startNatsServer(options)
  onTestFinished(() => started.stop('SIGKILL'))
  return started
}

/** Two servers of one cluster. */
async function twoServers(): Promise<[NatsServer, NatsServer]> {
  const routes = [await freePort(), await freePort()]
  const config = (own: number): string => `cluster {
    name: two
    listen: "127.0.0.1:${routes[own]}"
    routes: ["nats://127.0.0.1:${routes[1 - own]}"]
  }`
  return [await server({ config: config(0) }), await server({ config: config(1) })]
}

describeOnServer('a link', () => {
  it('carries frames larger than the max_payload of the server', async () => {
    const small = await server({ config: 'max_payload: 2048' })
    const [a, b] = [await startNode(small), await startNode(small)]
    const [ours, theirs] = await connect(a, b)
    const frame = Uint8Array.from({ length: 1024 * 1024 }, (_none, index) => index * 7 + (index >> 8))
    const received = frames(theirs, 0, 1)
    ours.lane(0).send(frame.slice())
    expect(Buffer.compare((await received)[0] as Uint8Array, frame)).toBe(0)
  })

  it('ends at both sides when the server goes away, and can be dialled again when it is back', async () => {
    const one = await server()
    const [a, b] = [await startNode(one), await startNode(one)]
    const [ours, theirs] = await connect(a, b)
    await one.stop('SIGKILL')
    expect(await ours.closed).toMatchObject({ local: false })
    expect(await theirs.closed).toMatchObject({ local: false })
    await expect(a.transport.dial(b.address, b.id, never)).rejects.toMatchObject({ code: 'ERR_DIAL_FAILED' })
    expect(ours.lane(0).send(new Uint8Array(1))).toBe(false)

    await one.start()
    await roundTrip(await dialUntil(a, b))
  })

  it('ends at the other side too when one node alone lost the server: it hears so as soon as that node is back', async () => {
    const one = await server()
    const proxy = await startProxy(one.port)
    // Otherwise the server may say first that nobody listens there: b has nothing to say here, not even that it is alive.
    const { clock } = systemPlatform()
    const quiet: typeof clock = {
      ...clock,
      after: (ms, run) => (ms === 250 ? { cancel() {} } : clock.after(ms, run)),
    }
    const [a, b] = [await startNode(proxy), await startNode(one, {}, quiet)]
    const [ours, theirs] = await connect(a, b)
    proxy.break()
    await ours.closed
    expect(await theirs.closed).toEqual({ local: false, reason: 'The connection to the server of NATS was lost' })
    await roundTrip(await dialUntil(b, a))
  })

  it('ends with the peer: the server says that nobody listens any more', async () => {
    const one = await server()
    const proxy = await startProxy(one.port)
    const [a, b] = [await startNode(one), await startNode(proxy)]
    const [ours] = await connect(a, b)
    // Like a process that was killed: its connection closes, and it says nothing.
    proxy.cut()
    proxy.break()
    expect(await ours.closed).toMatchObject({ local: false, reason: 'The peer is gone' })
  })

  it('ends, and the node heals, when the server cuts a node off that does not read', async () => {
    const one = await server({ config: 'max_payload: 65536\nmax_pending: 262144\nwrite_deadline: "500ms"' })
    const proxy = await startProxy(one.port)
    const [a, b] = [await startNode(one), await startNode(proxy, { windowBytes: 16 * 1024 * 1024 })]
    const [ours, theirs] = await connect(a, b)
    const bystander = await startNode(one)
    const other = await connect(a, bystander)
    proxy.holdUp()
    let isClosed = false
    void ours.closed.then(() => {
      isClosed = true
    })
    const lane = ours.lane(0)
    const fill = (): void => {
      while (!isClosed && lane.send(new Uint8Array(64 * 1024)));
    }
    lane.onDrain(fill)
    fill()
    expect(await ours.closed).toMatchObject({ local: false, reason: 'The peer is gone' })
    proxy.heal()
    expect(await theirs.closed).toMatchObject({ local: false })
    expect(b.uncarried.lost).toBeGreaterThan(0)
    await roundTrip(other)
    await roundTrip(await dialUntil(a, b))
  })
})

describeOnServer('two servers of one cluster', () => {
  it('carry links between their nodes; a node of the one that is killed goes on at the other', async () => {
    const [first, second] = await twoServers()
    const a = await startNode(first)
    const b = await startNode(second)
    const [ours, theirs] = await dialUntil(a, b)
    await roundTrip([ours, theirs])

    await first.stop('SIGKILL')
    await ours.closed
    await theirs.closed
    await roundTrip(await dialUntil(a, b))
  })
})

describeOnServer('a mesh over NATS', () => {
  const where = procedure({ name: 'where', run: (ctx) => ctx.myRegion })

  async function node(
    region: string,
    servers: readonly NatsServer[],
    further: readonly ProcedureHere<unknown, number>[] = [],
  ): Promise<Node> {
    const app = defineApp({ name: 'shop', children: [], procedures: [where, ...further] })
    const started = await startSkerryNode(app, {
      region,
      primaryRegion: 'syd',
      transport: natsTransport({ cluster, secrets: [secret], servers: servers.map(({ url }) => url) }),
      log: { debug() {}, info() {}, warn() {}, error() {} },
    })
    onTestFinished(() => started.stop())
    return started
  }

  it('forms without seeds, and heals by itself after the server was killed and started again', async () => {
    const one = await server()
    const [syd, lax, fra] = [await node('syd', [one]), await node('lax', [one]), await node('fra', [one])]
    for (const [from, to] of [
      [lax, 'syd'],
      [syd, 'fra'],
      [fra, 'lax'],
    ] as const) {
      await from.waitForRegion(to, { timeoutMs: 15_000 })
      expect(await from.rpcRegion(to, where, undefined)).toBe(to)
    }
    await one.stop('SIGKILL')
    await expect
      .poll(() => lax.rpcRegion('syd', where, undefined).catch((error: { code: string }) => error.code))
      .toBe('ERR_NO_NODE_IN_REGION')
    expect(lax.counters().transportLosses).toBe(1)
    await one.start()
    for (const to of ['syd', 'fra']) {
      await lax.waitForRegion(to, { timeoutMs: 15_000 })
      expect(await lax.rpcRegion(to, where, undefined)).toBe(to)
    }
  })

  it('[node] counts what does not fit the max_payload of the server, and forms all the same', async () => {
    const small = await server({ config: 'max_payload: 1024' })
    // Their names alone make a record larger.
    const many = Array.from({ length: 40 }, (_none, index) =>
      procedure({ name: `a.procedure.with.a.long.name.${index}`, run: () => index }),
    )
    await node('syd', [small], many)
    const lax = await node('lax', [small], many)
    await lax.waitForRegion('syd', { timeoutMs: 15_000 })
    expect(await lax.rpcRegion('syd', where, undefined)).toBe('syd')
    expect(await lax.rpcRegion('syd', many[39]!, undefined)).toBe(39)
    expect(lax.counters()).toMatchObject({ transportLosses: 0 })
    expect(lax.counters().transportDrops).toBeGreaterThan(0)
  })

  it('heals by itself when one of two servers is killed', async () => {
    const [first, second] = await twoServers()
    const syd = await node('syd', [first])
    const lax = await node('lax', [second])
    await lax.waitForRegion('syd', { timeoutMs: 15_000 })
    await syd.waitForRegion('lax', { timeoutMs: 15_000 })
    // Each has learned of the other server from its own.
    await first.stop('SIGKILL')
    await expect
      .poll(() =>
        Promise.all([lax.rpcRegion('syd', where, undefined), syd.rpcRegion('lax', where, undefined)]).catch(() => []),
      )
      .toEqual(['syd', 'lax'])
  })
})
