import { Actor } from '../actor/actor.ts'
import type { Kernel } from '../actor/kernel.ts'
import { formatPid, type NodeId } from '../actor/pid.ts'
import type { Router } from '../actor/router.ts'
import type {
  CancelSignal,
  Failure,
  ReplySignal,
  Signal,
  SpawnSignal,
  ExitSignal,
  LinkSignal,
  MonitorSignal,
} from '../actor/signal.ts'
import { answerUndeliverable } from '../actor/undeliverable.ts'
import { letterBytes, type LetterSignal } from '../actor/held-letter.ts'
import { errorData } from '../base/error-data.ts'
import { type HeldBytes, uncountedBytesMax } from '../base/held-bytes.ts'
import type { Timer } from '../platform/platform.ts'
import { reachable } from '../platform/property.ts'
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
import { HeldSignals, opensLink } from './held-signals.ts'
import { IdleLinks } from './idle-links.ts'
import { linkHeaderBytes } from './link-message.ts'
import type { Peer, PeerRef } from './peer.ts'
import { NoticeRates } from './notice-rates.ts'
import { ParkedSignals } from './parked-signals.ts'
import type { PeerLinks, SendResult } from './peer-links.ts'
import { SentOut } from './sent-out.ts'
import { recordOf, type SignalRecord, signalOf } from './signal-record.ts'
import type { SplitMessage } from './split-message.ts'

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

export interface NodeRouterOptions {
  readonly kernel: Kernel
  readonly links: PeerLinks
  /** What the letters of peers count that wait for this node's actors, and may count. */
  readonly letters: HeldBytes
  /** Peers may send signals to every actor of the app. */
  readonly isOpenToMembers: boolean
  /** Carries a signal that came from another node to this node's threads. */
  readonly deliver: (signal: Signal) => void
  /** Takes requests to run procedures here. */
  readonly inbox: (signal: SpawnSignal | CancelSignal) => void
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

/** How long a signal waits for a link at most, and after how many failed dials it waits no more. */
const awaitLinkMs = 5_000
const failedDialsMax = 3

// What is forgotten beyond these, oldest first, gets `noconnection` where `noproc` would be true.
const nodesSeenMax = 16_384
/** Of so many peers it is known how often they said what they may say so often. */
const peersMax = 4_096
const livesSeenMax = 8

/** Carries signals between nodes over the links, and turns the loss of a link into `noconnection` for all that crossed it. */
export class NodeRouter implements Router {
  readonly #options: NodeRouterOptions
  /** The peers that a link is up to. */
  readonly #linked = new Map<NodeId, LinkedPeer>()
  /** The one that was asked for last: every frame asks, and they come in bursts. */
  #last: LinkedPeer | undefined
  /**
   * The lives that links were up to, the last one last. All before it are over for sure, and their Pids get `noproc`. Lives
   * do not tell their order by themselves: a clock that was set back gives a lower one. So a Pid of any other life gets
   * `noconnection`; the link may still be to a life that is already over.
   */
  readonly #seen = new Map<NodeId, readonly number[]>()
  /** Since this node said that it takes no new work. */
  #farewell: Farewell | undefined

  readonly #sentOut = new SentOut()
  readonly #parked = new ParkedSignals(parkedBytesMax)
  /** For nodes that are being dialled, and for links that may rest. */
  readonly #held = new HeldSignals()
  /** The nodes that are being dialled because a signal waits for it. */
  readonly #awaited = new Map<NodeId, { readonly timer: Timer; failedDials: number }>()
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
    options.kernel.onSentOut = (pid) => this.#sentOut.add(pid)
  }

