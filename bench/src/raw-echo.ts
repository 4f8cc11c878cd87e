import { connect, createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { WaitingLine } from './waiting-line.ts'

// What the call of the rpc suite takes on the wire, with Noise's and yamux's share: counted by a proxy between the two
// processes, over calls one after another.
const requestBytes = 70
const replyBytes = 48

/** `single`: one write for each frame. `coalesced`: one write for all frames of a turn. */
export type WriteStyle = 'single' | 'coalesced'

/** Answers each frame of `requestBytes` with one of `replyBytes`. Resolves with its port. */
export function startRawEcho(style: WriteStyle): Promise<{ port: number; server: Server }> {
  const server = createServer({ noDelay: true }, (socket) => {
    const write = frameWriter(socket, replyBytes, style)
    countFrames(socket, requestBytes, write)
    // The client ends by closing its socket; a reset then is as good an end as any.
    socket.on('error', () => socket.destroy())
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve({ port: (server.address() as AddressInfo).port, server }))
  })
}

/** The client's side: one frame there and one back. */
export interface RawEcho {
  roundTrip(): Promise<void>
  stop(): void
}

export function connectRawEcho(port: number, style: WriteStyle): Promise<RawEcho> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const line = new WaitingLine<void>()
    const write = frameWriter(socket, requestBytes, style)
    countFrames(socket, replyBytes, () => line.answer())
    socket.once('error', reject)
    socket.once('connect', () =>
      resolve({
        roundTrip() {
          write()
          return line.join()
        },
        stop: () => socket.destroy(),
      }),
    )
  })
}

const framesPerWriteMax = 1_024

function frameWriter(socket: Socket, frameBytes: number, style: WriteStyle): () => void {
  const frames = Buffer.alloc(frameBytes * framesPerWriteMax, 1)
  const frame = frames.subarray(0, frameBytes)
  if (style === 'single') return () => void socket.write(frame)
  let waiting = 0
  const flush = (): void => {
    for (; waiting > 0; waiting -= Math.min(waiting, framesPerWriteMax)) {
      socket.write(frames.subarray(0, Math.min(waiting, framesPerWriteMax) * frameBytes))
    }
  }
  return () => {
    waiting += 1
    if (waiting === 1) process.nextTick(flush)
  }
}

function countFrames(socket: Socket, frameBytes: number, onFrame: () => void): void {
  let bytes = 0
  socket.on('data', (chunk) => {
    for (bytes += chunk.length; bytes >= frameBytes; bytes -= frameBytes) onFrame()
  })
}
