import '../../src/v2/promise-with-resolvers.ts'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p, type Libp2p } from 'libp2p'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { LineReader } from '../../src/line.ts'
import { DuplexStream } from '../../src/v2/duplex-stream.ts'

const protocol = '/test/windows/1'
const KiB = 1024
const block = new Uint8Array(16 * KiB)

describe('the receive window of a stream of libp2p 2', () => {
  it('lets as much come as it has, more once it is larger, and no more once it is smaller again', async () => {
    const { reader, stream } = await flooded()
    await expect.poll(() => unread(stream) + reader.bytesRead).toBe(256 * KiB)
    reader.line.setWindow(2_048 * KiB)
    await expect.poll(() => unread(stream)).toBe(2_048 * KiB)

    reader.line.setWindow(256 * KiB)
    reader.take(3_072 * KiB)
    await expect.poll(() => [reader.wanted, left(stream)]).toEqual([0, 0])
    expect(unread(stream)).toBeLessThanOrEqual(256 * KiB)
  })

  it('takes nothing back of what the peer was allowed', async () => {
    const { reader, stream } = await flooded()
    await expect.poll(() => left(stream)).toBe(0)
    reader.line.setWindow(4_096 * KiB)
    reader.line.setWindow(256 * KiB)
    await expect.poll(() => unread(stream)).toBe(4_096 * KiB)
    expect(stream.status).toBe('open')
  })

  it('holds what waits for a reader that takes one chunk at a time', async () => {
    const { reader, stream } = await flooded()
    let most = 0
    for (let chunk = 0; chunk < 150; chunk += 1) {
      reader.take(1)
      await expect.poll(() => reader.wanted, { interval: 1 }).toBe(0)
      most = Math.max(most, unread(stream))
    }
    expect(most).toBeLessThanOrEqual(256 * KiB)
  })
})

/** A stream over a real socket whose writer never stops by itself, and whose reader takes only what it is told to. */
async function flooded(): Promise<{ reader: PatientReader; stream: Stream }> {
  const [from, to] = [await startNode(), await startNode()]
  const accepted = new Promise<Stream>((resolve) => {
    void to.handle(protocol, ({ stream }) => resolve(stream))
  })
  const writer = new DuplexStream(await from.dialProtocol(to.getMultiaddrs(), protocol))
  let isReady = false
  const write = (): void => {
    while (isReady && writer.isWritable) writer.write(block)
  }
  writer.read({
    bytes: () => true,
    writable: write,
    ended() {},
    broke() {},
  })
  const stream = await accepted
  const reader = new PatientReader(new DuplexStream(stream))
  // What came while the stream was negotiated would not be held by the window.
  isReady = true
  write()
  return { reader, stream }
}

class PatientReader implements LineReader {
  readonly line: DuplexStream
  wanted = 0
  bytesRead = 0

  constructor(line: DuplexStream) {
    this.line = line
    line.read(this)
  }

  /** Reads on, until it has so many bytes more. */
  take(bytes: number): void {
    this.wanted = bytes
    this.line.resume()
  }

  bytes(bytes: Iterable<Uint8Array>): boolean {
    for (const { byteLength } of bytes) {
      this.bytesRead += byteLength
      this.wanted = Math.max(0, this.wanted - byteLength)
    }
    return this.wanted > 0
  }

  writable(): void {}
  ended(): void {}
  broke(): void {}
}

function unread(stream: Stream): number {
  return (stream as Stream & { sourceReadableLength(): number }).sourceReadableLength()
}

/** What the peer may still send, as far as it is under way. */
function left(stream: Stream): number {
  return (stream as Stream & { readonly recvWindowCapacity: number }).recvWindowCapacity
}

async function startNode(): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ maxStreamWindowSize: 256 * KiB })],
    connectionMonitor: { enabled: false },
  })
  onTestFinished(async () => node.stop())
  return node
}
