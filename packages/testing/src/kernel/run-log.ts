import type { TraceEvent, TraceKind } from '../trace/trace-event.ts'
import type { EventFacts } from './sim-kernel-contract.ts'

/** How many events before a failure are shown. */
const lastEventsMax = 20

const kindCodes: Readonly<Record<TraceKind, number>> = {
  turn: 1,
  timer: 2,
  recv: 3,
  boot: 4,
  step: 5,
  send: 6,
  drop: 7,
  open: 8,
  close: 9,
  spawn: 10,
  exit: 11,
  crash: 12,
  stop: 13,
  fault: 14,
  heal: 15,
  assert: 16,
  op: 17,
  log: 18,
}

interface Entry {
  readonly i: number
  readonly t: number
  readonly node: string
  readonly kind: TraceKind
  readonly cause: number
  readonly facts: EventFacts | undefined
}

export interface RunLogOptions {
  /** Keep every event. Costs a string or two an event. */
  readonly trace: boolean
  /** Keep the rolling hash. */
  readonly hash: boolean
  /** Keep a step for every event, see {@link RunStep}. */
  readonly steps?: boolean
}

/** What finds the first event in which two runs of one case differ, and who is to blame. */
export interface RunStep {
  /** The rolling hash with this event in it. */
  readonly hash: number
  /** Where it was scheduled or noted. */
  readonly stack: string
}

/** The record of one run: a rolling hash over every event, the last few events, and all of them where asked for. */
export class RunLog {
  readonly #trace: Entry[] | undefined
  readonly #hashes: boolean
  readonly #last: Entry[] = []
  readonly #steps: RunStep[] | undefined
  // Most events are scheduled from the same few places: one string for each.
  readonly #stacks = new Map<string, string>()
  #count = 0
  #low = 0x811c9dc5
  #high = 0x9e3779b9

  constructor({ trace, hash, steps = false }: RunLogOptions) {
    this.#hashes = hash
    this.#trace = trace ? [] : undefined
    this.#steps = steps ? [] : undefined
  }

  /** How many events were recorded: the index of the next. */
  get count(): number {
    return this.#count
  }

  /** Equal for equal runs. 16 hexadecimal digits. */
  get hash(): string {
    return hex(this.#low) + hex(this.#high)
  }

  /** Every event, where they are kept. Their captions are made here: most of what a trace costs. */
  trace(): TraceEvent[] | undefined {
    return this.#trace?.map(printed)
  }

  /** By event, where asked for. */
  get steps(): readonly RunStep[] | undefined {
    return this.#steps
  }

  /** The last events, oldest first. */
  lastEvents(): TraceEvent[] {
    const from = Math.max(0, this.#count - lastEventsMax)
    return Array.from({ length: this.#count - from }, (_, offset) => {
      return printed(this.#last[(from + offset) % lastEventsMax] as Entry)
    })
  }

  /** Records an event and returns its index. */
  record(
    t: number,
    node: string,
    nodeIndex: number,
    kind: TraceKind,
    cause: number,
    facts: EventFacts | undefined,
    stack?: string,
  ): number {
    const i = this.#count
    this.#count += 1
    if (this.#hashes)
      this.#mix(t, nodeIndex * 32 + kindCodes[kind], (facts?.digest ?? 0) ^ Math.imul(cause, 0xc2b2ae35))
    const entry: Entry = { i, t, node, kind, cause, facts }
    this.#trace?.push(entry)
    this.#last[i % lastEventsMax] = entry
    if (this.#steps !== undefined) this.#steps.push({ hash: this.#low, stack: this.#shared(stack ?? '') })
    return i
  }

  #shared(stack: string): string {
    const known = this.#stacks.get(stack)
    if (known === undefined) this.#stacks.set(stack, stack)
    return known ?? stack
  }

  #mix(t: number, place: number, digest: number): void {
    const head = Math.imul(t | 0, 0x85ebca6b) ^ place
    const low = Math.imul(this.#low ^ head, 0x01000193) ^ digest ^ Math.floor(t / 2 ** 32)
    this.#low = Math.imul(low ^ (low >>> 15), 0x2c1b3c6d)
    this.#high = (Math.imul(this.#high ^ (low >>> 7) ^ head, 0x297a2d39) + digest) | 0
  }
}

// Not by spreading parts into one literal: traces have hundreds of thousands of these.
function printed({ i, t, node, kind, cause, facts }: Entry): TraceEvent {
  const event: { -readonly [Key in keyof TraceEvent]: TraceEvent[Key] } = { i, t, node, kind, cause }
  if (facts === undefined) return event
  if (facts.peer !== undefined) event.peer = facts.peer
  const msg = facts.msg?.()
  if (msg !== undefined) event.msg = msg
  if (facts.until !== undefined) event.until = facts.until
  return event
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
