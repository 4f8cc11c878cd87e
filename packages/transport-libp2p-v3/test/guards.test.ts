import net from 'node:net'
import type { RawLink } from '@skerry/core/transport'
import { createLibp2pTransport } from '@skerry/transport-libp2p-v3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Gossip } from '../../transport-libp2p/src/gossip.ts'
import { readIdentity } from '../../transport-libp2p/src/identity.ts'
import { checkOptions } from '@skerry/transport-libp2p/adapter'
import { fastClock, testPlatform } from '../../transport-libp2p/test/test-platform.ts'
import { boundAnswers } from '../src/bounded-answers.ts'
import { createSkerryLibp2p } from '../src/create-libp2p.ts'
import { lineGossip } from '../src/line-node.ts'

// Answers that wait before a connection is read no further.
const answersMax = 8_192
const given = { cluster: 'guards', secrets: ['the secret of these tests, 32 characters'] }
const never = new AbortController().signal

describe('a transport over libp2p 3', () => {
  it('gives up a listener that answers with a length which never ends', async () => {
    const sockets = new Set<net.Socket>()
    const server = net.createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.write(Buffer.concat([Buffer.from('\u0013/multistream/1.0.0\n'), Buffer.alloc(64 * 1024, 0xff)]))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    const transport = createLibp2pTransport(given)
    onTestFinished(() => transport.stop())
    await transport.start({ accepted() {}, found() {} }, testPlatform())
    const { port } = server.address() as net.AddressInfo
    await expect(transport.dial(`/ip4/127.0.0.1/tcp/${port}`, undefined, never)).rejects.toMatchObject({
      code: 'ERR_DIAL_FAILED',
      message: expect.stringContaining('a length without an end'),
    })
  })

  it('ends a connection whose last bytes before a pause were wrong, and not its process', async () => {
    const muxer = { send: (_frame: Uint8Array) => false }
    let reason: Error | undefined
    const connection = Object.assign(new EventTarget(), {
      readStatus: 'readable',
      writeBufferLength: 0,
      pause: () => void (connection.readStatus = 'paused'),
      resume() {
        throw new Error('Cannot resume a stream that is closing')
      },
      abort: (error: Error) => void (reason = error),
    })
    boundAnswers(muxer, connection as never)
    for (let sent = 0; sent < answersMax; sent += 1) muxer.send(new Uint8Array(12))
    // What streams write waits by itself.
    muxer.send(new Uint8Array(1_000))
    expect(connection.readStatus).toBe('readable')
    muxer.send(new Uint8Array(12))
    expect(connection.readStatus).toBe('paused')
    connection.dispatchEvent(new Event('drain'))
    await expect.poll(() => reason?.message).toBe('Cannot resume a stream that is closing')
  })

  it('sends a frame in one write', async () => {
    const [ours, theirs] = await Promise.all(
      Array.from({ length: 2 }, async () => {
        const transport = createLibp2pTransport(given)
        onTestFinished(() => transport.stop())
        let accept!: (link: RawLink) => void
        const accepted = new Promise<RawLink>((resolve) => {
          accept = resolve
        })
        const started = await transport.start({ accepted: (link) => accept(link), found() {} }, testPlatform())
        return { transport, accepted, ...started }
      }),
    )
    if (ours === undefined || theirs === undefined) throw new Error('Assertion failed: both started')
    const link = await ours.transport.dial(theirs.addresses[0] ?? '', theirs.id, never)
    const there = await theirs.accepted
    const arrived = new Promise<void>((resolve) =>
      there.lane(0).onFrame((frame) => frame.byteLength === 2 && resolve()),
    )
    link.lane(0).send(Uint8Array.of(1))
    const pieces: number[] = []
    const writev = net.Socket.prototype._writev
    net.Socket.prototype._writev = function (this: net.Socket, ...[chunks, done]) {
      pieces.push(chunks.length)
      writev?.call(this, chunks, done)
    }
    onTestFinished(() => {
      if (writev !== undefined) net.Socket.prototype._writev = writev
    })
    link.lane(0).send(new Uint8Array(2))
    await arrived
    expect(pieces).toContain(2)
  })

  it('reaches a peer by gossip again after the gossip stream to it was reset', async () => {
    const transport = createLibp2pTransport(given)
    onTestFinished(() => transport.stop())
    await transport.start({ accepted() {}, found() {} }, testPlatform({ clock: fastClock }))
    const peer = await createSkerryLibp2p(
      checkOptions(given),
      await readIdentity(undefined),
      testPlatform().log,
      () => undefined,
    )
    onTestFinished(() => peer.stop())
    const heard = new Set<number | undefined>()
    const gossip = new Gossip({ ...testPlatform(), dropped() {} })
    gossip.subscribe('news', (_via, record) => void heard.add(record[0]))
    await peer.handle('/skerry/lane/2.0.0', (stream) => stream.addEventListener('message', () => undefined))
    await peer.start()
    gossip.start(lineGossip(peer.services.pubsub))
    await transport.dial(String(peer.getMultiaddrs()[0]), undefined, never)
    const comes = async (number: number): Promise<void> => {
      // Gossip is best effort.
      const again = setInterval(() => transport.publish?.('news', Uint8Array.of(number)), 50)
      await expect
        .poll(() => heard.has(number))
        .toBe(true)
        .finally(() => clearInterval(again))
    }
    await comes(1)
    const [connection] = peer.getConnections()
    connection?.streams
      .find(({ direction, protocol }) => direction === 'inbound' && protocol.startsWith('/meshsub'))
      ?.abort(new Error('reset by the test'))
    await comes(2)
    expect(connection?.status).toBe('open')
  })
})
