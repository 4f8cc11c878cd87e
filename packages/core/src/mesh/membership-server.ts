import type { Process } from '../actor/actor.ts'
import type { Behavior } from '../actor/behavior.ts'
import { Context } from '../actor/context.ts'
import type { Kernel } from '../actor/kernel.ts'
import { type Envelope, mailboxLimitDefault } from '../actor/mailbox.ts'
import { samePid } from '../actor/pid.ts'
import { knob } from '../platform/property.ts'
import * as membership from './membership.ts'
import type { Membership, MembershipStep } from './membership.ts'
import { decodeSnapshot, encodeSnapshot } from './membership-snapshot.ts'
import { type NodeRecord, type NodeState, openRecord, type ProcedureRecord, sealRecord } from './node-record.ts'
import type { NodeLoad } from './heartbeat.ts'
import type { PeerRef } from './peer-link.ts'
import { newerPrimary, type Primary, type PrimaryConflict, primaryConflicts, primaryOf } from './primary.ts'
import type { PeerLinks } from './peer-links.ts'
import type { NodeId, Transport } from './transport.ts'

export const membershipTopic = 'skerry/members/1'
export const membershipServerName = 'system.mesh'

/** How often members whose time is over are removed and measurements are passed on, in milliseconds. */
const membershipTickMs = 1_000
/** How often each peer gets all records that we vouch for, in milliseconds: what heals a lost announcement. */
const snapshotEveryMs = 10_000

/** What the actor is told, as plain messages from the links and the node. */
export type MembershipEvent =
  | { readonly event: 'up'; readonly peer: PeerRef }
  | { readonly event: 'down'; readonly peer: PeerRef }
  | { readonly event: 'suspect'; readonly peer: PeerRef }
  | { readonly event: 'trusted'; readonly peer: PeerRef }
  | { readonly event: 'records'; readonly via: NodeId; readonly records: readonly Uint8Array[] }
  | { readonly event: 'announce'; readonly procedures: readonly ProcedureRecord[] }
  | { readonly event: 'state'; readonly state: NodeState }
  | { readonly event: 'tick' }
  | { readonly event: 'snapshots' }
  | { readonly event: 'refresh' }

/** A node that calls may be sent to, with what the heartbeat measured. */
export interface RoutableNode {
  readonly record: NodeRecord
  readonly rttMs: number | undefined
  readonly load: number
  readonly inFlight: number
}

/** What was believed last, for the successor of a mesh actor that crashed. */
export interface MembershipMemory {
  /** Sealed. */
  records: readonly Uint8Array[]
  primary: Primary
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

/** The records of a control message from a peer, for the `records` event; `undefined` for anything else. */
export function recordsOfControl(bytes: Uint8Array): readonly Uint8Array[] | undefined {
  return decodeSnapshot(bytes)
}

class MembershipServer implements Process {
  readonly #ctx: Context
  readonly #options: MembershipServerOptions
  readonly #open = (sealed: Uint8Array): NodeRecord | undefined => openRecord(sealed, this.#options.transport)
  readonly #snapshotEveryMs = knob('skerry/snapshot every ms', snapshotEveryMs, [500, 3_000])
  #own: NodeRecord
  #state: Membership
  /** The view that RegionRegistry was told last. */
  #told: readonly RoutableNode[] = []

  constructor(ctx: Context, options: MembershipServerOptions) {
    this.#ctx = ctx
    this.#options = options
    const version = Math.floor(ctx.clock.wall())
    this.#own = { ...options.self(), ...recordFields(options.memory.primary), version }
    this.#state = membership.createMembership(this.#sealOwn())
  }

  init(): void {
    // After a crash of this actor the links are still there, and so is what the predecessor believed. Opened again, not
    // taken over: whatever broke it may be in its state.
    const known = this.#options.memory.records
    for (const peer of this.#options.links.peers()) this.#take(membership.linkUp(this.#state, peer, this.#now()))
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
      envelope.replier.reply(this.#setPrimary((envelope.args as readonly [string])[0]))
    } else if (envelope.type === 'request') {
      envelope.replier.fail({ code: 'ERR_NO_HANDLER', outcome: 'not-run', message: 'mesh has no such call' })
    }
  }

  #handleEvent(event: MembershipEvent): void {
    const now = this.#now()
    switch (event.event) {
      case 'up':
        this.#take(membership.linkUp(this.#state, event.peer, now))
        this.#sendSnapshot(event.peer.node)
        return
      case 'down':
        this.#take(membership.linkDown(this.#state, event.peer, now))
        return
      case 'suspect':
        this.#take(membership.suspect(this.#state, event.peer))
        return
      case 'trusted':
        this.#take(membership.trusted(this.#state, event.peer))
        return
      case 'records':
        this.#take(membership.mergeSealed(this.#state, event.records, this.#open, now), event.via)
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
        this.#tellView()
        this.#again('tick', membershipTickMs)
        return
      case 'snapshots':
        this.#sendSnapshot(...this.#options.links.peerNodes())
        this.#again('snapshots', this.#snapshotEveryMs)
        return
      case 'refresh':
        this.#told = []
        this.#tellView()
    }
  }

