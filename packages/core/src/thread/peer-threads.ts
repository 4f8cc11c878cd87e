import type { Kernel } from '../actor/kernel.ts'
import type { Signal } from '../actor/signal.ts'
import type { PortEvents, ThreadPort } from '../platform/threads.ts'
import { refusalByThread } from './refusal.ts'
import { type Batch, ThreadChannel } from './thread-channel.ts'
import type { PeerMessage, ThreadDown } from './thread-message.ts'

/** The threads that are known to be gone, of which the last are remembered, so that not every signal to them needs a port. */
const goneMax = 256

export interface PeerThreadsOptions {
  readonly kernel: Kernel
  /** Has `flush` of a channel called behind this turn. */
  readonly flushSoon: (channel: { flush(): void }) => void
  /** Asks main to carry the other end of a way to that thread, now. */
  readonly connect: (thread: number, other: unknown) => void
  readonly act: (message: PeerMessage) => void
  /** A thread is gone, and everything that it said on its ways has been acted on. */
  readonly lost: (down: ThreadDown) => void
}

/** One direct way. Two threads that connect at the same time have two: each keeps sending on its own, so order is kept. */
interface Way {
  readonly port: ThreadPort
  readonly channel: ThreadChannel<PeerMessage>
  closed: boolean
  /** In the middle of a batch of it, which must not be overtaken by its next one. */
  reading: boolean
}

interface Peer {
  readonly ways: Way[]
  /** Main's notice, which may come before the last messages. */
  down: ThreadDown | undefined
}

/**
 * A thread's ways to the other threads of its node, main excepted. A way is opened when it is first needed; both ends
 * keep it while both threads live. A thread is lost when main has said so and each way to it has closed.
 */
export class PeerThreads {
  readonly #options: PeerThreadsOptions
  readonly #peers = new Map<number, Peer>()
  readonly #gone = new Set<number>()

  constructor(options: PeerThreadsOptions) {
    this.#options = options
  }

  /** Carries a signal for an actor of another thread. */
  route(signal: Signal): void {
    const { kernel } = this.#options
    const { thread } = signal.to
    if (this.#gone.has(thread)) {
      kernel.bounce(signal, 'noproc')
      return
    }
    const { channel } = this.#wayTo(thread)
    if (!channel.isFullFor(signal)) channel.sendSignal(signal)
    else if (signal.type === 'call') kernel.route(refusalByThread(signal))
    else kernel.counters.mailboxDrops += 1
  }

  send(thread: number, message: PeerMessage): void {
    if (!this.#gone.has(thread)) this.#wayTo(thread).channel.send(message)
  }

  /** Throws when it can't be cloned. */
  sendNow(thread: number, message: PeerMessage): void {
    this.#wayTo(thread).channel.sendNow(message)
  }

  /** Another thread has opened a way to here. */
  adopt(thread: number, other: unknown): void {
    this.#addWay(thread, (events) => this.#options.kernel.platform.threads.adoptPort(other, events))
  }

  /** Reads what the others have posted by now, except where a batch is in hand. */
  drain(): void {
    for (const { ways } of [...this.#peers.values()]) for (const way of ways) if (!way.reading) way.port.drain()
  }

  /** Main's notice that a thread is gone. */
  threadDown(down: ThreadDown): void {
    const peer = this.#peers.get(down.thread)
    if (peer === undefined) {
      this.#lose(down)
      return
    }
    peer.down ??= down
    this.#loseWhenBoth(down.thread, peer)
  }

  #wayTo(thread: number): Way {
    const known = this.#peers.get(thread)?.ways[0]
    if (known !== undefined) return known
    return this.#addWay(thread, (events) => {
      const { port, other } = this.#options.kernel.platform.threads.openPort(events)
      this.#options.connect(thread, other)
      return port
    })
  }

  #addWay(thread: number, open: (events: PortEvents) => ThreadPort): Way {
    const { flushSoon, kernel } = this.#options
    const peer = this.#peers.get(thread) ?? { ways: [], down: undefined }
    this.#peers.set(thread, peer)
    const port = open({
      message: (batch) => this.#receive(way, batch as Batch<PeerMessage>),
      closed: () => {
        way.closed = true
        this.#loseWhenBoth(thread, peer)
      },
    })
    const channel: ThreadChannel<PeerMessage> = new ThreadChannel(
      kernel,
      () => flushSoon(channel),
      (batch, carried) => port.post(batch, carried),
    )
    const way: Way = { port, channel, closed: false, reading: false }
    peer.ways.push(way)
    return way
  }

  #receive(way: Way, batch: Batch<PeerMessage>): void {
    way.reading = true
    way.channel.receive(batch, this.#options.act)
    way.reading = false
  }

  #loseWhenBoth(thread: number, peer: Peer): void {
    if (peer.down === undefined || peer.ways.some((way) => !way.closed)) return
    this.#peers.delete(thread)
    this.#lose(peer.down)
  }

  #lose(down: ThreadDown): void {
    this.#gone.add(down.thread)
    if (this.#gone.size > goneMax)
      for (const oldest of this.#gone) {
        this.#gone.delete(oldest)
        break
      }
    this.#options.lost(down)
  }
}
