import type { Clock, Random } from '@skerry/core/platform'
import type { TraceKind } from '../trace/trace-event.ts'
import type { EventFacts, Scheduled, Unit } from './sim-kernel-contract.ts'

// A unit holds the events that wait for it, and an event names its unit: the two refer to each other, so they share a file.

/** One thread of one life of a node, as the kernel sees it. */
export class SimUnit implements Unit {
  readonly node: string
  /** The node's place in the order of nodes, for the hash. */
  readonly index: number
  /** What stands behind the globals of time and chance for code that runs on it; `undefined`: the simulation's own. */
  world: { readonly clock: Clock; readonly random: Random } | undefined = undefined
  alive = true
  /** Until when it does nothing: paused, blocked, or busy with the event before. */
  blockedUntilUs = 0
  /** How long each of its events keeps it busy. */
  turnUs = 0
  /** What became due while it was blocked, oldest first. `waitingHead` is where the rest begins. */
  waiting: SimEvent[] = []
  waitingHead = 0
  wakeScheduled = false

  constructor(node: string, index: number) {
    this.node = node
    this.index = index
  }

  /** The end: nothing that was scheduled for it runs any more. */
  kill(): void {
    this.alive = false
    this.noneWaits()
  }

  noneWaits(): void {
    this.waiting = []
    this.waitingHead = 0
  }
}

/** Something due at a moment, in the kernel's heap. */
export class SimEvent implements Scheduled {
  readonly atUs: number
  readonly seq: number
  readonly unit: SimUnit
  readonly kind: TraceKind | 'wake'
  readonly cause: number
  readonly facts: EventFacts | undefined
  /** `undefined` once cancelled or run. */
  run: (() => void) | undefined
  /** Who scheduled it, where stacks are kept. */
  stack: string | undefined = undefined

  constructor(
    atUs: number,
    seq: number,
    unit: SimUnit,
    kind: TraceKind | 'wake',
    run: () => void,
    facts: EventFacts | undefined,
    cause: number,
  ) {
    this.atUs = atUs
    this.seq = seq
    this.unit = unit
    this.kind = kind
    this.run = run
    this.facts = facts
    this.cause = cause
  }

  cancel(): void {
    this.run = undefined
  }
}
