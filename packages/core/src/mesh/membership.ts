import { sometimes } from '../platform/property.ts'
import { CopyOnWrite } from './copy-on-write.ts'
import { type NodeRecord, peekRecord, type SealedRecord } from './node-record.ts'
import type { MeshShape } from './neighbours.ts'
import type { NodeId } from './transport.ts'

/** A node that we know of, ourselves excluded. Times are on the monotonic clock. */
export interface Member {
  readonly node: NodeId
  /** The newest believed record; none while only the link is known. */
  readonly known: SealedRecord | undefined
  /** Our link to it, while it is up. Its life is the truth: a record of another life is not believed. */
  readonly link: { readonly life: number; readonly suspected: boolean } | undefined
  /** When its link went down, or, if it never had one, when it was last mentioned. */
  readonly lastSeen: number
  /** Whether it ever had a link in the time that we know it. */
  readonly met: boolean
  /** The accusations by which it is believed dead although its link is still up; it says nothing on it. */
  readonly dead: readonly Uint8Array[] | undefined
}

/** What remains of a removed member, so that an old record that is still relayed can't bring it back. */
export interface Tombstone {
  /** `undefined`: no record of it was known. */
  readonly life: number | undefined
  readonly version: number
  readonly expiresAt: number
  /** The accusations that it was believed dead by, for whoever still believes otherwise; none where its link was only gone for long. */
  readonly evidence: readonly Uint8Array[]
  /** Its record, up to `keptBytesMax`, for nobody but a later life of the node itself. */
  readonly sealed: Uint8Array | undefined
}

/** A larger record is not kept in a tombstone. */
const keptBytesMax = 4 * 1024

export interface MembershipSettings {
  /** In a full mesh: a member whose link is down for this long is removed. */
  readonly removeAfterMs: number
  /** In a full mesh: a member that never had a link, and that nobody mentioned for this long, is removed. Three rounds of snapshots. */
  readonly strangerAfterMs: number
  readonly tombstoneMs: number
  /**
   * Members, and tombstones. At the bound a node that we only heard of is not added; one with a link takes the place
   * of the member without one that was seen longest ago, or is not added. The oldest tombstone goes.
   */
  readonly membersMax: number
}

const defaultMembershipSettings: MembershipSettings = {
  removeAfterMs: 5_000,
  strangerAfterMs: 30_000,
  tombstoneMs: 60_000,
  membersMax: 4_096,
}

/** All that this node knows of the mesh. Never changed in place. */
export interface Membership {
  readonly settings: MembershipSettings
  /** In a sparse mesh most members have no link to us, and only their monitors judge them. */
  readonly shape: MeshShape
  /** Our own record as last issued. */
  readonly self: SealedRecord
  readonly members: ReadonlyMap<NodeId, Member>
  readonly tombstones: ReadonlyMap<NodeId, Tombstone>
}

export type MembershipChange =
  /** Something of this node that matters to routing or relaying is new: record, link, suspicion. Also for ourselves. */
  | { readonly kind: 'changed'; readonly node: NodeId }
  /** The node is no member any more. Its tombstone stands; go on dialling it until `forgotten`. */
  | { readonly kind: 'removed'; readonly node: NodeId }
  /** It was believed dead, or lost from sight for long, and is there in the same life. */
  | { readonly kind: 'returned'; readonly node: NodeId }
  /** Its tombstone expired: nothing is known of it any more. Stop dialling it. */
  | { readonly kind: 'forgotten'; readonly node: NodeId }
  /** Somebody believes a record of us that we did not issue in this life. Issue ours anew with at least this version. */
  | { readonly kind: 'refute'; readonly version: number }
  /**
   * A link to another life of the node came up than the one whose record we had: show it that record. If its clock was set back it has to
   * outbid itself, or whoever has no link to it takes what it says now for old.
   */
  | { readonly kind: 'outlived'; readonly node: NodeId; readonly sealed: Uint8Array }
  /**
   * Somebody holds a record of a node that we believe dead, or lost sight of: tell it why, if there is a reason, so that it hears
   * so too, or the node can refute it.
   */
  | {
      readonly kind: 'contradicted'
      readonly node: NodeId
      readonly life: number
      /** A record above it would be believed. */
      readonly version: number
      readonly evidence: readonly Uint8Array[]
    }
  /** A record or a link was left out, for counting: too many members, or a record that is not believed. */
  | { readonly kind: 'ignored'; readonly node: NodeId | undefined; readonly why: 'too-many' | RecordDoubt }

