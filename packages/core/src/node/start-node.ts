import { BegunMarks } from '../actor/begun-marks.ts'
import { Kernel, limitedBy } from '../actor/kernel.ts'
import type { LostPeer } from '../actor/edges.ts'
import { actorName } from '../actor/pid.ts'
import type { CancelSignal, Signal, SpawnSignal } from '../actor/signal.ts'
import { watchExit } from '../actor/watch.ts'
import { HeldBytes } from '../base/held-bytes.ts'
import { bodyBytesMaxDefault, defaultCodecLimits } from '../codec/limits.ts'
import { msgpackCodec } from '../codec/msgpack-codec.ts'
import { Discovery } from '../discovery/discovery.ts'
import type { DiscoverySource } from '../discovery/source.ts'
import { orderKey } from '../mesh/frame.ts'
import { createPeerLinks, type PeerLinks } from '../mesh/peer-links.ts'
import type { NodeLoad } from '../mesh/heartbeat.ts'
import type { Peer, PeerRef } from '../mesh/peer.ts'
import { membershipServerName } from '../mesh/membership-name.ts'
import type { MembershipEvent } from '../mesh/membership-event.ts'
import type { MembershipMemory } from '../mesh/membership-memory.ts'
import { membershipTopic, wholeMessage } from '../mesh/mesh-message.ts'
import { NodeRouter } from '../mesh/node-router.ts'
import { PeerIntake } from '../mesh/peer-intake.ts'
import type { SignalRecord } from '../mesh/signal-record.ts'
import type { Transport, TransportSpec } from '../mesh/transport.ts'
import { supervisorBehavior } from '../otp/supervisor.ts'
import { LimitedLog } from '../platform/limited-log.ts'
import type { Log } from '../platform/log.ts'
import type { Platform } from '../platform/platform.ts'
import { peerDowns, peerUps } from '../platform/telemetry.ts'
import type { TurnObserver } from '../platform/turn-queue.ts'
import { createRegionTable, openRegionTable } from '../region/region-table.ts'
import { type IdempotencyLimits, idempotencyLimitsDefault } from '../rpc/idempotency-window.ts'
import { InboundCalls } from '../rpc/inbound-calls.ts'
import { createRpcClient } from '../rpc/rpc-client.ts'
import { type LoadLimits, loadLimitsDefault } from '../rpc/load-limits.ts'
import { createRpcInbox } from '../rpc/rpc-inbox.ts'
import { createRpcMany } from '../rpc/rpc-many.ts'
import type { Replica } from '../rpc/replica-watch.ts'
import { createRpcReplica } from '../rpc/rpc-replica.ts'
import { createRpcStreams } from '../rpc/rpc-stream.ts'
import { ServedProcedures } from '../rpc/served-procedures.ts'
import { loadBehavior } from '../thread/load-behavior.ts'
import { NodeThreads, type PoolOptions } from '../thread/node-threads.ts'
import type { AppDefinition } from './app.ts'
import { NodeError } from './errors.ts'
import { loadTransport } from './load-transport.ts'
import { Node } from './node.ts'
import { discoveryConfig, regionConfig } from './node-config.ts'
import { type Announced, announceApp, systemName, systemTree } from './system-tree.ts'
import { systemPlatform } from './system-platform.ts'
import { refuseInThread } from './thread-guard.ts'
import { blockMarker, startWatchdog, type WatchdogOptions } from './watchdog.ts'

