import { type Channel, channel, tracingChannel, type TracingChannel } from 'node:diagnostics_channel'
import type { TraceContext } from './trace-context.ts'

// Events go out on `node:diagnostics_channel`. Whoever emits asks `hasSubscribers` first, so that an event which nobody
// wants costs that question and no object. Channels belong to a thread: what happens on a thread is told there.
// docs/telemetry.md is the table of all of them.

/** The events of one kind. */
class Events<Event extends object> {
  readonly #channel: Channel

  constructor(name: string) {
    this.#channel = channel(name)
  }

  /** Whether anybody wants them. Ask before you make one. */
  get hasSubscribers(): boolean {
    return this.#channel.hasSubscribers
  }

  publish(event: Event): void {
    this.#channel.publish(event)
  }
}

/** Something with a beginning and an end: five channels, `tracing:<name>:start` and so on, with one object for all of them. */
class Spans<Span extends { readonly error?: EventError | undefined }> {
  readonly #channels: TracingChannel<unknown, Span>

  constructor(name: string) {
    this.#channels = tracingChannel<unknown, Span>(name)
  }

  get hasSubscribers(): boolean {
    return this.#channels.hasSubscribers
  }

  begin(span: Span): void {
    this.#channels.start.publish(span)
    this.#channels.end.publish(span)
  }

  /** As `tracePromise` tells of a promise: `error` first, if there is one. */
  end(span: Span): void {
    if (span.error !== undefined) this.#channels.error.publish(span)
    this.#channels.asyncStart.publish(span)
    this.#channels.asyncEnd.publish(span)
  }
}

/** Where something happened. Several simulated nodes may share one process. */
export interface EventSource {
  readonly node: string
  readonly life: number
  readonly thread: number
}

/** Why something failed. The codes are those of docs/errors.md. */
export interface EventError {
  readonly code: string
  readonly outcome: 'not-run' | 'ran' | 'unknown'
  readonly message: string
}

/** How long a call waited and ran on the node that served it, in milliseconds. */
export interface ServedTimes {
  readonly queueMs: number
  readonly runMs: number
}

/** Why a node was taken for a call and others were not, as the call's `explain` option tells it. */
export interface EventChoice {
  readonly taken: string | undefined
  readonly refusal: string | undefined
  readonly nodes: readonly {
    readonly node: string
    readonly region: string
    readonly verdict: string
    /** Milliseconds; only of nodes that were compared. */
    readonly expectedWaitMs: number | undefined
  }[]
}

/** A call by region or to a node, on the caller's side. All its attempts are one span. */
export interface RpcCallEvent extends EventSource {
  readonly procedure: string
  readonly version: number
  readonly callerRegion: string
  /** What the caller asked for, as text; none for a call to one node. */
  readonly target: string | undefined
  /** The place in a trace that the caller's own work has, where core knows it. */
  readonly parent: TraceContext | undefined
  /** The place that the callee's work gets. Core carries what a subscriber of `start` puts here; otherwise `parent`. */
  trace: TraceContext | undefined
  /** Whether choices of a node should be explained, which looks at every node: `false` until a subscriber of `start` says so. */
  explain: boolean
  /** Those that were, in order; of a call that waits the last 32. The last one may have found no node. */
  readonly choices: EventChoice[]
  /** How many nodes it was sent to. */
  attempts: number
  /** Where it was sent last. */
  toNode: string | undefined
  toRegion: string | undefined
  durationMs: number
  /** Told by the one who served it, if the call carried a trace. */
  served: ServedTimes | undefined
  error: EventError | undefined
}

/** A call by region was sent to a node. */
export interface RpcAttemptEvent {
  readonly call: RpcCallEvent
  /** 1 for the first. */
  readonly attempt: number
  readonly toNode: string
  readonly toRegion: string
  /** Why the one before failed. */
  readonly previous: EventError | undefined
}

/** A remote process, on the thread where it runs. */
export interface RpcServeEvent extends EventSource {
  readonly procedure: string
  readonly version: number
  readonly callerNode: string
  readonly callerRegion: string
  readonly isCast: boolean
  /** The place in a trace that came with the request. */
  readonly parent: TraceContext | undefined
  /** The place that the procedure's work gets: what a subscriber of `start` puts here; otherwise `parent`. */
  trace: TraceContext | undefined
  /** From the arrival of the request to the beginning of the process. */
  readonly queueMs: number
  runMs: number
  error: EventError | undefined
}

/** A request that this node did not take, or gave back from its queue. */
export interface RpcRefuseEvent extends EventSource {
  readonly procedure: string
  readonly version: number
  readonly callerNode: string
  readonly callerRegion: string
  readonly error: EventError
}

/** A GenServer handles a call that is part of a trace. */
export interface ActorCallEvent extends EventSource {
  readonly actor: string
  readonly serial: number
  readonly call: string
  readonly parent: TraceContext
  trace: TraceContext | undefined
  /** From the call to its handler; `undefined` for a caller on another thread or node. */
  readonly queueMs: number | undefined
  runMs: number
  error: EventError | undefined
}

export interface ActorSpawnEvent extends EventSource {
  readonly serial: number
  /** Its registered name, else its behavior's. */
  readonly label: string
  /** One of the node's own. */
  readonly system: boolean
}

export interface ActorExitEvent extends ActorSpawnEvent {
  /** The exit reason, as others are told it. */
  readonly reason: unknown
}

/** A supervisor starts a child again. */
export interface SupervisorRestartEvent extends EventSource {
  readonly supervisor: string
  readonly child: string
}

export interface PeerUpEvent extends EventSource {
  readonly peer: string
  readonly peerLife: number
  readonly peerRegion: string
}

export interface PeerDownEvent extends EventSource {
  readonly peer: string
  readonly peerLife: number
}

/** The region table was written with news. */
export interface RegionTableEvent extends EventSource {
  readonly version: number
  readonly nodes: number
  readonly regions: number
  /** Nodes that are known and had no room. */
  readonly omitted: number
}

/** Which nodes are configured with another primary region than this one has changed. */
export interface PrimaryConflictEvent extends EventSource {
  readonly primaryRegion: string
  /** By id, ten at most. Empty: there is no conflict any more. */
  readonly others: readonly { readonly node: string; readonly primaryRegion: string }[]
  /** All of them. */
  readonly count: number
}

export const rpcCalls: Spans<RpcCallEvent> = new Spans('skerry:rpc.call')
export const rpcAttempts: Events<RpcAttemptEvent> = new Events('skerry:rpc.attempt')
export const rpcServes: Spans<RpcServeEvent> = new Spans('skerry:rpc.serve')
export const rpcRefusals: Events<RpcRefuseEvent> = new Events('skerry:rpc.refuse')
export const actorCalls: Spans<ActorCallEvent> = new Spans('skerry:actor.call')
export const actorSpawns: Events<ActorSpawnEvent> = new Events('skerry:actor.spawn')
export const actorExits: Events<ActorExitEvent> = new Events('skerry:actor.exit')
export const restarts: Events<SupervisorRestartEvent> = new Events('skerry:supervisor.restart')
export const peerUps: Events<PeerUpEvent> = new Events('skerry:peer.up')
export const peerDowns: Events<PeerDownEvent> = new Events('skerry:peer.down')
export const regionTables: Events<RegionTableEvent> = new Events('skerry:region.table')
export const primaryConflictEvents: Events<PrimaryConflictEvent> = new Events('skerry:primary.conflict')
