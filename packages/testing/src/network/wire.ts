import type { RawLink } from '@skerry/core/transport'
import type { EventFacts, Kernel, Unit } from '../kernel/sim-kernel-contract.ts'
import type { PathConditions } from './path-conditions.ts'
import type { NetworkNode } from './places.ts'
import type { SimPath } from './sim-path.ts'

export const simLanes = 3

/** Why something that was sent never arrives. */
export type DropReason =
  /** The path was cut: a datagram, or a packet of a dial. A stream's frames wait instead. */
  | 'cut'
  /** A loss fault took a datagram. */
  | 'lost'
  /** Nobody runs there, and nobody says so. */
  | 'silent'
  /** The life it was meant for has crashed. */
  | 'dead'
  /** The connection broke, and the other end has forgotten it. */
  | 'broken'
  /** The end that it reached, or came from, had closed. */
  | 'closed'

/** What a network did since it was made. Only ever goes up. */
export interface NetworkCounters {
  framesSent: number
  framesDelivered: number
  /** Frames and ends of streams that had to wait for a cut path. */
  held: number
  /** Records published, and what became of them: one publication may arrive at many nodes. */
  recordsSent: number
  recordsDelivered: number
  dials: number
  connections: number
  readonly drops: Record<DropReason, number>
}

/** The transport of one life of a node, as others on the network see it. */
export interface Life {
  readonly machine: Machine
  readonly unit: Unit
  readonly isRunning: boolean
  readonly maxFrameBytes: number
  /** Only nodes with equal keys connect. */
  readonly key: string
  /** A connection that is being set up: from now on it ends with this life. */
  expect(link: RawLink): void
  /** It is set up. */
  accept(link: RawLink): void
  forget(link: RawLink): void
  hears(topic: string): boolean
  heard(topic: string, via: string, record: Uint8Array): void
  /** The process, or its machine, is gone. */
  crash(): void
}

/** Where a node runs, through all its lives: what is left of it on the network while it is down. */
export class Machine implements NetworkNode {
  readonly name: string
  readonly region: string
  readonly index: number
  /** The life that runs now. */
  life: Life | undefined
  /** Whether the machine answers for itself while nothing runs: it refuses dials and resets what it doesn't know. */
  answers = true

  constructor({ name, region }: NetworkNode, index: number) {
    this.name = name
    this.region = region
    this.index = index
  }
}

/** A connection as the network sees it: what can happen to it from outside. */
export interface Connection {
  /** The state of a path or a node changed. */
  changed(): void
  crashed(life: Life, silent: boolean): void
  broken(from: ReadonlySet<string>, to: ReadonlySet<string>, halfOpen: boolean): void
}

/** Frames that are kept back. */
export interface Hold {
  readonly from: ReadonlySet<string>
  readonly to: ReadonlySet<string>
  fits(caption: string): boolean
}

/** What all parts of one network share. */
export interface Wire {
  readonly kernel: Kernel
  readonly conditions: PathConditions
  /** By the name of the node. */
  readonly machines: ReadonlyMap<string, Machine>
  /** What is kept back now, by whoever asked for it. */
  readonly holds: Set<Hold>
  readonly counters: NetworkCounters
  readonly connections: Set<Connection>
  readonly bytesPerUs: number
  readonly describe: (frame: Uint8Array) => string
  path(from: Machine, to: Machine): SimPath
}

/** Notes that something sent from `unit` to `peer` will not arrive. */
export function drop({ kernel, counters }: Wire, unit: Unit, peer: string, why: DropReason): void {
  counters.drops[why] += 1
  kernel.note(unit, 'drop', { peer, msg: () => why })
}

/** What is told of a frame. One object instead of a closure a frame, and the caption only when somebody reads it. */
export class FrameFacts implements EventFacts {
  readonly peer: string
  readonly digest: number
  readonly cause?: number
  readonly #wire: Wire
  readonly #frame: Uint8Array

  constructor(wire: Wire, peer: string, frame: Uint8Array, digest: number, cause?: number) {
    this.#wire = wire
    this.peer = peer
    this.#frame = frame
    this.digest = digest
    if (cause !== undefined) this.cause = cause
  }

  msg(): string {
    return this.#wire.describe(this.#frame)
  }
}