export interface NodeOptions {
  /**
   * Default: the in-memory one, alone. A function makes one that only this thread can use. One that does not say on which `thread` it
   * runs does so where `SKERRY_TRANSPORT_THREAD` says, `own` or `main`, else on main.
   */
  readonly transport?: TransportSpec | (() => Transport)
  /** Default: `FLY_REGION`, then `MY_REGION`, else `"local"`. */
  readonly region?: string
  /** Default: `PRIMARY_REGION`, else `"local"`. */
  readonly primaryRegion?: string
  /** Nodes of different clusters refuse each other. Default: the transport's `cluster` option, else the app's name. */
  readonly cluster?: string
  /**
   * Where to look for other nodes, beside the transport's seeds: `dnsDiscovery`, `flyDiscovery`, `kubernetesDiscovery`, or
   * sources of your own. They are asked again and again; one that fails is logged and never fatal. Default: what
   * `SKERRY_DISCOVERY` says, else none.
   */
  readonly discovery?: readonly DiscoverySource[]
  /** How long `stop` lets running calls of others finish, in milliseconds. Default 5,000. */
  readonly drainMs?: number
  /**
   * Which of the app's actors take signals of other nodes. `'sentOut'`: those whose Pid this node has sent to another, in a
   * message, a result, or as the sender of a link, monitor or exit, and those whose spec says `remote: 'members'`; to all others
   * it is as if the actor were not there. `'members'`: all of them, in a cluster whose members trust each other with
   * every actor. Default `'sentOut'`.
   */
  readonly remoteSignals?: 'sentOut' | 'members'
  /** How much work for callers this node takes: calls that run, that wait for their turn, and of one peer. */
  readonly load?: Partial<LoadLimits>
  /** How long and how much this node remembers of what it did under idempotency keys. */
  readonly idempotency?: Partial<IdempotencyLimits>
  /**
   * The signals to this process, such as `['SIGTERM', 'SIGINT']`, at the first of which the node stops as by `stop`. The
   * process ends when nothing else keeps it alive; a second signal ends it at once. Default: none, and no handler is
   * installed. Ignored where `platform` has no process.
   */
  readonly stopOn?: readonly NodeJS.Signals[]
  /**
   * The largest message between nodes, and argument, result or item of a call by region, also to this node itself, in bytes as
   * encoded, from 1 KiB to 256 MiB. Default 64 MiB. What is larger is not sent: a call fails with `ERR_FRAME_TOO_LARGE`, a message is counted and dropped. What a peer may
   * have under way to us is at most twice this, so it bounds the memory of each link. Above 128 KiB a value travels in
   * parts, beside the others.
   */
  readonly bodyBytesMax?: number
  /**
   * The old-generation heap that each thread of its own may fill, in MiB, from 16. A thread that needs more ends with
   * `ERR_WORKER_OUT_OF_MEMORY`, and nobody else does; memory outside of the heap does not count. Default: Node's, which
   * depends on the machine's memory. Ignored where `platform` is given.
   */
  readonly threadHeapMb?: number
  /**
   * Threads that are started ahead, from 0 to 16, once another thread was first used: the next actor on a thread of its
   * own, or the next thread of the pool, need not wait for one to boot. Each takes some 10 MB. Default 1. Ignored where
   * `platform` is given.
   */
  readonly spareThreads?: number
  /**
   * Whether what actors of one thread hand over to each other, messages, arguments and answers, is deep-frozen, so that
   * code which goes on changing it throws a `TypeError` at that line. For development: it takes time, and actors on other
   * threads get copies anyway. Default: where `NODE_ENV` is `development` or `test`. Ignored where `platform` is given.
   */
  readonly freezeMessages?: boolean
  /**
   * The URL of a module that each other thread of this node imports before it runs anything: where it starts what belongs on every
   * thread, such as OpenTelemetry. Awaited, with what it awaits; one that throws ends its thread, as one that is lost while it
   * boots. It must be JavaScript that Node loads by itself, and not call `startNode`. Default: none. Ignored where
   * `platform` is given.
   *
   * @example
   * await startNode(shop, { threadSetup: new URL('./telemetry.js', import.meta.url) })
   */
  readonly threadSetup?: string | URL
  /** The threads that actors of the placements `'pool'` and `{ pool: key }` share. */
  readonly threadPool?: ThreadPoolOptions
  /**
   * Watches the thread that calls `startNode`: says on standard error which actor blocks it, and can end the process.
   * Default: none, as it takes a thread of its own (some 10 MB). Ignored where `platform` is given.
   */
  readonly watchdog?: WatchdogOptions
  /** The database's replica beside this node, for `caughtUp` and `rpcAndWait`. Default: none. */
  readonly replica?: Replica
  /** Default: one line an entry to standard error, from `warn` up. Ignored where `platform` is given. */
  readonly log?: Log
  /** The world that the node lives in. Default: the real one. */
  readonly platform?: Platform
}

