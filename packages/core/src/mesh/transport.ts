import type { NodeId } from '../actor/pid.ts'
import type { Platform } from '../platform/platform.ts'
import type { NodeLoad } from './heartbeat.ts'

export { noteReceived, type ReceivedBlock } from '../base/received-bytes.ts'
export type { NodeLoad } from './heartbeat.ts'
export type { NodeId } from '../actor/pid.ts'

/**
 * How a transport is made, as plain data, so that any thread can start it: the module's URL, the name of an exported
 * `TransportFactory`, and that factory's options.
 */
export interface TransportSpec {
  readonly module: string
  readonly export: string
  readonly options: unknown
  /**
   * Where it runs. `'own'`: on a thread of its own, so that a busy main thread neither misses heartbeats nor loses its links;
   * each frame costs two ways between threads more. See docs/transports.md. Default: `SKERRY_TRANSPORT_THREAD`, else `'main'`.
   */
  readonly thread?: 'main' | 'own'
}

export type TransportFactory = (options: unknown) => Transport

/** See {@link TransportHost.uncarried}. */
export type Uncarried = 'dropped' | 'lost' | 'refused'

/** What core offers a transport. Both functions may be called at any time from `start` to the end of `stop`. */
export interface TransportHost {
  /**
   * A peer connected to us, is authenticated, and all lanes are usable. Core attaches its frame listeners before
   * this returns.
   */
  accepted(link: RawLink): void
  /**
   * An address where a peer of this cluster may be (a configured seed, a discovery). Core dials it, with back-off, for
   * as long as it has no link there. Naming one twice does no harm.
   */
  found(address: string): void
  /** The same for one that may be gone tomorrow: it is dialled until it is `withdrawn`. Absent where only `found` is known. */
  offered?(address: string): void
  /** What was offered is dialled no more. What is also `found`, or a configured seed, stays, and so does a link that is up. */
  withdrawn?(address: string): void
  /** The transport is over for good, though nobody stopped it: the node ends. Absent where nobody wants to know. */
  failed?(error: Error): void
  /**
   * So much came to nothing, which the node counts: messages `'dropped'` by us, because they were forged, repeated, malformed, too many
   * or too large, or nobody listens to their topic (`transportDrops`); messages `'lost'` on the way, as far as that is known
   * (`transportLosses`); what others opened and was `'refused'`, a connection, a stream or a link (`transportRefusals`). Absent where
   * nobody counts.
   */
  uncarried?(how: Uncarried, count: number): void
}

/**
 * Carries whole frames between nodes, in order, and nothing else. Everything clever (hello, heartbeat, epochs,
 * deadlines, duplicates) is done once above it, in core. The contract is tested by `@skerry/testing/conformance`.
 *
 * - Identity: `RawLink.peer` is authenticated before any frame is delivered; a dial that expects another node fails.
 * - Frames: a lane delivers frames whole, once and in the order sent; lanes are independent of each other. Frames may be
 *   lost only at the end: when the link closes, a suffix of each lane's frames may be missing.
 * - Loss: the death of the peer or of the connection resolves `closed` on every link to it. Silence need not be noticed:
 *   core's heartbeat does that.
 * - Bounds: at most `supports.maxFrameBytes` a frame. A larger one from a peer closes the link; it is never buffered.
 *
 * @example
 * const transport = createMyTransport(options)
 * const { id } = await transport.start(host, platform)
 * const link = await transport.dial(address, undefined, signal)
 */
export interface Transport {
  /** What this transport can do. Constant. `lanes` is at least 1. */
  readonly supports: TransportFeatures
  /** Starts listening. Resolves with our own id and the addresses where peers can dial us (none: not dialable). */
  start(host: TransportHost, platform: Platform): Promise<TransportStarted>
  /**
   * Connects, authenticates and opens all lanes. Rejects with a `TransportError`, when `signal` aborts, and when the
   * peer is not `expect` (where given); with `ERR_OWN_ADDRESS`, or a link to ourselves, where the address is our own. It may resolve before the peer admitted us: that shows as `closed`.
   */
  dial(address: string, expect: NodeId | undefined, signal: AbortSignal): Promise<RawLink>
  /** Closes every link and stops listening. Resolves when nothing of it is left. Idempotent. */
  stop(): Promise<void>
  /**
   * Spreads a small record (at most 16 KiB, else it throws `ERR_FRAME_TOO_LARGE`) to the subscribers of `topic` at all other nodes, which hand it
   * on where not all are linked. Best effort, a hint: it may be lost, a few times repeated, reordered.
   */
  publish?(topic: string, record: Uint8Array): void
  /** Listens to a topic, from now until `stop`, beside who does already. `via` is the node that handed the record on, not its author. */
  subscribe?(topic: string, on: (via: NodeId, record: Uint8Array) => void): void
  /** The regions that a node may say it is in, linked or not: its record is not believed with another one. Default: any. */
  regionsOf?(node: NodeId): readonly string[] | undefined
  /**
   * Chooses all that `start` would leave to chance, such as a fresh identity, and returns options that make the same node
   * anywhere. From then on `sign` and `verify` work here without a start: with `thread: 'own'` this instance signs, and others, made
   * from those options on another thread, one after another, carry the frames. Without it a transport runs on main only.
   */
  settle?(): Promise<unknown>
  /** Told with each heartbeat how busy this node is, for a transport that answers pings itself. */
  beat?(load: NodeLoad): void
  /** Signs bytes as this node. Only after `start`. */
  sign(bytes: Uint8Array): Uint8Array
  /** Whether `signature` over `bytes` was made by `author`. Never throws: garbage is `false`. */
  verify(author: NodeId, bytes: Uint8Array, signature: Uint8Array): boolean
}

