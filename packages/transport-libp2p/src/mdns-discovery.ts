import { createHash } from 'node:crypto'
import type { DiscoverySelf, DiscoverySource, OpenSource, Place } from '@skerry/core'
import type { Platform, Timer } from '@skerry/core/platform'
import multicastDns, { type MulticastDNS, type ResponsePacket } from 'multicast-dns'

export interface MdnsDiscoveryOptions {
  /** The IPv4 address of the interface to use. Default: the first that is not loopback; a laptop has one. */
  readonly interface?: string
  /** The UDP port, of all nodes. Default 5353, which other programs share. */
  readonly port?: number
}

/** How long answers to a question are waited for, in milliseconds. */
const listenMs = 400
/** How long a place is known after it was last named, in seconds: what an answer says, and at most what is believed. */
const ttlSeconds = 60
/** An answer to others is delayed by 20 to 120 ms, as RFC 6762 asks, and follows the one before after a second at least. */
const answerDelayMs = { least: 20, spread: 100 }
const answerGapMs = 1_000
/** Bounds of what one packet, and all of them, may name. */
const addressesPerAnswerMax = 8
const recordsPerPacketMax = 64
const placesMax = 256
/** A text in a DNS record has at most 255 bytes. */
const textBytesMax = 255

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
    const socket = multicastDns({
      // A socket that is bound to the interface's address hears no multicast on Linux.
      bind: '0.0.0.0',
      ...(address !== undefined && { interface: address }),
      ...(port !== undefined && { port }),
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

  #heard({ answers = [], additionals = [] }: ResponsePacket): void {
    const nowMs = this.#platform.clock.monotonic()
    for (const record of [...answers, ...additionals].slice(0, recordsPerPacketMax)) {
      if (record.type !== 'TXT' || record.name !== this.#service) continue
      const untilMs = nowMs + Math.min(record.ttl ?? 0, ttlSeconds) * 1_000
      const { region, addresses } = readTexts([record.data].flat().map(String))
      for (const address of addresses) {
        if (this.#known.size < placesMax || this.#known.has(address)) this.#known.set(address, { region, untilMs })
      }
    }
  }
}

/** The same for every node of a cluster, and for nobody who does not know its name. */
function serviceName(cluster: string): string {
  const digest = createHash('sha256').update(`skerry mdns ${cluster}`).digest('hex').slice(0, 24)
  return `_skerry-${digest}._udp.local`
}

/** The region, then the addresses that others can dial: those of loopback only where there is no other. */
function answerTexts({ region, addresses }: DiscoverySelf): string[] {
  const bare = addresses.map((address) => address.replace(/\/p2p\/[^/]+$/, ''))
  const outside = bare.filter((address) => !/^\/(?:ip4\/127\.|ip6\/::1\/)/.test(address))
  const texts = (outside.length > 0 ? outside : bare).map((address) => `a=${address}`)
  return [`r=${region}`, ...texts.filter((text) => text.length <= textBytesMax).slice(0, addressesPerAnswerMax)]
}

function readTexts(texts: readonly string[]): { region: string | undefined; addresses: readonly string[] } {
  const ofKey = (key: string): string[] =>
    texts.filter((text) => text.startsWith(`${key}=`)).map((text) => text.slice(key.length + 1))
  return { region: ofKey('r')[0], addresses: ofKey('a').slice(0, addressesPerAnswerMax) }
}
