import { BegunMarks } from '../actor/begun-marks.ts'
import { HeldBytes } from '../base/held-bytes.ts'
import { heldOf } from '../actor/held-letter.ts'
import { Kernel } from '../actor/kernel.ts'
import type { Pid } from '../actor/pid.ts'
import type { Signal } from '../actor/signal.ts'
import { msgpackCodec } from '../codec/msgpack-codec.ts'
import { CallMeasures, type MeasuredSeries } from '../platform/call-measures.ts'
import { printableFields } from '../platform/log.ts'
import type { Log, Platform } from '../platform/platform.ts'
import { openRegionTable } from '../region/region-table.ts'
import { addRegionServices } from '../rpc/region-services.ts'
import { BlockMarker } from '../thread/block-marker.ts'
import { FlushGroup } from '../thread/flush-group.ts'
import { endsOrphan } from '../thread/orphan.ts'
import { PeerThreads } from '../thread/peer-threads.ts'
import { type LoadBehavior, PlacedActors } from '../thread/placed-actors.ts'
import { refusalByThread } from '../thread/refusal.ts'
import { type Batch, ThreadChannel } from '../thread/thread-channel.ts'
import type {
  FromThread,
  MeasureOrder,
  PeerMessage,
  ThreadBoot,
  ThreadDown,
  ToThread,
} from '../thread/thread-message.ts'
import { ThreadLetters } from '../thread/thread-letters.ts'
import { ThreadNames } from '../thread/thread-names.ts'
import { rootSerial, ThreadStarts } from '../thread/thread-starts.ts'
import { ThreadTable } from '../thread/thread-table.ts'

/** A thread's way to main. */
export interface MainPort {
  post(batch: Batch<FromThread>, carried?: readonly unknown[]): void
  onMessage(on: (batch: Batch<ToThread>) => void): void
  /** Reads what main has posted by now. */
  drain(): void
}

/** The log of a thread: main writes it, so that lines of several threads do not mix. */
function portLog(send: (message: FromThread) => void): Log {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: object, message: string): void => {
      send({ type: 'log', level, fields: printableFields(fields), message })
    }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

/**
 * Composes a thread's kernel, for the actors that other threads place on it: at once for the one that a thread of its
 * own is started for. `own.log` is replaced by one that main writes.
 */