/** Why a record is not believed: forged or malformed, or its author may not be in the region that it names, or there were too many. */
export type RecordDoubt = 'not-authentic' | 'wrong-region' | 'too-often'

export interface MembershipStep {
  readonly state: Membership
  readonly changes: readonly MembershipChange[]
}

/** Knows nobody but ourselves. */
export function createMembership(self: SealedRecord, settings?: Partial<MembershipSettings>): Membership {
  return {
    settings: { ...defaultMembershipSettings, ...settings },
    shape: 'full',
    self,
    members: new Map(),
    tombstones: new Map(),
  }
}

/** Our own record changed, and was sealed and is published anew. */
export function issueOwn(state: Membership, self: SealedRecord): MembershipStep {
  return { state: { ...state, self }, changes: [{ kind: 'changed', node: self.record.node }] }
}

/**
 * Takes sealed records from a snapshot or a publication. `open` checks a signature (`openRecord`) and what it claims
 * (`mayClaim`), and is only called for a record that would be news: of the rest, the same bytes again count as a mention, older ones as nothing.
 */
export function mergeSealed(
  state: Membership,
  sealedRecords: Iterable<Uint8Array>,
  open: (sealed: Uint8Array) => NodeRecord | RecordDoubt | undefined,
  now: number,
): MembershipStep {
  const draft = startDraft(state)
  for (const sealed of sealedRecords) {
    const claim = peekRecord(sealed)
    if (claim !== undefined && !isNews(draft, claim)) {
      mention(draft, claim, sealed, now)
      continue
    }
    const record = (claim && open(sealed)) ?? 'not-authentic'
    if (typeof record === 'string') draft.changes.push({ kind: 'ignored', node: claim?.node, why: record })
    else merge(draft, { record, sealed }, now)
  }
  return finishDraft(draft)
}

/** Takes one record whose signature was checked. */
export function mergeRecord(state: Membership, known: SealedRecord, now: number): MembershipStep {
  const draft = startDraft(state)
  if (isNews(draft, known.record)) merge(draft, known, now)
  else mention(draft, known.record, known.sealed, now)
  return finishDraft(draft)
}

/** A link to this life of the node is up. A record of another life is dropped at once. */
export function linkUp(state: Membership, peer: { node: NodeId; life: number }, now: number): MembershipStep {
  const draft = startDraft(state)
  const { node, life } = peer
  const member = draft.members.get(node)
  if (member === undefined && !makeRoom(draft, now)) return ignore(draft, node)
  const known = member?.known?.record.life === life ? member.known : undefined
  draft.members.set(node, { node, known, link: { life, suspected: false }, lastSeen: now, met: true, dead: undefined })
  const earlier = earlierRecord(member, draft.tombstones.get(node), life)
  noteReturn(draft, node, life)
  draft.changes.push({ kind: 'changed', node })
  if (earlier !== undefined) draft.changes.push({ kind: 'outlived', node, sealed: earlier })
  return finishDraft(draft)
}

/** That link is gone. The node is not routable from here on, and is removed after `removeAfterMs` without a new one. */
export function linkDown(state: Membership, peer: { node: NodeId; life: number }, now: number): MembershipStep {
  return onLink(state, peer, (member) => ({ ...member, link: undefined, lastSeen: now }))
}

/** The peer is silent. It is not routable until it is trusted again. */
export function suspect(state: Membership, peer: { node: NodeId; life: number }): MembershipStep {
  return onLink(state, peer, (member) => ({ ...member, link: { life: peer.life, suspected: true } }))
}

export function trusted(state: Membership, peer: { node: NodeId; life: number }): MembershipStep {
  return onLink(state, peer, (member) => ({
    ...member,
    link: { life: peer.life, suspected: false },
    dead: undefined,
  }))
}

/** Monitors' word that a life of a node is dead, unless a newer record than `version` refutes it. */
export interface DeathWord {
  readonly node: NodeId
  readonly life: number
  readonly version: number
  /** The accusations that say so. */
  readonly evidence: readonly Uint8Array[]
}

/**
 * Takes them all in one step: behind a cut many die at once, and a step for each would copy all members for each. A dead node is removed;
 * with a link that is still up it is so when that ends, as long as nothing comes from it.
 */
