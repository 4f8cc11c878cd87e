import { recordedLog, type RecordedLog } from '@skerry/testing'
import { systemPlatform } from '@skerry/core'
import type { Platform } from '@skerry/core/platform'
import type { RawLink, Transport, Uncarried } from '@skerry/core/transport'
import { expect, onTestFinished } from 'vitest'
import { createNatsTransport } from '../src/nats-transport.ts'
import type { NatsTransportOptions } from '../src/options.ts'

export const cluster = 'tests'
export const secret = 'the secret of this cluster'
export const never: AbortSignal = new AbortController().signal

export interface TestNode {
  readonly transport: Transport
  readonly id: string
  readonly address: string
  readonly found: readonly string[]
  readonly accepted: readonly RawLink[]
  readonly log: RecordedLog
  nextAccepted(): Promise<RawLink>
  /** How often a message was dropped for this reason, as far as the log tells: the last power of two. */
  dropped(reason: string): number
  /** What the node was told of messages that came to nothing. */
  readonly uncarried: Readonly<Record<Uncarried, number>>
}

/** A started transport, stopped after the test. */
export async function startNode(
  server: { readonly url: string },
  options: Partial<NatsTransportOptions> = {},
  clock?: Platform['clock'],
): Promise<TestNode> {
  const transport = createNatsTransport({ cluster, secrets: [secret], servers: [server.url], ...options })
  const log = recordedLog()
  const accepted: RawLink[] = []
  const found: string[] = []
  const uncarried = { dropped: 0, lost: 0, refused: 0 }
  const takers: ((link: RawLink) => void)[] = []
  onTestFinished(() => transport.stop())
  const host = {
    accepted(link: RawLink) {
      const taker = takers.shift()
      if (taker === undefined) accepted.push(link)
      else taker(link)
    },
    found: (address: string) => void found.push(address),
    offered: (address: string) => void found.push(address),
    uncarried: (how: Uncarried, count: number) => void (uncarried[how] += count),
  }
  const system = systemPlatform({ log })
  const platform: Platform = clock === undefined ? system : { ...system, clock }
  const { id, addresses } = await transport.start(host, platform)
  return {
    transport,
    id,
    address: addresses[0] as string,
    found,
    accepted,
    log,
    uncarried,
    async nextAccepted() {
      return accepted.shift() ?? (await new Promise<RawLink>((taker) => takers.push(taker)))
    },
    dropped(reason) {
      const counts = log.entries.map(({ fields }) => fields as { reason?: string; count?: number })
      return Math.max(0, ...counts.filter((entry) => entry.reason === reason).map(({ count = 0 }) => count))
    },
  }
}

/** A link from `from` to `to`, and the other end of it. */
export async function connect(from: TestNode, to: TestNode): Promise<[ours: RawLink, theirs: RawLink]> {
  const ours = await from.transport.dial(to.address, to.id, never)
  return [ours, await to.nextAccepted()]
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

/** There and back: what was sent before on the same way has arrived. */
export async function roundTrip([ours, theirs]: readonly [RawLink, RawLink], lane = 2): Promise<void> {
  const there = frames(theirs, lane, 1)
  ours.lane(lane).send(Uint8Array.of(1))
  await there
  const back = frames(ours, lane, 1)
  theirs.lane(lane).send(Uint8Array.of(2))
  await back
}

/** A link, as soon as the servers carry one: after a start or a fall they need a moment to tell each other who listens where. */
export async function dialUntil(from: TestNode, to: TestNode): Promise<[ours: RawLink, theirs: RawLink]> {
  let pair: [RawLink, RawLink] | undefined
  await expect
    .poll(async () => {
      pair = await connect(from, to).catch(() => undefined)
      return pair !== undefined
    })
    .toBe(true)
  return pair as [RawLink, RawLink]
}
