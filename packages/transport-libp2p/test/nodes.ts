import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Platform } from '@skerry/core/platform'
import type { RawLink, Transport, Uncarried } from '@skerry/core/transport'
import { onTestFinished } from 'vitest'
import { createSkerryLibp2p, type SkerryLibp2p } from '../src/v2/create-libp2p.ts'
import { type Identity, readIdentity } from '../src/identity.ts'
import type { Libp2pTransportOptions } from '../src/options.ts'
import { checkOptions } from '../src/options.ts'
import { createLibp2pTransport } from '../src/v2/libp2p-transport.ts'
import { testPlatform } from './test-platform.ts'

export const cluster = 'tests'
export const secret = 'the secret of this cluster'
export const never: AbortSignal = new AbortController().signal

export interface TestNode {
  readonly transport: Transport
  readonly id: string
  readonly address: string
  /** Without the `/p2p/<id>` at its end. */
  readonly bareAddress: string
  readonly found: readonly string[]
  readonly accepted: readonly RawLink[]
  nextAccepted(): Promise<RawLink>
  /** How much came to nothing, as the node was told. */
  readonly uncarried: Readonly<Record<Uncarried, number>>
}

/** A started transport, stopped after the test. */
export async function startNode(
  options: Partial<Libp2pTransportOptions> = {},
  platform: Platform = testPlatform(),
): Promise<TestNode> {
  const transport = createLibp2pTransport({ cluster, secrets: [secret], ...options })
  const accepted: RawLink[] = []
  const found: string[] = []
  const uncarried = { dropped: 0, lost: 0, refused: 0 }
  const takers: ((link: RawLink) => void)[] = []
  onTestFinished(() => transport.stop())
  const host = {
    accepted(link: RawLink) {
      accepted.push(link)
      takers.shift()?.(link)
    },
    found: (address: string) => void found.push(address),
    uncarried: (how: Uncarried, count: number) => void (uncarried[how] += count),
  }
  const { id, addresses } = await transport.start(host, platform)
  const [address = ''] = addresses
  return {
    transport,
    id,
    address,
    bareAddress: address.replace(/\/p2p\/.*$/, ''),
    found,
    accepted,
    uncarried,
    nextAccepted: () => new Promise((taker) => takers.push(taker)),
  }
}

/** A link from `from` to `to`, and the other end of it. */
export async function connect(from: TestNode, to: TestNode): Promise<[ours: RawLink, theirs: RawLink]> {
  const next = to.nextAccepted()
  const ours = await from.transport.dial(to.address, to.id, new AbortController().signal)
  return [ours, await next]
}

/** The next `count` frames of a lane. */
export function frames(link: RawLink, lane: number, count: number): Promise<Uint8Array[]> {
  return new Promise((resolve) => {
    const received: Uint8Array[] = []
    link.lane(lane).onFrame((frame) => {
      received.push(frame)
      if (received.length === count) resolve(received)
    })
  })
}

/** A bare libp2p node with our options, for what a well-behaved transport would not do. Stopped after the test. */
export async function startBareNode(identity?: Identity): Promise<SkerryLibp2p> {
  const options = checkOptions({ cluster, secrets: [secret] })
  const node = await createSkerryLibp2p(
    options,
    identity ?? (await readIdentity(undefined)),
    testPlatform().log,
    () => undefined,
  )
  onTestFinished(() => node.stop())
  await node.start()
  return node
}

export async function dialFromBareNode(node: SkerryLibp2p, to: TestNode, force = false): Promise<Connection> {
  return await node.dial(multiaddr(to.address), { force })
}

/** A stream of ours to which the test writes whatever it likes. */
export async function openBareStream(
  connection: Connection,
): Promise<Stream & { write(...bytes: Uint8Array[]): void }> {
  const stream = await connection.newStream('/skerry/lane/2.0.0')
  const queue: Uint8Array[] = []
  let wake: (() => void) | undefined
  let ended = false
  void stream
    .sink(
      (async function* () {
        while (!ended) {
          yield* queue.splice(0)
          if (queue.length > 0) continue
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      })(),
    )
    .catch(() => {
      // What the test provokes: the other side reset the stream.
      ended = true
    })
  return Object.assign(stream, {
    write(...bytes: Uint8Array[]) {
      queue.push(...bytes)
      wake?.()
    },
  })
}

/** The streams of a whole link, whose lanes nobody named yet. */
export function openBareLanes(connection: Connection): Promise<Awaited<ReturnType<typeof openBareStream>>[]> {
  return Promise.all(Array.from({ length: 3 }, () => openBareStream(connection)))
}

export function preamble(link: number, lane: number): Uint8Array {
  return Uint8Array.from([...new Array<number>(16).fill(link), lane])
}

export function framed(body: Uint8Array, length = body.byteLength): Uint8Array {
  const frame = new Uint8Array(4 + body.byteLength)
  new DataView(frame.buffer).setUint32(0, length)
  frame.set(body, 4)
  return frame
}

/** Resolves when the stream is over for the one who reads it, with how that came. */
export async function endOf(stream: Stream): Promise<'end' | 'reset'> {
  try {
    for await (const chunk of stream.source) void chunk
    return 'end'
  } catch {
    return 'reset'
  }
}

/** There and back on the connection itself: what was sent on it before has arrived. */
export async function roundTrip(connection: Connection): Promise<void> {
  await endOf(await connection.newStream('/ipfs/id/1.0.0'))
}
