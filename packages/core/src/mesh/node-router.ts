import { formatPid, type NodeId } from '../actor/pid.ts'
import type { Router } from '../actor/router.ts'
import type { Failure, ReplySignal, Signal, SpawnSignal } from '../actor/signal.ts'
import { answerUndeliverable } from '../actor/undeliverable.ts'
import { errorData } from '../base/error-data.ts'
import { reachable } from '../platform/property.ts'
import { AwaitedLinks } from './awaited-links.ts'
import type { BlockSlice } from './block-slice.ts'
import { Farewell } from './farewell.ts'
import {
  decodedWithBody,
  decodeNotice,
  decodeSignal,
  encodeNotice,
  encodeSignalMessage,
  type NodeNotice,
} from './frame.ts'
import { ForeignSignals, type ForeignSignalsOptions } from './foreign-signals.ts'
import { HeldSignals } from './held-signals.ts'
import { IdleLinks } from './idle-links.ts'
import { linkHeaderBytes } from './link-message.ts'
import type { Peer, PeerRef } from './peer.ts'
import { NoticeRates } from './notice-rates.ts'
import { ParkedSignals } from './parked-signals.ts'
import type { PeerLinks, SendResult } from './peer-links.ts'
import { SeenLives } from './seen-lives.ts'
import { isUrgent, opensLink, sendsOutItsSender } from './signal-kinds.ts'
import { recordOf, type SignalRecord, signalOf } from './signal-record.ts'
import type { SplitMessage } from './split-message.ts'
import { answerUnsent, draining, overloaded, tooLarge, unencodable } from './unsent.ts'

/** How a sparse mesh makes links when they are needed, and closes them when they are not. */
export interface SparseRouting {
  /** Whether that life is a member that a link can be made to; the dial is under way then. */
  readonly reach: (node: NodeId, life: number) => boolean
  /** No link to it came up. */
  readonly unreachable: (node: NodeId) => void
  /** Whether this node can do without a link to it. */
  readonly isSpare: (node: NodeId) => boolean
  /** Whether a link, a monitor, a call or a stream of any thread goes to or from it. */
  readonly crosses: (peer: PeerRef) => Promise<boolean>
}

export interface NodeRouterOptions extends ForeignSignalsOptions {
  readonly links: PeerLinks
  readonly sparse: SparseRouting
  /** A node's life, or a thread of it, is gone: the links, monitors and calls of all threads fire. */
  readonly lost: (lost: { node: NodeId; life: number; thread?: number }, reason: 'noconnection' | 'threadlost') => void
}

/** A peer that a link is up to. */
interface LinkedPeer {
  readonly node: NodeId
  readonly life: number
  /** What the link says of it. */
  readonly peer: Peer
  /** It said that it takes no new work: that is refused here, and so surely not run. */
  isDraining: boolean
}

const noBytes = new Uint8Array(0)

/** What items of streams to one peer may count that wait for room on their way. Beyond it they end their stream. */
const parkedBytesMax = 32 * 1024 * 1024

/** Of so many peers it is known how often they said what they may say so often. */
const peersMax = 4_096

/** Carries signals between nodes over the links, and turns the loss of a link into `noconnection` for all that crossed it. */
export class NodeRouter implements Router {
  readonly #options: NodeRouterOptions
  /** The peers that a link is up to. */
  readonly #linked = new Map<NodeId, LinkedPeer>()
  /** The one that was asked for last: every frame asks, and they come in bursts. */
  #last: LinkedPeer | undefined
  readonly #seen = new SeenLives()
  /** Since this node said that it takes no new work. */
  #farewell: Farewell | undefined

  readonly #foreign: ForeignSignals
  readonly #parked = new ParkedSignals(parkedBytesMax)
  /** For nodes that are being dialled, and for links that may rest. */
  readonly #held = new HeldSignals()
  readonly #awaited: AwaitedLinks
  /**
   * The lives whose link ended in order while signals for them were held: all that crosses is these, for which another link is made. Only
   * when none comes is anything lost.
   */
  readonly #unlost = new Map<NodeId, number>()
  readonly #idle: IdleLinks
  readonly #noticeRates = new NoticeRates(peersMax)

