import { connect, createServer, type Socket } from 'node:net'

/** A way over TCP to one port, which can be cut and broken. */
export interface TcpWay {
  /** Where to connect instead, on 127.0.0.1. */
  readonly port: number
  /** Nothing gets through in either direction, and nothing is closed: what is sent waits in the buffers of the machine. */
  cut(): void
  heal(): void
  breakOff(): void
  end(): Promise<void>
}

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
  const pairs = new Set<Pair>()
  let isCut = false
  const apply = (pair: Pair): void => {
    for (const socket of pair) {
      if (isCut) socket.pause()
      else socket.resume()
    }
  }
  const server = createServer((client) => {
    const pair: Pair = [client, connect(to, '127.0.0.1')]
    pairs.add(pair)
    join(pair, () => {
      for (const socket of pair) socket.destroy()
      pairs.delete(pair)
    })
    apply(pair)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0

  function set(cut: boolean): void {
    isCut = cut
    for (const pair of pairs) apply(pair)
  }

  function breakOff(): void {
    for (const socket of [...pairs].flat()) socket.resetAndDestroy()
  }

  return {
    port,
    cut: () => set(true),
    heal: () => set(false),
    breakOff,
    async end() {
      breakOff()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  /** What one side says goes to the other, whose slowness slows it down; the end of one is the end of both. */
  function join(pair: Pair, end: () => void): void {
    for (const [from, into] of [pair, [pair[1], pair[0]] as const]) {
      from.setNoDelay(true)
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
