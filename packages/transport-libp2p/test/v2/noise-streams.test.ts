import '../../src/v2/promise-with-resolvers.ts'
import { createHash, randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { ConnectionEncrypter, Libp2p, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it, onTestFinished } from 'vitest'
import { giveBack } from '../../src/give-back.ts'
import { guardConnections } from '../../src/v2/guarded-negotiations.ts'
import { encryptWithLessGarbage } from '../../src/v2/noise-connection.ts'
import { type Ciphers, decrypted, encryptTo, noisePlaintextBytesMax } from '../../src/v2/noise-streams.ts'

const protocol = '/test/digest/1'

describe('our streams of Noise', () => {
  it.each(['ours dials', 'theirs dials'])('say what libp2p understands, and the other way round: %s', async (who) => {
    const nodes = [await startNode('ours'), await startNode('theirs')] as const
    const [from, to] = who === 'ours dials' ? nodes : [nodes[1], nodes[0]]
    // What is read is sent back, and then the digest of it all: so both directions carry every size.
    await to.handle(protocol, ({ stream }) => void echoed(stream))
    const stream = await from.dialProtocol(to.getMultiaddrs(), protocol)
    const sizes = [
      1,
      1_199,
      1_200,
      3_972,
      3_973,
      70_000,
      3,
      noisePlaintextBytesMax,
      noisePlaintextBytesMax + 1,
      400_000,
      1,
      1,
      2_000_000,
    ]
    const said = sizes.map((size) => randomBytes(size))
    const heard = digestOf(stream.source)
    await stream.sink(said)
    expect(await heard).toBe(createHash('sha256').update(Buffer.concat(said)).digest('hex'))
  })

  it('are read however they are cut', async () => {
    for (const [size, largest] of [
      [1, 300],
      [2, 300],
      [19, 2_000],
      [4_000, 65_519],
      [65_535, 65_519],
      [65_536, 65_519],
      [200_000, 65_519],
    ] as const) {
      const messages = [5, 0, 1, largest, 300, 2, largest].map((bytes) => randomBytes(bytes))
      const wire = Buffer.concat(messages.map((message) => onWire(message)))
      const read: Uint8Array[] = []
      // Each block with a buffer of its own, as sockets give them: it is freed behind the reader's back.
      for await (const chunk of decrypted(cut(wire, size), plain)) read.push(chunk.slice())
      expect(Buffer.concat(read).equals(Buffer.concat(messages))).toBe(true)
    }
  })

  it('are read as one piece where they are many small ones, and as they are where they are not', async () => {
    for (const [length, bytes, piecesMax] of [
      [4_000, 1, 4],
      [200, 1_000, 65],
    ] as const) {
      const messages = Array.from({ length }, () => randomBytes(bytes))
      const wire = Buffer.concat(messages.map((message) => onWire(message)))
      const read: Uint8Array[] = []
      let most = 0
      for await (const chunk of decrypted(cut(wire, 65_536), plain)) {
        most = Math.max(most, [...chunk].length)
        read.push(...chunk)
      }
      expect(most).toBeLessThanOrEqual(piecesMax)
      expect(most).toBeGreaterThan(piecesMax / 8)
      expect(Buffer.concat(read).equals(Buffer.concat(messages))).toBe(true)
    }
  })

  it.each([
    ['is shorter than its tag', Buffer.from([0, 15, ...randomBytes(15)]), /A Noise message of 15 bytes/],
    ['was not made with the key', Buffer.from([0, 17, ...randomBytes(17)]), /not authentic/],
    ['is not complete', onWire(Buffer.from('cut')).subarray(0, 9), /ended within/],
    ['has half a length', Buffer.from([0]), /ended within/],
  ])('end at a message that %s, after what came before it', async (_what, bad, problem) => {
    const read: string[] = []
    const reading = (async () => {
      for await (const chunk of decrypted(cut(Buffer.concat([onWire(Buffer.from('good')), bad]), 22), plain)) {
        read.push(Buffer.from(chunk.subarray()).toString())
      }
    })()
    await expect(reading).rejects.toThrow(problem)
    expect(read).toEqual(['good'])
  })

  it('take from the source only while the socket takes from them, and leave when it is gone', async () => {
    const held: (() => void)[] = []
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => void held.push(done) })
    let taken = 0
    let isReturned = false
    const source = {
      [Symbol.asyncIterator]: () => source,
      next: async () => ((taken += 1), { done: false, value: Buffer.alloc(1_000) } as const),
      return: async () => ((isReturned = true), { done: true, value: undefined } as const),
    }
    const writing = encryptTo(socket as unknown as Socket, source, plain)
    await settled()
    const before = taken
    expect(before).toBeGreaterThan(1)
    expect(before).toBeLessThan(100)
    await settled()
    expect(taken).toBe(before)
    while (held.length > 0) {
      held.shift()?.()
      await settled()
      if (taken > before) break
    }
    expect(taken).toBeGreaterThan(before)
    socket.destroy()
    await writing
    expect(isReturned).toBe(true)
  })

  it('put what waits into one message, and start another where a frame would not fit', async () => {
    const written: Buffer[] = []
    const socket = new Duplex({
      read() {},
      write: (chunk: Buffer, _encoding, done) => (written.push(Buffer.from(chunk)), done()),
    })
    const frames = [
      Buffer.alloc(12, 1),
      new Uint8ArrayList(Buffer.alloc(12, 2), Buffer.alloc(60_000, 3)),
      Buffer.alloc(9_000, 4),
    ]
    const source = {
      get readableLength() {
        return frames.length
      },
      async *[Symbol.asyncIterator]() {
        for (let frame = frames.shift(); frame !== undefined; frame = frames.shift()) yield frame
      },
    }
    await encryptTo(socket as unknown as Socket, source, plain)
    const wire = Buffer.concat(written)
    expect(wire.readUInt16BE()).toBe(12 + 12 + 60_000 + 16)
    expect(wire.readUInt16BE(2 + 60_040)).toBe(9_000 + 16)
    expect(wire.length).toBe(2 + 60_040 + 2 + 9_016)
  })
})

