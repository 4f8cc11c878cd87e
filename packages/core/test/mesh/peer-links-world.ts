import type { Platform } from '../../src/platform/platform.ts'
import { silentLog } from '../../src/platform/log.ts'
import { TransportError } from '../../src/mesh/errors.ts'
import type { LinkClosed, NodeId, RawLane, RawLink, Transport, TransportHost } from '../../src/mesh/transport.ts'

// A world of raw links with chosen delays, in virtual time. Lanes keep their order and nothing else does: the two lanes
// of a link, its two ends' `closed`, and different links overtake each other freely, as the transport contract allows.

/** Delays in milliseconds, each drawn when needed. `link` counts the dials of the world, from 0. */
export interface Delays {
  /** Until the dialler has its link, and until the other side is handed its end. */
  dialled(link: number): number
  accepted(link: number): number
  /** One frame's way. `forward` is away from the dialler. */
  frame(link: number, forward: boolean, lane: number): number
  /** Until an end learns that the other end closed, or that the connection broke; `Infinity`: never. */
  closed(link: number, forward: boolean): number
}

export interface WorldOptions {
  readonly random: () => number
  readonly delays: Delays
  readonly lanes?: number
  readonly maxFrameBytes?: number
  /** Frames in flight on a lane before `send` says false. */
  readonly window?: number
}

interface Event {
  readonly at: number
  readonly order: number
  readonly run: () => void
  cancelled: boolean
}

export class World {
  now = 0
  readonly options: WorldOptions
  readonly transports = new Map<NodeId, FakeTransport>()
  readonly links: FakeLink[] = []
  #order = 0
  #events: Event[] = []

  constructor(options: WorldOptions) {
    this.options = options
  }