export interface TransportStarted {
  readonly id: NodeId
  readonly addresses: readonly string[]
  /** The roles of this node itself, for the calls that it makes to itself. Default: none. */
  readonly roles?: readonly string[]
}

export interface TransportFeatures {
  /** Independent ordered streams per link. With 1, `lane(n)` is the same lane for every `n`. */
  readonly lanes: number
  readonly gossip: boolean
  /** The largest frame that `send` takes, in bytes. */
  readonly maxFrameBytes: number
}

/** One connection to one authenticated peer. There may be several to the same peer at a time; core chooses. */
export interface RawLink {
  readonly peer: NodeId
  /** What this peer may act as, by what the transport authenticated and never by what the peer says. Default: nothing. */
  readonly roles?: readonly string[]
  /** The regions that this peer may say it is in; it is refused with another one. Default: any. */
  readonly regions?: readonly string[] | undefined
  /** Lane `n`, from 0; `n` beyond the last means the last. The same object for the same lane. */
  lane(n: number): RawLane
  /**
   * Called once the link is up, so that what comes on lane 0 from now on are core's own messages: a transport on a thread of its own
   * answers the peer's pings there, and core does not. Absent: core answers.
   */
  answerPings?(): void
  /**
   * A hint: the least round-trip time of the core's heartbeats over this link, in milliseconds, from the fourth of them on and
   * whenever it has changed by more than a quarter. A transport may size its windows by it, within a bound of its own: a busy node or a
   * peer that answers late makes it larger than the path's.
   */
  leastRtt?(ms: number): void
  /** Ends the link, sending on what was accepted by `send` if that takes no waiting. Idempotent. */
  close(reason: string): void
  /** Resolves once, when either side ended it or the connection was lost. Never rejects. After it no frame is delivered. */
  readonly closed: Promise<LinkClosed>
}

export interface LinkClosed {
  /** Whether our own `close` ended it. */
  readonly local: boolean
  readonly reason: string
}

/** A frame within a larger block: its bytes from `from` to `end`. */
export interface FrameSlice {
  readonly block: Uint8Array
  readonly from: number
  readonly end: number
  readonly byteLength: number
  /** An array for them alone, which is no copy. */
  view(): Uint8Array
}

/** What a frame would say, as an object that is its receiver's alone. A transport does not look into it. */
export interface FrameRecord {
  /** What it counts wherever a frame does. */
  readonly byteLength: number
}

/** An ordered stream of whole frames. */
export interface RawLane {
  /**
   * Takes one frame (the bytes belong to the transport from here on). `false`: taken, but the buffer is full, and
   * `onDrain` will tell when to go on. Throws `ERR_FRAME_TOO_LARGE` and takes nothing when the frame exceeds
   * `maxFrameBytes`. After the link closed it drops the frame and returns `false`.
   */
  send(frame: Uint8Array): boolean
  /**
   * The same for a frame that is two pieces behind each other. `body` may be a view of bytes that others read too: nobody
   * writes to it any more. Where it is absent, who sends puts them together, which costs a copy.
   */
  sendPieces?(head: Uint8Array, body: Uint8Array): boolean
  /**
   * The same for a frame that are the bytes from `from` to `end` of a larger block, to which nobody writes there any more: for a
   * transport that need not have an array for each frame. Where it is absent, `send` gets a view of them.
   */
  sendSlice?(frame: FrameSlice): boolean
  /**
   * Whether a frame that is not all of its block's buffer has been copied by the time that `sendSlice` returns: then its place may be written over. Where
   * it is absent or `false`, its bytes stay as they are; so do those of one that is all of it.
   */
  readonly copiesSlices?: boolean
  /**
   * The same for what need not become bytes, where both ends of the lane are in one memory: the peer's `onRecord` gets this very object, in
   * order with the frames. Only while `takesRecords`.
   */
  sendRecord?(record: FrameRecord): boolean
  /** Whether the peer's end has a listener for records. Where it is absent or `false`, frames are sent. */
  readonly takesRecords?: boolean
  /** Called after `send` returned `false` and the buffer emptied. One listener; a second replaces the first. */
  onDrain(on: () => void): void
  /**
   * Frames from the peer. One listener, attached in the same turn in which the link was handed over; frames that came
   * before wait for it. The listener must not throw. If it returns `true`, it has read the frame and nobody will again: its memory may be
   * freed or used for something else. Otherwise the bytes are the listener's for good.
   */
  onFrame(on: (frame: Uint8Array) => unknown): void
  /**
   * A listener beside that of `onFrame`, attached before it, for frames that came within larger blocks, whose bytes stay as they are: each
   * frame goes to one of the two, in order. Absent where each has an array of its own. If it returns `true`, nobody reads the frame any more. Of
   * others, of either listener, `noteReceived` tells where it is known: never of one for which `true` was returned, and never twice.
   */
  onSlice?(on: (block: Uint8Array, from: number, end: number) => unknown): void
  /** A listener for records, attached before that of `onFrame`. None comes while the lane is paused. */
  onRecord?(on: (record: FrameRecord) => void): void
  /** Stops delivery soon, so that a fast peer is slowed down rather than buffered for. At most a bounded amount still arrives. */
  pause(): void
  resume(): void
}
