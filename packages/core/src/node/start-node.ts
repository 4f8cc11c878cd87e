import { BegunMarks } from '../actor/begun-marks.ts'
import { Kernel, limitedBy } from '../actor/kernel.ts'
import type { LostPeer } from '../actor/edges.ts'
import type { CancelSignal, Signal, SpawnSignal } from '../actor/signal.ts'
import { watchExit } from '../actor/watch.ts'
import { HeldBytes } from '../base/held-bytes.ts'
import { msgpackCodec } from '../codec/msgpack-codec.ts'
import { Discovery } from '../discovery/discovery.ts'
import { orderKey } from '../mesh/frame.ts'
import { createPeerLinks, type PeerLinks } from '../mesh/peer-links.ts'
import type { NodeLoad } from '../mesh/heartbeat.ts'
import type { MembershipMemory } from '../mesh/membership-memory.ts'
import { membershipTopic, wholeMessage } from '../mesh/mesh-message.ts'
import { NodeRouter } from '../mesh/node-router.ts'
import { PeerIntake } from '../mesh/peer-intake.ts'
import type { PeerRef } from '../mesh/peer.ts'
import { tellMembership } from '../mesh/tell-membership.ts'
import { supervisorBehavior } from '../otp/supervisor.ts'
import { LimitedLog } from '../platform/limited-log.ts'
import type { Platform } from '../platform/platform.ts'
import type { TurnObserver } from '../platform/turn-queue.ts'
import { createRegionTable, openRegionTable } from '../region/region-table.ts'
import { InboundCalls } from '../rpc/inbound-calls.ts'
import { addRegionServices } from '../rpc/region-services.ts'
import { createRpcInbox } from '../rpc/rpc-inbox.ts'
import { ServedProcedures } from '../rpc/served-procedures.ts'
import { loadBehavior } from '../thread/load-behavior.ts'
import { NodeThreads } from '../thread/node-threads.ts'
import type { AppDefinition } from './app.ts'
import { checkOptions, poolOptions } from './check-options.ts'
import { EarlyEvents } from './early-events.ts'
import { NodeError } from './errors.ts'
import { linkEvents } from './link-events.ts'
import { loadTransport } from './load-transport.ts'
import { Node } from './node.ts'
import { discoveryConfig, regionConfig } from './node-config.ts'
import type { NodeOptions } from './node-options.ts'
import { type Announced, announceApp, systemName, systemTree } from './system-tree.ts'
import { systemPlatform } from './system-platform.ts'
import { refuseInThread } from './thread-guard.ts'
import { blockMarker, startWatchdog } from './watchdog.ts'

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
  const { bodyBytesMax, load: loadLimits, idempotency } = checkOptions(options)
  const marker = options.platform === undefined ? blockMarker(options.watchdog) : undefined
  const platform = options.platform ?? ownPlatform(options, marker)
  const regions = regionConfig(options, platform.environment)
  const { transport, cluster } = await loadTransport(options.transport, platform.environment)
  const sources = discoveryConfig(options.discovery, platform.environment)
  // New at every boot, also at two in one millisecond.
  const life = Math.floor(platform.clock.wall()) * 1_024 + platform.random.int(1_024)

  const inbound = new InboundCalls(loadLimits, platform.clock)
  // Measured once a heartbeat: each reading covers the time since the one before.
  let ownLoad: NodeLoad = { load: 0, inFlight: 0 }
  const limitedLog = new LimitedLog(platform, { by: limitedBy })
  const early = new EarlyEvents((peer, refusal) => limitedLog.warn({ peer, ...refusal }, 'a link was refused'))
  const nameOfCluster = options.cluster ?? cluster ?? app.name
  const links: PeerLinks = createPeerLinks({
    load: () => (ownLoad = { load: platform.load(), inFlight: inbound.size }),
    transport,
    platform,
    orderKey,
    settings: { bodyBytesMax },
    self: { life, cluster: nameOfCluster, region: regions.region },
    on: early,
  })
  const { node: id, addresses, roles } = await links.start()

  const intake = new PeerIntake({
    wake: () => tellMembership(kernel, { event: 'read' }),
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
    pool: poolOptions(options.threadPool, platform.threads.parallelism),
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
  addRegionServices(kernel, reader, (procedure) => served.find(procedure)?.procedure)
  kernel.names.onChange((name, pid, partitions) => threads.broadcast({ type: 'name', name, pid, partitions }))

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
  const events = linkEvents({ kernel, router, intake, threads, failed: (error) => node.transportFailed(error) })
  if (options.stopOn !== undefined) stopOnSignal(node, platform, options.stopOn)

  const systemRoot = kernel.spawn(system, [], { register: systemName, system: true })
  try {
    await systemRoot.started
    assertStays(node)
    early.begin(events)
    discovery.start()
    transport.subscribe?.(membershipTopic, (via, record) => intake.put(via, wholeMessage('records', record)))
    const appRoot = kernel.spawn(supervisorBehavior(app.name, app), [], { register: app.name })
    await appRoot.started
    node.watchRoots(watchExit(kernel, systemRoot.pid), watchExit(kernel, appRoot.pid))
  } catch (error) {
    early.drop(events)
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
    tellMembership(kernel, { event: 'unreachable', node: peer })
  }

  async function crosses(peer: PeerRef): Promise<boolean> {
    if (inbound.hasAny(peer)) return true
    const all = await threads.inspect()
    return all.some(({ stats }) => stats === undefined || stats.nodes.includes(peer.node))
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
