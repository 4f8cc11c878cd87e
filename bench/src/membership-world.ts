import { type Log, silentLog } from '@skerry/core'
import type { Platform } from '@skerry/core/platform'
import type { RawLink } from '@skerry/core/transport'
import { seededRandom } from '@skerry/testing'
// Not part of core's interface: a thousand whole nodes would not fit into one process.
import { Kernel } from '../../packages/core/dist/actor/kernel.js'
import { membershipServerName } from '../../packages/core/dist/mesh/membership-name.js'
import type { MembershipEvent } from '../../packages/core/dist/mesh/membership-event.js'
import type { MembershipMemory } from '../../packages/core/dist/mesh/membership-memory.js'
import { membershipServer } from '../../packages/core/dist/mesh/membership-server.js'
import type { NodeRecord } from '../../packages/core/dist/mesh/node-record.js'
import { createPeerLinks, type PeerLinks } from '../../packages/core/dist/mesh/peer-links.js'
import type { RoutableNode } from '../../packages/core/dist/mesh/told-view.js'
import { EventHeap } from './event-heap.ts'
import { readRegionTimes, spreadOf } from './region-times.ts'
import { SharedBytes, SharedIntake, signature } from './shared-bytes.ts'
import { type NodeTraffic, rawPair } from './simulated-link.ts'

/** How a simulated cluster is made. */
export interface MeshWorldOptions {
  readonly seed: number
  /** The share of segments that are lost on their way, and sent again. */
  readonly loss: number
  /** Whether nodes doubt themselves: what it is for shows only without. */
  readonly localHealth: boolean
}

const regionTimes = readRegionTimes()

/**
 * Nodes that are nothing but membership, in virtual time: core's links, with hello, heartbeat and dialler, and its actor of the mesh, on
 * raw links with the latencies between 24 regions. A lost segment costs what TCP takes to send it again, and holds up those
 * behind it.
 */
export class MeshWorld {
  now = 0
  readonly nodes: MeshNode[] = []
  readonly byName = new Map<string, MeshNode>()
  readonly shared = new SharedBytes()
  /** Who believed whom dead, and when. */
  readonly deaths: { readonly observer: MeshNode; readonly subject: string; readonly at: number }[] = []
  /** How often a node accused another one. */
  accusations = 0
  readonly #options: MeshWorldOptions
  readonly #events = new EventHeap()
  readonly #turns: { runTurn(): void }[] = []
  readonly #random: ReturnType<typeof seededRandom>
  #cut: ((one: MeshNode, other: MeshNode) => boolean) | undefined
  /** Promises have something left to do. */
  hasPromises = true

  constructor(options: MeshWorldOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
  }

  get localHealth(): boolean {
    return this.#options.localHealth
  }

  random(name: string): ReturnType<typeof seededRandom> {
    return this.#random.fork(name)
  }

  start(name: string): MeshNode {
    const node = this.#add(name)
    node.start([])
    return node
  }

  /**
   * Starts so many within a second which know each other's records already, as if their actors of the mesh had crashed and come back: that
   * what a thousand newcomers have to say to each other need not be simulated. Links there are none yet.
   */
  async startFormed(names: readonly string[]): Promise<void> {
    const from = this.nodes.length
    const nodes = names.map((name) => this.#add(name))
    const startMs = (node: MeshNode): number => this.now + Math.floor(((node.index - from) * 1_000) / nodes.length)
    const records = nodes.map((node) => this.shared.sealedOf(node.recordAt(startMs(node))))
    for (const node of nodes) {
      const others = records.filter((_sealed, at) => at !== node.index - from)
      this.at(startMs(node), () => node.start(others))
    }
    await this.pass(1_000)
  }

  #add(name: string): MeshNode {
    const region = regionTimes.names[this.nodes.length % regionTimes.names.length] as string
    const node = new MeshNode(this, name, region, this.nodes.length)
    this.nodes.push(node)
    this.byName.set(name, node)
    return node
  }

  get running(): MeshNode[] {
    return this.nodes.filter((node) => node.isRunning)
  }

