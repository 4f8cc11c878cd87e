import type { Process } from '../actor/actor.ts'
import type { Behavior } from '../actor/behavior.ts'
import { Context } from '../actor/context.ts'
import type { Kernel } from '../actor/kernel.ts'
import type { Envelope } from '../actor/mailbox.ts'
import { samePid } from '../actor/pid.ts'
import { knob, sometimes } from '../platform/property.ts'
import { primaryConflictEvents } from '../platform/telemetry.ts'
import { type Accusation, sealAccusation } from './accusation.ts'
import { hearAccusations, type HearingGrounds } from './accusation-hearing.ts'
import type { DroppedAccusation } from './accusation-verdict.ts'
import { addressesToDial } from './addresses-to-dial.ts'
import { bury } from './burial.ts'
import { contradiction } from './contradiction.ts'
import { DetectorPace, membershipTickMs } from './detector-pace.ts'
import { type DetectorSettings, type DetectorVerdicts, FailureDetector } from './failure-detector.ts'
import type { NodeLoad } from './heartbeat.ts'
import { KnownPrimary } from './known-primary.ts'
import { LinkPlan } from './link-plan.ts'
import * as membership from './membership.ts'
import type { Member, Membership, MembershipChange, MembershipStep } from './membership.ts'
import type { MembershipEvent, MembershipTime } from './membership-event.ts'
import type { MembershipMemory } from './membership-memory.ts'
import { type MeshReading, membershipTopic, type SealedList } from './mesh-message.ts'
import { MeshSender } from './mesh-sender.ts'
import { MeshView } from './mesh-view.ts'
import { meshShape, neighboursOf } from './neighbours.ts'
import { isNewsToUsAlone } from './newcomer.ts'
import { NewsSpread } from './news-spread.ts'
import type { NodeRecord, SealedRecord } from './node-record.ts'
import { type OwnNews, OwnRecord } from './own-record.ts'
import { OwnVoice } from './own-voice.ts'
import { PeerBudgets } from './peer-budgets.ts'
import type { PeerIntake } from './peer-intake.ts'
import type { PeerLinks } from './peer-links.ts'
import { primaryFields, primaryOf } from './primary.ts'
import { PrimaryConflicts } from './primary-conflicts.ts'
import { readMs, ReadPace } from './read-pace.ts'
import { RecordComparison } from './record-comparison.ts'
import { RecordOpener } from './record-opener.ts'
import { pieceOf } from './sealed-piece.ts'
import type { RoutableNode } from './told-view.ts'
import type { NodeId, Transport } from './transport.ts'
import { toldAtOnceMax } from './view-pace.ts'

/** How often each peer is told what we vouch for, in milliseconds: what heals a lost announcement. */
const snapshotEveryMs = 10_000
/** What Transport.publish takes. A larger record travels by comparison alone. */
const publishBytesMax = 16 * 1024

export interface MembershipServerOptions {
  readonly kernel: Kernel
  readonly links: PeerLinks
  /** What peers told. It wakes this actor by `read`. */
  readonly intake: PeerIntake
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
  /** Default: decodes a sealed record and checks its signature. For benches only, whose many nodes in one process share what they decode. */
  readonly open?: (sealed: Uint8Array) => NodeRecord | undefined
}

/** The actor around the pure membership: it announces this node, hears of the others and tells RegionRegistry. */
export function membershipServer(options: MembershipServerOptions): Behavior {
  return {
    name: 'mesh',
    module: undefined,
    trapExit: true,
    // The node itself says only so much, and peers say nothing here: none of it may be lost.
    mailboxLimit: Infinity,
    createProcess: (runtime, actor) => new MembershipServer(new Context(runtime, actor), options),
  }
}

class MembershipServer implements Process {
  readonly #ctx: Context
  readonly #options: MembershipServerOptions
  readonly #snapshotEveryMs = knob('skerry/snapshot every ms', snapshotEveryMs, [500, 3_000])
  #state: Membership
  readonly #own: OwnRecord
  readonly #voice: OwnVoice
  readonly #opener: RecordOpener
  readonly #budgets: PeerBudgets
  readonly #readPace = new ReadPace()
  readonly #detector: FailureDetector
  readonly #detectorPace: DetectorPace
  readonly #plan: LinkPlan
  readonly #primary: KnownPrimary
  readonly #conflicts: PrimaryConflicts
  readonly #sender: MeshSender
  readonly #comparison: RecordComparison
  readonly #spread: NewsSpread
  readonly #view: MeshView
  readonly #startedAt: number
  /** How many members there were when a message that is read in pieces was begun. */
  readonly #knownBefore = new WeakMap<MeshReading, number>()