export function runThread(boot: ThreadBoot, port: MainPort, own: Omit<Platform, 'log'>, load: LoadBehavior): void {
  const flushes = new FlushGroup(own.turns)
  const channel: ThreadChannel<FromThread> = new ThreadChannel(
    boot,
    () => flushes.soonFirst(channel),
    (batch, carried) => port.post(batch, carried),
  )
  const send = (message: FromThread): void => channel.send(message)
  const platform: Platform = { ...own, log: portLog(send) }
  const { node, life, thread, bodyBytesMax } = boot
  const codec = msgpackCodec({}, (value) => kernel.onEncoded(value))
  const letters = new ThreadLetters(() => platform.turns.enqueue({ runTurn: tellGone }))
  const limits = { bodyBytesMax, perPeerBytesMax: boot.inputs.perPeerBytesMax }
  const kernel: Kernel = new Kernel({ node, life, thread, platform, codec, ...limits, letters })
  const table = new ThreadTable(boot.threadTable)
  const names = new ThreadNames(send)
  /** The threads of their own that were started from here, with the actors that they should not outlive. */
  const parents = new Map<number, Pid>()
  /** What collectors want measured here. */
  const measures = new Map<number, CallMeasures>()

  const peers = new PeerThreads({
    kernel,
    flushSoon: (one) => flushes.soon(one),
    connect: (to, other) => channel.sendNow({ type: 'connect', thread: to, other }, [other]),
    act: actOnPeer,
    lost: threadDown,
  })
  const starts = new ThreadStarts({
    kernel,
    table,
    ownsNames: false,
    send(placed, to, isOwn) {
      if (isOwn) {
        channel.sendNow({ type: 'start', thread: to, actor: placed })
        if (placed.parent !== undefined) parents.set(to, placed.parent)
      } else if (to === thread) actors.begin(placed)
      else if (to === 0) channel.sendNow({ type: 'begin', actor: placed })
      else peers.sendNow(to, { type: 'begin', actor: placed })
    },
  })
  const actors = new PlacedActors({
    kernel,
    load,
    answer(starter, begun) {
      if (starter === thread) starts.begun(begun)
      else if (starter === 0 || begun.serial === rootSerial) send(begun)
      else peers.send(starter, begun)
    },
  })

  for (const { name, pid, partitions } of boot.names) kernel.names.follow(name, pid, partitions)
  for (const up of boot.nodes) kernel.nodes.up(up)
  kernel.away = { route: routeAway }
  kernel.threads = starts
  kernel.inputs = new HeldBytes(boot.inputs)
  kernel.begunMarks = boot.begunMarks && new BegunMarks(boot.begunMarks)
  addRegionServices(kernel, openRegionTable(boot.regionTable))
  kernel.onSentOut = (pid) => send({ type: 'sentOut', pid })
  kernel.onRemoved = (pid, reason) => {
    if (boot.pool !== undefined && pid.serial % 2 === 0) table.ended(boot.pool.slot)
    const isRoot = boot.root !== undefined && pid.serial === rootSerial
    if (names.ended(pid) || isRoot) send({ type: 'ended', pid, reason })
    // Main reads faster than we post to others: told before, it would take away what they wait for.
    if (isRoot) flushes.soonLast(() => channel.sendNow({ type: 'farewell' }))
  }
  kernel.registerName = (name, pid, partitions) => {
    return names.ask({ ref: kernel.nextRef(), name, pid, partitions }, kernel.isLocal(pid))
  }
  for (const order of boot.measures) measure(order)
  if (boot.root !== undefined) begin(boot.root)
  if (boot.pool !== undefined) keepBeating(new BlockMarker(boot.pool.blockWords), boot.pool.beatMs, platform)
  port.onMessage((batch) => {
    channel.receive(batch, act)
  })

  function begin(placed: Parameters<PlacedActors['begin']>[0]): void {
    if (placed.name !== undefined) names.placed(placed.serial)
    actors.begin(placed)
  }

  function measure({ ref, buckets }: MeasureOrder): void {
    // At once: the thread may be ended in this very turn.
    const tell = (series: MeasuredSeries): void => channel.sendNow({ type: 'measured', ref, series })
    measures.set(ref, new CallMeasures({ node, life, thread }, buckets, tell))
  }

  function routeAway(signal: Signal): void {
    const { to } = signal
    const elsewhere = to.node !== node || to.life !== life
    if (!elsewhere && to.thread !== 0 && signal.type !== 'spawn' && signal.type !== 'cancel') {
      routeToPeer(signal)
      return
    }
    if (!channel.isFullFor(signal)) channel.sendSignal(signal)
    else if (signal.type === 'call') kernel.deliver(refusalByThread(signal))
    else kernel.counters.mailboxDrops += 1
  }

  function routeToPeer(signal: Signal): void {
    if (signal.type === 'exit' && signal.reason === 'kill' && !signal.viaLink) {
      // Who can be killed without its thread's help is known to main only; that thread may be unable to read.
      if (signal.to.serial === rootSerial) {
        send({ type: 'signal', signal })
        return
      }
      send({ type: 'killing', pid: signal.to })
    }
    peers.route(signal)
    if (endsOrphan(signal, parents.get(signal.to.thread))) send({ type: 'orphaned', pid: signal.to })
  }

  function actOnPeer(message: PeerMessage): void {
    switch (message.type) {
      case 'signal':
        takeSignal(message.signal)
        return
      case 'begin':
        begin(message.actor)
        return
      case 'begun':
        starts.begun(message)
    }
  }

  function takeSignal(signal: Signal): void {
    // Main hears of the end of another thread's actor by another way: its names are free before anybody hears of it.
    if (signal.type === 'down' || (signal.type === 'exit' && signal.viaLink)) kernel.names.free(signal.from)
    if (isUnknownPlaced(signal.to)) drainAll()
    kernel.deliver(signal)
    const held = heldOf(signal)
    if (held !== undefined) letters.giveBack(held.node, held.bytes)
  }

  function tellGone(): void {
    for (const [from, bytes] of letters.take()) send({ type: 'lettersGone', node: from, bytes })
  }

  /** Placed here, and the one who did so has told others its Pid before its own way brought it here. */
  function isUnknownPlaced(pid: Pid): boolean {
    return boot.pool !== undefined && pid.serial % 2 === 0 && pid.serial !== 0 && !actors.hasCome(pid.serial)
  }

  function drainAll(): void {
    peers.drain()
    port.drain()
  }

  function threadDown(down: ThreadDown): void {
    const reasonOf = (pid: Pid) => (pid.serial === down.serial ? down.reason : down.others)
    parents.delete(down.thread)
    starts.threadDown(down.thread, reasonOf)
    kernel.peerLost({ node, life, thread: down.thread }, reasonOf)
  }

  function act(message: ToThread): void {
    switch (message.type) {
      case 'signal':
        takeSignal(message.signal)
        return
      case 'begin':
      case 'begun':
        actOnPeer(message)
        return
      case 'name':
        kernel.names.follow(message.name, message.pid, message.partitions)
        return
      case 'tableWritten':
        kernel.remote?.tableWritten()
        return
      case 'nodeUp':
        kernel.nodes.up(message)
        return
      case 'nodeDown':
        kernel.nodes.down(message)
        return
      case 'peerLost':
        kernel.peerLost(message.lost, () => message.reason)
        return
      case 'threadDown':
        peers.threadDown(message)
        return
      case 'connect':
        peers.adopt(message.thread, message.other)
        return
      case 'echo':
        send(message)
        return
      case 'inspect':
        send({ type: 'stats', ref: message.ref, stats: kernel.stats })
        return
      case 'measure':
        measure(message.order)
        return
      case 'unmeasure':
        measures.get(message.ref)?.stop()
        measures.delete(message.ref)
        return
      case 'registered':
        names.answered(message.ref, message.error)
    }
  }
}

function keepBeating(marker: BlockMarker, beatMs: number, platform: Platform): void {
  marker.beat()
  platform.clock.after(beatMs, () => keepBeating(marker, beatMs, platform))
}
