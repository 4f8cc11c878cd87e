import type { NodeId } from './transport.ts'

/** What is said against one life of a node, and up to which version of its record: a newer one refutes it. */
export interface Suspicion {
  readonly life: number
  readonly version: number
  /** When the first accusation that counts was heard, on the monotonic clock. */
  readonly since: number
  /** Whose accusation counts, and its bytes, which are what is relayed. */
  readonly accusers: ReadonlyMap<NodeId, Uint8Array>
  /** Not believed dead before that: see {@link heldUp}. */
  readonly heldUntil: number | undefined
}

export interface SuspicionSettings {
  /** How long a node is suspected at least before it is believed dead, in a cluster of up to ten, in milliseconds. */
  readonly suspicionMs: number
  /** How many times as long when a single monitor accuses. */
  readonly loneFactor: number
  /** With so many accusers it is the shortest time. */
  readonly accusersWanted: number
  /** From so many on the node is routed around. Of a node with fewer monitors: all of them. */
  readonly accusersToAvoid: number
}

const defaultSuspicionSettings: SuspicionSettings = {
  suspicionMs: 1_500,
  loneFactor: 4,
  accusersWanted: 3,
  accusersToAvoid: 2,
}

/**
 * How long this suspicion lasts before the node is believed dead. It grows with the logarithm of the cluster's size, since
 * the refutation has so many hops to go (SWIM, Das et al. 2002), is longer while few monitors say the same, and longer by
 * the doubt in ourselves (Lifeguard, Dadgar et al. 2018). `doubt`: from 1.
 */
export function suspicionMs(
  accusers: number,
  size: number,
  monitors: number,
  doubt: number,
  settings: SuspicionSettings = defaultSuspicionSettings,
): number {
  const least = settings.suspicionMs * Math.max(1, Math.log10(Math.max(1, size)))
  const wanted = Math.max(1, Math.min(settings.accusersWanted, monitors))
  if (accusers >= wanted) return least * doubt
  const most = least * settings.loneFactor
  const agreed = Math.log(Math.max(1, accusers)) / Math.log(wanted)
  return (most - (most - least) * agreed) * doubt
}

/** Whether so many monitors say so that others should route around it. */
export function isAvoided(
  accusers: number,
  monitors: number,
  settings: SuspicionSettings = defaultSuspicionSettings,
): boolean {
  return accusers > 0 && accusers >= Math.min(settings.accusersToAvoid, monitors)
}

/** The suspicion with one accuser more; the same object when nothing is new. A newer version begins a new one. */
export function accusedBy(
  before: Suspicion | undefined,
  accusation: {
    readonly life: number
    readonly version: number
    readonly accuser: NodeId
    readonly sealed: Uint8Array
  },
  now: number,
): Suspicion {
  const { life, version, accuser, sealed } = accusation
  if (before === undefined || before.life !== life || before.version < version) {
    return { life, version, since: now, accusers: new Map([[accuser, sealed]]), heldUntil: undefined }
  }
  if (before.version > version || before.accusers.has(accuser)) return before
  return { ...before, accusers: new Map(before.accusers).set(accuser, sealed) }
}

/**
 * The suspicion by the accusers alone whose word counts now: who counted when it accused need not do so any more. The same object
 * when they all do, `undefined` when nobody does.
 */
export function countedNow(suspicion: Suspicion, counts: (accuser: NodeId) => boolean): Suspicion | undefined {
  const accusers = [...suspicion.accusers].filter(([accuser]) => counts(accuser))
  if (accusers.length === suspicion.accusers.size) return suspicion
  return accusers.length === 0 ? undefined : { ...suspicion, accusers: new Map(accusers) }
}

/**
 * The suspicion when a node came back that was believed dead: behind a cut that heals now its subject may come back too, so it is
 * given half as long as the shortest suspicion lasts: in that time what refutes it has come over the cut, and one that is really dead must not wait for
 * longer. Once, so that nodes that come and go again and again keep no dead one alive.
 */
export function heldUp(suspicion: Suspicion, size: number, now: number): Suspicion {
  if (suspicion.heldUntil !== undefined) return suspicion
  return { ...suspicion, heldUntil: now + suspicionMs(Infinity, size, 1, 1) * heldPart }
}

/** Of the shortest suspicion: measured in docs/membership.md. */
const heldPart = 1 / 2

/** The share of all nodes that the word of others may keep from being routed to. */
const avoidedPart = 1 / 3
const avoidedAtLeast = 2

/**
 * Whether so many are suspected by the word of others that it says more of the network, or of an overload that moves from
 * node to node, than of them: then only what this node finds itself counts for its routing, so that no wave of suspicion
 * takes the last nodes from a region.
 */
export function isTooManyAvoided(avoided: number, size: number): boolean {
  return avoided > Math.max(avoidedAtLeast, Math.floor(size * avoidedPart))
}
