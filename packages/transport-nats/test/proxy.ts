import { createServer, connect as connectTo, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A way to a server that a test can cut, hold up and break. */
export interface Proxy {
  readonly url: string
  /** Lets nothing through in either direction, and closes nothing: what a lost route looks like. */
  cut(): void
  /** Reads no more of what the server sends. What the client sends still goes through. */
  holdUp(): void
  heal(): void
  /** All that went through so far, either way, in pieces. */
  seen(): readonly Uint8Array[]
  /** Breaks all connections off. */
  break(): void
}

const seenMax = 1_000

export async function startProxy(port: number): Promise<Proxy> {
  const pairs = new Set<readonly [client: Socket, server: Socket]>()
  const seen: Uint8Array[] = []
  let state: 'open' | 'held' | 'cut' = 'open'
  const apply = ([client, server]: readonly [Socket, Socket]): void => {
    if (state === 'open') server.resume()
    else server.pause()
    if (state === 'cut') client.pause()
    else client.resume()
  }
  const listener = createServer((client) => {
    const server = connectTo(port, '127.0.0.1')
    const pair = [client, server] as const
    pairs.add(pair)
    const end = (): void => {
      client.destroy()
      server.destroy()
      pairs.delete(pair)
    }
    for (const [from, to] of [pair, [server, client] as const]) {
      from.on('data', (bytes) => {
        if (seen.length < seenMax) seen.push(bytes)
        to.write(bytes)
      })
      from.on('close', end)
      from.on('error', end)
    }
    apply(pair)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const breakOff = (): void => {
    for (const [client, server] of pairs) {
      client.destroy()
      server.destroy()
    }
  }
  onTestFinished(() => {
    breakOff()
    listener.close()
  })
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('a port')
  const set = (next: typeof state): void => {
    state = next
    for (const pair of pairs) apply(pair)
  }
  return {
    url: `nats://127.0.0.1:${address.port}`,
    cut: () => set('cut'),
    holdUp: () => set('held'),
    heal: () => set('open'),
    seen: () => seen,
    break: breakOff,
  }
}
