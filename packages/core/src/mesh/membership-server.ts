import type { Process } from '../actor/actor.ts'
import type { Behavior } from '../actor/behavior.ts'
import { Context } from '../actor/context.ts'
import type { Kernel } from '../actor/kernel.ts'
import { type Envelope, mailboxLimitDefault } from '../actor/mailbox.ts'
import { samePid } from '../actor/pid.ts'
import { knob, sometimes } from '../platform/property.ts'
import { type Accusation, openAccusation, peekAccusation, sealAccusation, versionsAheadMax } from './accusation.ts'
import { type DetectorSettings, FailureDetector } from './failure-detector.ts'
import * as membership from './membership.ts'
import type { Member, Membership, MembershipStep, RecordDoubt } from './membership.ts'
import { decodeMeshMessage, encodeDigest, encodeSealed, type MeshMessage, meshVersion } from './mesh-message.ts'
import { GossipOutbox } from './gossip-outbox.ts'
import { guessRtts } from './guess-rtt.ts'
import { LinkPlan } from './link-plan.ts'
import { meshShape, neighboursOf } from './neighbours.ts'
import {
  type NodeRecord,
  type NodeState,
  openRecord,
  type ProcedureRecord,
  type SealedRecord,
  sealRecord,
} from './node-record.ts'
import type { NodeLoad } from './heartbeat.ts'
import type { PeerRef } from './peer-link.ts'
import { mayClaim } from './record-claim.ts'
import { isConflict, newerPrimary, type Primary, type PrimaryConflict, primaryConflicts, primaryOf } from './primary.ts'
import type { PeerLinks } from './peer-links.ts'
import { checksRate, newsRate, NodeRates } from './record-rate.ts'
import { differences, type RecordDigest, VouchedRecords } from './record-digest.ts'
import { isTooManyAvoided } from './suspicion.ts'
import { type RoutableNode, routableNode, ToldView } from './told-view.ts'
import type { NodeId, Transport } from './transport.ts'

export const membershipTopic = 'skerry/members/1'

/** How often members whose time is over are removed and measurements are passed on, in milliseconds. */
const membershipTickMs = 1_000
/** How often each peer is told what we vouch for, in milliseconds: what heals a lost announcement. */
const snapshotEveryMs = 10_000
/** How often the detector is asked while somebody is suspected, in milliseconds. */
const watchEveryMs = 250
/** A tick that comes so much too late shows that this node itself stood still, in milliseconds. */
const lateMs = 400
/** Up to so many members every change is told to RegionRegistry at once. */
const toldAtOnceMax = 64
/** Beyond it a change is told no sooner after the one before than so many milliseconds for each member: to tell a view takes time with all. */
const toldMsEach = 0.25
/** Words of our own that one message of a peer calls forth at most; the next comparison calls forth the others. */
const ownWordsMax = 64
/** A large mesh answers a digest with all that a newcomer lacks: for so long it asks nobody else, in milliseconds. */
const askAgainMs = 500

/** What the actor is told, as plain messages from the links and the node. */
export type MembershipEvent =
  | { readonly event: 'up'; readonly peer: PeerRef }
  /** `left`: it said goodbye. */
  | { readonly event: 'down'; readonly peer: PeerRef; readonly left: boolean }
  | { readonly event: 'suspect'; readonly peer: PeerRef }
  | { readonly event: 'trusted'; readonly peer: PeerRef }
  /** A peer's main thread is stuck, or is not any more. */
  | { readonly event: 'stuck' }
  | { readonly event: 'records'; readonly via: NodeId; readonly records: readonly Uint8Array[] }
  | { readonly event: 'told'; readonly via: NodeId; readonly message: MeshMessage }
  | { readonly event: 'announce'; readonly procedures: readonly ProcedureRecord[] }
  | { readonly event: 'state'; readonly state: NodeState }
  /** Dials to a node without a link failed, and somebody waited for it. */
  | { readonly event: 'unreachable'; readonly node: NodeId }
  | { readonly event: 'tick' }
  | { readonly event: 'watch' }
  | { readonly event: 'gossip' }
  | { readonly event: 'view' }
  | { readonly event: 'snapshots' }
  | { readonly event: 'refresh' }