/** What the codec takes. */
const bodyBytesMost = defaultCodecLimits.bytesMax

/** How many threads a pool may have. */
const poolSizeMax = 64

export interface ThreadPoolOptions {
  /** From 1 to 64. Each thread starts when it is first used. Default: as many as can run at the same time. */
  readonly size?: number
  /**
   * How long a thread may give no sign of life, in milliseconds, from 50, before it is replaced: the actor that blocks it
   * ends with `ERR_THREAD_BLOCKED`, the others with `threadlost`, and their supervisors decide. An actor that was sent a
   * kill and keeps its thread from reading it is not waited for that long. Default 5,000.
   */
  readonly blockedMs?: number
}

/**
 * Starts a node: its transport, its own actors and the app's tree. Resolves when the app is up. Rejects with a
 * `NodeError` or `TransportError`; then nothing of it is left running. A signal of `stopOn` that comes meanwhile makes it reject with
 * `ERR_NODE_STOPPED`.
 *
 * @example
 * const node = await startNode(shop, { region: 'lax', primaryRegion: 'syd', transport: libp2pTransport({ … }) })
 * await node.rpcPrimary(createOrder, order)
 * await node.stop()
 */
export async function startNode(app: AppDefinition, options: NodeOptions = {}): Promise<Node> {
  refuseInThread()
  checkThreadHeap(options.threadHeapMb)
  checkPool(options.threadPool)
  const bodyBytesMax = checkedBodyBytes(options.bodyBytesMax)
  checkSpares(options.spareThreads)
  checkSetup(options.threadSetup)
  const loadLimits = checkedLoad(options.load)
  const idempotency = checkedIdempotency(options.idempotency)
  const marker = options.platform === undefined ? blockMarker(options.watchdog) : undefined
  const platform = options.platform ?? ownPlatform(options, marker)
  const regions = regionConfig(options, platform.environment)
  const { transport, cluster } = await loadTransport(options.transport, platform.environment)
  const sources = discoveryConfig(options.discovery, platform.environment)
  const { parallelism } = platform.threads
  const pool: PoolOptions = { size: Math.min(parallelism, poolSizeMax), blockedMs: 5_000, ...options.threadPool }
  // New at every boot, also at two in one millisecond.
  const life = Math.floor(platform.clock.wall()) * 1_024 + platform.random.int(1_024)

  // Links may come up before the kernel has the node's id from the transport; what they say waits for it.
  let early: (() => void)[] | undefined = []
  const later = (act: () => void): void => {
    if (early === undefined) act()
    else early.push(act)
  }
  const inbound = new InboundCalls(loadLimits, platform.clock)
  // Measured once a heartbeat: each reading covers the time since the one before.
  let ownLoad: NodeLoad = { load: 0, inFlight: 0 }
  const limitedLog = new LimitedLog(platform, { by: limitedBy })
  const nameOfCluster = options.cluster ?? cluster ?? app.name
  const links: PeerLinks = createPeerLinks({
    load: () => (ownLoad = { load: platform.load(), inFlight: inbound.size }),
    transport,
    platform,
    orderKey,
    settings: { bodyBytesMax },
    self: { life, cluster: nameOfCluster, region: regions.region },
    on: {
      up: (peer) => later(() => (router.up(peer), nodeUp(peer), tellMesh({ event: 'up', peer }))),
      down: (peer, reason) =>
        later(() => {
          router.down(peer, reason === 'goodbye' || reason === 'idle')
          nodeDown(peer)
          tellMesh({ event: 'down', peer, left: reason === 'goodbye' })
        }),
      suspect: (peer) => later(() => tellMesh({ event: 'suspect', peer })),
      room: (peer) => later(() => router.room(peer)),
      trusted: (peer) => later(() => tellMesh({ event: 'trusted', peer })),
      stuck: () => later(() => tellMesh({ event: 'stuck' })),
      failed: (error) => later(() => node.transportFailed(error)),
      uncarried: (how, count) => later(() => void (kernel.counters[uncarriedCounters[how]] += count)),
      frame: (peer, frame) => {
        // Of frames there are many, and a closure for each is not free.
        if (early === undefined) router.receive(peer, frame)
        else later(() => router.receive(peer, frame))
      },
      frameWithin: (peer, bytes, at, end) => {
        if (early === undefined) return router.receive(peer, bytes, at, end)
        later(() => router.receive(peer, bytes, at, end))
        return false
      },
      record: (peer, record) => {
        if (early === undefined) router.receiveRecord(peer, record as SignalRecord)
        else later(() => router.receiveRecord(peer, record as SignalRecord))
      },
      control: (peer, bytes) => later(() => intake.put(peer.node, bytes)),
      unreached: (node) => later(() => router.unreached(node)),
      refused: (peer, refusal) => {
        limitedLog.warn({ peer, ...refusal }, 'a link was refused')
        if (refusal.by === 'us') later(() => void (kernel.counters.linksRefused += 1))
      },
    },
  })
  const { node: id, addresses, roles } = await links.start()

  const intake = new PeerIntake({
    wake: () => tellMesh({ event: 'read' }),
    dropped: () => void (kernel.counters.meshDrops += 1),
  })
  const codec = msgpackCodec({}, (value) => kernel.onEncoded(value))
  const letters = new HeldBytes(loadLimits)
  const { perPeerBytesMax } = loadLimits
  const limits = { bodyBytesMax, perPeerBytesMax }
  const kernel: Kernel = new Kernel({ node: id, life, thread: 0, platform, codec, ...limits, letters, limitedLog })
  const watchdog = marker && startWatchdog(marker, options.watchdog ?? {}, { node: id, life }, platform.log)
  const table = createRegionTable()
  const reader = openRegionTable(table)
  const served = new ServedProcedures(app.procedures ?? [])
  const inbox = createRpcInbox({ kernel, inbound, procedures: served, idempotency, roles: roles ?? [] })
  const takeSpawn = (signal: SpawnSignal | CancelSignal): void => {
    if (signal.type === 'spawn') inbox.spawn(signal)
    else inbox.cancel(signal)
  }
  const lost = (peer: LostPeer, reason: 'noconnection' | 'threadlost'): void => {
    kernel.peerLost(peer, () => reason)
    threads.broadcast({ type: 'peerLost', lost: peer, reason })
    inbox.peerLost(peer)
  }
  const threads = new NodeThreads({
    kernel,
    regionTable: table,
    inputs: { bytesMax: loadLimits.bytesMax, perPeerBytesMax },
    pool,
    load: loadBehavior,
    onSignal(signal) {
      if (signal.type === 'spawn' || signal.type === 'cancel') kernel.routeSpawn(signal)
      else {
        threads.awaitPlaced(signal.to)
        kernel.route(signal)
      }
    },
    onLost: (peer) => {
      inbox.peerLost(peer)
      router.threadLost(peer.thread as number)
    },
  })
  const router = new NodeRouter({
    kernel,
    links,
    letters,
    isOpenToMembers: options.remoteSignals === 'members',
    deliver: (signal) => kernel.route(signal),
    inbox: takeSpawn,
    lost,
    sparse: { reach, crosses, isSpare: (node) => memory.isSpare(node), unreachable },
  })

  kernel.away = { route: (signal) => routeAway(signal) }
  kernel.inbox = takeSpawn
  kernel.threads = threads
  kernel.begunMarks = new BegunMarks()
  kernel.remote = createRpcClient(kernel, reader, (procedure) => served.find(procedure)?.procedure)
  kernel.names.onChange((name, pid, partitions) => threads.broadcast({ type: 'name', name, pid, partitions }))
  kernel.many = createRpcMany(kernel, reader, kernel.remote)
  kernel.streams = createRpcStreams(kernel, kernel.remote)
  kernel.replica = createRpcReplica(kernel, kernel.remote)

  const memory: MembershipMemory = {
    records: () => [],
    primary: { region: regions.primaryRegion, epoch: 0, by: '' },
    reach: () => [],
    isSpare: () => false,
    conflicts: [],
  }
  const announced: Announced = { ready: false, state: 'up', procedures: [] }
  const system = systemTree({
    announced,
    ownLoad: () => ownLoad,
    kernel,
    links,
    intake,
    transport,
    table,
    inbound,
    self: { node: id, life, addresses: [...addresses], appVersion: app.version ?? '', region: regions.region, roles },
    memory,
    replica: options.replica,
    lookForIdle: () => router.lookForIdle(),
    onTable: () => {
      kernel.remote?.tableWritten()
      threads.broadcast({ type: 'tableWritten' })
    },
  })
  const discovery = new Discovery({
    sources,
    self: { node: id, cluster: nameOfCluster, region: regions.region, addresses },
    platform,
    dialer: {
      offer: (address) => links.offer(address),
      withdraw: (address) => links.withdraw(address),
      isAlone: () => links.peers().length === 0,
    },
  })
  const node = new Node({
    discovery,
    kernel,
    reader,
    links,
    router,
    inbox,
    inbound,
    threads,
    announced,
    memory,
    addresses,
    appName: app.name,
    drainMs: options.drainMs ?? 5_000,
    watchdog,
  })
  if (options.stopOn !== undefined) stopOnSignal(node, platform, options.stopOn)

  const systemRoot = kernel.spawn(system, [], { register: systemName, system: true })
  try {
    await systemRoot.started
    assertStays(node)
    for (const act of early) act()
    early = undefined
    discovery.start()
    transport.subscribe?.(membershipTopic, (via, record) => intake.put(via, wholeMessage('records', record)))
    const appRoot = kernel.spawn(supervisorBehavior(app.name, app), [], { register: app.name })
    await appRoot.started
    node.watchRoots(watchExit(kernel, systemRoot.pid), watchExit(kernel, appRoot.pid))
  } catch (error) {
    early = undefined
    const isLeaving = node.isLeaving
    await node.stop()
    const { detail } = await node.closed
    const message = `The app "${app.name}" did not start: ${isLeaving ? detail : String(error)}`
    throw new NodeError(isLeaving ? 'ERR_NODE_STOPPED' : 'ERR_APP_START', message, { cause: error })
  }
  announceApp(kernel, announced, app.procedures ?? [])
  platform.log.info({ node: id, ...regions, addresses }, 'the node is up')
  return node

  function routeAway(signal: Signal): void {
    if (signal.to.node !== id) router.route(signal)
    else if (signal.to.life === life) threads.route(signal)
    else kernel.bounce(signal, 'noproc')
  }

  function reach(peer: string, its: number): boolean {
    const dialled = memory.reach(peer, its)
    for (const address of dialled) links.learn(address, peer)
    if (dialled.length > 0) links.hurry(peer)
    return dialled.length > 0
  }

  function unreachable(peer: string): void {
    tellMesh({ event: 'unreachable', node: peer })
  }

  async function crosses(peer: PeerRef): Promise<boolean> {
    if (inbound.hasAny(peer)) return true
    const all = await threads.inspect()
    return all.some(({ stats }) => stats === undefined || stats.nodes.includes(peer.node))
  }

  function nodeUp({ node: peer, life: its, region }: Peer): void {
    const message = { type: 'nodeUp', node: peer, life: its, region } as const
    kernel.nodes.up(message)
    if (peerUps.hasSubscribers) peerUps.publish({ node: id, life, thread: 0, peer, peerLife: its, peerRegion: region })
    threads.broadcast(message)
  }

  function nodeDown({ node: peer, life: its }: PeerRef): void {
    const message = { type: 'nodeDown', node: peer, life: its } as const
    kernel.nodes.down(message)
    if (peerDowns.hasSubscribers) peerDowns.publish({ node: id, life, thread: 0, peer, peerLife: its })
    threads.broadcast(message)
  }

  function tellMesh(event: MembershipEvent): void {
    const pid = kernel.names.whereis(actorName(membershipServerName).name)
    const mesh = pid === undefined ? undefined : kernel.actor(pid)
    // While the actor is being restarted its successor reads the links themselves.
    mesh?.receive({ type: 'message', to: mesh.pid, message: event, encoded: false })
  }
}

