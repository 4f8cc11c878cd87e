import { defineApp, memoryTransport, type Node, startNode, streamProcedure } from '@skerry/core'
import { seededRandom } from '@skerry/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { deferred } from '../../src/base/deferred.ts'
import type { Pid } from '../../src/actor/pid.ts'
import type { CreditSignal } from '../../src/actor/signal.ts'
import { CreditAccount, CreditAccounts } from '../../src/base/credit-account.ts'
import { GivenCredit } from '../../src/rpc/stream-window.ts'
import { ClientWorld, failureOf, write } from './client-world.ts'
import { knows, newMeshName, quiet } from './two-nodes.ts'

const mebi = 1024 * 1024

let open = deferred<void>()
/** Reads nothing until the test says so. */
const sums = streamProcedure({
  ...write,
  async *run(_ctx, _input: unknown, incoming: AsyncIterable<Uint8Array>) {
    await open.promise
    let bytes = 0
    for await (const item of incoming) bytes += item.byteLength
    yield bytes
  },
})
const gives = streamProcedure({
  name: 'gives',
  async *run(_ctx, items: number) {
    for (let given = 0; given < items; given += 1) yield new Uint8Array(1_000)
  },
})

describe('the streams of one peer', () => {
  it('[node] that nobody reads yet send no more together than may be held of it, and all arrives when they are read', async () => {
    open = deferred<void>()
    const perPeerBytesMax = mebi
    const { client, server } = await startTwo({ perPeerBytesMax })
    const [streams, items, itemBytes] = [60, 40, 4_000]
    let sent = 0
    const incoming = function* (): Generator<Uint8Array> {
      for (let made = 0; made < items; made += 1) {
        sent += itemBytes
        yield new Uint8Array(itemBytes)
      }
    }
    const results = Array.from({ length: streams }, () =>
      client.stream({ node: server.id }, sums, undefined, { incoming: incoming() }).next(),
    )
    const sentWhenStill = async (): Promise<number> => {
      const before = sent
      await client.rpc(server.id, { name: 'none', version: 1 }, undefined).catch(() => undefined)
      return sent === before ? sent : 0
    }
    await expect.poll(sentWhenStill).toBeGreaterThan(perPeerBytesMax / 4)
    // One item more than its credit of each, and the credit that each has in any case.
    expect(sent).toBeLessThan(perPeerBytesMax + streams * (itemBytes + 1_024))
    expect(sent).toBeLessThan((streams * items * itemBytes) / 4)
    open.resolve()
    const values = (await Promise.all(results)).map(({ value }) => value)
    expect(values).toEqual(Array.from({ length: streams }, () => items * itemBytes))
  })

  it('[node] that this node reads slowly are given less each, and give all their items', async () => {
    const { client, server } = await startTwo({ perPeerBytesMax: 64 * 1024 })
    const all = Array.from({ length: 30 }, () => client.stream({ node: server.id }, gives, 50))
    // All are open before any is read on, and the last is read first.
    for (const one of all) expect((await one.next()).done).toBe(false)
    for (const one of all.reverse()) {
      let rest = 0
      for await (const item of one) rest += item.byteLength
      expect(rest).toBe(49_000)
    }
  })

  it('[node] have no more credit together, whatever windows a peer asks for, but for the least that lets each go on', async () => {
    const world = new ClientWorld()
    const given = await openStreams(world, 500, { items: 65_536, bytes: 64 * mebi })
    const [items, bytes] = [
      given.reduce((sum, one) => sum + one.items, 0),
      given.reduce((sum, one) => sum + one.bytes, 0),
    ]
    expect(given).toHaveLength(500)
    expect(Math.min(...given.map((one) => one.items))).toBe(1)
    expect(bytes + items * 256).toBeLessThanOrEqual(64 * mebi + 500 * (1_024 + 256))
  })

  it('[node] have no more credit together when one with a large window comes behind many small ones', async () => {
    const world = new ClientWorld()
    const small = await openStreams(world, 100, { items: 256, bytes: 256 * 1024 })
    world.sent.length = 0
    const large = await openStreams(world, 1, { items: 65_536, bytes: 64 * mebi }, 100)
    const cost = [...small, ...large].reduce((sum, { items, bytes }) => sum + items * 256 + bytes, 0)
    expect(large[0]?.items).toBeGreaterThan(10_000)
    expect(cost).toBeLessThanOrEqual(64 * mebi)
  })

  it('[node] that send more than they were given credit for are ended, counted, and others go on', async () => {
    const world = new ClientWorld()
    await openStreams(world, 2, { items: 4, bytes: 4_096 })
    const { kernel, platform, sent } = world
    const ends = sent.filter((signal): signal is CreditSignal => signal.type === 'credit').map(({ from }) => from)
    sent.length = 0
    for (let seq = 0; seq < 5; seq += 1) {
      kernel.deliver({ type: 'item', from: callAt(0), to: ends[0] as Pid, seq, item: new Uint8Array(10) })
    }
    await platform.settle()
    const failure = { code: 'ERR_NOT_DECODABLE', outcome: 'ran' }
    expect(sent).toMatchObject([{ type: 'reply', to: callAt(0), result: { ok: false, failure } }])
    expect(kernel.counters.streamBreaches).toBe(1)
    expect(kernel.entity(ends[1] as Pid)).toBeDefined()
    expect(kernel.entity(ends[0] as Pid)).toBeUndefined()
  })

  it('[node] that are given more credit than a window has are ended, counted, by either end', async () => {
    const world = new ClientWorld()
    await openStreams(world, 1, { items: 4, bytes: 4_096 })
    const { kernel, platform, sent } = world
    const end = (sent[0] as CreditSignal).from
    sent.length = 0
    kernel.deliver({ type: 'credit', from: callAt(0), to: end, items: 65_532, bytes: 1 })
    await platform.settle()
    expect(sent).toEqual([])
    kernel.deliver({ type: 'credit', from: callAt(0), to: end, items: 1, bytes: 1 })
    await platform.settle()
    expect(sent).toMatchObject([{ type: 'reply', to: callAt(0), result: { ok: false, failure: breach('ran') } }])
    expect(kernel.entity(end)).toBeUndefined()
    const failure = failureOf(world.stream({ incoming: [] }, 'syd').next())
    await platform.settle()
    world.credit(1, 65 * mebi)
    expect(await failure).toMatchObject(breach('unknown'))
    expect(kernel.counters.streamBreaches).toBe(2)
  })

  it('[node] whose items come behind their end drop them, counted', async () => {
    const world = new ClientWorld()
    await openStreams(world, 1, { items: 4, bytes: 4_096 })
    const { kernel, platform, sent } = world
    const to = (sent[0] as CreditSignal).from
    const late = (): void => kernel.deliver({ type: 'item', from: callAt(0), to, seq: 0, item: new Uint8Array(10) })
    kernel.deliver({ type: 'itemsEnd', from: callAt(0), to })
    late()
    expect(kernel.counters.lateReplies).toBe(1)
    open.resolve()
    await platform.settle()
    // The process is over too.
    late()
    expect(kernel.counters.lateReplies).toBe(2)
    expect(kernel.counters.streamBreaches).toBe(0)
  })

  it('[node] that keep to their credit with items larger than it are ended when all hold too much', async () => {
    const world = new ClientWorld()
    await openStreams(world, 3, { items: 4, bytes: 1_024 })
    const { kernel, platform, sent } = world
    const ends = sent.filter((signal): signal is CreditSignal => signal.type === 'credit').map(({ from }) => from)
    sent.length = 0
    // 64 MiB, and one body beyond it.
    const item = new Uint8Array(60 * mebi)
    for (const [at, to] of ends.entries()) kernel.deliver({ type: 'item', from: callAt(at), to, seq: 0, item })
    await platform.settle()
    const failure = { code: 'ERR_OVERLOADED', outcome: 'ran' }
    expect(sent).toMatchObject([{ type: 'reply', to: callAt(2), result: { ok: false, failure } }])
    expect(kernel.counters.streamBreaches).toBe(0)
  })
})

