import '../../src/v2/promise-with-resolvers.ts'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p, type Libp2p } from 'libp2p'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DuplexStream } from '../../src/v2/duplex-stream.ts'
import { joinSmallPieces } from '../../src/v2/joined-pieces.ts'

const protocol = '/test/pieces/1'

describe('what waits to be read of a stream of libp2p 2', () => {
  it('is few pieces, also where the peer sent it byte by byte, and whole to the end', async () => {
    const [from, to] = [await startNode(), await startNode()]
    const accepted = new Promise<Stream>((resolve) => {
      void to.handle(protocol, ({ stream }) => resolve(stream))
    })
    const writer = new DuplexStream(await from.dialProtocol(to.getMultiaddrs(), protocol))
    const sent = Array.from({ length: 6_000 }, (_, index) => index % 251)
    let next = 0
    const write = (): void => {
      while (writer.isWritable && next < sent.length) {
        writer.write(Uint8Array.of(sent[next] as number))
        next += 1
      }
      if (next === sent.length) writer.end()
    }
    const stream = await accepted
    const reader = new DuplexStream(stream)
    const pieces: Uint8Array[] = []
    let isPatient = true
    const ended = new Promise<void>((resolve, reject) => {
      reader.read({
        bytes(bytes) {
          pieces.push(...bytes)
          return !isPatient
        },
        writable() {},
        ended: resolve,
        broke: reject,
      })
    })
    writer.read({ bytes: () => true, writable: write, ended() {}, broke() {} })
    write()
    await writer.finished
    // The end of the stream is behind all that was sent, which waits: one piece of it was taken.
    await expect.poll(() => stream.readStatus).not.toBe('ready')
    expect(pieces.length).toBe(1)
    isPatient = false
    reader.resume()
    await ended
    expect(pieces.flatMap((piece) => [...piece])).toEqual(sent)
    expect(pieces.length).toBeLessThan(100)
  })

  it('is few pieces where a large frame came in many, and the frame as it is where it came in large ones', () => {
    const waiting: Uint8ArrayList[] = []
    const streamSource = { readableLength: 1, push: () => undefined, end: () => undefined }
    const stream = { streamSource, sourcePush: (data: Uint8ArrayList) => waiting.push(data), sendWindowUpdate() {} }
    joinSmallPieces(stream)
    const crumbs = Array.from({ length: 5_000 }, (_, index) => Uint8Array.of(index % 251))
    const large = new Uint8ArrayList(...Array.from({ length: 20 }, () => new Uint8Array(3_000)))
    stream.sourcePush(new Uint8ArrayList(...crumbs))
    stream.sourcePush(large)
    expect(waiting.map((data) => [...data].length)).toEqual([1, 20])
    expect([...(waiting[0] as Uint8ArrayList).subarray()]).toEqual(crumbs.map(([byte]) => byte))
    expect(waiting[1]).toBe(large)
  })
})

async function startNode(): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  })
  onTestFinished(async () => node.stop())
  return node
}