export function died(state: Membership, words: Iterable<DeathWord>, now: number): MembershipStep {
  const draft = startDraft(state)
  for (const { node, life, version, evidence } of words) {
    const member = draft.members.get(node)
    const record = member?.known?.record
    if (member === undefined || record?.life !== life || record.version > version) continue
    if (member.link === undefined) {
      remove(draft, { ...member, dead: evidence }, now)
    } else if (member.link.suspected && member.dead === undefined) {
      draft.members.set(node, { ...member, dead: evidence })
      draft.changes.push({ kind: 'changed', node })
    }
  }
  return finishDraft(draft)
}

/** The mesh takes another shape. Who has no link is given the time of one that was just seen. */
export function shaped(state: Membership, shape: MeshShape, now: number): MembershipStep {
  if (shape === state.shape) return { state, changes: [] }
  const draft = startDraft({ ...state, shape })
  for (const member of state.members.values()) {
    if (member.link === undefined) draft.members.set(member.node, { ...member, lastSeen: now })
    draft.changes.push({ kind: 'changed', node: member.node })
  }
  return finishDraft(draft)
}

/** Removes members and tombstones whose time is over. Call it about once a second. */
export function tick(state: Membership, now: number): MembershipStep {
  const { removeAfterMs, strangerAfterMs } = state.settings
  const draft = startDraft(state)
  for (const member of state.members.values()) {
    if (member.link !== undefined) continue
    const afterMs = member.met ? removeAfterMs : strangerAfterMs
    // A node of which we have but an address that once answered is nobody's: no monitor judges it.
    const isJudged = state.shape === 'sparse' && member.known !== undefined
    if (member.dead !== undefined || (!isJudged && now - member.lastSeen >= afterMs)) remove(draft, member, now)
  }
  for (const [node, tombstone] of state.tombstones) {
    if (now < tombstone.expiresAt) continue
    draft.tombstones.delete(node)
    draft.changes.push({ kind: 'forgotten', node })
  }
  return finishDraft(draft)
}

/**
 * Whether calls may be sent there: it is ourselves, or we hold its record and a link on which it is not silent. In a sparse
 * mesh a link is made when it is needed, so a record is enough.
 */
export function isRoutable(state: Membership, node: NodeId): boolean {
  if (node === state.self.record.node) return true
  const member = state.members.get(node)
  return member !== undefined && isMemberRoutable(state, member)
}

/** The same of a member. */
export function isMemberRoutable({ shape }: Membership, { known, dead, link }: Member): boolean {
  if (known === undefined || dead !== undefined) return false
  return link === undefined ? shape === 'sparse' : !link.suspected
}

/** The believed record of a node, or our own. */
export function recordOf(state: Membership, node: NodeId): NodeRecord | undefined {
  if (node === state.self.record.node) return state.self.record
  return state.members.get(node)?.known?.record
}

/**
 * The records to tell others: ours, and those of nodes that we hold a link to. Nobody vouches for a node that it can't
 * reach, so that the record of a dead one dies out. In a sparse mesh, where few are linked, for all that are not believed
 * dead: their monitors see to the rest.
 */
export function vouched(state: Membership): SealedRecord[] {
  const records = [state.self]
  for (const member of state.members.values()) {
    if (isVouched(state, member)) records.push(member.known)
  }
  return records
}

/** The record of this node, if it is one of {@link vouched}. */
export function vouchedOf(state: Membership, node: NodeId): SealedRecord | undefined {
  if (node === state.self.record.node) return state.self
  const member = state.members.get(node)
  return member !== undefined && isVouched(state, member) ? member.known : undefined
}

function isVouched({ shape }: Membership, member: Member): member is Member & { readonly known: SealedRecord } {
  return member.known !== undefined && member.dead === undefined && (member.link !== undefined || shape === 'sparse')
}

interface Draft {
  readonly before: Membership
  readonly members: CopyOnWrite<NodeId, Member>
  readonly tombstones: CopyOnWrite<NodeId, Tombstone>
  readonly changes: MembershipChange[]
}

function startDraft(before: Membership): Draft {
  return {
    before,
    members: new CopyOnWrite(before.members),
    tombstones: new CopyOnWrite(before.tombstones),
    changes: [],
  }
}

function finishDraft({ before, members, tombstones, changes }: Draft): MembershipStep {
  if (!members.isCopied && !tombstones.isCopied) return { state: before, changes }
  return { state: { ...before, members: members.current, tombstones: tombstones.current }, changes }
}

