import type { Platform } from '@skerry/core/platform'
import type { Transport, TransportFeatures } from '@skerry/core/transport'

/** What the suite needs to know of a transport to test it. See `transportConformance`. */
export interface TransportHarness {
  /** Where the cases are registered: `{ describe, it }` of vitest or of `node:test`. */
  readonly suite: ConformanceSuite
  /** What the transport can do; it decides which cases are skipped. Checked against what the transport says of itself. */
  readonly supports: ConformanceManifest
  /**
   * Makes a transport, not yet started. Transports of one `world` (a name of lower-case letters, digits and dashes,
   * different for every case) can reach each other; those of two worlds must not meet. Each call is for a node of its own,
   * also when the member had one before, which has stopped then.
   */
  create(request: CreateRequest): Transport | Promise<Transport>
  /**
   * Makes a transport from what `settle` of another one gave, not yet started: the factory that the spec names. Absent: `settle` is
   * not tried, because the transport has none and runs on the main thread only.
   */
  fromSettled?(options: unknown): Transport
  /** An address in this transport's form at which nobody listens. */
  nobody(world: string): string
  /**
   * What can happen between the nodes of one world. Needed where `supports.faults` is true, and then called once for each
   * case that makes faults, before its first node. {@link startTcpWay} is what a transport over TCP needs for it.
   */
  network?(world: string): WorldNetwork | Promise<WorldNetwork>
  /** The platform of one node, called once for each, and once a case for its time limit. Real sockets need the system's. */
  platform(): Platform
  /**
   * How long one case may take on the platform's clock, in milliseconds. Default 20,000; the one of many messages under
   * random faults may take six times as long. Past it the case fails.
   */
  readonly caseMs?: number
  /**
   * How many bytes all buffers on the way (ours, the machine's, the peer's) may take for one lane whose reader is
   * paused. Default 32 MiB.
   */
  readonly pausedBytesMax?: number
  /** Decides when which random fault happens. A failure names it. Default 1. */
  readonly seed?: number
}

/** The ways between all nodes of one world. */
export interface WorldNetwork {
  /** From now on nothing gets through, in either direction, and nothing is closed: both ends believe in their links. */
  cut(): void
  /** What was cut carries again, as far as it did not close meanwhile. */
  heal(): void
  /** Breaks every connection off, as a reset does. New ones can be made. */
  breakOff(): void
  /**
   * Connects to each node as somebody who is none, says `bytes`, and resolves when every node has ended that connection. Needed where
   * `supports.intruders` is true.
   */
  intrude?(bytes: Uint8Array): Promise<void>
  /** What those who dialled a node have said so far, for each connection its first 64 KiB. Needed where `supports.intruders` is true. */
  said?(): readonly Uint8Array[]
  /** Nothing is needed any more. The case is over, and its nodes have stopped. */
  end(): void | Promise<void>
}

/**
 * Who a transport is. `a`, `b` and `c` are three nodes of one cluster, with one secret. `stranger` has another secret,
 * `outsider` the right secret but another cluster's name.
 */
export type Member = 'a' | 'b' | 'c' | 'stranger' | 'outsider'

export interface CreateRequest {
  readonly member: Member
  readonly world: string
  /** Asked for only when `supports.frameLimit` is `'option'`. */
  readonly maxFrameBytes?: number
}

/** A transport's features, and the ones that only tests care about. */
export interface ConformanceManifest extends TransportFeatures {
  /** Whether a peer with another secret is refused. */
  readonly secret: boolean
  /** Whether a peer of another cluster is refused by the transport; if not, core's hello refuses it. */
  readonly cluster: boolean
  /** Whether `maxFrameBytes` can be chosen for one transport. */
  readonly frameLimit: 'option' | 'fixed'
  /** Whether the ways between nodes can be cut and broken: whether the harness has `network`. */
  readonly faults: boolean
  /** Whether somebody who is no node can connect there: whether `network` has `intrude` and `said`. Default false. */
  readonly intruders?: boolean
}

/** The part of vitest and of `node:test` that the suite uses. `node:test` ignores the third argument. */
export interface ConformanceSuite {
  describe(name: string, define: () => void): unknown
  readonly it: {
    (name: string, run: () => Promise<void>, timeoutMs: number): unknown
    skip(name: string, run: () => Promise<void>): unknown
  }
}