/** A signal, or the end of its transport, may come while a node starts: then its app must not begin, as nobody would end it. */
function assertStays(node: Node): void {
  if (node.isLeaving) throw new NodeError('ERR_NODE_STOPPED', 'The node leaves already')
}

function stopOnSignal(node: Node, { log, onSignal }: Platform, signals: readonly NodeJS.Signals[]): void {
  const letGo = onSignal?.(signals, (signal) => {
    log.info({ node: node.id, signal }, 'the node stops on a signal')
    void node.stop()
  })
  if (letGo !== undefined) void node.closed.then(letGo)
}

function checkThreadHeap(heapMb: number | undefined): void {
  if (heapMb === undefined || (Number.isSafeInteger(heapMb) && heapMb >= 16)) return
  throw new NodeError('ERR_BAD_CONFIG', `options.threadHeapMb must be a whole number from 16, not ${heapMb}`)
}

const uncarriedCounters = { dropped: 'transportDrops', lost: 'transportLosses', refused: 'transportRefusals' } as const

function checkedBodyBytes(bytes = bodyBytesMaxDefault): number {
  if (Number.isSafeInteger(bytes) && bytes >= 1_024 && bytes <= bodyBytesMost) return bytes
  const message = `options.bodyBytesMax must be a whole number from 1,024 to ${bodyBytesMost}, not ${bytes}`
  throw new NodeError('ERR_BAD_CONFIG', message)
}