describe('bytes that are given back', () => {
  it('are gone at once, if they are alone in their buffer and not few', () => {
    const alone = new Uint8Array(8_192)
    const few = new Uint8Array(100)
    const neighbours = new Uint8Array(8_192)
    giveBack(alone)
    giveBack(few)
    giveBack(neighbours.subarray(1))
    giveBack(alone)
    expect([alone.length, alone.buffer.byteLength, few.length, neighbours.length]).toEqual([0, 0, 100, 8_192])
  })
})

async function startNode(whose: 'ours' | 'theirs'): Promise<Libp2p> {
  const ours = (components: Parameters<ReturnType<typeof noise>>[0]): ConnectionEncrypter =>
    encryptWithLessGarbage(noise()(components))
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [whose === 'ours' ? ours : noise()],
    ...(whose === 'ours' && { connectionProtector: guardConnections((chosen) => chosen === '/noise') }),
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  })
  onTestFinished(async () => node.stop())
  return node
}

async function echoed(stream: Stream): Promise<void> {
  await stream.sink(stream.source)
}

async function digestOf(source: AsyncIterable<Uint8ArrayList>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of source) for (const block of chunk) hash.update(block)
  return hash.digest('hex')
}

/** The tag is the first sixteen bytes of a digest, and nothing is hidden. */
const plain: Ciphers = {
  encrypt: (plaintext) => new Uint8ArrayList(plaintext.slice(), tagOf(plaintext.subarray())),
  decrypt(ciphertext) {
    const text = ciphertext.subarray(0, -16)
    if (!tagOf(text).equals(Buffer.from(ciphertext.subarray(-16)))) throw new Error('not authentic')
    return Uint8Array.from(text)
  },
}

function tagOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest().subarray(0, 16)
}

function onWire(message: Uint8Array): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length + 16)
  return Buffer.concat([length, message, tagOf(message)])
}

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield Uint8Array.from(bytes.subarray(at, at + size))
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => void setImmediate(resolve))
}