  up(peer: Peer): void {
    const { node, life } = peer
    this.#last = undefined
    this.#linked.set(node, { node, life, peer, isDraining: false })
    if (this.#farewell !== undefined) this.#tell(node, { type: 'draining' })
    this.#note(node, life)
    this.#endWait(node)
    if (this.#unlost.get(node) === life) this.#unlost.delete(node)
    // What was held for a life that is over is bounced, and before its loss, which would say of it that it may have been done.
    this.#release(node)
    this.#lostAfterAll(node)
  }

  #note(node: NodeId, life: number): void {
    const seen = this.#seen.get(node) ?? []
    if (seen.at(-1) === life) return
    this.#seen.delete(node)
    this.#seen.set(node, [...seen.filter((one) => one !== life), life].slice(-livesSeenMax))
    if (this.#seen.size > nodesSeenMax) this.#seen.delete(this.#seen.keys().next().value as NodeId)
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
    const awaited = this.#awaited.get(node)
    if (awaited === undefined) return
    awaited.failedDials += 1
    if (awaited.failedDials >= failedDialsMax) this.#giveUp(node)
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
      const isOver = this.#seen.get(signal.to.node)?.slice(0, -1).includes(signal.to.life) === true
      kernel.bounce(signal, isOver && signal.type !== 'spawn' ? 'noproc' : 'noconnection')
      return
    }
    if (linked.isDraining && signal.type === 'spawn') {
      this.#refuse(signal, { code: 'ERR_DRAINING', outcome: 'not-run', message: 'The node is leaving' })
      return
    }
    if (sendsOutItsSender(signal)) kernel.sendOut(signal.from)
    const isBehind = this.#parked.isBehind(signal)
    if ((signal.type === 'spawn' || signal.type === 'reply') && !isBehind && this.#wentAsRecord(signal)) return
    let message: BlockSlice | SplitMessage
    try {
      message = encodeSignalMessage(signal, kernel.codec)
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      this.#refuse(signal, { code: 'ERR_NOT_ENCODABLE', outcome: 'not-run', message: text, cause: errorData(error) })
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
    else this.#refuse(signal, unsent(result, message.byteLength - linkHeaderBytes, links.frameBytesMax))
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
    if (signal.type === 'spawn' || signal.type === 'cancel') this.#options.inbox(signal)
    else if (signal.type === 'reply' && signal.ref === 0) this.#receiveAnswer(peer, signal)
    else if (this.#isOpen(signal)) this.#deliver(peer.node, signal)
    else this.#refuseForeign(signal)
    return !hasBody
  }

  /** The same for a signal that crossed memory as it is. */
  receiveRecord(peer: PeerRef, record: SignalRecord): void {
    const signal = signalOf(record, this.#linkedTo(peer.node)?.peer ?? peer, this.#options.kernel)
    if (signal.type === 'spawn') this.#options.inbox(signal)
    else this.#receiveAnswer(peer, signal)
  }

  /** To a call by region, mostly of this thread: found once, and not once to be judged and once more to be delivered. */
  #receiveAnswer(peer: PeerRef, signal: ReplySignal): void {
    const entity = signal.to.thread === 0 ? this.#options.kernel.entity(signal.to) : undefined
    if (entity !== undefined && !(entity instanceof Actor)) entity.deliver(signal)
    else if (this.#isOpen(signal)) this.#deliver(peer.node, signal)
    else this.#refuseForeign(signal)
  }

  /** A letter that counts is held of its node until it leaves its mailbox, on whatever thread. */
  #deliver(node: NodeId, signal: Signal): void {
    const { deliver, letters } = this.#options
    const bytes = letterBytes(signal)
    if (bytes <= uncountedBytesMax) {
      deliver(signal)
      return
    }
    if (!letters.take(node, bytes)) {
      this.#refuseLetter(signal as LetterSignal)
      return
    }
    deliver({ ...(signal as LetterSignal), held: { node, bytes } })
    // By now who has it counts it.
    letters.giveBack(node, bytes)
  }

  #refuseLetter(signal: LetterSignal): void {
    const { kernel } = this.#options
    if (signal.type !== 'call') {
      kernel.counters.mailboxDrops += 1
      return
    }
    kernel.counters.mailboxRefusals += 1
    const message = 'The node holds as many bytes of messages of its peer, or of all, as it may'
    const failure: Failure = { code: 'ERR_MAILBOX_FULL', outcome: 'not-run', message }
    kernel.route({ type: 'reply', to: signal.from, ref: signal.ref, result: { ok: false, failure } })
  }

  /** Tells every peer that a thread of this node is gone, after everything that the thread had sent. */
  threadLost(thread: number): void {
    this.#sentOut.threadLost(thread)
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
    const timer = kernel.platform.clock.after(awaitLinkMs, () => this.#giveUp(node))
    this.#awaited.set(node, { timer, failedDials: 0 })
    this.#hold(signal)
  }

  #hold(signal: Signal): void {
    if (!this.#held.hold(signal)) this.#refuse(signal, unsent('overloaded', 0, 0))
  }

  /** Sends what was held. */
  #release(node: NodeId): void {
    for (const signal of this.#held.take(node)) this.route(signal)
  }

  #endWait(node: NodeId): void {
    this.#awaited.get(node)?.timer.cancel()
    this.#awaited.delete(node)
  }

  #giveUp(node: NodeId): void {
    this.#endWait(node)
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

  /**
   * Whether a peer may send this. What its target does not judge itself needs an actor whose Pid was sent out, or that is for all members, and never reaches one of the node's own.
   */
  #isOpen(signal: Signal): boolean {
    const { kernel, isOpenToMembers } = this.#options
    const { to } = signal
    const entity = to.thread === 0 ? kernel.entity(to) : undefined
    if (entity instanceof Actor && entity.system) return false
    if (isOpenToMembers || isJudgedByItsTarget(signal)) return true
    return to.thread === 0 ? entity === undefined || entity.isSentOut !== false : this.#sentOut.has(to)
  }

  #refuseForeign(signal: Signal): void {
    const { kernel } = this.#options
    kernel.counters.refusedSignals += 1
    kernel.platform.log.debug(
      { to: formatPid(signal.to), type: signal.type },
      'a signal from another node to an actor that is not for it was refused',
    )
    kernel.bounce(signal, 'noproc')
  }

  /** The signal was not sent: whoever waits for it is told, everything else is counted. */
  #refuse(signal: Signal, failure: Failure): void {
    const { kernel } = this.#options
    if (signal.type === 'call' || (signal.type === 'spawn' && signal.request.isCast !== true)) {
      const ref = signal.type === 'call' ? signal.ref : 0
      kernel.route({ type: 'reply', to: signal.from, ref, result: { ok: false, failure } })
    } else if (signal.type === 'item') {
      // The stream has a hole now: its sender ends it, and the reader is told in its place.
      kernel.route({ type: 'reply', to: signal.from, ref: 0, result: { ok: false, failure } })
    } else if (signal.type === 'reply' && signal.result.ok) {
      this.route({ ...signal, result: { ok: false, failure: { ...failure, outcome: 'ran' } } })
    } else {
      if (signal.type === 'spawn') kernel.counters.castsNotRun += 1
      else kernel.counters.unsent += 1
      const { to, type } = signal
      kernel.limitedLog.warn({ peer: to.node, to: formatPid(to), type, code: failure.code }, 'a signal was not sent')
    }
  }
}