  constructor(options: NodeRouterOptions) {
    this.#options = options
    const { kernel, links, sparse } = options
    this.#foreign = new ForeignSignals(options)
    this.#awaited = new AwaitedLinks(kernel.platform.clock, (node) => this.#gaveUp(node))
    this.#idle = new IdleLinks({
      self: kernel.node,
      clock: kernel.platform.clock,
      trafficOf: (node) => links.trafficOf(node),
      isSpare: (node) => sparse.isSpare(node) && !links.isSendingTo(node),
      crosses: (node) => sparse.crosses({ node, life: this.#linkedTo(node)?.life ?? 0 }),
      tell: (node, notice) => this.#tell(node, notice),
      hold: (node) => this.#held.begin(node),
      release: (node) => this.#release(node),
      leave: (node) => links.leave(node),
    })
  }

  up(peer: Peer): void {
    const { node, life } = peer
    this.#last = undefined
    this.#linked.set(node, { node, life, peer, isDraining: false })
    if (this.#farewell !== undefined) this.#tell(node, { type: 'draining' })
    this.#seen.met(node, life)
    this.#awaited.end(node)
    if (this.#unlost.get(node) === life) this.#unlost.delete(node)
    // What was held for a life that is over is bounced, and before its loss, which would say of it that it may have been done.
    this.#release(node)
    this.#lostAfterAll(node)
  }

  /** `isInOrder`: one of both said goodbye. */
  down({ node, life }: PeerRef, isInOrder = false): void {
    const { kernel, lost } = this.#options
    this.#last = undefined
    const isLeaving = this.#linked.get(node)?.isDraining === true
    this.#linked.delete(node)
    const dropped = this.#parked.drop(node)
    if (dropped > 0) kernel.counters.unsent += dropped
    this.#farewell?.heard(node)
    this.#idle.down(node)
    // What was held while the link rested begins anew, as nothing of it had gone out: the loss of that link is none of its.
    const held = this.#held.take(node)
    // Of a node that said before that it leaves, no other link is to be expected.
    if (isInOrder && !isLeaving && held.length > 0) {
      for (const signal of held) this.route(signal)
      if (this.#held.has(node)) this.#unlost.set(node, life)
      else lost({ node, life }, 'noconnection')
      return
    }
    // First: the loss would say of it that it may have been done.
    for (const signal of held) if (isAnswered(signal)) kernel.bounce(signal, 'noconnection')
    lost({ node, life }, 'noconnection')
    for (const signal of held) if (!isAnswered(signal)) this.route(signal)
  }

  /** The life that links to it were up to is over, or no link to it comes up any more. */
  #lostAfterAll(node: NodeId): void {
    const life = this.#unlost.get(node)
    this.#unlost.delete(node)
    if (life !== undefined) this.#options.lost({ node, life }, 'noconnection')
  }

  /** A dial to it failed. */
  unreached(node: NodeId): void {
    this.#awaited.dialFailed(node)
  }

  /** Looks which links nobody uses. */
  lookForIdle(): void {
    this.#idle.look(this.#linked.keys())
  }

  route(signal: Signal): void {
    const { kernel, links } = this.#options
    if (!this.#held.isEmpty && this.#held.has(signal.to.node)) {
      this.#hold(signal)
      return
    }
    const linked = this.#linkedTo(signal.to.node)
    if (linked === undefined) {
      this.#routeUnlinked(signal)
      return
    }
    if (linked.life !== signal.to.life) {
      const isOver = this.#seen.isOver(signal.to.node, signal.to.life)
      kernel.bounce(signal, isOver && signal.type !== 'spawn' ? 'noproc' : 'noconnection')
      return
    }
    if (linked.isDraining && signal.type === 'spawn') {
      this.#refuse(signal, draining)
      return
    }
    if (sendsOutItsSender(signal)) kernel.sendOut(signal.from)
    const isBehind = this.#parked.isBehind(signal)
    if ((signal.type === 'spawn' || signal.type === 'reply') && !isBehind && this.#wentAsRecord(signal)) return
    let message: BlockSlice | SplitMessage
    try {
      message = encodeSignalMessage(signal, kernel.codec)
    } catch (error) {
      this.#refuse(signal, unencodable(error))
      return
    }
    if (isBehind && this.#park(signal, message)) return
    if (isBehind && signal.type !== 'item') {
      kernel.counters.unsent += 1
      links.unread(signal.to.node)
      return
    }
    const result = isBehind ? 'overloaded' : links.sendMessage(signal.to.node, message, isUrgent(signal))
    if (result === 'overloaded' && signal.type === 'item' && !isBehind && this.#park(signal, message)) {
      reachable('skerry/an item of a stream waited for room on its way')
      return
    }
    this.#sent(signal, message, result)
  }

  /** What an item is, its message has. */
  #park(signal: Signal, message: BlockSlice | SplitMessage): boolean {
    return this.#parked.park({ signal: signal.type === 'item' ? { ...signal, item: noBytes } : signal, message })
  }

  /** Whether it went as it is: through memory, and with nothing to say that others could change. */
  #wentAsRecord(signal: SpawnSignal | ReplySignal): boolean {
    const way = this.#options.links.recordsTo(signal.to.node)
    if (way === undefined) return false
    const record = recordOf(signal)
    return record !== undefined && way.sendRecord(record)
  }

  /** There is room again on the way to a peer: what is parked goes first. */
  room({ node }: PeerRef): void {
    const { links } = this.#options
    this.#parked.resume(node, ({ signal, message }) => {
      const result = links.sendMessage(node, message, isUrgent(signal))
      if (result === 'overloaded' && !isUrgent(signal)) return false
      this.#sent(signal, message, result)
      return true
    })
  }