/** What was believed last, for the successor of a mesh actor that crashed. */
export interface MembershipMemory {
  /** Sealed. */
  records: () => readonly Uint8Array[]
  primary: Primary
  /** Whom a link can be made to when it is needed; empty in a full mesh. */
  reach: (node: NodeId, life: number) => readonly string[]
  /** Whether this node can do without a link to that one. */
  isSpare: (node: NodeId) => boolean
  /** The nodes that are configured with another primary region than this one. */
  conflicts: readonly PrimaryConflict[]
}

export interface MembershipServerOptions {
  readonly kernel: Kernel
  readonly links: PeerLinks
  readonly transport: Transport
  /** What outlives this actor. */
  readonly memory: MembershipMemory
  /** This node's load, as its heartbeats tell it. */
  readonly ownLoad: () => NodeLoad
  /** What this node says of itself at boot; the version is chosen here. */
  readonly self: () => Omit<NodeRecord, 'version' | 'primaryEpoch' | 'primaryRegion' | 'primaryBy'>
  /** Whether the app is up. Before that this node only listens: nobody should call a node that can't serve yet. */
  readonly isReady: () => boolean
  /** Told of every new view: the nodes that are routable, this one first. */
  readonly onView: (nodes: readonly RoutableNode[]) => void
  /** Closes links that nobody uses; asked about once a second in a sparse mesh. */
  readonly lookForIdle: () => void
  /** Default: those of docs/membership.md. */
  readonly detector?: Partial<DetectorSettings>
}

/** The actor around the pure membership: it announces this node, hears of the others and tells RegionRegistry. */
export function membershipServer(options: MembershipServerOptions): Behavior {
  return {
    name: 'mesh',
    module: undefined,
    trapExit: true,
    mailboxLimit: mailboxLimitDefault,
    createProcess: (runtime, actor) => new MembershipServer(new Context(runtime, actor), options),
  }
}

/** What a control payload of a peer says; `undefined` for what this node can't read. */
export function meshEventOf(via: NodeId, bytes: Uint8Array): MembershipEvent | undefined {
  const message = decodeMeshMessage(bytes)
  if (message === undefined) return undefined
  return message.kind === 'records'
    ? { event: 'records', via, records: message.records }
    : { event: 'told', via, message }
}