describe('what streams charge', () => {
  it('is what they may make the other end hold, and nothing is left of it when they are over', () => {
    const random = seededRandom(5)
    for (let run = 0; run < 10; run += 1) {
      const accounts = new CreditAccounts(20_000, 5_000)
      const account = accounts.of('peer')
      const streams = Array.from({ length: 12 }, () => playedStream(account))
      for (let step = 0; step < 400; step += 1) {
        const stream = streams[random.int(streams.length)] as PlayedStream
        if (random.int(2) === 0) stream.send(1 + random.int(900))
        else stream.read()
        stream.check()
        const least = streams.length * (256 + 1_024)
        expect(account.charged).toBeLessThan(20_000 + least + streams.length * (900 + 256))
      }
      // Whoever reads all that came gets credit again, whatever the others hold.
      for (const stream of streams) {
        stream.readAll()
        expect(stream.hasCredit).toBe(true)
      }
      for (const stream of streams) stream.given.close()
      expect(account.charged).toBe(0)
      expect(accounts.of('peer')).not.toBe(account)
    }
  })

  it('is given back to those that have less, until all have what they would take', () => {
    const account = new CreditAccount(20_000, 0)
    const [first, second] = [playedStream(account), playedStream(account)]
    const filler = playedStream(account)
    while (filler.hasCredit && filler.unread < 12) filler.send(800)
    const late = playedStream(account)
    expect(late.first.items).toBeLessThan(first.first.items)
    for (const one of [filler, first, second]) one.given.close()
    expect(late.items).toBe(first.first.items)
  })
})