  /** From now on nothing gets from one to the other where `isCut`; `undefined`: everything does. */
  cut(isCut: ((one: MeshNode, other: MeshNode) => boolean) | undefined): void {
    this.#cut = isCut
  }

  isCut(one: MeshNode, other: MeshNode): boolean {
    return this.#cut?.(one, other) === true
  }

  at(atMs: number, run: () => void): { cancel(): void } {
    return this.#events.add(Math.max(this.now, atMs), run)
  }

  enqueue(turn: { runTurn(): void }): void {
    this.#turns.push(turn)
  }

  /** Runs what happens in the next `ms`, and all that follows from it at once. */
  async pass(ms: number): Promise<void> {
    const until = this.now + ms
    await this.#settle()
    for (let event = this.#events.next(until); event !== undefined; event = this.#events.next(until)) {
      this.now = event.at
      event.run()
      this.#runTurns()
      if (this.hasPromises) await this.#settle()
    }
    this.now = until
  }

  /** Passes time in steps until the condition holds; says after how long, `Infinity` if not within `atMostMs`. */
  async until(condition: () => boolean, atMostMs: number, stepMs = 25): Promise<number> {
    const from = this.now
    while (!condition()) {
      if (this.now - from >= atMostMs) return Infinity
      await this.pass(stepMs)
    }
    return this.now - from
  }

  async #settle(): Promise<void> {
    this.hasPromises = false
    for (let round = 0; round < 4; round += 1) {
      await Promise.resolve()
      this.#runTurns()
    }
  }

  #runTurns(): void {
    for (let at = 0; at < this.#turns.length; at += 1) (this.#turns[at] as { runTurn(): void }).runTurn()
    this.#turns.length = 0
  }

  /** When what is sent now from one to the other arrives, apart from what was sent before. */
  arrivalMs(from: MeshNode, to: MeshNode): number {
    const { p50, p95 } = regionTimes.between(from.region, to.region)
    const draw = from.chance()
    const oneWay = p50 / 2 + ((p95 - p50) / 2) * spreadOf(draw)
    const isLost = from.chance() < this.#options.loss
    // The smallest time-out of Linux, or what one round trip takes.
    return this.now + oneWay + (isLost ? Math.max(200, p50 * 1.5) : 0)
  }
}

/** One node: a kernel with the actor of the mesh alone, and links. */
export class MeshNode {
  readonly name: string
  readonly region: string
  readonly index: number
  readonly traffic: NodeTraffic = { heartbeats: 0, membership: 0, bytes: 0 }
  readonly #world: MeshWorld
  readonly #random: ReturnType<typeof seededRandom>
  readonly #life: number
  #routable: readonly RoutableNode[] = []
  #view: ReadonlySet<string> | undefined
  isRunning = true
  #pausedUntil = 0
  #slowUntil = 0
  #frameMs = 0
  #isHearing = false
  readonly #dueTimers: (() => void)[] = []
  readonly #dueFrames: (() => void)[] = []
  /** Whether it can do without a link to that one. */
  isSpare: (node: string) => boolean = () => false
  accepts: ((raw: RawLink) => void) | undefined
  #links: PeerLinks | undefined

  constructor(world: MeshWorld, name: string, region: string, index: number) {
    this.#world = world
    this.name = name
    this.region = region
    this.index = index
    this.#random = world.random(name)
    this.#life = index + 1
  }

  chance(): number {
    return this.#random.float()
  }

  /** The nodes that it would route to. */
  get view(): ReadonlySet<string> {
    this.#view ??= new Set(this.#routable.map(({ record }) => record.node))
    return this.#view
  }

  /** How many these are. */
  get viewSize(): number {
    return this.#routable.length
  }

