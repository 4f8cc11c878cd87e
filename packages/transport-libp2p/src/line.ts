/**
 * The seam to libp2p: what this adapter asks of it, whichever line it is of. `v2/` answers with libp2p 2; the package
 * `@skerry/transport-libp2p-v3`, with libp2p 3. What only one line needs (its streams, its options, what guards against its
 * faults) belongs there, and everything else here, once.
 */
import type { Log } from '@skerry/core/platform'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { Identity } from './identity.ts'
import type { CheckedOptions } from './options.ts'

/** Makes a node that is not started yet. `refused`: called for each connection that somebody opened and that came to nothing. */
export type CreateLineNode = (
  options: CheckedOptions,
  identity: Identity,
  log: Log,
  refused: () => void,
) => Promise<LineNode>

export interface LineNode {
  readonly gossip: LineGossip
  /** Listens. Rejects when it can't. */
  start(on: LineNodeEvents): Promise<void>
  stop(): Promise<void>
  /** Where it listens, or says that it does, with its id at the end of each. Known once it is started. */
  addresses(): readonly string[]
  connections(): readonly LineConnection[]
  /** A connection to that address: a new one, or without `force` one that is there. It may be closing already. */
  dial(address: string, options: { readonly signal: AbortSignal; readonly force: boolean }): Promise<LineConnection>
  /** A stream of the lane protocol, negotiated. */
  openStream(connection: LineConnection, signal: AbortSignal): Promise<LineStream>
  /** Meets the peer anew, so that gossip gets a stream to it again. */
  renewGossip(connection: LineConnection, signal: AbortSignal): Promise<void>
}

export interface LineNodeEvents {
  opened(connection: LineConnection): void
  closed(connection: LineConnection): void
  /** A peer opened a stream of the lane protocol. Called before anything of it is read. */
  stream(connection: LineConnection, stream: LineStream): void
}

/** The part of libp2p's connection that both lines have alike. */
export interface LineConnection {
  readonly id: string
  readonly remotePeer: { toString(): string }
  readonly status: string
  readonly streams: readonly {
    readonly direction: string
    readonly status: string
    readonly protocol?: string | undefined
  }[]
  close(): Promise<void>
  abort(error: Error): void
}

/**
 * One stream of libp2p as bytes in both directions, with back-pressure in both. After the first of `ended`, `broke` and its own
 * `end` or `abort` the stream says nothing more, but that it has `finished`.
 */
export interface LineStream {
  /**
   * Whether what the reader gets is its alone, with no more than a muxer's header before it in its buffer: then it may free it. Default false.
   */
  readonly handsOver?: boolean
  /** Hands what comes to `reader`, now and from here on; the reader before it gets nothing more. */
  read(reader: LineReader): void
  /** After a reader said that it is full: goes on. */
  resume(): void
  /** How much the peer may send ahead of what is read. What it was allowed before, it stays allowed. Absent: the stream sizes that itself. */
  setWindow?(bytes: number): void
  /** Whether it takes bytes just now. When it does not, `reader.writable` is called once it does. */
  readonly isWritable: boolean
  /** Only while it is writable, and not after `end`. */
  write(bytes: Uint8Array | Uint8ArrayList): void
  /** Closes both directions in peace: nothing more is read, and what was written still leaves. */
  end(): void
  /** Breaks it off. The peer sees a reset. */
  abort(error: Error): void
  /** Resolves when all is written, or the stream broke. Never rejects. */
  readonly finished: Promise<void>
}

export interface LineReader {
  /** `false`: it is full, and nothing more may come until `resume`. What it was handed it keeps. */
  bytes(bytes: Iterable<Uint8Array>): boolean
  writable(): void
  /** The peer closed its direction, and all that it sent was handed over. */
  ended(): void
  /** The stream is over in both directions. `byPeer`: the peer reset it. */
  broke(error: Error, byPeer: boolean): void
}

/** gossipsub with our one topic. */
export interface LineGossip {
  /** Subscribes. */
  start(on: {
    /** What to do with a message whose signature was checked: take it and hand it on; neither; or neither, as its author is at fault. */
    verdict(via: string, message: GossipMessage): GossipVerdict
    /** Whether anything of that neighbour is looked at. */
    listensTo(via: string): boolean
    /** `via`: the neighbour that handed it on. */
    message(via: string, data: Uint8Array): void
  }): void
  stop(): void
  publish(data: Uint8Array): Promise<unknown>
  /** Forgets the stream to a peer, so that a new one may be opened. */
  forget(peer: string): void
}

export type GossipVerdict = 'accept' | 'ignore' | 'reject'

/** A neighbour with so low a score is not listened to: gossipsub's own threshold for that is -80, at ten times what is said here. */
export const deafScore: number = -1_000

/** The part of gossipsub's message that both lines have alike. */
export interface GossipMessage {
  readonly type: string
  readonly from?: { readonly type: string; toString(): string }
  readonly data: Uint8Array
}
