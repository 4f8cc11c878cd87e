// First, before anything loads libp2p.
import '../../src/v2/promise-with-resolvers.ts'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { ComponentLogger, Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'
import { inTurns, readInTurns } from '../../src/v2/in-turns.ts'
import { ReadTurns } from '../../src/v2/read-turns.ts'

describe('the turns of who reads a connection', () => {
  it('cuts nothing and gives way to nobody while pieces take no time, or others had theirs', () => {
    const turns = new ReadTurns()
    expect(turns.pieceBytes).toBe(Infinity)
    for (let left = 100; left > 0; left -= 1) expect(turns.took(65_536, 1, 0.9)).toBe(false)
    expect(turns.pieceBytes).toBe(Infinity)
  })

  it('gives way after 5 ms without a pause, and then begins anew', () => {
    const turns = new ReadTurns()
    const given = Array.from({ length: 12 }, () => turns.took(65_536, 0, 0.9))
    expect(given.flatMap((isGiven, at) => (isGiven ? [at] : []))).toEqual([5, 11])
  })

  it('cuts what takes long to pieces of some 2 ms, of 1,024 bytes at the least, and no more once it is quick again', () => {
    const turns = new ReadTurns()
    expect(turns.took(65_536, 0, 100)).toBe(true)
    expect(turns.pieceBytes).toBe(1_310)
    turns.took(1_310, 0, 40)
    expect(turns.pieceBytes).toBe(1_024)
    turns.took(1_024, 0, 0.5)
    expect(turns.pieceBytes).toBe(Infinity)
  })
})

describe('what is read in turns', () => {
  it('is the same, in order, with the end, also where it is cut', async () => {
    const all = Uint8Array.from({ length: 40_000 }, (_, at) => at % 251)
    async function* chunks(): AsyncGenerator<Uint8Array | Uint8ArrayList> {
      yield all.subarray(0, 30_000)
      yield new Uint8ArrayList(all.subarray(30_000, 35_000), all.subarray(35_000))
    }
    const read: Uint8Array[] = []
    for await (const chunk of inTurns(chunks())) {
      read.push(chunk.subarray())
      busy(6)
    }
    expect(read.length).toBeGreaterThan(2)
    expect(Buffer.concat(read)).toEqual(Buffer.from(all))
  })

  it('lets the event loop come round between pieces that take long', async () => {
    let turns = 0
    let isOver = false
    const count = (): void => {
      turns += 1
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let left = 20; left > 0; left -= 1) yield new Uint8Array(100)
    }
    for await (const _chunk of inTurns(chunks())) busy(6)
    isOver = true
    expect(turns).toBeGreaterThan(15)
  })
})

it('a frame of yamux that comes byte by byte waits in few pieces: what consumes it takes a time that grows with their square', async () => {
  const log = Object.assign(() => undefined, { error() {}, trace() {}, enabled: false })
  const factory = yamux({ enableKeepAlive: false })({
    logger: { forComponent: () => log } as unknown as ComponentLogger,
  })
  const read: Uint8ArrayList[] = []
  const readAll = async ({ source }: Stream): Promise<void> => {
    for await (const chunk of source) read.push(new Uint8ArrayList(chunk))
  }
  const onIncomingStream = (stream: Stream): void => void readAll(stream)
  const muxer = factory.createStreamMuxer({ direction: 'inbound', onIncomingStream })
  readInTurns(muxer)
  const bytes = 65_536
  const header = (type: number, flag: number, length: number): Buffer => {
    const frame = Buffer.from([0, type, 0, flag, 0, 0, 0, 1, 0, 0, 0, 0])
    frame.writeUInt32BE(length, 8)
    return frame
  }
  async function* sent(): AsyncGenerator<Uint8Array> {
    yield header(1, 1, 0)
    yield header(0, 0, bytes)
    for (let left = bytes; left > 1; left -= 1) yield Uint8Array.of(left & 0xff)
    // The last, and what is next.
    yield Buffer.concat([Uint8Array.of(1), header(0, 4, 0)])
  }
  await muxer.sink(sent())
  expect(read.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBe(bytes)
  expect(read.flatMap((chunk) => [...chunk]).length).toBeLessThan(bytes / 4_096 + 3)
})

/** Keeps the thread for so long. */
function busy(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}
