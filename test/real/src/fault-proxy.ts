import { createServer, connect, type Server, type Socket } from 'node:net'

/** One direction of one proxied connection. */
interface Stream {
  readonly from: string
  readonly to: string
  readonly source: Socket
  readonly target: Socket
}

/**
 * Stands before a node and forwards TCP, unless told not to: what is cut waits in the kernel's buffers, as on a network
 * that loses everything while both ends still believe in their connection. Who dials is told by the address in 127/8 that
 * each node binds to.
 */
export class FaultProxies {
  readonly #streams = new Set<Stream>()
  readonly #servers: Server[] = []
  readonly #cuts = new Set<{ readonly from: readonly string[]; readonly to: readonly string[] }>()
  /** Node names by the address that their connections come from. */
  readonly #nodes: ReadonlyMap<string, string>

  constructor(nodes: ReadonlyMap<string, string>) {
    this.#nodes = nodes
  }

  /** Opens a proxy before the node that listens on `port`. Resolves with the port to dial instead. */
  async open(node: string, port: number): Promise<number> {
    const server = createServer({ pauseOnConnect: true }, (inbound) => this.#accepted(node, port, inbound))
    this.#servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
    return address.port
  }

  /** Nothing goes from one of `from` to one of `to` until the function that it returns is called. */
  cut(from: readonly string[], to: readonly string[]): () => void {
    const cut = { from, to }
    this.#cuts.add(cut)
    this.#apply()
    return () => {
      this.#cuts.delete(cut)
      this.#apply()
    }
  }

  close(): void {
    for (const server of this.#servers) server.close()
    for (const { source, target } of this.#streams) {
      source.destroy()
      target.destroy()
    }
  }

  #accepted(node: string, port: number, inbound: Socket): void {
    const dialler = this.#nodes.get(inbound.remoteAddress ?? '') ?? 'unknown'
    const outbound = connect({ port, host: '127.0.0.1' })
    outbound.pause()
    const streams: readonly Stream[] = [
      { from: dialler, to: node, source: inbound, target: outbound },
      { from: node, to: dialler, source: outbound, target: inbound },
    ]
    for (const stream of streams) this.#forward(stream)
    this.#apply()
  }

  #forward(stream: Stream): void {
    const { source, target } = stream
    this.#streams.add(stream)
    source.setNoDelay(true)
    source.on('data', (bytes) => {
      if (!target.write(bytes)) {
        source.pause()
        target.once('drain', () => this.#apply())
      }
    })
    source.on('end', () => target.end())
    // A reset of one side is one of the other; what it said goes with the close.
    source.on('error', () => target.resetAndDestroy())
    source.on('close', () => {
      this.#streams.delete(stream)
      target.destroy()
    })
  }

  #apply(): void {
    for (const { from, to, source } of this.#streams) {
      if (this.#isCut(from, to)) source.pause()
      else source.resume()
    }
  }

  #isCut(from: string, to: string): boolean {
    return [...this.#cuts].some((cut) => cut.from.includes(from) && cut.to.includes(to))
  }
}
