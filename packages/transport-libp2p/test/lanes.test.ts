import { createHash, randomBytes } from 'node:crypto'
import net from 'node:net'
import { systemPlatform } from '@skerry/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Lane } from '../src/lane.ts'
import type { LineStream } from '../src/line.ts'
import {
  connect,
  dialFromBareNode,
  endOf,
  framed,
  frames,
  never,
  openBareLanes,
  openBareStream,
  preamble,
  roundTrip,
  startBareNode,
  startNode,
} from './nodes.ts'
import { handClock, testPlatform } from './test-platform.ts'

describe('a lane', () => {
  it('writes what is sent until nothing is left to do at once, but 256 frames or 48 KiB as soon as half as much waits behind them', async () => {
    const node = await startNode({}, { ...testPlatform(), turns: systemPlatform().turns })
    const peer = await startBareNode()
    const chunks: number[] = []
    let expected = 17
    let arrived: () => void = () => undefined
    await peer.handle('/skerry/lane/2.0.0', async ({ stream }) => {
      let bytes = 0
      for await (const chunk of stream.source) {
        bytes += chunk.byteLength
        // The other lanes only ever bring their preambles.
        if (bytes > 17) chunks.push(chunk.byteLength)
        if (bytes === expected) arrived()
      }
    })
    const link = await node.transport.dial(peer.getMultiaddrs().map(String)[0] as string, undefined, never)
    const written = async (count: number, send: () => Promise<void>, frameBytes = 24): Promise<number[]> => {
      expected += count * frameBytes
      const all = new Promise<void>((resolve) => {
        arrived = resolve
      })
      for (let sent = 0; sent < count; sent += 1) void send()
      await all
      return chunks.splice(0).map((bytes) => bytes / frameBytes)
    }
    const sendNow = async (): Promise<void> => void link.lane(0).send(new Uint8Array(20))
    const sendKilobyte = async (): Promise<void> => void link.lane(0).send(new Uint8Array(1_020))
    let hops = 0
    const sendAfterHops = async (): Promise<void> => {
      for (let left = (hops += 10); left > 0; left -= 1) await Promise.resolve()
      await sendNow()
    }
    expect(await written(383, sendNow)).toEqual([383])
    expect(await written(384, sendNow)).toEqual([256, 128])
    expect(await written(60, sendKilobyte, 1_024)).toEqual([60])
    expect(await written(72, sendKilobyte, 1_024)).toEqual([48, 24])
    expect(await written(20, sendAfterHops)).toEqual([20])
    // What is sent while the first write is under way leaves in one more.
    expect(await written(1_000, sendNow)).toEqual([256, 744])
  })

  it('hands over small frames as parts of the block that they came in, and others as arrays, in order', async () => {
    const [ours, theirs] = await connect(await startNode(), await startNode())
    const sizes = [10, 2_047, 2_048, 0, 70_000, 1]
    const came: [kind: string, frame: Buffer][] = []
    const all = new Promise<void>((resolve) => {
      const take = (kind: string, frame: Uint8Array): void => {
        came.push([kind, Buffer.from(frame)])
        if (came.length === sizes.length) resolve()
      }
      theirs.lane(1).onSlice?.((block, from, end) => take('slice', block.subarray(from, end)))
      theirs.lane(1).onFrame((frame) => take('array', frame))
    })
    for (const [index, size] of sizes.entries()) ours.lane(1).send(new Uint8Array(size).fill(index))
    await all
    expect(came.map(([kind]) => kind)).toEqual(['slice', 'slice', 'array', 'slice', 'array', 'slice'])
    expect(came.map(([, frame]) => frame)).toEqual(sizes.map((size, index) => Buffer.alloc(size, index)))
  })

  it('uses its blocks again while others of the connection are being written, and every byte comes as it was sent', async () => {
    const [ours, theirs] = await connect(await startNode(), await startNode())
    const rounds = 60
    const lanes = [0, 1, 2]
    const sent = lanes.map(() => createHash('sha256'))
    const came = lanes.map(() => createHash('sha256'))
    let left = lanes.length * rounds * 100
    const all = new Promise<void>((resolve) => {
      for (const lane of lanes) {
        theirs.lane(lane).onFrame((frame) => {
          came[lane]?.update(frame)
          if ((left -= 1) === 0) resolve()
        })
      }
    })
    const random = randomBytes(64 * 1024)
    for (let round = 0; round < rounds; round += 1) {
      for (let index = 0; index < 100; index += 1) {
        for (const lane of lanes) {
          const from = (round * 977 + index * 131 + lane * 53) % 60_000
          const frame = random.subarray(from, from + ((index * 37) % 2_500) + (index === 7 ? 2_000 : 0))
          sent[lane]?.update(frame)
          ours.lane(lane).send(frame)
        }
      }
      // Some rounds meet others on their way, some are alone.
      if (round % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await all
    expect(came.map((hash) => hash.digest('hex'))).toEqual(sent.map((hash) => hash.digest('hex')))
  })

  it('tells its sender of room too when all that waited left right behind the preamble', async () => {
    // As a stream of libp2p 3 is whose connection was full when it was opened.
    let isWritable = false
    const finished = new Promise<void>(() => undefined)
    const stream: LineStream = {
      get isWritable() {
        return isWritable
      },
      write: ({ byteLength }) => (isWritable = byteLength < 256 * 1024),
      finished,
      read() {},
      resume() {},
      end() {},
      abort() {},
    }
    const opened = { stream, preamble: new Uint8Array(5), early: [] }
    const lane = new Lane({ opened, maxFrameBytes: 1024 * 1024, turns: testPlatform().turns, ended() {} })
    const drained = new Promise<void>((resolve) => lane.onDrain(resolve))
    expect(lane.send(new Uint8Array(512 * 1024))).toBe(false)
    for (let time = 0; time < 2; time += 1) {
      isWritable = true
      lane.writable()
    }
    await drained
  })

  it('hands out plain bytes also of frames that came with the preamble', () => {
    const stream: LineStream = {
      isWritable: false,
      write() {},
      finished: new Promise<void>(() => undefined),
      read() {},
      resume() {},
      end() {},
      abort() {},
    }
    const early = [Buffer.from([0, 0, 0, 2, 7, 8])]
    const opened = { stream, preamble: undefined, early }
    const lane = new Lane({ opened, maxFrameBytes: 1024 * 1024, turns: testPlatform().turns, ended() {} })
    const frames: Uint8Array[] = []
    lane.onFrame((frame) => void frames.push(frame))
    expect(frames).toEqual([Uint8Array.of(7, 8)])
    expect(frames.some((frame) => Buffer.isBuffer(frame))).toBe(false)
  })

  it('tells its peer of room in large steps, so that bulk travels in large writes', async () => {
    const [ours, theirs] = await connect(await startNode(), await startNode())
    const { write } = net.Socket.prototype
    let writes = 0
    net.Socket.prototype.write = function (this: net.Socket, ...given: Parameters<typeof write>) {
      writes += 1
      return write.apply(this, given)
    } as typeof write
    onTestFinished(() => {
      net.Socket.prototype.write = write
    })
    const all = frames(theirs, 1, 256)
    for (let sent = 0; sent < 256; sent += 1) ours.lane(1).send(new Uint8Array(32 * 1024))
    await all
    // 8 MiB in writes of at most 64 KiB are 128. Telling of each bit of room makes it thousands.
    expect(writes).toBeLessThan(600)
  })

  it('keeps to a window of 256 KiB, so that bulk does not hold up the frames of other lanes', async () => {
    const node = await startNode()
    const stream = await openBareStream(await dialFromBareNode(await startBareNode(), node))
    expect(stream).toMatchObject({ config: { maxStreamWindowSize: 256 * 1024 } })
  })

  it('closes the link, and only it, when its sender ignores for too long that it is full', async () => {
    const a = await startNode()
    const [ours, theirs] = await connect(a, await startNode())
    const [other, otherThere] = await connect(a, await startNode())
    theirs.lane(0).pause()
    while (ours.lane(0).send(new Uint8Array(64 * 1024)) || !(await isClosed(ours.closed)));
    expect(await ours.closed).toMatchObject({ local: false, reason: expect.stringContaining('wait to be sent') })
    expect(await theirs.closed).toMatchObject({ local: false })
    const arrived = frames(otherThere, 0, 1)
    other.lane(0).send(Uint8Array.of(1))
    expect(await arrived).toHaveLength(1)
  })
})

describe('a peer that does not keep to the protocol', () => {
  it('loses the link at a frame that is too large, and nothing else', async () => {
    const node = await startNode({ maxFrameBytes: 2000 })
    const connection = await dialFromBareNode(await startBareNode(), node)
    const bads = await openBareLanes(connection)
    const goods = await openBareLanes(connection)
    const [bad, good] = [bads[0] as BareStream, goods[0] as BareStream]
    const accepted = node.nextAccepted()
    for (const [lane, stream] of bads.entries()) stream.write(preamble(1, lane))
    const badLink = await accepted
    const acceptedNext = node.nextAccepted()
    for (const [lane, stream] of goods.entries()) stream.write(preamble(2, lane))
    const goodLink = await acceptedNext

    const delivered: Uint8Array[] = []
    badLink.lane(0).onFrame((frame) => delivered.push(frame))
    bad.write(framed(new Uint8Array(2000)), framed(new Uint8Array(1), 2001))
    expect(await badLink.closed).toMatchObject({ local: false, reason: expect.stringContaining('2001 bytes') })
    expect(delivered.map((frame) => frame.byteLength)).toEqual([2000])
    expect(await Promise.all(bads.map(endOf))).toEqual(['reset', 'reset', 'reset'])

    const arrived = frames(goodLink, 0, 1)
    good.write(framed(Uint8Array.of(1, 2, 3)))
    expect(await arrived).toEqual([Uint8Array.of(1, 2, 3)])
    expect(connection.status).toBe('open')
  })

  it('loses the link when it sends garbage, and the node goes on', async () => {
    const node = await startNode()
    const connection = await dialFromBareNode(await startBareNode(), node)
    const lanes = await openBareLanes(connection)
    const accepted = node.nextAccepted()
    for (const [lane, stream] of lanes.entries()) stream.write(preamble(1, lane))
    lanes[0]?.write(new Uint8Array(1000).fill(0xff))
    expect(await (await accepted).closed).toMatchObject({ local: false })

    const [, theirs] = await connect(await startNode(), node)
    expect(theirs.lane(0).send(Uint8Array.of(1))).toBe(true)
  })

  it('has its stream reset when it names a lane that there is not, or one that is open already', async () => {
    const node = await startNode()
    const connection = await dialFromBareNode(await startBareNode(), node)
    const [first, second, none] = await Promise.all([
      openBareStream(connection),
      openBareStream(connection),
      openBareStream(connection),
    ])
    none.write(preamble(1, 3))
    expect(await endOf(none)).toBe('reset')
    first.write(preamble(1, 0))
    second.write(preamble(1, 0))
    expect(await Promise.race([endOf(first), endOf(second)])).toBe('reset')
    expect(node.accepted).toEqual([])
    expect(node.uncarried.refused).toBe(2)
  })

  it('has its streams reset when the other lanes do not come, or not even a preamble', async () => {
    const clock = handClock()
    const node = await startNode({}, testPlatform({ clock }))
    const connection = await dialFromBareNode(await startBareNode(), node)
    const [half, mute] = await Promise.all([openBareStream(connection), openBareStream(connection)])
    half.write(preamble(1, 0))
    const ends = Promise.all([endOf(half), endOf(mute)])
    // A ninth half-open link is refused at once; that it is shows that the first eight have arrived.
    const more = await Promise.all(Array.from({ length: 8 }, () => openBareStream(connection)))
    for (const [index, stream] of more.entries()) stream.write(preamble(2 + index, 0))
    expect(await Promise.race(more.map(endOf))).toBe('reset')
    clock.fire(10_000)
    expect(await ends).toEqual(['reset', 'reset'])
    expect(node.accepted).toEqual([])
    // The ninth, the eight, and the mute one.
    await expect.poll(() => node.uncarried.refused).toBe(10)
  })

  it('cannot add a lane to the link of another', async () => {
    const node = await startNode()
    const owner = await startBareNode()
    const ofOwner = await dialFromBareNode(owner, node)
    const ofOther = await dialFromBareNode(await startBareNode(), node)
    const [first, second, third] = (await openBareLanes(ofOwner)) as [BareStream, BareStream, BareStream]
    const strange = await openBareStream(ofOther)
    const accepted = node.nextAccepted()
    strange.write(preamble(1, 1), framed(Uint8Array.of(66)))
    await roundTrip(ofOther)
    first.write(preamble(1, 0))
    third.write(preamble(1, 2))
    await roundTrip(ofOwner)
    second.write(preamble(1, 1), framed(Uint8Array.of(1)))
    const link = await accepted
    expect(link.peer).toBe(owner.peerId.toString())
    expect(await frames(link, 1, 1)).toEqual([Uint8Array.of(1)])
    expect(node.accepted).toHaveLength(1)
  })
})

type BareStream = Awaited<ReturnType<typeof openBareStream>>

async function isClosed(closed: Promise<unknown>): Promise<boolean> {
  return await Promise.race([
    closed.then(() => true),
    new Promise<false>((resolve) => setImmediate(() => resolve(false))),
  ])
}
