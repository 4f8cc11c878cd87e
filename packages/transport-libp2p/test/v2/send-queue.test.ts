import '../../src/v2/promise-with-resolvers.ts'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { ComponentLogger, Stream, StreamMuxer } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'
import { type SendQueue, sendQueueOf, withSendQueues } from '../../src/v2/send-queue.ts'
import { withNext } from '../../src/v2/with-next.ts'

const kibi = 1_024
const mebi = 1_024 * kibi
// Of yamux.
const kinds = { data: 0, windowUpdate: 1, ping: 2 }
const flags = { none: 0, syn: 1, rst: 8 }

describe('what a muxer of libp2p 2 has handed over, and its connection not taken', () => {
  const aBlock = (frames: number, frame: (nth: number) => Uint8Array): Uint8Array =>
    Buffer.concat(Array.from({ length: frames }, (_, nth) => frame(nth)))
  const framesPerBlock = 1_000

  it.each([
    ['pings', (nth: number) => frame(kinds.ping, flags.syn, 0, nth)],
    ['streams beyond their number', (nth: number) => frame(kinds.windowUpdate, flags.syn, 101 + 2 * nth, 0)],
    ['bytes that are read one by one', () => Buffer.concat([frame(kinds.data, flags.none, 1, 1), Buffer.of(7)])],
  ])(
    'is at most some 8 MiB of answers to %s, with frames of 1 MiB: the connection is read again when half of them has left',
    async (_what, asked) => {
      const { muxer, queue, peer, accepted } = connect()
      peer.says(frame(kinds.windowUpdate, flags.syn, 1, 0))
      await expect.poll(() => accepted.length).toBe(1)
      void readAll(accepted[0] as Stream)
      const block = aBlock(framesPerBlock, asked)
      peer.goesOnWith(() => block)
      await settled(() => peer.blocks)
      const held = peer.blocks
      expect(held * framesPerBlock * (12 + 256)).toBeGreaterThan(7.5 * mebi)
      expect(held * framesPerBlock * (12 + 256)).toBeLessThan(9 * mebi)
      await take(muxer, queue, 1_000)
      await settled(() => peer.blocks)
      expect(peer.blocks).toBe(held)
      await take(muxer, queue, (held * framesPerBlock) / 2)
      await settled(() => peer.blocks)
      expect(peer.blocks).toBeGreaterThan(held)
    },
  )

  it('is at most 1 MiB and a chunk of what streams write, whatever room they have, and they go on when half of it has left', async () => {
    const { muxer, queue, peer } = connect()
    const streams = await Promise.all(Array.from({ length: 32 }, async () => await muxer.newStream()))
    for (const { id } of streams) peer.says(frame(kinds.windowUpdate, flags.none, Number(id), 2 ** 30))
    await settled(() => peer.blocks)
    const writers = streams.map((stream) => write(stream, new Uint8Array(64 * kibi)))
    const written = (): number => writers.reduce((sum, { chunks }) => sum + chunks * 64 * kibi, 0)
    await settled(written)
    expect(waiting(muxer)).toBeGreaterThan(900 * kibi)
    expect(waiting(muxer)).toBeLessThan(1_100 * kibi)
    const held = written()
    while (waiting(muxer) > 600 * kibi) await take(muxer, queue, 1)
    await settled(written)
    expect(written()).toBe(held)
    while (waiting(muxer) > 500 * kibi) await take(muxer, queue, 1)
    await settled(written)
    expect(written()).toBeGreaterThan(held)
    expect(waiting(muxer)).toBeLessThan(1_100 * kibi)
    // Each has its turn.
    while (writers.some(({ chunks }) => chunks < 4)) {
      await take(muxer, queue, 10)
      await settled(written)
    }
  })

  it('holds up no stream that is broken off, and takes nothing more of it', async () => {
    const { muxer, peer } = connect()
    const stream = await muxer.newStream()
    peer.says(frame(kinds.windowUpdate, flags.none, Number(stream.id), 2 ** 30))
    await settled(() => peer.blocks)
    const writer = write(stream, new Uint8Array(64 * kibi))
    await settled(() => writer.chunks)
    const before = waiting(muxer)
    peer.says(frame(kinds.windowUpdate, flags.rst, Number(stream.id), 0))
    await writer.over
    expect(waiting(muxer)).toBe(before)
  })

  it('ends with its connection also where who waits for room has more to say than the peer has room for', async () => {
    const { muxer, queue, peer } = connect()
    const [full, large] = [await muxer.newStream(), await muxer.newStream()]
    peer.says(frame(kinds.windowUpdate, flags.none, Number(full.id), 2 ** 30))
    await settled(() => peer.blocks)
    const filler = write(full, new Uint8Array(64 * kibi))
    await settled(() => filler.chunks)
    const writer = write(large, new Uint8Array(384 * kibi))
    await settled(() => writer.chunks)
    await (muxer.source as AsyncGenerator).return(undefined)
    queue.end()
    await Promise.all([filler.over, writer.over])
  })

  it('is for nobody to wait for once the connection is gone, or while nobody takes it', async () => {
    const { muxer, queue, peer } = connect()
    const stream = await muxer.newStream()
    peer.says(frame(kinds.windowUpdate, flags.none, Number(stream.id), 2 ** 30))
    await settled(() => peer.blocks)
    const writer = write(stream, new Uint8Array(64 * kibi))
    await settled(() => writer.chunks)
    const held = writer.chunks
    queue.end()
    await expect.poll(() => writer.chunks).toBeGreaterThan(held + 100)
    muxer.abort(new Error('gone'))
    await writer.over
  })
})