function isNews(draft: Draft, claim: { node: NodeId; life: number; version: number }): boolean {
  const { self } = draft.before
  if (claim.node === self.record.node) {
    // An older record of us loses against ours everywhere, so only one that would win needs an answer.
    return (
      claim.version > self.record.version || (claim.version === self.record.version && claim.life !== self.record.life)
    )
  }
  const member = draft.members.get(claim.node)
  const otherLife = member?.link !== undefined && claim.life !== member.link.life
  sometimes(otherLife, 'skerry/a record of another life than the link was refused')
  if (otherLife) return false
  const version = member?.known?.record.version ?? draft.tombstones.get(claim.node)?.version
  sometimes(version !== undefined && claim.version < version, 'skerry/a stale announcement was refused')
  return version === undefined || claim.version > version
}

function mention(draft: Draft, { node, life }: { node: NodeId; life: number }, sealed: Uint8Array, now: number): void {
  const member = draft.members.get(node)
  const tombstone = draft.tombstones.get(node)
  const evidence = member === undefined ? tombstone?.evidence : member.dead
  const isOurLife = member?.known === undefined || member.known.record.life === life
  if (evidence !== undefined && isOurLife) {
    const version = member?.known?.record.version ?? tombstone?.version ?? 0
    draft.changes.push({ kind: 'contradicted', node, life, version, evidence })
  }
  // Nobody goes by it where members are judged by their monitors.
  if (draft.before.shape === 'sparse') return
  if (member?.known === undefined || member.met || !sameBytes(member.known.sealed, sealed)) return
  draft.members.set(node, { ...member, lastSeen: now })
}

function merge(draft: Draft, known: SealedRecord, now: number): void {
  const { node, version } = known.record
  if (node === draft.before.self.record.node) {
    draft.changes.push({ kind: 'refute', version: version + 1 })
    return
  }
  const member = draft.members.get(node)
  if (member === undefined) {
    if (draft.members.size >= draft.before.settings.membersMax) {
      ignore(draft, node)
      return
    }
    noteReturn(draft, node, known.record.life)
    draft.members.set(node, { node, known, link: undefined, lastSeen: now, met: false, dead: undefined })
  } else {
    draft.members.set(node, { ...member, known, dead: undefined, lastSeen: member.met ? member.lastSeen : now })
  }
  draft.changes.push({ kind: 'changed', node })
}

/** What is kept of the record of a life that is not this one. */
function earlierRecord(
  member: Member | undefined,
  tombstone: Tombstone | undefined,
  life: number,
): Uint8Array | undefined {
  if (member !== undefined) return member.known?.record.life === life ? undefined : member.known?.sealed
  return tombstone?.life === life ? undefined : tombstone?.sealed
}

/** A member has no tombstone. */
function noteReturn(draft: Draft, node: NodeId, life: number): void {
  if (draft.tombstones.get(node)?.life === life) draft.changes.push({ kind: 'returned', node })
  draft.tombstones.delete(node)
}

function onLink(
  state: Membership,
  { node, life }: { node: NodeId; life: number },
  change: (member: Member) => Member,
): MembershipStep {
  const draft = startDraft(state)
  const member = draft.members.get(node)
  if (member?.link?.life !== life) return { state, changes: [] }
  draft.members.set(node, change(member))
  draft.changes.push({ kind: 'changed', node })
  return finishDraft(draft)
}

function makeRoom(draft: Draft, now: number): boolean {
  if (draft.members.size < draft.before.settings.membersMax) return true
  let oldest: Member | undefined
  for (const member of draft.members.values()) {
    if (member.link === undefined && member.lastSeen < (oldest?.lastSeen ?? Infinity)) oldest = member
  }
  if (oldest === undefined) return false
  remove(draft, oldest, now)
  return true
}

function remove(draft: Draft, member: Member, now: number): void {
  const { tombstoneMs, membersMax } = draft.before.settings
  const { node, known } = member
  draft.members.delete(node)
  draft.changes.push({ kind: 'removed', node })
  draft.tombstones.set(node, {
    life: known?.record.life,
    version: known?.record.version ?? 0,
    expiresAt: now + tombstoneMs,
    evidence: member.dead ?? [],
    sealed: known !== undefined && known.sealed.byteLength <= keptBytesMax ? known.sealed : undefined,
  })
  if (draft.tombstones.size <= membersMax) return
  const oldest = draft.tombstones.firstKey() as NodeId
  draft.tombstones.delete(oldest)
  draft.changes.push({ kind: 'forgotten', node: oldest })
}

function ignore(draft: Draft, node: NodeId): MembershipStep {
  draft.changes.push({ kind: 'ignored', node, why: 'too-many' })
  return finishDraft(draft)
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.byteLength === right.byteLength && left.every((byte, index) => byte === right[index])
}