  constructor(ctx: Context, options: MembershipServerOptions) {
    const { isReady, kernel, links, memory, onView, ownLoad, self, transport } = options
    this.#ctx = ctx
    this.#options = options
    const version = Math.floor(ctx.clock.wall())
    this.#own = new OwnRecord({ ...self(), ...primaryFields(memory.primary), version }, transport)
    this.#state = membership.createMembership(this.#own.seal())
    this.#voice = new OwnVoice(this.#own, this.#now())
    this.#opener = new RecordOpener(this.#counted(transport), this.#state.settings.membersMax, options.open)
    this.#budgets = new PeerBudgets(this.#state.settings.membersMax)
    this.#detector = new FailureDetector(this.#own.node, options.detector)
    this.#startedAt = this.#now()
    this.#detectorPace = new DetectorPace(this.#startedAt)
    this.#plan = new LinkPlan(links)
    this.#primary = new KnownPrimary(this.#own, memory, (primary) =>
      kernel.limitedLog.info({ peer: primary.by, ...primary }, 'the primary region was changed'),
    )
    this.#conflicts = new PrimaryConflicts(memory.conflicts)
    this.#sender = new MeshSender({
      links,
      isReady,
      log: ctx.log,
      mayAnswer: (node, bytes) => this.#budgets.answerBytes.take(node, this.#now(), bytes),
      unanswered: () => void (kernel.counters.meshDrops += 1),
    })
    this.#spread = new NewsSpread({
      sender: this.#sender,
      neighbours: () => this.#neighbours(),
      again: (afterMs) => this.#again('gossip', afterMs),
      dropped: () => void (kernel.counters.recordsIgnored += 1),
    })
    this.#view = new MeshView({ links, detector: this.#detector, own: () => this.#own.record, ownLoad, onView })
    this.#comparison = new RecordComparison(this.#sender, () => sealedOf(this.#state))
    this.#comparison.vouched.set(this.#own.node, this.#state.self)
    memory.reach = (node, life) => this.#addressesOf(node, life)
    memory.isSpare = (node) => this.#state.shape === 'sparse' && !this.#plan.isWanted(node)
  }

  init(): void {
    // After a crash of this actor the links are still there, and so is what the predecessor believed. Opened again, not
    // taken over: whatever broke it may be in its state.
    const known = this.#options.memory.records()
    for (const peer of this.#options.links.peers()) {
      this.#detector.heard(peer.node)
      this.#take(membership.linkUp(this.#state, peer, this.#now()))
    }
    this.#take(membership.mergeSealed(this.#state, known, (sealed) => this.#opener.open(sealed), this.#now()))
    this.#issue({})
    this.#again('tick', membershipTickMs)
    this.#again('snapshots', this.#snapshotEveryMs)
    // The predecessor may have been woken.
    this.#again('read', 0)
  }

  handle(envelope: Envelope): void {
    if (envelope.type === 'message') this.#handleEvent(envelope.message as MembershipEvent)
    else if (envelope.type === 'EXIT') {
      const self = this.#options.kernel.actor(this.#ctx.self)
      if (self?.parent !== undefined && samePid(self.parent, envelope.from)) self.stop(envelope.reason)
    } else if (envelope.type === 'request' && envelope.name === 'setPrimaryRegion') {
      const [region] = this.#options.kernel.openArgs(envelope.args, envelope.encoded) as readonly [string]
      const primary = this.#primary.announce(region)
      this.#issue({})
      envelope.replier.reply(primary)
    } else if (envelope.type === 'request' && envelope.name === 'primary') {
      envelope.replier.reply(primaryOf(this.#own.record))
    } else if (envelope.type === 'request') {
      envelope.replier.fail({ code: 'ERR_NO_HANDLER', outcome: 'not-run', message: 'mesh has no such call' })
    }
  }

  #handleEvent(event: MembershipEvent): void {
    const now = this.#now()
    switch (event.event) {
      case 'up':
        this.#detector.heard(event.peer.node)
        this.#view.unreachable.linked(event.peer.node)
        this.#take(membership.linkUp(this.#state, event.peer, now))
        this.#plan.linkedTo(event.peer.node, this.#state.shape)
        this.#introduce(event.peer.node, now)
        this.#tellSuspicions(event.peer.node)
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
        this.#tellSuspicions(event.peer.node)
        return
      case 'unreachable':
        this.#view.unreachable.add(event.node, now)
        this.#plan.linkedTo(event.node, this.#state.shape)
        this.#view.tell(this.#state)
        return
      case 'stuck':
        this.#tellViewAfter(this.#view.pace.moved(this.#state.members.size, now))
        return
      case 'read':
        this.#read(now)
        return
      case 'say':
        if (this.#voice.cameDue(now)) this.#issue({})
        return
      case 'announce':
        this.#issue({ procedures: event.procedures })
        this.#comparison.tellAll([...this.#options.links.peerNodes()])
        return
      case 'state':
        this.#issue({ state: event.state })
        return
      case 'tick':
        this.#tick(now)
        return
      case 'watch':
        this.#detectorPace.watchEnds()
        this.#askDetector(now)
        return
      case 'gossip':
        this.#spread.round(now)
        return
      case 'view':
        if (this.#view.pace.cameDue()) this.#viewChanged()
        return
      case 'snapshots':
        // In a sparse mesh comparing with one after the other is enough.
        if (this.#state.shape === 'full')
          for (const node of this.#options.links.peerNodes()) this.#comparison.with(node)
        this.#again('snapshots', this.#snapshotEveryMs)
        return
      case 'refresh':
        this.#view.forget()
        this.#view.tell(this.#state)
    }
  }

  #tick(now: number): void {
    this.#take(membership.tick(this.#state, now))
    this.#askDetector(now)
    for (const sealed of this.#detector.ownAccusations())
      this.#spread.later('accusations', sealed, { via: undefined, now })
    this.#followPlan()
    this.#comparison.withNext(this.#neighbours())
    if (this.#state.shape === 'sparse') this.#options.lookForIdle()
    if (this.#view.unreachable.expire(now)) this.#view.pace.untold()
    if (this.#view.isOld()) this.#view.tell(this.#state)
    this.#again('tick', membershipTickMs)
  }

  // --- what peers told ---

  #read(now: number): void {
    const heard = this.#options.intake.next()
    if (heard === undefined) {
      this.#options.intake.rests()
      return
    }
    this.#heard(heard.via, heard.message, now)
    const waitMs = this.#readPace.took(this.#now() - now)
    if (!this.#options.intake.rests()) this.#again('read', waitMs)
  }

  #heard(via: NodeId, message: MeshReading | undefined, now: number): void {
    const { counters } = this.#options.kernel
    if (message === undefined) {
      counters.undecodable += 1
    } else if (message.kind === 'digest') {
      const { digest, isAnswer } = message
      if (!this.#budgets.digests.take(via, now)) counters.meshDrops += 1
      else this.#comparison.heard(via, digest, { isAnswer, shape: this.#state.shape, now })
    } else if (message.kind === 'accusations') {
      this.#hearAccusations(via, this.#piece(via, message.sealed, now), now)
    } else {
      const open = (sealed: Uint8Array) => this.#opener.openFrom(via, sealed, now)
      const knownBefore = this.#knownBefore.get(message) ?? this.#state.members.size
      this.#knownBefore.set(message, knownBefore)
      const step = membership.mergeSealed(this.#state, this.#piece(via, message.sealed, now), open, now)
      this.#take(step, { via, knownBefore })
    }
  }

  #piece(via: NodeId, sealed: SealedList, now: number): Iterable<Uint8Array> {
    return pieceOf(sealed, {
      mayLook: () => this.#budgets.looks.take(via, now),
      isTimeUp: () => this.#now() - now >= readMs,
      dropped: (count) => void (this.#options.kernel.counters.recordsIgnored += count),
    })
  }

  /** Counts what is checked. */
  #counted(transport: Transport): Pick<Transport, 'verify' | 'regionsOf'> {
    const { counters } = this.#options.kernel
    return {
      verify: (author, bytes, signature) => {
        counters.signatureChecks += 1
        return transport.verify(author, bytes, signature)
      },
      regionsOf: (node) => transport.regionsOf?.(node),
    }
  }

  /** Takes a step's state and does what its changes ask for. */
  #take(step: MembershipStep, told?: { readonly via: NodeId; readonly knownBefore: number }): void {
    const via = told?.via
    this.#state = step.state
    let viewChanged = false
    const news: SealedRecord[] = []
    const contradicted = new Map<NodeId, readonly Uint8Array[]>()
    for (const change of step.changes) {
      switch (change.kind) {
        case 'changed':
          viewChanged = true
          news.push(...this.#changed(change.node))
          break
        case 'removed':
          viewChanged = true
          this.#comparison.vouched.set(change.node, membership.vouchedOf(this.#state, change.node))
          this.#conflicts.removed(change.node)
          this.#detector.gone(change.node)
          break
        case 'returned':
          this.#detector.cameBack(change.node, this.#now())
          break
        case 'outlived':
          this.#sender.answer(change.node, 'records', [change.sealed])
          break
        case 'contradicted':
          if (!contradicted.has(change.node)) contradicted.set(change.node, this.#contradict(change, via))
          break
        case 'forgotten':
          this.#plan.forget(change.node)
          break
        case 'refute':
          this.#sayIn(this.#voice.refute(change.version, this.#now()))
          break
        case 'ignored':
          this.#options.kernel.counters.recordsIgnored += 1
          this.#options.kernel.limitedLog.warn(
            { peer: via, node: change.node, why: change.why },
            'a membership record was ignored',
          )
      }
    }
    if (via !== undefined) this.#sender.answer(via, 'accusations', [...contradicted.values()].flat())
    if (!viewChanged) return
    // Before anybody is dialled: a newcomer would dial all of a large mesh.
    this.#takeShape()
    for (const { record } of news) this.#plan.learnt(record, this.#state.shape)
    if (told !== undefined) this.#passNewsOn(news, told)
    const state = this.#state
    this.#options.memory.records = () => sealedOf(state)
    this.#viewMayHaveChanged()
  }

  /** What is known of a node is new: its record, if there is one. */
  #changed(node: NodeId): readonly SealedRecord[] {
    this.#comparison.vouched.set(node, membership.vouchedOf(this.#state, node))
    if (node === this.#own.node) this.#conflicts.ownChanged()
    const known = this.#state.members.get(node)?.known
    if (known === undefined) return []
    this.#detector.known(node, known.record.life, known.record.version, this.#now())
    if (this.#primary.hear(primaryOf(known.record))) this.#sayIn(this.#voice.calledForth(this.#now()))
    this.#conflicts.recordChanged(this.#own.record, known.record)
    return [known]
  }

  /** What tells a peer that a node which it vouches for is none of ours any more. As often as the peer may, it is dialled, too. */
  #contradict(change: Contradicted, via: NodeId | undefined): readonly Uint8Array[] {
    const { hurries, says } = contradiction({
      isTold: via !== undefined,
      hasEvidence: change.evidence.length > 0,
      mayCost: via === undefined || this.#budgets.words.take(via, this.#now()),
    })
    if (hurries) this.#plan.heardOf(change.node)
    if (says === 'evidence') return change.evidence
    if (says === 'own-word') return [this.#ownWord(change)]
    if (!hurries) this.#options.kernel.counters.meshDrops += 1
    return []
  }

  #ownWord({ node, life, version }: Contradicted): Uint8Array {
    return sealAccusation({ subject: node, life, version, accuser: this.#own.node }, this.#options.transport)
  }

  // --- who is alive ---

  /** Asks the detector soon, and again while somebody is suspected. */
  #watch(afterMs?: number): void {
    if (this.#detectorPace.isWatching || !this.#detector.isBusy) return
    this.#again('watch', this.#detectorPace.watch(this.#now(), afterMs))
  }

  #askDetector(now: number): void {
    const { accuse, dead, lastWords } = this.#detector.tick(
      now,
      this.#detectorPace.asks(now),
      this.#options.links.lagMs,
    )
    for (const accusation of accuse) this.#accuse(accusation, now)
    for (const sealed of lastWords) this.#spread.later('accusations', sealed, { via: undefined, now })
    if (dead.length > 0) this.#bury(dead, now)
    if (accuse.length > 0) this.#viewMayHaveChanged()
    this.#watch()
  }

  #bury(dead: DetectorVerdicts['dead'], now: number): void {
    const { step, buried } = bury(this.#state, dead, now)
    for (const { node, accusers, hasLeft } of buried) {
      if (hasLeft) this.#ctx.log.info({ node, accusers }, 'a node that left is gone')
      else this.#ctx.log.warn({ node, accusers }, 'a node is believed dead')
    }
    this.#take(step)
  }

  #accuse(accusation: Accusation, now: number): void {
    const sealed = sealAccusation(accusation, this.#options.transport)
    this.#detector.sealed(accusation, sealed)
    this.#ctx.log.info({ node: accusation.subject }, 'a node says nothing')
    this.#spread.later('accusations', sealed, { via: undefined, now })
  }

  #hearAccusations(via: NodeId, accusations: Iterable<Uint8Array>, now: number): void {
    const grounds: HearingGrounds = {
      own: () => this.#voice.spokenFor(),
      worth: (claim) => this.#detector.worth(claim, now),
      mayCheck: () => this.#opener.mayCheck(via, now),
      mayAccuse: (accuser) => this.#budgets.accusers.take(accuser, now),
      isSigned: (sealed) => this.#opener.isSignedFrom(via, sealed, now),
      accused: (claim, sealed) => this.#detector.accused(claim, sealed, now),
      passed: (claim) => this.#detector.passed(claim, now),
    }
    const heard = hearAccusations(accusations, grounds)
    for (const sealed of heard.handOn) this.#spread.later('accusations', sealed, { via, now })
    for (const one of heard.dropped) this.#ignoreAccusation(via, one)
    if (heard.answer.size > 0) this.#answer(via, heard.answer)
    if (heard.refute !== undefined) this.#refute(heard.refute)
    if (!heard.isSuspicionNew) return
    this.#viewMayHaveChanged()
    this.#watch()
  }

  /** We are not dead: a newer record says so. */
  #refute({ version }: Accusation): void {
    sometimes(true, 'skerry/an accusation was refuted')
    this.#sayIn(this.#voice.refute(version, this.#now()))
  }

  /** Sends whoever handed on accusations the records that refute them. */
  #answer(via: NodeId, subjects: Iterable<NodeId>): void {
    const refuting: Uint8Array[] = []
    for (const subject of subjects) {
      const known = this.#state.members.get(subject)?.known
      if (known !== undefined) refuting.push(known.sealed)
    }
    this.#sender.answer(via, 'records', refuting)
  }

  #ignoreAccusation(via: NodeId, { verdict, claim }: DroppedAccusation): void {
    this.#options.kernel.counters.recordsIgnored += 1
    if (verdict !== 'too-often')
      this.#options.kernel.limitedLog.warn(
        { peer: via, accuser: claim?.accuser, why: verdict },
        'an accusation was ignored',
      )
  }

  /**
   * A peer that was not there may know better of anybody who is suspected here, or be it: it is told of each, by one accuser. What is
   * said while the link is up goes over it anyhow, so that who hears of one side of a cut hears of its suspicions, before they run out.
   */
  #tellSuspicions(peer: NodeId): void {
    this.#sender.answer(peer, 'accusations', this.#detector.toTell(peer))
  }

  #hasLeft(node: NodeId): boolean {
    return membership.recordOf(this.#state, node)?.state === 'leaving'
  }

  // --- which links there are ---

  /** Takes the shape that fits the size. */
  #takeShape(): void {
    const shape = meshShape(this.#state.shape, this.#detector.table.size)
    if (shape === this.#state.shape) return
    this.#ctx.log.info({ shape, nodes: this.#detector.table.size }, 'the mesh took another shape')
    sometimes(shape === 'sparse', 'skerry/a mesh became sparse')
    this.#state = membership.shaped(this.#state, shape, this.#now()).state
    for (const node of this.#state.members.keys()) {
      this.#comparison.vouched.set(node, membership.vouchedOf(this.#state, node))
    }
  }

  /** Sees to the links that belong to the shape. */
  #followPlan(): void {
    const { members, shape } = this.#state
    const known = (node: NodeId): NodeRecord | undefined => membership.recordOf(this.#state, node)
    this.#plan.follow(shape === 'full' ? members.keys() : this.#neighbours(), shape, known)
  }

  #neighbours(): ReadonlySet<NodeId> {
    return neighboursOf(this.#detector.table, this.#own.node)
  }

  /** Where to dial a member that is not known to be unreachable. */
  #addressesOf(node: NodeId, life: number): readonly string[] {
    return this.#view.unreachable.has(node) ? noAddresses : addressesToDial(this.#state, node, life)
  }

  // --- what is said to others ---

  /** Says something new of this node: a higher version, sealed, published and sent to every peer. */
  #issue(news: OwnNews): void {
    const own = this.#voice.say(news)
    this.#take(membership.issueOwn(this.#state, own))
    if (!this.#options.isReady()) return
    if (own.sealed.length <= publishBytesMax) this.#options.transport.publish?.(membershipTopic, own.sealed)
    const { shape } = this.#state
    this.#spread.tell(own.sealed, { peers: this.#options.links.peerNodes(), shape, now: this.#now() })
  }

  /** Says something new of this node because of what others said: soon, and not at the pace of others. */
  #sayIn(waitMs: 'now' | 'planned' | number): void {
    if (waitMs === 'now') this.#issue({})
    else if (waitMs !== 'planned') this.#again('say', waitMs)
  }

  /** What a peer that just came is told: everything where that is little, else what we have and it does not. */
  #introduce(node: NodeId, now: number): void {
    if (this.#state.members.size <= toldAtOnceMax) this.#comparison.introduceTo(node)
    else {
      this.#sender.sendSealed([node], 'records', [this.#state.self.sealed])
      this.#comparison.askForLack(node, { isAnswer: false, shape: this.#state.shape, now })
    }
  }

  /** News is passed on once by everybody who believes it: the announcement over gossip may have been lost. */
  #passNewsOn(
    news: readonly SealedRecord[],
    { via, knownBefore }: { readonly via: NodeId; readonly knownBefore: number },
  ): void {
    const { shape, members } = this.#state
    const now = this.#now()
    this.#spread.passOn(
      news.map(({ sealed }) => sealed),
      {
        via,
        shape,
        isNewsToUsAlone: isNewsToUsAlone({ ageMs: now - this.#startedAt, knownBefore, known: members.size }),
        now,
      },
    )
  }

  // --- the view ---

  #lookForConflicts(): void {
    const { primaryRegion } = this.#own.record
    const news = this.#conflicts.look(this.#own.record, recordsOf(this.#state.members.values()))
    const { known } = this.#conflicts
    this.#options.memory.conflicts = known
    if (news === 'none') return
    const fields = { primaryRegion, others: known.slice(0, 10), count: known.length }
    if (news === 'more') this.#ctx.log.error(fields, 'nodes are configured with different primary regions')
    else if (news === 'settled') this.#ctx.log.info(fields, 'the conflict of primary regions is settled')
    if (!primaryConflictEvents.hasSubscribers) return
    const { node, life, thread } = this.#ctx.self
    primaryConflictEvents.publish({ node, life, thread, ...fields })
  }

  #viewMayHaveChanged(): void {
    this.#tellViewAfter(this.#view.pace.changed(this.#state.members.size, this.#now()))
  }

  #tellViewAfter(waitMs: 'now' | 'planned' | number): void {
    if (waitMs === 'now') this.#viewChanged()
    else if (waitMs !== 'planned') this.#again('view', waitMs)
  }

  #viewChanged(): void {
    this.#view.pace.tellsChange(this.#now())
    this.#followPlan()
    this.#lookForConflicts()
    this.#view.tell(this.#state)
  }

  #again(event: MembershipTime, afterMs: number): void {
    // At once is behind what waits in the mailbox: what came together is judged, and goes on, together.
    if (afterMs === 0) this.#ctx.send(this.#ctx.self, { event })
    else this.#ctx.sendAfter(afterMs, this.#ctx.self, { event })
  }

  #now(): number {
    return this.#ctx.clock.monotonic()
  }
}

type Contradicted = Extract<MembershipChange, { kind: 'contradicted' }>

const noAddresses: readonly string[] = []

function* recordsOf(members: Iterable<Member>): Iterable<NodeRecord> {
  for (const { known } of members) if (known !== undefined) yield known.record
}

function sealedOf(state: Membership): Uint8Array[] {
  return membership.vouched(state).map(({ sealed }) => sealed)
}