  after(delayMs: number, run: () => void): { cancel(): void } {
    const event = { at: this.now + Math.max(0, delayMs), order: this.#order, run, cancelled: false }
    this.#order += 1
    if (Number.isFinite(delayMs)) this.#insert(event)
    return {
      cancel() {
        event.cancelled = true
      },
    }
  }

  /** Runs everything due within `ms`, with all promises settled between two events. */
  async pass(ms: number): Promise<void> {
    const until = this.now + ms
    await settle()
    for (let next = this.#events[0]; next !== undefined && next.at <= until; next = this.#events[0]) {
      this.#events.shift()
      if (next.cancelled) continue
      this.now = next.at
      next.run()
      await settle()
    }
    this.now = until
  }

  platform(clock: Partial<Platform['clock']> = {}): Platform {
    const { random } = this.options
    return {
      clock: {
        wall: () => 1_700_000_000_000 + this.now,
        monotonic: () => this.now,
        after: (delayMs, run) => this.after(delayMs, run),
        ...clock,
      },
      random: {
        u32: () => Math.floor(random() * 2 ** 32),
        int: (below) => Math.floor(random() * below),
        float: random,
        id: () => `id-${Math.floor(random() * 2 ** 32)}`,
      },
      turns: { enqueue: unavailable },
      threads: { parallelism: 1, start: unavailable, openPort: unavailable, adoptPort: unavailable },
      files: {
        read: unavailable,
        write: unavailable,
        append: unavailable,
        sync: unavailable,
        remove: unavailable,
        list: unavailable,
      },
      log: silentLog,
      environment: {},
      load: () => 0.25,
      setExitCode: unavailable,
    }
  }

  transport(id: NodeId): FakeTransport {
    return new FakeTransport(this, id)
  }

  /** Links between these two that neither end closed and that are not cut. */
  openLinks(left: NodeId, right: NodeId): FakeLink[] {
    return this.links.filter(
      ({ near, far, isOpen }) =>
        isOpen && ((near.peer === left && far.peer === right) || (near.peer === right && far.peer === left)),
    )
  }

  // Kept sorted by due time, then by age.
  #insert(event: Event): void {
    let low = 0
    for (let high = this.#events.length; low < high;) {
      const middle = (low + high) >>> 1
      if ((this.#events[middle] as Event).at <= event.at) low = middle + 1
      else high = middle
    }
    this.#events.splice(low, 0, event)
  }
}

export class FakeTransport implements Transport {
  readonly supports: { lanes: number; gossip: boolean; maxFrameBytes: number }
  readonly id: NodeId
  host: TransportHost | undefined
  readonly #world: World

  constructor(world: World, id: NodeId) {
    const { lanes = 2, maxFrameBytes = 64 * 1024 } = world.options
    this.supports = { lanes, gossip: false, maxFrameBytes }
    this.#world = world
    this.id = id
  }

  async start(host: TransportHost): Promise<{ id: NodeId; addresses: readonly string[] }> {
    this.host = host
    this.#world.transports.set(this.id, this)
    return { id: this.id, addresses: [addressOf(this.id)] }
  }

  dial(address: string, expect: NodeId | undefined, signal: AbortSignal): Promise<RawLink> {
    const world = this.#world
    return new Promise((resolve, reject) => {
      const to = world.transports.get(address.replace(/^fake:/, '').replace(/@.*$/, ''))
      const fail = (code: 'ERR_DIAL_FAILED' | 'ERR_WRONG_PEER' | 'ERR_OWN_ADDRESS'): void =>
        reject(new TransportError(code, address))
      signal.addEventListener('abort', () => fail('ERR_DIAL_FAILED'))
      if (address.startsWith('blackhole:')) return
      if (to === undefined) {
        world.after(1, () => fail('ERR_DIAL_FAILED'))
        return
      }
      if (expect !== undefined && to.id !== expect) {
        world.after(1, () => fail('ERR_WRONG_PEER'))
        return
      }
      if (to === this && address.endsWith('@known')) {
        world.after(1, () => fail('ERR_OWN_ADDRESS'))
        return
      }
      const link = new FakeLink(world, world.links.length, this.id, to.id)
      world.links.push(link)
      world.after(world.options.delays.dialled(link.number), () => {
        if (signal.aborted) link.near.close('aborted')
        else resolve(link.near)
      })
      world.after(world.options.delays.accepted(link.number), () => {
        if (world.transports.get(to.id) === to) to.host?.accepted(link.far)
        else link.far.close('gone')
      })
    })
  }

  async stop(): Promise<void> {
    this.kill()
  }

  /** The process is gone: its ends of all links close without a word. */
  kill(): void {
    if (this.#world.transports.get(this.id) === this) this.#world.transports.delete(this.id)
    for (const { near, far } of this.#world.links) {
      if (near.owner === this) near.close('transport stopped')
      if (far.owner === this) far.close('transport stopped')
    }
    this.host = undefined
  }

  sign(bytes: Uint8Array): Uint8Array {
    return fakeSignature(this.id, bytes)
  }

  verify(author: NodeId, bytes: Uint8Array, signature: Uint8Array): boolean {
    return Buffer.compare(fakeSignature(author, bytes), signature) === 0
  }
}

export class FakeLink {
  readonly number: number
  /** The dialler's end, and the other. */
  readonly near: FakeEnd
  readonly far: FakeEnd
  cut = false

  constructor(world: World, number: number, dialler: NodeId, acceptor: NodeId) {
    this.number = number
    this.near = new FakeEnd(world, this, true, acceptor, world.transports.get(dialler))
    this.far = new FakeEnd(world, this, false, dialler, world.transports.get(acceptor))
  }

  get isOpen(): boolean {
    return !this.cut && !this.near.isClosed && !this.far.isClosed
  }

  /** Breaks the connection: nothing arrives any more; each end notices in its own time. */
  sever(delays: Delays): void {
    this.cut = true
    this.near.lostAfter(delays.closed(this.number, false))
    this.far.lostAfter(delays.closed(this.number, true))
  }
}

export class FakeEnd implements RawLink {
  readonly peer: NodeId
  readonly owner: FakeTransport | undefined
  readonly closed: Promise<LinkClosed>
  isClosed = false
  closeReason = ''
  /** What core said of the link's round-trip time. */
  readonly leastRtts: number[] = []
  readonly link: FakeLink
  readonly forward: boolean
  readonly world: World
  #resolve!: (closed: LinkClosed) => void
  readonly #lanes: FakeLane[]

  constructor(world: World, link: FakeLink, forward: boolean, peer: NodeId, owner: FakeTransport | undefined) {
    this.world = world
    this.link = link
    this.forward = forward
    this.peer = peer
    this.owner = owner
    this.closed = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#lanes = Array.from({ length: world.options.lanes ?? 2 }, (_, number) => new FakeLane(this, number))
  }

  get other(): FakeEnd {
    return this.forward ? this.link.far : this.link.near
  }

  lane(n: number): FakeLane {
    return this.#lanes[Math.min(n, this.#lanes.length - 1)] as FakeLane
  }

  leastRtt(ms: number): void {
    this.leastRtts.push(ms)
  }

  close(reason: string): void {
    if (this.isClosed) return
    this.#finish({ local: true, reason })
    if (!this.link.cut) this.other.lostAfter(this.world.options.delays.closed(this.link.number, this.forward))
  }

  lostAfter(delayMs: number): void {
    this.world.after(delayMs, () => this.#finish({ local: false, reason: 'connection lost' }))
  }

  #finish(closed: LinkClosed): void {
    if (this.isClosed) return
    this.isClosed = true
    this.closeReason = closed.reason
    this.#resolve(closed)
  }
}

export class FakeLane implements RawLane {
  readonly #end: FakeEnd
  readonly #number: number
  #inFlight = 0
  #full = false
  #lastArrival = 0
  #onDrain: () => void = () => undefined
  #onFrame: ((frame: Uint8Array) => unknown) | undefined
  #paused = false
  #sincePause = 0
  #waiting: Uint8Array[] = []

  constructor(end: FakeEnd, number: number) {
    this.#end = end
    this.#number = number
  }

  send(frame: Uint8Array): boolean {
    const { world, link, forward, other } = this.#end
    if (this.#end.isClosed) return false
    if (frame.byteLength > (world.options.maxFrameBytes ?? 64 * 1024)) {
      throw new TransportError('ERR_FRAME_TOO_LARGE', `${frame.byteLength}`)
    }
    this.#inFlight += 1
    const arrival = Math.max(
      this.#lastArrival,
      world.now + world.options.delays.frame(link.number, forward, this.#number),
    )
    this.#lastArrival = arrival
    world.after(arrival - world.now, () => {
      this.#inFlight -= 1
      if (!link.cut) other.lane(this.#number).deliver(frame)
      if (!this.#full || this.#inFlight > 0 || link.cut) return
      this.#full = false
      this.#onDrain()
    })
    this.#full = this.#inFlight >= (world.options.window ?? Infinity)
    return !this.#full
  }

  get isPaused(): boolean {
    return this.#paused
  }

  deliver(frame: Uint8Array): void {
    if (this.#end.isClosed) return
    // As the contract allows, a few frames still come after a pause.
    const passes = !this.#paused || this.#sincePause < 2
    if (this.#paused) this.#sincePause += 1
    if (!passes || this.#onFrame === undefined || this.#waiting.length > 0) this.#waiting.push(frame)
    else this.#hand(frame)
  }

  onDrain(on: () => void): void {
    this.#onDrain = on
  }

  onFrame(on: (frame: Uint8Array) => unknown): void {
    this.#onFrame = on
    this.#flush()
  }

  pause(): void {
    this.#paused = true
    this.#sincePause = 0
  }

  resume(): void {
    this.#paused = false
    this.#flush()
  }

  #flush(): void {
    while (!this.#paused && this.#onFrame !== undefined && !this.#end.isClosed) {
      const frame = this.#waiting.shift()
      if (frame === undefined) return
      this.#hand(frame)
    }
  }

  /** As the contract allows, a frame that is said to be read is used for something else. */
  #hand(frame: Uint8Array): void {
    if (this.#onFrame?.(frame) === true) frame.fill(0xee)
  }
}

export function addressOf(id: NodeId): string {
  return `fake:${id}`
}

/** The same delay for everything. */
export function constantDelays(ms: number): Delays {
  return { dialled: () => ms, accepted: () => ms, frame: () => ms, closed: () => ms }
}

/** A small seeded generator (mulberry32), from 0 to 1. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function fakeSignature(author: NodeId, bytes: Uint8Array): Uint8Array {
  let sum = 7
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) >>> 0
  return new TextEncoder().encode(`${author}:${sum}`)
}

function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

function unavailable(): never {
  throw new Error('not part of this world')
}
