import { connect, createServer, type Server, type Socket } from 'node:net'

/** A way over sockets to one node or server, which can be cut and broken. */
export interface SocketWay {
  /** Nothing gets through in either direction, and nothing is closed: what is sent waits in the buffers of the machine. */
  cut(): void
  heal(): void
  breakOff(): void
  /** Connects to where the way leads, says `bytes`, and resolves when it is ended there. */
  intrude(bytes: Uint8Array): Promise<void>
  /** What was said on the way there, for each connection its first 64 KiB. */
  said(): readonly Uint8Array[]
  end(): Promise<void>
}

/** A way over TCP to one port. */
export interface TcpWay extends SocketWay {
  /** Where to connect instead, on 127.0.0.1. */
  readonly port: number
}

// Of each connection: more than any handshake.
const saidBytesMax = 64 * 1024

type Pair = readonly [client: Socket, server: Socket]

/**
 * A proxy before a port of this machine, for the `network` of a harness: dial its port, and the way there can be cut.
 *
 * @example
 * const way = await startTcpWay(nodePort)
 * const transport = createMyTransport({ listen: nodePort, announce: way.port })
 * way.cut()
 */
export async function startTcpWay(to: number): Promise<TcpWay> {
  const { server, way } = waysFrom(() => connect(to, '127.0.0.1').setNoDelay(true))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return { ...way, port: typeof address === 'object' && address !== null ? address.port : 0 }
}

/**
 * The same for Unix domain sockets: what connects to the file `from`, which is made, gets to the one at `to`.
 *
 * @example
 * const way = await startUnixWay('/tmp/a-way.sock', '/tmp/a.sock')
 * const transport = createMyTransport({ listen: '/tmp/a.sock', announce: '/tmp/a-way.sock' })
 * way.cut()
 */
export async function startUnixWay(from: string, to: string): Promise<SocketWay> {
  const { server, way } = waysFrom(() => connect(to))
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(from, resolve))
  return way
}

function waysFrom(reach: () => Socket): { server: Server; way: SocketWay } {
  const pairs = new Set<Pair>()
  const intruders = new Set<Socket>()
  const said: Buffer[] = []
  let isCut = false
  const apply = (pair: Pair): void => {
    for (const socket of pair) {
      if (isCut) socket.pause()
      else socket.resume()
    }
  }
  const server = createServer({ noDelay: true }, (client) => {
    const pair: Pair = [client, reach()]
    pairs.add(pair)
    record(client)
    join(pair, () => {
      for (const socket of pair) socket.destroy()
      pairs.delete(pair)
    })
    apply(pair)
  })

  function set(cut: boolean): void {
    isCut = cut
    for (const pair of pairs) apply(pair)
  }

  function breakOff(): void {
    for (const socket of [...pairs].flat()) reset(socket)
  }

  const way: SocketWay = {
    cut: () => set(true),
    heal: () => set(false),
    breakOff,
    said: () => [...said],
    async intrude(bytes) {
      const socket = reach()
      intruders.add(socket)
      // A reset is one way of being ended.
      socket.on('error', () => {})
      socket.resume().write(bytes)
      await new Promise<void>((resolve) => socket.once('close', () => resolve()))
      intruders.delete(socket)
    },
    async end() {
      breakOff()
      for (const socket of intruders) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return { server, way }

  function record(client: Socket): void {
    const at = said.push(Buffer.alloc(0)) - 1
    client.on('data', (bytes) => {
      const before = said[at] ?? Buffer.alloc(0)
      if (before.length < saidBytesMax) said[at] = Buffer.concat([before, bytes]).subarray(0, saidBytesMax)
    })
  }

  /** What one side says goes to the other, whose slowness slows it down; the end of one is the end of both. */
  function join(pair: Pair, end: () => void): void {
    for (const [from, into] of [pair, [pair[1], pair[0]] as const]) {
      from.on('data', (bytes) => {
        if (into.write(bytes)) return
        from.pause()
        into.once('drain', () => apply(pair))
      })
      from.on('end', () => into.end())
      from.on('close', end)
      from.on('error', end)
    }
  }
}

/** Only TCP knows a reset; a Unix domain socket that is destroyed with something unread gives its peer one by itself. */
function reset(socket: Socket): void {
  if (socket.remoteFamily === undefined) socket.destroy()
  else socket.resetAndDestroy()
}