function checkPool({ size, blockedMs }: ThreadPoolOptions = {}): void {
  if (size !== undefined && !(Number.isSafeInteger(size) && size >= 1 && size <= poolSizeMax)) {
    const message = `options.threadPool.size must be a whole number from 1 to ${poolSizeMax}, not ${size}`
    throw new NodeError('ERR_BAD_CONFIG', message)
  }
  if (blockedMs !== undefined && !(blockedMs >= 50 && blockedMs <= 3_600_000)) {
    const message = `options.threadPool.blockedMs must be from 50 to 3,600,000, not ${blockedMs}`
    throw new NodeError('ERR_BAD_CONFIG', message)
  }
}

function checkedLoad(given: Partial<LoadLimits> = {}): LoadLimits {
  const limits = { ...loadLimitsDefault, ...given }
  for (const [name, most] of Object.entries(limits)) {
    if (Number.isSafeInteger(most) && most >= 1) continue
    throw new NodeError('ERR_BAD_CONFIG', `options.load.${name} must be a whole number from 1, not ${most}`)
  }
  return limits
}

function checkedIdempotency(given: Partial<IdempotencyLimits> = {}): IdempotencyLimits {
  const limits = { ...idempotencyLimitsDefault, ...given }
  for (const [name, most] of Object.entries(limits)) {
    if (Number.isSafeInteger(most) && most >= 1) continue
    throw new NodeError('ERR_BAD_CONFIG', `options.idempotency.${name} must be a whole number from 1, not ${most}`)
  }
  return limits
}

function checkSpares(spares: number | undefined): void {
  if (spares === undefined || (Number.isSafeInteger(spares) && spares >= 0 && spares <= 16)) return
  throw new NodeError('ERR_BAD_CONFIG', `options.spareThreads must be a whole number from 0 to 16, not ${spares}`)
}

function checkSetup(setup: string | URL | undefined): void {
  if (setup === undefined || URL.canParse(String(setup))) return
  const message = `options.threadSetup must be a URL, as of \`import.meta.url\`, not ${String(setup)}`
  throw new NodeError('ERR_BAD_CONFIG', message)
}

function ownPlatform(
  { log, threadHeapMb, spareThreads, freezeMessages, threadSetup }: NodeOptions,
  turnObserver: TurnObserver | undefined,
): Platform {
  return systemPlatform({
    ...(log !== undefined && { log }),
    ...(threadHeapMb !== undefined && { threadHeapMb }),
    ...(spareThreads !== undefined && { spareThreads }),
    ...(freezeMessages !== undefined && { freezeMessages }),
    ...(threadSetup !== undefined && { threadSetup }),
    ...(turnObserver !== undefined && { turnObserver }),
  })
}
