import type { Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import { expect, it, onTestFinished } from 'vitest'
import { MessageLineStream } from '../src/message-stream.ts'

const protocol = '/test/windows/1'
const KiB = 1024
const block = new Uint8Array(16 * KiB)

it('a stream of libp2p 3 lets more come once its window is larger, and holds it for a reader that is full', async () => {
  const { stream, write } = await startWriter()
  const reader = new MessageLineStream(stream)
  let wanted = 1
  let bytesRead = 0
  reader.read({
    bytes(bytes) {
      for (const { byteLength } of bytes) bytesRead += byteLength
      return bytesRead < wanted
    },
    writable() {},
    ended() {},
    broke() {},
  })
  // What came before somebody reads would not be held by the window.
  write()
  const came = (): number => bytesRead + stream.readBufferLength
  const isUsedUp = (): boolean => (stream as Stream & { recvWindowCapacity: number }).recvWindowCapacity === 0
  await expect.poll(isUsedUp).toBe(true)
  expect(came()).toBeLessThanOrEqual(256 * KiB)
  reader.setWindow(2_048 * KiB)
  wanted = bytesRead + 1_024 * KiB
  reader.resume()
  await expect.poll(isUsedUp).toBe(true)
  expect(stream.readBufferLength).toBeGreaterThan(1_024 * KiB)
  expect(stream.status).toBe('open')
})

it('a stream of libp2p 3 makes no room for more when its reader is full again by what waited for it', async () => {
  const { stream, write } = await startWriter()
  const reader = new MessageLineStream(stream)
  let bytesRead = 0
  reader.read({
    bytes(bytes) {
      for (const { byteLength } of bytes) bytesRead += byteLength
      return false
    },
    writable() {},
    ended() {},
    broke() {},
  })
  write()
  const isUsedUp = (): boolean => (stream as Stream & { recvWindowCapacity: number }).recvWindowCapacity === 0
  await expect.poll(isUsedUp).toBe(true)
  for (let resumes = 1; resumes <= 4; resumes += 1) {
    const before = bytesRead
    reader.resume()
    await expect.poll(() => bytesRead > before || stream.status !== 'open').toBe(true)
    await expect.poll(isUsedUp).toBe(true)
    expect(bytesRead + stream.readBufferLength).toBeLessThanOrEqual((1 + resumes) * 256 * KiB)
  }
  expect(stream.status).toBe('open')
})

/** A stream, and what writes to its other end from then on, as much as that takes. */
async function startWriter(): Promise<{ stream: Stream; write: () => void }> {
  const [from, to] = [await startNode(), await startNode()]
  const accepted = new Promise<Stream>((resolve) => {
    void to.handle(protocol, (stream) => resolve(stream))
  })
  const writer = new MessageLineStream(await from.dialProtocol(to.getMultiaddrs(), protocol))
  let isReady = false
  const writeAll = (): void => {
    while (isReady && writer.isWritable) writer.write(block)
  }
  writer.read({ bytes: () => true, writable: writeAll, ended() {}, broke() {} })
  const write = (): void => {
    isReady = true
    writeAll()
  }
  return { stream: await accepted, write }
}

async function startNode(): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: { maxReadBufferLength: 512 * KiB, maxStreamWindowSize: 256 * KiB } })],
    connectionMonitor: { enabled: false },
  })
  onTestFinished(async () => node.stop())
  return node
}