interface PlayedStream {
  readonly given: GivenCredit
  readonly first: { readonly items: number; readonly bytes: number }
  readonly items: number
  readonly unread: number
  readonly hasCredit: boolean
  send(bytes: number): void
  read(): void
  readAll(): void
  check(): void
}

/** A stream whose other end keeps to its credit. */
function playedStream(account: CreditAccount): PlayedStream {
  let [items, bytes] = [0, 0]
  const unread: number[] = []
  const grant = (more: { readonly items: number; readonly bytes: number } | undefined): void => {
    items += more?.items ?? 0
    bytes += more?.bytes ?? 0
  }
  const given = new GivenCredit({ items: 12, bytes: 4_000 }, account, grant)
  const first = given.first()
  grant(first)
  const read = (): void => {
    const size = unread.shift()
    if (size !== undefined) grant(given.read(size))
  }
  return {
    given,
    first,
    get items() {
      return items
    },
    get unread() {
      return unread.length
    },
    get hasCredit() {
      return items > 0 && bytes > 0
    },
    send(size) {
      if (items <= 0 || bytes <= 0) return
      items -= 1
      bytes -= size
      expect(given.arrived(size)).not.toBe('uncredited')
      unread.push(size)
    },
    read,
    readAll() {
      while (unread.length > 0) read()
    },
    check() {
      expect(items + unread.length).toBeLessThanOrEqual(12)
    },
  }
}

const breach = (outcome: string) => ({ code: 'ERR_NOT_DECODABLE', outcome })

const callAt = (at: number): Pid => ({ node: 'l1', life: 1, thread: 0, serial: 1_001 + at })

/** So many streams of a peer that asks for those windows; gives the credit that each was given. */
async function openStreams(
  { kernel, platform, sent }: ClientWorld,
  count: number,
  window: { readonly items: number; readonly bytes: number },
  from = 0,
): Promise<CreditSignal[]> {
  open = deferred<void>()
  const request = { procedure: 'write', version: 1, timeLeftMs: 5_000, idempotencyKey: undefined, callerRegion: '' }
  const stream = { ...window, silentMs: 15_000, hasIncoming: true }
  for (let at = 0; at < count; at += 1) {
    const input = kernel.codec.encode(undefined)
    const work = { call: callAt(from + at), caller: 'l1', arrivedMs: 0, request: { ...request, input, stream } }
    kernel.spawn(sums.behavior, [work])
  }
  await platform.settle()
  return sent.filter((signal): signal is CreditSignal => signal.type === 'credit')
}

async function startTwo(load: { readonly perPeerBytesMax: number }): Promise<{ client: Node; server: Node }> {
  const hub = newMeshName()
  const app = defineApp({ name: 'credit', children: [], procedures: [sums, gives] })
  const start = async (region: string): Promise<Node> => {
    const node = await startNode(app, quiet({ region, load, transport: memoryTransport({ hub }) }))
    onTestFinished(() => node.stop())
    return node
  }
  const server = await start('syd')
  const client = await start('lax')
  await knows(client, server, app)
  return { client, server }
}