function connect() {
  const accepted: Stream[] = []
  const factory = withSendQueues(yamux({ maxInboundStreams: 1, enableKeepAlive: false }), mebi)({ logger })
  const muxer = factory.createStreamMuxer({
    direction: 'inbound',
    onIncomingStream: (stream) => void accepted.push(stream),
  })
  const peer = new Peer()
  const queue = sendQueueOf(muxer.source) as SendQueue
  queue.begin()
  void Promise.resolve(muxer.sink(withNext(peer, () => peer.next()))).catch(() => undefined)
  return { muxer, queue, peer, accepted }
}

// Where it is read without end, the test is to end.
const blocksMax = 100

/** What the muxer reads, and how much of it was read. */
class Peer implements AsyncIterator<Uint8Array> {
  /** Of those that it goes on with. */
  blocks = 0
  readonly #said: Uint8Array[] = []
  #more: (() => Uint8Array) | undefined
  #wake: (() => void) | undefined

  says(bytes: Uint8Array): void {
    this.#said.push(bytes)
    this.#wake?.()
  }

  goesOnWith(more: () => Uint8Array): void {
    this.#more = more
    this.#wake?.()
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const said = this.#said.shift()
    if (said !== undefined) return { done: false, value: said }
    const more = this.#more
    if (more === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      return await this.next()
    }
    this.blocks += 1
    if (this.blocks === blocksMax) this.#more = undefined
    return { done: false, value: more() }
  }
}

const log = Object.assign(() => undefined, { error() {}, trace() {}, enabled: false })
const logger = { forComponent: () => log } as unknown as ComponentLogger

function frame(kind: number, flag: number, stream: number, length: number): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt8(kind, 1)
  bytes.writeUInt16BE(flag, 2)
  bytes.writeUInt32BE(stream, 4)
  bytes.writeUInt32BE(length, 8)
  return bytes
}

function waiting(muxer: StreamMuxer): number {
  return (muxer.source as unknown as { readableLength: number }).readableLength
}

async function take(muxer: StreamMuxer, queue: SendQueue, frames: number): Promise<void> {
  const source = muxer.source as AsyncIterable<Uint8Array | Uint8ArrayList>
  const iterator = source[Symbol.asyncIterator]()
  for (let taken = 0; taken < frames; taken += 1) queue.taken((await iterator.next()).value)
}

/** Writes the same chunk for as long as the stream takes it. */
function write(stream: Stream, chunk: Uint8Array): { readonly chunks: number; readonly over: Promise<void> } {
  const writer = { chunks: 0, over: Promise.resolve() }
  const source = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) {
      writer.chunks += 1
      yield chunk
      // An abort is told between turns.
      await new Promise((resolve) => void setImmediate(resolve))
    }
  }
  writer.over = stream.sink(source()).then(
    () => undefined,
    () => undefined,
  )
  return writer
}

async function readAll(stream: Stream): Promise<void> {
  for await (const _ of stream.source);
}

/** Until a number has not changed for some turns. */
async function settled(number: () => number): Promise<void> {
  for (let same = 0, last = NaN; same < 20; same = number() === last ? same + 1 : 0) {
    last = number()
    await new Promise((resolve) => void setImmediate(resolve))
  }
}
