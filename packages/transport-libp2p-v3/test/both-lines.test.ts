import { defineApp, type Node, procedure, silentLog, startNode } from '@skerry/core'
import type { RawLink, Transport, TransportSpec } from '@skerry/core/transport'
import { createLibp2pTransport as create2, libp2pTransport as spec2 } from '@skerry/transport-libp2p'
import { createLibp2pTransport as create3, libp2pTransport as spec3 } from '@skerry/transport-libp2p-v3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { testPlatform } from '../../transport-libp2p/test/test-platform.ts'

const cluster = 'both-lines'
const secret = 'the secret of these tests, 32 characters'
const never = new AbortController().signal
const echo = procedure({ name: 'lines.echo', run: (_ctx, bytes: Uint8Array) => bytes })

interface LineNode {
  readonly transport: Transport
  readonly id: string
  readonly address: string
  readonly accepted: Promise<RawLink>
}

async function start(transport: Transport): Promise<LineNode> {
  onTestFinished(() => transport.stop())
  let accept: (link: RawLink) => void
  const accepted = new Promise<RawLink>((resolve) => {
    accept = resolve
  })
  const host = { accepted: (link: RawLink) => accept(link), found() {} }
  const { id, addresses } = await transport.start(host, testPlatform())
  return { transport, id, address: addresses[0] as string, accepted }
}

const given = { cluster, secrets: [secret] }
const ways = [
  ['2', '3', () => Promise.all([start(create2(given)), start(create3(given))])],
  ['3', '2', () => Promise.all([start(create3(given)), start(create2(given))])],
] as const

describe.each(ways)('a node of libp2p %s that dials one of libp2p %s', (_from, _to, pair) => {
  it('has its frames in order both ways, also when the reader pauses with more than a window on its way', async () => {
    const [from, to] = await pair()
    const ours = await from.transport.dial(to.address, to.id, never)
    const theirs = await to.accepted
    const both = [
      [ours, theirs],
      [theirs, ours],
    ] as const
    for (const [sender, reader] of both) {
      const numbers: number[] = []
      const lane = reader.lane(2)
      const all = new Promise<void>((resolve) => {
        lane.onFrame((frame) => {
          numbers.push(new DataView(frame.buffer, frame.byteOffset).getUint32(0))
          if (numbers.length % 8 === 0) {
            lane.pause()
            setImmediate(() => lane.resume())
          }
          if (numbers.length === 64) resolve()
        })
      })
      for (let number = 0; number < 64; number += 1) {
        const frame = new Uint8Array(32 * 1024)
        new DataView(frame.buffer).setUint32(0, number)
        sender.lane(2).send(frame)
      }
      await all
      expect(numbers).toEqual(Array.from({ length: 64 }, (_none, number) => number))
    }
    ours.close('enough')
    expect(await theirs.closed).toMatchObject({ local: false })
  })

  it('hears its records, and is heard', async () => {
    const [from, to] = await pair()
    await from.transport.dial(to.address, to.id, never)
    for (const [author, reader] of [
      [from, to],
      [to, from],
    ] as const) {
      const heard = new Promise<{ via: string; record: Uint8Array }>((resolve) => {
        reader.transport.subscribe?.('news', (via, record) => resolve({ via, record: Uint8Array.from(record) }))
      })
      // Gossip is best effort.
      const again = setInterval(() => author.transport.publish?.('news', Uint8Array.of(7)), 50)
      expect(await heard.finally(() => clearInterval(again))).toEqual({ via: author.id, record: Uint8Array.of(7) })
    }
  })

  it('believes its signatures, and is believed', async () => {
    const [from, to] = await pair()
    const bytes = Uint8Array.of(1, 2, 3)
    expect(to.transport.verify(from.id, bytes, from.transport.sign(bytes))).toBe(true)
    expect(from.transport.verify(to.id, bytes, to.transport.sign(bytes))).toBe(true)
  })
})

it.each([
  ['2', '3', create2, create3],
  ['3', '2', create3, create2],
])(
  'a stranger of libp2p %s is refused by a node of libp2p %s, whoever dials',
  async (_line, _other, createOne, createOther) => {
    const stranger = await start(createOne({ cluster, secrets: ['another secret, of 32 characters'] }))
    const member = await start(createOther(given))
    for (const [from, to] of [
      [stranger, member],
      [member, stranger],
    ] as const) {
      await expect(from.transport.dial(to.address, to.id, never)).rejects.toMatchObject({ code: 'ERR_PEER_REFUSED' })
    }
  },
)

it('a cluster of both lines knows all its nodes, and calls each of them', async () => {
  const begin = async (region: string, transport: TransportSpec): Promise<Node> => {
    const app = defineApp({ name: region, children: [], procedures: [echo] })
    const node = await startNode(app, { region, primaryRegion: 'syd', log: silentLog, transport })
    onTestFinished(() => node.stop())
    return node
  }
  const syd = await begin('syd', spec2(given))
  const seeds = [syd.addresses[0] as string]
  const lax = await begin('lax', spec3({ ...given, seeds }))
  const fra = await begin('fra', spec2({ ...given, seeds }))
  const nodes = Object.entries({ syd, lax, fra })
  const large = new Uint8Array(3 * 1024 * 1024).fill(5)
  for (const [, from] of nodes) {
    for (const [region, to] of nodes) {
      if (from === to) continue
      await from.waitForRegion(region)
      await from.waitFor(() => from.isRpcSupported(to.id, echo), 'its procedure')
      expect(await from.rpcRegion(region, echo, Uint8Array.of(1))).toEqual(Uint8Array.of(1))
    }
  }
  expect((await syd.rpcRegion('lax', echo, large)).byteLength).toBe(large.byteLength)
  expect((await lax.rpcRegion('fra', echo, large)).byteLength).toBe(large.byteLength)
  // What stops says goodbye, across the lines as within one.
  await lax.stop()
  await syd.waitFor(() => !syd.nodes().some(({ node }) => node === lax.id), 'the one that stopped to be gone')
})
