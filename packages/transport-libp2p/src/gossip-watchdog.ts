import type { Clock, Log, Timer } from '@skerry/core/platform'
import type { LineConnection, LineNode } from './line.ts'

type WatchedNode = Pick<LineNode, 'connections' | 'renewGossip'> & {
  readonly gossip: Pick<LineNode['gossip'], 'forget'>
}

const beatMs = 1000
// A new connection gets its gossip stream within a beat or two; only a lasting lack is a fault.
const beatsBeforeHealing = 3
const healMs = 5000

/**
 * gossipsub opens one stream to each peer and never a second: when that one is reset while the connection lives on, it
 * goes on "sending" into nothing for good. Each beat this looks for connected peers without such a stream; after three
 * beats it makes gossipsub forget the dead one and meets the peer anew. It tries again every three beats while it lasts.
 * It closes no connection for that: the calls that cross it are worth more, and records travel over links as well.
 */
export class GossipWatchdog {
  readonly #node: WatchedNode
  readonly #clock: Clock
  readonly #log: Log
  readonly #muteBeats = new Map<string, number>()
  #timer: Timer | undefined

  constructor(node: WatchedNode, clock: Clock, log: Log) {
    this.#node = node
    this.#clock = clock
    this.#log = log
  }

  start(): void {
    this.#timer = this.#clock.after(beatMs, () => {
      this.#beat()
      this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #beat(): void {
    const connections = new Map<string, LineConnection>()
    const heard = new Set<string>()
    for (const connection of this.#node.connections()) {
      if (connection.status !== 'open') continue
      const peer = connection.remotePeer.toString()
      connections.set(peer, connection)
      if (connection.streams.some(isGossipOut)) heard.add(peer)
    }
    for (const peer of this.#muteBeats.keys()) {
      if (!connections.has(peer) || heard.has(peer)) this.#muteBeats.delete(peer)
    }
    for (const [peer, connection] of connections) {
      if (heard.has(peer)) continue
      const beats = (this.#muteBeats.get(peer) ?? 0) + 1
      this.#muteBeats.set(peer, beats)
      if (beats % beatsBeforeHealing === 0) this.#heal(peer, connection)
    }
  }

  #heal(peer: string, connection: LineConnection): void {
    this.#log.info({ peer }, 'Renews the gossip stream to a peer')
    this.#node.gossip.forget(peer)
    const aborter = new AbortController()
    const timer = this.#clock.after(healMs, () => aborter.abort(new Error(`No answer in ${healMs} ms`)))
    this.#node
      .renewGossip(connection, aborter.signal)
      .catch((error: unknown) => {
        this.#log.warn({ peer, error: String(error) }, 'The gossip stream to a peer could not be renewed')
      })
      .finally(() => timer.cancel())
  }
}

function isGossipOut({ direction, protocol, status }: LineConnection['streams'][number]): boolean {
  return direction === 'outbound' && status === 'open' && protocol?.startsWith('/meshsub/') === true
}