class MembershipServer implements Process {
  readonly #ctx: Context
  readonly #options: MembershipServerOptions
  readonly #open = (sealed: Uint8Array): NodeRecord | RecordDoubt | undefined =>
    believed(sealed, this.#options.transport)
  readonly #snapshotEveryMs = knob('skerry/snapshot every ms', snapshotEveryMs, [500, 3_000])
  #own: NodeRecord
  #state: Membership
  readonly #told = new ToldView()
  #isUntold = false
  #isViewDue = false
  #toldAt = -Infinity
  /** Whether the primary of a record, or our own, may have changed who is in conflict about it. */
  #mayConflict = true
  /** Whether somebody was suspected at the last tick. */
  #wasBusy = false
  readonly #detector: FailureDetector
  readonly #plan: LinkPlan
  /** Until when a node that could not be dialled is routed around. */
  readonly #unreachable = new Map<NodeId, number>()
  readonly #outbox = new GossipOutbox()
  #isGossipDue = false
  /** When a peer was asked last for what we lack, by a digest of ours. */
  #lackAskedAt = -Infinity
  /** How often this node compared with a neighbour. */
  #compared = 0
  #isWatching = false
  readonly #checks: NodeRates
  readonly #news: NodeRates
  readonly #vouched = new VouchedRecords()
  /** When the detector was asked last, and when it should be next. */
  #askedAt: number
  #askAt = Infinity

  constructor(ctx: Context, options: MembershipServerOptions) {
    this.#ctx = ctx
    this.#options = options
    const version = Math.floor(ctx.clock.wall())
    this.#own = { ...options.self(), ...recordFields(options.memory.primary), version }
    this.#state = membership.createMembership(this.#sealOwn())
    this.#vouched.set(this.#own.node, this.#state.self)
    this.#detector = new FailureDetector(this.#own.node, options.detector)
    const { membersMax } = this.#state.settings
    this.#checks = new NodeRates(checksRate, membersMax)
    this.#news = new NodeRates(newsRate, membersMax)
    this.#askedAt = this.#now()
    this.#plan = new LinkPlan(options.links)
    options.memory.reach = (node, life) => this.#addressesOf(node, life)
    options.memory.isSpare = (node) => this.#state.shape === 'sparse' && !this.#plan.isWanted(node)
  }

  init(): void {
    // After a crash of this actor the links are still there, and so is what the predecessor believed. Opened again, not
    // taken over: whatever broke it may be in its state.
    const known = this.#options.memory.records()
    for (const peer of this.#options.links.peers()) {
      this.#detector.heard(peer.node)
      this.#take(membership.linkUp(this.#state, peer, this.#now()))
    }
    this.#take(membership.mergeSealed(this.#state, known, this.#open, this.#now()))
    this.#issue({})
    this.#again('tick', membershipTickMs)
    this.#again('snapshots', this.#snapshotEveryMs)
  }

  handle(envelope: Envelope): void {
    if (envelope.type === 'message') this.#handleEvent(envelope.message as MembershipEvent)
    else if (envelope.type === 'EXIT') {
      const self = this.#options.kernel.actor(this.#ctx.self)
      if (self?.parent !== undefined && samePid(self.parent, envelope.from)) self.stop(envelope.reason)
    } else if (envelope.type === 'request' && envelope.name === 'setPrimaryRegion') {
      const [region] = this.#options.kernel.openArgs(envelope.args, envelope.encoded) as readonly [string]
      envelope.replier.reply(this.#setPrimary(region))
    } else if (envelope.type === 'request') {
      envelope.replier.fail({ code: 'ERR_NO_HANDLER', outcome: 'not-run', message: 'mesh has no such call' })
    }
  }

  #handleEvent(event: MembershipEvent): void {
    const now = this.#now()
    switch (event.event) {
      case 'up':
        this.#detector.heard(event.peer.node)
        this.#unreachable.delete(event.peer.node)
        this.#take(membership.linkUp(this.#state, event.peer, now))
        this.#plan.linkedTo(event.peer.node, this.#state.shape)
        this.#introduce(event.peer.node)
        this.#tellSuspected(event.peer.node)
        return
      case 'down':
        this.#detector.unlinked(event.peer.node, now, event.left && this.#hasLeft(event.peer.node))
        this.#take(membership.linkDown(this.#state, event.peer, now))
        this.#watch()
        return
      case 'suspect':
        this.#detector.silent(event.peer.node, now)
        this.#take(membership.suspect(this.#state, event.peer))
        this.#watch(0)
        return
      case 'trusted':
        this.#detector.heard(event.peer.node)
        this.#take(membership.trusted(this.#state, event.peer))
        this.#tellSuspected(event.peer.node)
        return
      case 'unreachable':
        this.#unreachable.set(event.node, now + unreachableMs)
        this.#plan.linkedTo(event.node, this.#state.shape)
        this.#tellView()
        return
      case 'stuck':
        this.#tellView()
        return
      case 'told':
        if (event.message.kind === 'digest') this.#compare(event.via, event.message.digest, event.message.isAnswer)
        else if (event.message.kind === 'accusations') this.#hearAccusations(event.via, event.message.accusations, now)
        return
      case 'records':
        this.#take(membership.mergeSealed(this.#state, event.records, this.#openFrom(event.via, now), now), event.via)
        return
      case 'announce':
        this.#issue({ procedures: event.procedures })
        this.#sendSnapshot(...this.#options.links.peerNodes())
        return
      case 'state':
        this.#issue({ state: event.state })
        return
      case 'tick':
        this.#take(membership.tick(this.#state, now))
        this.#askDetector(now)
        for (const sealed of this.#detector.ownAccusations()) this.#gossipLater('accusations', sealed, undefined)
        this.#followPlan()
        this.#compareWithNext()
        if (this.#state.shape === 'sparse') this.#options.lookForIdle()
        for (const [node, until] of this.#unreachable) {
          if (now < until) continue
          this.#unreachable.delete(node)
          this.#isUntold = true
        }
        if (this.#isViewOld()) this.#tellView()
        this.#again('tick', membershipTickMs)
        return
      case 'watch':
        this.#isWatching = false
        this.#askDetector(now)
        return
      case 'gossip':
        this.#isGossipDue = false
        this.#passOn(now)
        return
      case 'view':
        this.#isViewDue = false
        if (this.#isUntold) this.#viewChanged()
        return
      case 'snapshots':
        // In a sparse mesh comparing with one after the other is enough.
        if (this.#state.shape === 'full') for (const node of this.#options.links.peerNodes()) this.#sendDigest(node)
        this.#again('snapshots', this.#snapshotEveryMs)
        return
      case 'refresh':
        this.#told.forget()
        this.#tellView()
    }
  }

  /** Takes a step's state and does what its changes ask for. */
  #take(step: MembershipStep, via?: NodeId): void {
    this.#state = step.state
    let viewChanged = false
    const contradicted: Uint8Array[] = []
    for (const change of step.changes) {
      switch (change.kind) {
        case 'changed': {
          viewChanged = true
          this.#vouched.set(change.node, membership.vouchedOf(this.#state, change.node))
          const known = this.#state.members.get(change.node)?.known
          if (change.node === this.#own.node) this.#mayConflict = true
          if (known === undefined) break
          this.#detector.known(change.node, known.record.life, known.record.version, this.#now())
          this.#plan.learnt(known.record, this.#state.shape)
          this.#hear(primaryOf(known.record))
          if (isConflict(this.#own, known.record) || this.#isInConflict(change.node)) this.#mayConflict = true
          // News is passed on once by everybody who believes it; the announcement over gossip may have been lost. In a full mesh
          // its author told all: this is for those whom it can't reach.
          if (via !== undefined && this.#state.shape === 'full') this.#relay(known.sealed, via)
          else if (via !== undefined) this.#gossipLater('records', known.sealed, via)
          break
        }
        case 'removed':
          viewChanged = true
          this.#vouched.set(change.node, membership.vouchedOf(this.#state, change.node))
          if (this.#isInConflict(change.node)) this.#mayConflict = true
          this.#detector.gone(change.node)
          break
        case 'contradicted':
          this.#plan.heardOf(change.node)
          if (via === undefined) break
          if (change.evidence.length > 0) contradicted.push(...change.evidence)
          else if (contradicted.length < ownWordsMax) contradicted.push(this.#ownWord(change))
          break
        case 'forgotten':
          this.#plan.forget(change.node)
          break
        case 'refute':
          this.#own = { ...this.#own, version: Math.max(this.#own.version, change.version) }
          this.#issue({})
          break
        case 'ignored':
          this.#options.kernel.counters.recordsIgnored += 1
          this.#ctx.log.warn({ node: change.node, why: change.why }, 'a membership record was ignored')
      }
    }
    if (via !== undefined) this.#sendSealed([via], 'accusations', contradicted)
    if (!viewChanged) return
    const { state } = step
    this.#options.memory.records = () => membership.vouched(state).map(({ sealed }) => sealed)
    this.#viewMayHaveChanged()
  }

  /** We have only lost sight of it: our own word, which need not count, lets it say that it is there. */
  #ownWord({ node, life, version }: { node: NodeId; life: number; version: number }): Uint8Array {
    return sealAccusation({ subject: node, life, version, accuser: this.#own.node }, this.#options.transport)
  }

  #viewMayHaveChanged(): void {
    if (this.#state.members.size <= toldAtOnceMax) {
      this.#viewChanged()
      return
    }
    this.#isUntold = true
    if (this.#isViewDue) return
    this.#isViewDue = true
    this.#again('view', Math.max(0, this.#toldAt + this.#state.members.size * toldMsEach - this.#now()))
  }

  #viewChanged(): void {
    this.#toldAt = this.#now()
    this.#followPlan()
    if (this.#mayConflict) this.#lookForConflicts()
    this.#tellView()
  }

  /** Opens what a peer hands on, as far as it may have it checked, and its authors may have news. */
  #openFrom(via: NodeId, now: number): (sealed: Uint8Array) => NodeRecord | RecordDoubt | undefined {
    return (sealed) => {
      if (!this.#checks.take(via, now)) return 'too-often'
      const record = this.#open(sealed)
      return typeof record === 'object' && !this.#news.take(record.node, now) ? 'too-often' : record
    }
  }

  // --- who is alive ---

  /** Asks the detector soon, and again while somebody is suspected. */
  #watch(afterMs = watchEveryMs): void {
    if (this.#isWatching || !this.#detector.isBusy) return
    this.#isWatching = true
    this.#askAt = Math.min(this.#askAt, this.#now() + afterMs)
    this.#again('watch', afterMs)
  }

  #askDetector(now: number): void {
    const dueAt = Math.min(this.#askAt, this.#askedAt + membershipTickMs)
    const pausedMs = now - dueAt > lateMs ? now - dueAt : 0
    this.#askedAt = now
    this.#askAt = Infinity
    const { accuse, dead } = this.#detector.tick(now, pausedMs, this.#options.links.lagMs)
    for (const accusation of accuse) this.#accuse(accusation)
    for (const { node, suspicion } of dead) {
      const step = membership.died(this.#state, { node, ...suspicion }, [...suspicion.accusers.values()], now)
      const fields = { node, accusers: [...suspicion.accusers.keys()] }
      // It is asked again and again while a link to the node is still up.
      if (step.changes.length > 0 && this.#hasLeft(node)) this.#ctx.log.info(fields, 'a node that left is gone')
      else if (step.changes.length > 0) this.#ctx.log.warn(fields, 'a node is believed dead')
      this.#take(step)
    }
    if (accuse.length > 0) this.#viewMayHaveChanged()
    this.#watch()
  }

  #accuse(accusation: Accusation): void {
    const sealed = sealAccusation(accusation, this.#options.transport)
    this.#detector.sealed(accusation, sealed)
    this.#ctx.log.info({ node: accusation.subject }, 'a node says nothing')
    this.#gossipLater('accusations', sealed, undefined)
  }

  #hearAccusations(via: NodeId, accusations: readonly Uint8Array[], now: number): void {
    let changed = false
    for (const sealed of accusations) {
      const claim = peekAccusation(sealed)
      if (claim === undefined) {
        this.#options.kernel.counters.recordsIgnored += 1
        this.#ctx.log.warn({ node: via, why: 'malformed' }, 'an accusation was ignored')
        continue
      }
      if (claim.subject === this.#own.node) {
        this.#refute(claim, sealed)
        continue
      }
      const worth = this.#detector.worth(claim, now)
      if (worth === 'refuted') {
        // Whoever handed it on has missed the newer record.
        const known = this.#state.members.get(claim.subject)?.known
        if (known !== undefined) this.#sendSealed([via], 'records', [known.sealed])
      }
      if (worth === 'refuted' || worth === 'old') continue
      if (!this.#checks.take(via, now)) {
        this.#options.kernel.counters.recordsIgnored += 1
        continue
      }
      if (openAccusation(sealed, this.#options.transport) === undefined) {
        this.#options.kernel.counters.recordsIgnored += 1
        this.#ctx.log.warn({ node: via, accuser: claim.accuser, why: 'not-authentic' }, 'an accusation was ignored')
        continue
      }
      if (worth === 'passes') this.#detector.passed(claim, now)
      else {
        this.#detector.accused(claim, sealed, now)
        changed = true
      }
      this.#gossipLater('accusations', sealed, via)
    }
    if (!changed) return
    this.#viewMayHaveChanged()
    this.#watch()
  }

  /** We are not dead: a newer record says so. */
  #refute(claim: Accusation, sealed: Uint8Array): void {
    // One that is far ahead is of no record of ours, and going beyond it would use up the numbers.
    if (claim.version < this.#own.version || claim.version > this.#own.version + versionsAheadMax) return
    if (openAccusation(sealed, this.#options.transport) === undefined) return
    sometimes(true, 'skerry/an accusation was refuted')
    this.#own = { ...this.#own, version: claim.version }
    this.#issue({})
  }

  /** What is said against a node goes to itself too, as soon as it can be told: it alone can refute it. */
  #tellSuspected(node: NodeId): void {
    const suspicion = this.#detector.suspicion(node)
    if (suspicion !== undefined) this.#sendSealed([node], 'accusations', suspicion.accusers.values())
  }

  #hasLeft(node: NodeId): boolean {
    return membership.recordOf(this.#state, node)?.state === 'leaving'
  }

  // --- which links there are ---

  /** Takes the shape that fits the size, and sees to the links that belong to it. */
  #followPlan(): void {
    const shape = meshShape(this.#state.shape, this.#detector.table.size)
    if (shape !== this.#state.shape) {
      this.#ctx.log.info({ shape, nodes: this.#detector.table.size }, 'the mesh took another shape')
      sometimes(shape === 'sparse', 'skerry/a mesh became sparse')
      this.#state = membership.shaped(this.#state, shape, this.#now()).state
      for (const node of this.#state.members.keys()) {
        this.#vouched.set(node, membership.vouchedOf(this.#state, node))
      }
    }
    const known = (node: NodeId): NodeRecord | undefined => membership.recordOf(this.#state, node)
    const wanted = shape === 'full' ? this.#state.members.keys() : neighboursOf(this.#detector.table, this.#own.node)
    this.#plan.follow(wanted, shape, known)
  }

  /** Where to dial a member that has no link to us, and is not known to be unreachable; empty for all others. */
  #addressesOf(node: NodeId, life: number): readonly string[] {
    const member = this.#state.members.get(node)
    if (this.#state.shape === 'full' || member?.link !== undefined || this.#unreachable.has(node)) return noAddresses
    const record = member?.known?.record
    return record?.life === life && membership.isRoutable(this.#state, node) ? record.addresses : noAddresses
  }

  /** What a peer that just came is told: everything where that is little, else what we have and it does not. */
  #introduce(node: NodeId): void {
    if (this.#state.members.size <= toldAtOnceMax) this.#sendSnapshot(node)
    else {
      this.#sendSealed([node], 'records', [this.#state.self.sealed])
      this.#askForLack(node, false)
    }
  }

  // --- what is passed on ---

  #gossipLater(kind: 'records' | 'accusations', sealed: Uint8Array, via: NodeId | undefined): void {
    if (!this.#outbox.add(kind, sealed, via)) this.#options.kernel.counters.recordsIgnored += 1
    this.#gossipSoon()
  }

  #gossipSoon(): void {
    if (this.#isGossipDue) return
    this.#isGossipDue = true
    this.#again('gossip', this.#outbox.waitMs(this.#now()))
  }

  #passOn(now: number): void {
    const round = this.#outbox.take(now)
    if (round.isEmpty) return
    for (const node of neighboursOf(this.#detector.table, this.#own.node)) {
      for (const kind of ['records', 'accusations'] as const) this.#sendSealed([node], kind, round.of(kind, node))
    }
  }

  /**
   * Compares with one neighbour after the other, so that what a node missed while links came and went it has from somebody a
   * second or two later.
   */
  #compareWithNext(): void {
    const { links } = this.#options
    const neighbours = [...neighboursOf(this.#detector.table, this.#own.node)].filter(
      (node) => (links.measured(node)?.meshVersion ?? 1) >= 2,
    )
    const next = neighbours[this.#compared % neighbours.length]
    this.#compared += 1
    if (next !== undefined) this.#sendDigest(next)
  }

  /** Lets it send what it has and we do not: not many at once, of whom each would send the same. The next tick asks anyhow. */
  #askForLack(node: NodeId, isAnswer: boolean): void {
    const now = this.#now()
    if (this.#state.shape === 'sparse' && now - this.#lackAskedAt < askAgainMs) return
    this.#lackAskedAt = now
    this.#sendDigest(node, isAnswer)
  }

  #sendDigest(node: NodeId, isAnswer = false): void {
    const { isReady, links } = this.#options
    if (!isReady()) return
    if ((links.measured(node)?.meshVersion ?? 1) < 2) this.#sendSnapshot(node)
    else links.sendControl(node, encodeDigest(this.#vouched.digest, isAnswer))
  }

  /** What a peer vouches for: it is sent what it does not have, and tells us what we do not have. */
  #compare(via: NodeId, theirs: RecordDigest, isAnswer: boolean): void {
    const parts = differences(this.#vouched.digest, theirs)
    if (parts.size === 0) return
    this.#sendSealed([via], 'records', this.#vouched.in(parts))
    if (!isAnswer) this.#askForLack(via, true)
  }

  /** Announces another primary region, in a new epoch, which it gives back. */
  #setPrimary(region: string): number {
    const primary: Primary = { region, epoch: this.#own.primaryEpoch + 1, by: this.#own.node }
    this.#adopt(primary)
    return primary.epoch
  }

  /** Another node's word. What is new to us is ours from here on, and so spreads also when that node is gone. */
  #hear(heard: Primary): void {
    const known = primaryOf(this.#own)
    const newest = newerPrimary(known, heard)
    if (newest !== known) this.#adopt(newest)
  }

  #adopt(primary: Primary): void {
    this.#options.memory.primary = primary
    this.#issue(recordFields(primary))
    this.#ctx.log.info({ ...primary }, 'the primary region was changed')
  }

  #isInConflict(node: NodeId): boolean {
    return this.#options.memory.conflicts.some((known) => known.node === node)
  }

  #lookForConflicts(): void {
    this.#mayConflict = false
    const { memory } = this.#options
    const conflicts = primaryConflicts(this.#own, recordsOf(this.#state.members.values()))
    const isNew = conflicts.some(({ node }) => !memory.conflicts.some((known) => known.node === node))
    memory.conflicts = conflicts
    if (!isNew) return
    const fields = { primaryRegion: this.#own.primaryRegion, others: conflicts.slice(0, 10), count: conflicts.length }
    this.#ctx.log.error(fields, 'nodes are configured with different primary regions')
  }

  /** Says something new of this node: a higher version, sealed, published and sent to every peer. */
  #issue(news: Partial<Omit<NodeRecord, 'node' | 'life' | 'version' | 'region' | 'addresses'>>): void {
    this.#own = { ...this.#own, ...news, version: this.#own.version + 1 }
    const own = this.#sealOwn()
    this.#take(membership.issueOwn(this.#state, own))
    if (!this.#options.isReady()) return
    if (own.sealed.length <= publishBytesMax) this.#options.transport.publish?.(membershipTopic, own.sealed)
    if (this.#state.shape === 'full') this.#sendSealed([...this.#options.links.peerNodes()], 'records', [own.sealed])
    else this.#gossipLater('records', own.sealed, undefined)
  }

  #sealOwn(): SealedRecord {
    return { record: this.#own, sealed: sealRecord(this.#own, this.#options.transport) }
  }

  #relay(sealed: Uint8Array, except: NodeId): void {
    const neighbours = neighboursOf(this.#detector.table, this.#own.node)
    this.#sendSealed(
      [...neighbours].filter((node) => node !== except),
      'records',
      [sealed],
    )
  }

  #sendSnapshot(...nodes: readonly NodeId[]): void {
    this.#sendSealed(
      nodes,
      'records',
      membership.vouched(this.#state).map(({ sealed }) => sealed),
    )
  }

  #sendSealed(nodes: readonly NodeId[], kind: 'records' | 'accusations', records: Iterable<Uint8Array>): void {
    if (!this.#options.isReady() || nodes.length === 0) return
    const { chunks, skipped } = encodeSealed(kind, records, this.#options.links.controlBytesMax)
    if (skipped > 0) this.#ctx.log.warn({ skipped }, 'records too large for a snapshot were left out')
    // Lost or refused, the next snapshot carries it. Each link owns its bytes.
    for (const node of nodes) {
      if (kind === 'accusations' && (this.#options.links.measured(node)?.meshVersion ?? 1) < 2) continue
      for (const chunk of chunks) this.#options.links.sendControl(node, chunk.slice())
    }
  }

  /** Whether the view should be made anew: in a large mesh that takes longer than all else of a tick, and few of it is measured. */
  #isViewOld(): boolean {
    const wasBusy = this.#wasBusy
    this.#wasBusy = this.#detector.isBusy
    if (this.#told.size <= toldAtOnceMax || wasBusy || this.#wasBusy || this.#isUntold) return true
    const { links, ownLoad } = this.#options
    return this.#told.hasMoved(ownLoad(), links.peerNodes(), (node) => links.measured(node))
  }

  #tellView(): void {
    this.#isUntold = false
    const { links, ownLoad, onView } = this.#options
    const nodes = [routableNode(this.#own, { ...ownLoad(), rttMs: 0, isStuck: false, meshVersion })]
    const avoided = this.#avoided()
    for (const member of this.#state.members.values()) {
      const { node, known } = member
      if (known === undefined || !membership.isMemberRoutable(this.#state, member)) continue
      if (avoided.has(node) || this.#unreachable.has(node)) continue
      nodes.push(routableNode(known.record, links.measured(node)))
    }
    if (this.#state.shape === 'sparse') guessRtts(nodes)
    if (this.#told.isNews(nodes, (node) => links.measured(node) !== undefined)) onView(nodes)
  }

  /** Who is routed around by the word of its monitors; where a link shows better it counts. */
  #avoided(): ReadonlySet<NodeId> {
    const avoided = new Set<NodeId>()
    for (const node of this.#detector.suspected()) {
      const isLinked = this.#state.members.get(node)?.link !== undefined
      if (!isLinked && this.#detector.isAvoided(node)) avoided.add(node)
    }
    return isTooManyAvoided(avoided.size, this.#state.members.size + 1) ? noNodes : avoided
  }

  #again(event: 'tick' | 'watch' | 'gossip' | 'view' | 'snapshots', afterMs: number): void {
    // At once is behind what waits in the mailbox: what came together is judged, and goes on, together.
    if (afterMs === 0) this.#ctx.send(this.#ctx.self, { event })
    else this.#ctx.sendAfter(afterMs, this.#ctx.self, { event })
  }

  #now(): number {
    return this.#ctx.clock.monotonic()
  }
}

function* recordsOf(members: Iterable<Member>): Iterable<NodeRecord> {
  for (const { known } of members) if (known !== undefined) yield known.record
}

const noNodes: ReadonlySet<NodeId> = new Set()
const noAddresses: readonly string[] = []
/** How long a node that could not be dialled is routed around, in milliseconds. */
const unreachableMs = 5_000

function believed(sealed: Uint8Array, transport: Transport): NodeRecord | RecordDoubt | undefined {
  const record = openRecord(sealed, transport)
  if (record === undefined) return undefined
  return mayClaim(record, transport.regionsOf?.(record.node)) ? record : 'wrong-region'
}

function recordFields({
  region,
  epoch,
  by,
}: Primary): Pick<NodeRecord, 'primaryEpoch' | 'primaryRegion' | 'primaryBy'> {
  return { primaryEpoch: epoch, primaryRegion: region, primaryBy: by }
}

// What Transport.publish takes. A larger record travels by snapshots alone.
const publishBytesMax = 16 * 1024