  #sent(signal: Signal, message: BlockSlice | SplitMessage, result: SendResult): void {
    if (result === 'sent') return
    const { kernel, links } = this.#options
    if (result === 'no-link') kernel.bounce(signal, 'noconnection')
    else if (result === 'overloaded') this.#refuse(signal, overloaded)
    else this.#refuse(signal, tooLarge(message.byteLength - linkHeaderBytes, links.frameBytesMax))
  }

  /**
   * A frame that a peer sent, from `at` to `end` in the bytes. What is not a frame is counted and logged; its link goes on, since lanes keep frames whole.
   * Gives back whether nobody reads the bytes any more; else who decodes the body says so (`wasRead`), or nobody does.
   */
  receive(peer: PeerRef, bytes: Uint8Array, at = 0, end: number = bytes.length): boolean {
    const { kernel } = this.#options
    let signal: Signal
    try {
      const notice = decodeNotice(bytes, at, end)
      if (notice !== undefined) {
        this.#receiveNotice(peer, notice)
        return true
      }
      const from = this.#linkedTo(peer.node)?.peer ?? peer
      signal = decodeSignal(bytes, from, kernel, kernel.codec, at, end)
    } catch (error) {
      kernel.counters.undecodable += 1
      kernel.limitedLog.warn({ peer: peer.node, err: errorData(error) }, 'a frame that can not be read was dropped')
      return false
    }
    const hasBody = decodedWithBody()
    this.#foreign.take(peer.node, signal)
    return !hasBody
  }

  /** The same for a signal that crossed memory as it is. */
  receiveRecord(peer: PeerRef, record: SignalRecord): void {
    const from = this.#linkedTo(peer.node)?.peer ?? peer
    this.#foreign.take(peer.node, signalOf(record, from, this.#options.kernel))
  }

  /** Tells every peer that a thread of this node is gone, after everything that the thread had sent. */
  threadLost(thread: number): void {
    this.#foreign.threadLost(thread)
    for (const node of this.#linked.keys()) this.#tell(node, { type: 'threadDown', thread })
  }

  /**
   * Tells every peer that this node takes no new work, and resolves when each has heard it or is gone, at the latest after
   * `atMostMs`. After that no request is on its way here: one that comes too late would be lost with its link, and its
   * caller could not know that it was never begun. What was sent to them before, however large, has come by then too.
   */
  sayDraining(atMostMs: number): Promise<void> {
    const peers = [...this.#linked.keys()]
    this.#farewell = new Farewell(peers)
    const heard = this.#farewell.whenHeard(this.#options.kernel.platform.clock, atMostMs)
    for (const node of peers) this.#tell(node, { type: 'draining' })
    return heard
  }

  #routeUnlinked(signal: Signal): void {
    const { kernel, sparse } = this.#options
    const { node, life } = signal.to
    if (!opensLink(signal) || !sparse.reach(node, life) || !this.#held.begin(node)) {
      kernel.bounce(signal, 'noconnection')
      return
    }
    this.#awaited.begin(node)
    this.#hold(signal)
  }

  #hold(signal: Signal): void {
    if (!this.#held.hold(signal)) this.#refuse(signal, overloaded)
  }

  /** Sends what was held. */
  #release(node: NodeId): void {
    for (const signal of this.#held.take(node)) this.route(signal)
  }

  #gaveUp(node: NodeId): void {
    this.#options.sparse.unreachable(node)
    for (const signal of this.#held.take(node)) this.#options.kernel.bounce(signal, 'noconnection')
    this.#lostAfterAll(node)
  }

  #receiveNotice({ node, life }: PeerRef, notice: NodeNotice): void {
    const { kernel, links } = this.#options
    const verdict = this.#noticeRates.judge(node, notice.type, kernel.platform.clock.monotonic())
    if (verdict === 'violation') links.violated(node, 'it lost more threads than a node has')
    if (verdict === 'drop') kernel.counters.meshDrops += 1
    if (verdict !== 'take') return
    switch (notice.type) {
      case 'threadDown':
        this.#options.lost({ node, life, thread: notice.thread }, 'threadlost')
        return
      case 'draining':
        this.#noteDraining(node)
        this.#tell(node, { type: 'drainingHeard' })
        return
      case 'drainingHeard':
        this.#farewell?.heard(node)
        return
      case 'resting':
        this.#idle.peerRests(node)
        return
      case 'notResting':
        this.#idle.peerDoesNotRest(node)
    }
  }

  #noteDraining(node: NodeId): void {
    const linked = this.#linkedTo(node)
    if (linked !== undefined) linked.isDraining = true
  }

  #linkedTo(node: NodeId): LinkedPeer | undefined {
    const last = this.#last
    if (last !== undefined && last.node === node) return last
    const linked = this.#linked.get(node)
    if (linked !== undefined) this.#last = linked
    return linked
  }

  /** In order with signals. */
  #tell(node: NodeId, notice: NodeNotice): void {
    const result = this.#options.links.send(node, encodeNotice(notice), notice.type === 'threadDown')
    // A peer that reads nothing is not waited for.
    if (notice.type === 'draining' && result !== 'sent') this.#farewell?.heard(node)
  }

  /** The signal was not sent: whoever waits for it is told, everything else is counted. */
  #refuse(signal: Signal, failure: Failure): void {
    const { kernel } = this.#options
    const answer = answerUnsent(signal, failure)
    if (answer !== undefined) {
      kernel.route(answer)
      return
    }
    if (signal.type === 'spawn') kernel.counters.castsNotRun += 1
    else kernel.counters.unsent += 1
    const { to, type } = signal
    kernel.limitedLog.warn({ peer: to.node, to: formatPid(to), type, code: failure.code }, 'a signal was not sent')
  }
}

/** Whether anybody is told when it can't be delivered. */
function isAnswered(signal: Signal): boolean {
  return answerUndeliverable(signal, 'noconnection') !== undefined
}