/** Answers, parts of streams and the exits of what is linked have an effect only where they are waited for. */
function isJudgedByItsTarget(signal: Signal): boolean {
  switch (signal.type) {
    case 'reply':
    case 'item':
    case 'credit':
    case 'itemsEnd':
      return true
    case 'exit':
      return signal.viaLink
    default:
      return false
  }
}

/** What is sent by the actor itself. A `down`, and an exit by a link, may as well be our answer for one that must not be reached. */
function sendsOutItsSender(signal: Signal): signal is LinkSignal | MonitorSignal | ExitSignal {
  return signal.type === 'link' || signal.type === 'monitor' || (signal.type === 'exit' && !signal.viaLink)
}

/** Whether anybody is told when it can't be delivered. */
function isAnswered(signal: Signal): boolean {
  return answerUndeliverable(signal, 'noconnection') !== undefined
}

/** What nobody would notice the absence of: others would wait for it for ever. */
function isUrgent({ type }: Signal): boolean {
  return (
    type !== 'message' && type !== 'cast' && type !== 'call' && type !== 'spawn' && type !== 'reply' && type !== 'item'
  )
}

function unsent(result: 'too-large' | 'overloaded', bytes: number, most: number): Failure {
  return result === 'too-large'
    ? {
        code: 'ERR_FRAME_TOO_LARGE',
        outcome: 'not-run',
        message: `The message has ${bytes} bytes; a node takes ${most}, or what its bodyBytesMax says`,
      }
    : { code: 'ERR_OVERLOADED', outcome: 'not-run', message: 'Too much is waiting to be sent to that node' }
}