  /** Takes a step's state and does what its changes ask for. */
  #take(step: MembershipStep, via?: NodeId): void {
    this.#state = step.state
    const { links } = this.#options
    let viewChanged = false
    for (const change of step.changes) {
      switch (change.kind) {
        case 'changed': {
          viewChanged = true
          const known = this.#state.members.get(change.node)?.known
          if (known === undefined) break
          for (const address of known.record.addresses) links.learn(address, change.node)
          this.#hear(primaryOf(known.record))
          // News is passed on once by everybody who believes it; the announcement over gossip may have been lost.
          if (via !== undefined) this.#relay(known.sealed, via)
          break
        }
        case 'removed':
          viewChanged = true
          break
        case 'forgotten':
          links.forget(change.node)
          break
        case 'refute':
          this.#own = { ...this.#own, version: Math.max(this.#own.version, change.version) }
          this.#issue({})
          break
        case 'ignored':
          this.#ctx.log.warn({ node: change.node, why: change.why }, 'a membership record was ignored')
      }
    }
    if (!viewChanged) return
    this.#lookForConflicts()
    this.#options.memory.records = membership.vouched(this.#state)
    this.#tellView()
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

  #lookForConflicts(): void {
    const { memory } = this.#options
    const records = [...this.#state.members.values()].flatMap(({ known }) =>
      known === undefined ? [] : [known.record],
    )
    const conflicts = primaryConflicts(this.#own, records)
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
    this.#relay(own.sealed, undefined)
  }

  #sealOwn(): membership.SealedRecord {
    return { record: this.#own, sealed: sealRecord(this.#own, this.#options.transport) }
  }

  #relay(sealed: Uint8Array, except: NodeId | undefined): void {
    this.#send(
      [...this.#options.links.peerNodes()].filter((node) => node !== except),
      [sealed],
    )
  }

  #sendSnapshot(...nodes: readonly NodeId[]): void {
    this.#send(nodes, membership.vouched(this.#state))
  }

  #send(nodes: readonly NodeId[], records: readonly Uint8Array[]): void {
    if (!this.#options.isReady() || nodes.length === 0) return
    const { chunks, skipped } = encodeSnapshot(records, this.#options.links.controlBytesMax)
    if (skipped > 0) this.#ctx.log.warn({ skipped }, 'records too large for a snapshot were left out')
    // Lost or refused, the next snapshot carries it. Each link owns its bytes.
    for (const node of nodes) for (const chunk of chunks) this.#options.links.sendControl(node, chunk.slice())
  }

  #tellView(): void {
    const nodes: RoutableNode[] = [{ record: this.#own, rttMs: 0, ...this.#options.ownLoad() }]
    for (const { node, known } of this.#state.members.values()) {
      if (known === undefined || !membership.isRoutable(this.#state, node)) continue
      const { rttMs, load = 0, inFlight = 0 } = this.#options.links.measured(node) ?? {}
      nodes.push({ record: known.record, rttMs, load, inFlight })
    }
    // A new table makes every thread decode it again: small changes of measurements are not worth that.
    if (nodes.length === this.#told.length && nodes.every((node, at) => isAlike(node, this.#told[at]))) return
    this.#told = nodes
    this.#options.onView(nodes)
  }

  #again(event: 'tick' | 'snapshots', afterMs: number): void {
    this.#ctx.sendAfter(afterMs, this.#ctx.self, { event })
  }

  #now(): number {
    return this.#ctx.clock.monotonic()
  }
}

function recordFields({
  region,
  epoch,
  by,
}: Primary): Pick<NodeRecord, 'primaryEpoch' | 'primaryRegion' | 'primaryBy'> {
  return { primaryEpoch: epoch, primaryRegion: region, primaryBy: by }
}

// A measurement that moved by less than this part of it, or a load by less than this, is the same.
const sameRttPart = 0.05
const sameLoad = 0.02
const sameInFlightPart = 0.2
// Below it the calls in flight make no difference to a choice.
const fewInFlight = 4

function isAlike(now: RoutableNode, before: RoutableNode | undefined): boolean {
  if (before?.record !== now.record || Math.abs(now.load - before.load) > sameLoad) return false
  const inFlightMoved = Math.abs(now.inFlight - before.inFlight)
  if (inFlightMoved > fewInFlight && inFlightMoved > before.inFlight * sameInFlightPart) return false
  if (now.rttMs === undefined || before.rttMs === undefined) return now.rttMs === before.rttMs
  return Math.abs(now.rttMs - before.rttMs) <= before.rttMs * sameRttPart
}

// What Transport.publish takes. A larger record travels by snapshots alone.
const publishBytesMax = 16 * 1024
