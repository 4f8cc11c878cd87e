import type { Timer } from '../platform/platform.ts'
import type { NodeId } from './transport.ts'

/**
 * What the dialler is after: a seed (one address, whoever is there) or a learned peer (one node, at some addresses).
 * - `idle`: nothing to do, its peer has a link.
 * - `waiting`: for its timer.
 * - `ready`: for one of the few dials at a time.
 * - `dialling`: raw dial or handshake under way.
 * - `ourselves`: the address turned out to be our own. Never dialled again, kept so that naming it again changes nothing.
 * - `forgotten`: off the book.
 */
export type DialPhase = 'idle' | 'waiting' | 'ready' | 'dialling' | 'ourselves' | 'forgotten'

export interface DialTarget {
  readonly seed: boolean
  /** A seed that stays whatever discovery says: somebody configured it. */
  pinned: boolean
  readonly addresses: string[]
  /** Who must answer. Unknown for seeds. */
  readonly expect: NodeId | undefined
  /** Who answered last, or must answer. */
  peer: NodeId | undefined
  phase: DialPhase
  /** Which of the addresses is tried next. */
  nextAddress: number
  /** Tries since the last stable link. */
  attempt: number
  timer: Timer | undefined
  /** When the last dial began, on the monotonic clock. */
  dialledAt: number
  abort: AbortController | undefined
}

/** An address beyond this length is not kept. */
const addressCharsMax = 512

export interface DialBookLimits {
  readonly addressesMax: number
  readonly addressesPerPeerMax: number
}

/** All targets, found by seed address, by node and by who answered last. Bounded by `addressesMax` addresses. */
export class DialBook {
  /** Addresses that were not kept, or were replaced. */
  dropped = 0
  readonly #limits: DialBookLimits
  readonly #seeds = new Map<string, DialTarget>()
  readonly #learned = new Map<NodeId, DialTarget>()
  readonly #byPeer = new Map<NodeId, Set<DialTarget>>()
  #addresses = 0

  constructor(limits: DialBookLimits) {
    this.#limits = limits
  }

  get addresses(): number {
    return this.#addresses
  }

  /** The new target; `undefined` when the seed is known, or not kept. One that was ever `pinned` stays so. */
  addSeed(address: string, pinned: boolean): DialTarget | undefined {
    const known = this.#seeds.get(address)
    if (known !== undefined) known.pinned ||= pinned
    if (known !== undefined || !this.#hasRoomFor(address)) return undefined
    const target = newTarget(address, undefined)
    target.pinned = pinned
    this.#seeds.set(address, target)
    return target
  }

  /** Takes a seed off the book; `undefined` when there is none, or it is pinned. */
  dropSeed(address: string): DialTarget | undefined {
    const target = this.#seeds.get(address)
    if (target === undefined || target.pinned) return undefined
    this.#seeds.delete(address)
    this.#unindex(target)
    this.#addresses -= 1
    return target
  }

  /** The new target; `undefined` when the node is known (the address is then added to it) or not kept. */
  learn(address: string, expect: NodeId): DialTarget | undefined {
    const known = this.#learned.get(expect)
    if (known !== undefined) {
      this.#addAddress(known, address)
      return undefined
    }
    if (!this.#hasRoomFor(address)) return undefined
    const target = newTarget(address, expect)
    this.#learned.set(expect, target)
    this.#index(target, expect)
    return target
  }

  forget(node: NodeId): DialTarget | undefined {
    const target = this.#learned.get(node)
    if (target === undefined) return undefined
    this.#learned.delete(node)
    this.#unindex(target)
    this.#addresses -= target.addresses.length
    return target
  }

  /** Notes who answered at a target's address. */
  answered(target: DialTarget, peer: NodeId): void {
    if (target.peer === peer || target.phase === 'forgotten') return
    this.#unindex(target)
    this.#index(target, peer)
  }

  /** The targets at which this node answered last, or must answer. */
  ofPeer(node: NodeId): Iterable<DialTarget> {
    return [...(this.#byPeer.get(node) ?? [])]
  }

  all(): DialTarget[] {
    return [...this.#seeds.values(), ...this.#learned.values()]
  }

  // What is news about an address goes first: a peer that moved is not at its old one.
  #addAddress(target: DialTarget, address: string): void {
    if (target.addresses.includes(address)) return
    if (target.addresses.length >= this.#limits.addressesPerPeerMax) {
      target.addresses.shift()
      this.#addresses -= 1
      this.dropped += 1
    }
    if (!this.#hasRoomFor(address)) return
    target.addresses.push(address)
    target.nextAddress = target.addresses.length - 1
  }

  #hasRoomFor(address: string): boolean {
    if (address.length > 0 && address.length <= addressCharsMax && this.#addresses < this.#limits.addressesMax) {
      this.#addresses += 1
      return true
    }
    this.dropped += 1
    return false
  }

  #index(target: DialTarget, peer: NodeId): void {
    target.peer = peer
    const targets = this.#byPeer.get(peer)
    if (targets === undefined) this.#byPeer.set(peer, new Set([target]))
    else targets.add(target)
  }

  #unindex(target: DialTarget): void {
    if (target.peer === undefined) return
    const targets = this.#byPeer.get(target.peer)
    targets?.delete(target)
    if (targets?.size === 0) this.#byPeer.delete(target.peer)
  }
}

function newTarget(address: string, expect: NodeId | undefined): DialTarget {
  return {
    seed: expect === undefined,
    pinned: false,
    addresses: [address],
    expect,
    peer: undefined,
    phase: 'idle',
    nextAddress: 0,
    attempt: 0,
    timer: undefined,
    dialledAt: 0,
    abort: undefined,
  }
}