  get links(): number {
    return [...(this.#links?.peerNodes() ?? [])].length
  }

  /** What it says of itself once it has started at that time: with the first version it starts, the second says that it is there, the third that its app is up. */
  recordAt(startMs: number): NodeRecord {
    const version = this.#wall(startMs) + 2
    return {
      ...this.#self(),
      version,
      primaryRegion: primary.region,
      primaryEpoch: primary.epoch,
      primaryBy: primary.by,
    }
  }

  #self(): Omit<NodeRecord, 'version' | 'primaryEpoch' | 'primaryRegion' | 'primaryBy'> {
    const { name, region } = this
    return { node: name, life: this.#life, region, addresses: [name], state: 'up', appVersion: '', procedures: [] }
  }

  #wall(nowMs: number): number {
    return 1_700_000_000_000 + this.index + nowMs
  }

  /** `known`: the sealed records of others that it knows already. */
  start(known: readonly Uint8Array[]): void {
    const world = this.#world
    const platform = this.#platform()
    const { name, region } = this
    let isReady = false
    const transport = {
      supports: { lanes: 1, gossip: false, maxFrameBytes: 256 * 1024 },
      start: async (host: { accepted(raw: RawLink): void }) => {
        this.accepts = (raw) => host.accepted(raw)
        return { id: name, addresses: [name] }
      },
      dial: (address: string, _expect: string | undefined, signal: AbortSignal) => this.#dial(address, signal),
      stop: async () => undefined,
      sign: () => signature,
      verify: () => true,
    }
    const kernel: Kernel = new Kernel({ node: name, life: this.#life, thread: 0, platform, codec: noCodec as never })
    const tell = (event: MembershipEvent): void => {
      const pid = kernel.names.whereis(membershipServerName)
      const mesh = pid === undefined ? undefined : kernel.actor(pid)
      mesh?.receive({ type: 'message', to: mesh.pid, message: event, encoded: false })
    }
    const intake = new SharedIntake({ wake: () => tell({ event: 'read' }), dropped: () => undefined }, world.shared)
    const links = createPeerLinks({
      transport,
      platform,
      self: { life: this.#life, cluster: 'bench', region },
      settings: { forgivesPauses: world.localHealth, greetingLinksMax: 4_096, dialsMax: 32 },
      on: {
        up: (peer) => tell({ event: 'up', peer }),
        down: (peer, reason) => tell({ event: 'down', peer, left: reason === 'goodbye' }),
        suspect: (peer) => tell({ event: 'suspect', peer }),
        trusted: (peer) => tell({ event: 'trusted', peer }),
        frame: () => undefined,
        control: (peer, bytes) => {
          intake.put(peer.node, bytes)
        },
        refused: () => undefined,
      },
    })
    this.#links = links
    const memory: MembershipMemory = {
      records: () => known,
      primary,
      conflicts: [],
      reach: () => [],
      isSpare: () => false,
    }
    this.isSpare = (node) => memory.isSpare(node)
    const mesh = membershipServer({
      kernel,
      links,
      intake,
      transport,
      memory,
      ownLoad: () => ({ load: 0, inFlight: 0 }),
      self: () => this.#self(),
      isReady: () => isReady,
      onView: (nodes) => {
        this.#routable = nodes
        this.#view = undefined
      },
      // Nobody calls anybody: links that were up before the mesh became sparse are closed at once.
      lookForIdle: () => {
        for (const peer of [...links.peerNodes()]) {
          if (memory.isSpare(peer) && world.byName.get(peer)?.isSpare(name) === true) links.leave(peer)
        }
      },
      detector: { localHealth: world.localHealth },
      open: (sealed) => world.shared.recordOf(sealed),
    })
    void links.start().then(() => {
      kernel.spawn(mesh, [], { register: membershipServerName, system: true })
      for (const seed of world.nodes.slice(0, 3)) if (seed !== this) links.addSeed(seed.name)
      isReady = true
      tell({ event: 'announce', procedures: [] })
      world.hasPromises = true
    })
    world.hasPromises = true
  }

  /** Its host is gone: nobody is told. */
  crash(): void {
    this.isRunning = false
  }

  /** It does nothing for so long, and then what is due: timers first, as an event loop does, then what came. */
  pause(ms: number): void {
    const world = this.#world
    if (world.now + ms <= this.#pausedUntil) return
    this.#pausedUntil = world.now + ms
    world.at(this.#pausedUntil, () => this.#wake())
  }

  get isPaused(): boolean {
    return this.#pausedUntil > this.#world.now
  }

  /** For so long it takes `frameMs` to handle each frame that comes, while its timers go off in time. */
  slowDown(ms: number, frameMs: number): void {
    this.#slowUntil = Math.max(this.#slowUntil, this.#world.now + ms)
    this.#frameMs = frameMs
  }

  /** Runs it when this node runs; never after a crash. */
  run(act: () => void): void {
    if (!this.isRunning) return
    if (this.isPaused) this.#dueTimers.push(act)
    else act()
  }

  /** The same for what came from others, in order. */
  hear(act: () => void): void {
    if (!this.isRunning) return
    const isBusy = this.isPaused || this.#slowUntil > this.#world.now || this.#dueFrames.length > 0
    if (!isBusy) {
      act()
      return
    }
    this.#dueFrames.push(act)
    if (!this.isPaused) this.#hearNext()
  }

  #wake(): void {
    if (this.isPaused) return
    const world = this.#world
    for (const act of this.#dueTimers.splice(0)) world.at(world.now, () => this.run(act))
    this.#hearNext()
  }

  #hearNext(): void {
    if (this.#isHearing || this.#dueFrames.length === 0) return
    const world = this.#world
    this.#isHearing = true
    world.at(world.now + (this.#slowUntil > world.now ? this.#frameMs : 0), () => {
      this.#isHearing = false
      if (!this.isRunning || this.isPaused) return
      this.#dueFrames.shift()?.()
      this.#hearNext()
    })
  }

  #dial(address: string, signal: AbortSignal): Promise<RawLink> {
    const world = this.#world
    const to = world.byName.get(address)
    world.hasPromises = true
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => {
        world.hasPromises = true
        reject(new Error('aborted'))
      })
      // TCP, whose first segment is sent again after one, three and seven seconds, then the handshake of keys.
      const begin = (againMs: number): void => {
        if (signal.aborted || to === undefined || againMs > 8_000) return
        if (!to.isRunning || to.accepts === undefined || world.isCut(this, to) || world.isCut(to, this)) {
          world.at(world.now + againMs, () => begin(againMs * 2))
          return
        }
        const onceMs = world.arrivalMs(this, to) - world.now
        world.at(world.now + onceMs * 4, () =>
          this.run(() => {
            world.hasPromises = true
            if (signal.aborted || !to.isRunning || world.isCut(this, to)) return
            const [near, far] = rawPair(world, this, to)
            world.at(world.now + onceMs, () => to.hear(() => to.accepts?.(far)))
            resolve(near)
          }),
        )
      }
      begin(1_000)
    })
  }

  #platform(): Platform {
    const world = this.#world
    const unavailable = (): never => {
      throw new Error('not in this simulation')
    }
    const log: Log = {
      ...silentLog,
      info: (_fields: object, message: string) => {
        if (message === 'a node says nothing') world.accusations += 1
      },
      warn: (fields: object, message: string) => {
        if (message === 'a node is believed dead') {
          world.deaths.push({ observer: this, subject: (fields as { node: string }).node, at: world.now })
        }
      },
    }
    return {
      clock: {
        wall: () => this.#wall(world.now),
        monotonic: () => world.now,
        after: (delayMs, act) => world.at(world.now + delayMs, () => this.run(act)),
      },
      random: {
        u32: () => this.#random.u32(),
        int: (below) => this.#random.int(below),
        float: () => this.#random.float(),
        id: () => this.#random.id(),
      },
      turns: { enqueue: (turn) => world.enqueue(turn) },
      threads: { parallelism: 1, start: unavailable, openPort: unavailable, adoptPort: unavailable },
      files: {
        read: unavailable,
        write: unavailable,
        append: unavailable,
        sync: unavailable,
        remove: unavailable,
        list: unavailable,
      },
      log,
      environment: {},
      load: () => 0,
      setExitCode: unavailable,
    }
  }
}

const noCodec = {}
const primary = { region: 'iad', epoch: 0, by: '' }
