import { createSocket, type RemoteInfo } from 'node:dgram'
import type { DiscoverySelf, DiscoverySource, OpenSource, Place } from '@skerry/core'
import type { Platform, Timer } from '@skerry/core/platform'
import multicastDns, { type MulticastDNS, type ResponsePacket } from 'multicast-dns'
import { answerTexts, mayHoldWhatItCounts, placesIn, serviceName, ttlSeconds } from './mdns-answer.ts'

export interface MdnsDiscoveryOptions {
  /** The IPv4 address of the interface to use. Default: the first that is not loopback; a laptop has one. */
  readonly interface?: string
  /** The UDP port, of all nodes. Default 5353, which other programs share. */
  readonly port?: number
}

/** How long answers to a question are waited for, in milliseconds. */
const listenMs = 400
/** An answer to others is delayed by 20 to 120 ms, as RFC 6762 asks, and follows the one before after a second at least. */
const answerDelayMs = { least: 20, spread: 100 }
const answerGapMs = 1_000
/** Places that are known at a time: of more, those that were named first stay. */
const placesMax = 256

/**
 * Nodes of one cluster on one local network, by multicast DNS: each asks and each answers. For development and for rooms
 * without a name server; multicast does not leave a network, and clouds have none. IPv4.
 *
 * Whoever is on the network sees a hash of the cluster's name, and each node's region and addresses. What they answer is where
 * to dial, never who is there: without one of the cluster's secrets nobody gets in.
 *
 * @example
 * import { mdnsDiscovery } from '@skerry/transport-libp2p/mdns'
 * await startNode(app, { transport, discovery: [mdnsDiscovery()] })
 */
export function mdnsDiscovery(options: MdnsDiscoveryOptions = {}): DiscoverySource {
  return { name: 'mdns', open: (self, platform) => new OpenMdns(options, self, platform) }
}

class OpenMdns implements OpenSource {
  readonly #options: MdnsDiscoveryOptions
  readonly #self: DiscoverySelf
  readonly #platform: Platform
  readonly #service: string
  readonly #known = new Map<string, { region: string | undefined; untilMs: number }>()
  #socket: MulticastDNS | undefined
  /** Why the socket can't be used, until the next question opens another. */
  #failure: Error | undefined
  #answer: Timer | undefined
  #answeredMs = -Infinity

  constructor(options: MdnsDiscoveryOptions, self: DiscoverySelf, platform: Platform) {
    this.#options = options
    this.#self = self
    this.#platform = platform
    this.#service = serviceName(self.cluster)
  }

  async find(signal: AbortSignal): Promise<readonly Place[]> {
    const { clock } = this.#platform
    this.#failure = undefined
    this.#socket ??= this.#open()
    const socket = this.#socket
    await new Promise<void>((resolve, reject) => {
      const aborted = (): void => settle(new Error('The question was given up'))
      const settle = (error?: Error | null): void => {
        timer.cancel()
        signal.removeEventListener('abort', aborted)
        if (error) reject(error)
        else resolve()
      }
      const timer = clock.after(listenMs, () => settle(this.#failure))
      signal.addEventListener('abort', aborted, { once: true })
      if (signal.aborted) return aborted()
      socket.query({ questions: [{ name: this.#service, type: 'TXT' }] }, (error) => {
        if (error) settle(error)
      })
    })
    const nowMs = clock.monotonic()
    for (const [address, { untilMs }] of this.#known) if (untilMs <= nowMs) this.#known.delete(address)
    return Array.from(this.#known, ([address, { region }]) => ({ address, region }))
  }

  async close(): Promise<void> {
    this.#answer?.cancel()
    const socket = this.#socket
    this.#socket = undefined
    if (socket !== undefined) await new Promise<void>((resolve) => socket.destroy(() => resolve()))
  }

  #open(): MulticastDNS {
    const { interface: address, port } = this.#options
    const raw = createSocket({ type: 'udp4', reuseAddr: true })
    const socket = multicastDns({
      socket: raw,
      // A socket that is bound to the interface's address hears no multicast on Linux.
      bind: '0.0.0.0',
      ...(address !== undefined && { interface: address }),
      ...(port !== undefined && { port }),
    })
    // What the library can't be given to read does not reach it.
    const readers = raw.listeners('message') as ((packet: Buffer, from: RemoteInfo) => void)[]
    raw.removeAllListeners('message')
    raw.on('message', (packet, from) => {
      if (mayHoldWhatItCounts(packet)) for (const read of readers) read(packet, from)
    })
    // Our own question too: so the others hear of us without asking.
    socket.on('query', ({ questions = [] }) => {
      if (questions.some(({ name, type }) => name === this.#service && type === 'TXT')) this.#answerSoon(socket)
    })
    socket.on('response', (packet) => this.#heard(packet))
    socket.on('error', (error: Error) => this.#fail(socket, error))
    // Also what is no packet, which is somebody else's mistake, and an interface that takes no multicast: one of several may.
    socket.on('warning', (error: NodeJS.ErrnoException) => {
      if (address !== undefined && error.syscall !== undefined) this.#fail(socket, error)
    })
    return socket
  }

  #fail(socket: MulticastDNS, error: Error): void {
    this.#failure = error
    if (this.#socket === socket) this.#socket = undefined
    // Later: within a warning of its first turn the library goes on to use the socket, and throws when that is closed.
    this.#platform.clock.after(0, () => socket.destroy())
  }

  #answerSoon(socket: MulticastDNS): void {
    const { clock, random } = this.#platform
    if (this.#answer !== undefined) return
    const gapMs = Math.max(0, this.#answeredMs + answerGapMs - clock.monotonic())
    const delayMs = gapMs + answerDelayMs.least + random.float() * answerDelayMs.spread
    this.#answer = clock.after(delayMs, () => {
      this.#answer = undefined
      this.#answeredMs = clock.monotonic()
      const data = answerTexts(this.#self)
      if (data.length > 1) socket.respond([{ name: this.#service, type: 'TXT', ttl: ttlSeconds, data }])
    })
  }

  #heard(packet: ResponsePacket): void {
    const nowMs = this.#platform.clock.monotonic()
    for (const { address, region, forSeconds } of placesIn(packet, this.#service)) {
      if (this.#known.size >= placesMax && !this.#known.has(address)) continue
      this.#known.set(address, { region, untilMs: nowMs + forSeconds * 1_000 })
    }
  }
}
