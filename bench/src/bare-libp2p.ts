// First, before anything loads libp2p.
import './promise-with-resolvers.ts'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Libp2p, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { WriteStyle } from './raw-echo.ts'
import { WaitingLine } from './waiting-line.ts'

const lengthBytes = 4
const protocolOf = (style: WriteStyle): string => `/bench/echo/${style}`

/** Echoes frames (a length in four bytes, then that many) on streams that live as long as their client. */
export async function startBareLibp2p(): Promise<{ address: string; stop(): Promise<void> }> {
  const node = await createBare(['/ip4/127.0.0.1/tcp/0'])
  for (const style of ['single', 'coalesced'] as const) {
    await node.handle(protocolOf(style), ({ stream }) => {
      const frames = new FrameStream(stream, style, (body) => frames.send(body))
    })
  }
  return { address: String(node.getMultiaddrs()[0]), stop: async () => node.stop() }
}

export interface BareEcho {
  roundTrip(body: Uint8Array): Promise<Uint8Array>
}

/** The client's side: one connection, and one stream of it for each style of writing. */
export async function connectBareLibp2p(
  address: string,
): Promise<Record<WriteStyle, BareEcho> & { stop(): Promise<void> }> {
  const node = await createBare([])
  const connection = await node.dial(multiaddr(address))
  const open = async (style: WriteStyle): Promise<BareEcho> => {
    const line = new WaitingLine<Uint8Array>()
    const frames = new FrameStream(await connection.newStream(protocolOf(style)), style, (body) => line.answer(body))
    return {
      roundTrip(body) {
        frames.send(body)
        return line.join()
      },
    }
  }
  return { single: await open('single'), coalesced: await open('coalesced'), stop: async () => node.stop() }
}

function createBare(listen: string[]): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // It pings, and leaks a listener with each ping.
    connectionMonitor: { enabled: false },
  })
}

/** Frames over one stream. `coalesced`: those that are sent in one turn leave in one write. */
class FrameStream {
  readonly #style: WriteStyle
  #waiting: Uint8Array[] = []
  #wake: (() => void) | undefined

  constructor(stream: Stream, style: WriteStyle, onFrame: (body: Uint8Array) => void) {
    this.#style = style
    void stream.sink(this.#writes()).catch(() => undefined)
    void readFrames(stream, onFrame).catch(() => undefined)
  }

  send(body: Uint8Array): void {
    const frame = Buffer.allocUnsafe(lengthBytes + body.byteLength)
    frame.writeUInt32BE(body.byteLength)
    frame.set(body, lengthBytes)
    this.#waiting.push(frame)
    if (this.#wake === undefined) return
    // Behind the microtasks of this turn, which may send more.
    process.nextTick(this.#wake)
    this.#wake = undefined
  }

  async *#writes(): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.#waiting.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve))
      if (this.#style === 'single') {
        yield this.#waiting.shift()!
        continue
      }
      const all = this.#waiting
      this.#waiting = []
      yield all.length === 1 ? all[0]! : Buffer.concat(all)
    }
  }
}

async function readFrames(stream: Stream, onFrame: (body: Uint8Array) => void): Promise<void> {
  let rest: Uint8Array[] = []
  let restBytes = 0
  let frameBytes = lengthBytes
  for await (const chunk of stream.source) {
    for (const block of chunk) {
      rest.push(block)
      restBytes += block.byteLength
    }
    if (restBytes < frameBytes) continue
    const all = rest.length === 1 ? toBuffer(rest[0]!) : Buffer.concat(rest)
    let at = 0
    for (;;) {
      frameBytes = all.byteLength - at < lengthBytes ? lengthBytes : lengthBytes + all.readUInt32BE(at)
      if (all.byteLength - at < frameBytes) break
      onFrame(all.subarray(at + lengthBytes, at + frameBytes))
      at += frameBytes
    }
    rest = [all.subarray(at)]
    restBytes = all.byteLength - at
  }
}

function toBuffer(block: Uint8Array): Buffer {
  return Buffer.from(block.buffer, block.byteOffset, block.byteLength)
}
