import { inMacrotask, realMs } from '../platform/real-time.ts'
import type { TraceKind } from '../trace/trace-event.ts'
import { createDrain, type Drain, type DrainKind } from './drain.ts'
import { EventHeap } from './event-heap.ts'
import { RunLog } from './run-log.ts'
import type { EventFacts, Kernel, Scheduled } from './sim-kernel-contract.ts'
import { SimEvent, SimUnit } from './sim-unit.ts'

export interface SimKernelOptions {
  /** Any safe integer. */
  readonly seed: number
  /** How an event is settled: ask `soundDrain` once in a thread. */
  readonly drain: DrainKind
  readonly trace?: boolean
  /** Default `true`. */
  readonly hash?: boolean
  /** Keep the stack of whoever schedules an event, to explain why two runs of one case differ. Slow. Default `false`. */
  readonly stacks?: boolean
  /** The events one run may take. Default 20,000,000: then it ends, inconclusive. */
  readonly eventsMax?: number
}

/** Why {@link SimKernel.run} returned. */
export type RunEnd = 'stopped' | 'time' | 'idle' | 'eventsMax'

// The real event loop gets a turn about this often, so that a test runner's messages and watchdogs live.
const breatheMs = 50
const eventsBetweenClockReads = 1024

/** See the contract. Nothing in here knows of actors or networks. */
export class SimKernel implements Kernel {
  /** The simulation itself: the workload, faults, invariants. Never dead, never blocked. */
  readonly self: SimUnit = new SimUnit('', 0)
  readonly log: RunLog
  /** Whether the whole trace is kept. */
  readonly isTraced: boolean
  readonly #heap = new EventHeap<SimEvent>()
  readonly #drain: Drain
  readonly #eventsMax: number
  readonly #stacks: boolean
  readonly #seedLow: number
  readonly #seedHigh: number
  readonly #purposes = new Map<string, number>()
  #nowUs = 0
  #seq = 0
  #current: SimUnit = this.self
  #currentIndex = -1
  #inside = false
  #ran = 0
  #stopped = false
  /** Called with the number of events that have run, about every 50 ms of real time: a watchdog reads it. */
  onProgress: ((events: number) => void) | undefined
  /** Called after each event has settled, for invariants that ask for it. */
  afterEvent: (() => void) | undefined
  /** Called with what an event threw: in a real process nobody would have caught it. */
  onThrow: (error: unknown) => void = (error) => {
    throw error
  }

  constructor({ seed, drain, trace = false, hash = true, stacks = false, eventsMax = 20_000_000 }: SimKernelOptions) {
    this.#seedLow = mix(seed | 0)
    this.#seedHigh = mix(Math.floor(seed / 2 ** 32) ^ 0x9e3779b9)
    this.#eventsMax = eventsMax
    this.#stacks = stacks
    this.log = new RunLog({ trace, hash, steps: stacks })
    this.isTraced = trace
    this.#drain = createDrain(drain)
  }

  get nowUs(): number {
    return this.#nowUs
  }

  get current(): SimUnit {
    return this.#current
  }

  /** Whether an event, or what follows from it, runs right now. */
  get inside(): boolean {
    return this.#inside
  }

  /** How many events have run. */
  get ran(): number {
    return this.#ran
  }

  schedule(unit: SimUnit, atUs: number, kind: TraceKind, run: () => void, facts?: EventFacts): Scheduled {
    // It would pass for due, and time would be no number from then on.
    if (Number.isNaN(atUs)) throw new Error(`Assertion failed: an event is due at ${atUs} us`)
    const at = Math.max(Math.ceil(atUs), this.#nowUs)
    const event = new SimEvent(at, this.#seq++, unit, kind, run, facts, facts?.cause ?? this.#currentIndex)
    if (this.#stacks) event.stack = new Error('scheduled here').stack
    this.#heap.push(event)
    return event
  }

  note(unit: SimUnit, kind: TraceKind, facts?: EventFacts): number {
    const stack = this.#stacks ? new Error('noted here').stack : undefined
    return this.log.record(this.#nowUs, unit.node, unit.index, kind, facts?.cause ?? this.#currentIndex, facts, stack)
  }

  purpose(name: string): number {
    const known = this.#purposes.get(name)
    if (known !== undefined) return known
    let key = this.#seedLow
    for (let index = 0; index < name.length; index += 1) key = mix(Math.imul(key, 31) + name.charCodeAt(index))
    key = mix(key ^ this.#seedHigh ^ name.length)
    this.#purposes.set(name, key)
    return key
  }

  draw(purpose: number, n: number): number {
    return mix(mix(purpose ^ n) + this.#seedHigh) >>> 0
  }

  /** Lets the unit do nothing until then. What becomes due meanwhile runs afterwards, in order. */
  block(unit: SimUnit, untilUs: number): void {
    unit.blockedUntilUs = Math.max(unit.blockedUntilUs, untilUs)
  }

  /** Lets it go on from `fromUs` on, if that is later than now. */
  unblock(unit: SimUnit, fromUs = 0): void {
    unit.blockedUntilUs = fromUs
    if (unit.waitingHead === unit.waiting.length || !unit.alive) return
    // The wake that was scheduled for later finds nothing to do.
    unit.wakeScheduled = false
    this.#wakeLater(unit)
  }

  /** Ends the run after the event that runs now. */
  stop(): void {
    this.#stopped = true
  }

  /** Runs events until told to stop, until nothing is left, or until `untilUs`, where time then stands. */
  async run(untilUs: number): Promise<RunEnd> {
    this.#stopped = false
    const unlimit = this.#drain.limit()
    try {
      return await this.#run(untilUs)
    } finally {
      unlimit()
    }
  }

  #run(untilUs: number): Promise<RunEnd> {
    return new Promise((resolve, reject) => {
      const settle = (end: RunEnd | undefined): void => {
        if (end === undefined) inMacrotask(loop)
        else resolve(end)
      }
      const loop = (): void => {
        try {
          if (this.#drain.sync === undefined) this.#burstAsync(untilUs).then(settle, reject)
          else settle(this.#burst(untilUs, this.#drain.sync))
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      }
      // A drain works only from a macrotask: inside a microtask the engine refuses a nested one.
      inMacrotask(loop)
    })
  }

  /** Runs events for a while. `undefined`: there is more. */
  #burst(untilUs: number, drain: () => void): RunEnd | undefined {
    const until = realMs() + breatheMs
    for (;;) {
      for (let left = eventsBetweenClockReads; left > 0; left -= 1) {
        const end = this.#begin(untilUs)
        if (end !== undefined) return end
        try {
          drain()
        } catch (error) {
          this.onThrow(error)
        }
        this.#settled()
      }
      if (realMs() > until) return this.#breathe()
    }
  }

  /** As many events each time: rejections that nobody handled show only when the event loop goes on. */
  async #burstAsync(untilUs: number): Promise<RunEnd | undefined> {
    for (let left = eventsBetweenClockReads; left > 0; left -= 1) {
      const end = this.#begin(untilUs)
      if (end !== undefined) return end
      try {
        await this.#drain.async()
      } catch (error) {
        this.onThrow(error)
      }
      this.#settled()
    }
    return this.#breathe()
  }

  #breathe(): undefined {
    this.onProgress?.(this.#ran)
    return undefined
  }

  /** Runs the next event, without what follows from it. */
  #begin(untilUs: number): RunEnd | undefined {
    if (this.#stopped) return 'stopped'
    for (;;) {
      const next = this.#heap.peek()
      if (next === undefined) return 'idle'
      if (next.atUs > untilUs) {
        this.#nowUs = untilUs
        return 'time'
      }
      this.#heap.pop()
      if (next.run === undefined || !next.unit.alive) continue
      this.#nowUs = next.atUs
      const event = next.kind === 'wake' ? this.#woken(next.unit) : this.#ready(next)
      if (event === undefined) continue
      if (this.#ran === this.#eventsMax) return 'eventsMax'
      this.#ran += 1
      this.#runOne(event)
      return undefined
    }
  }

  /** The event itself, unless its unit is busy: then it waits its turn there. */
  #ready(event: SimEvent): SimEvent | undefined {
    const { unit } = event
    if (unit.blockedUntilUs <= this.#nowUs && unit.waitingHead === unit.waiting.length) return event
    unit.waiting.push(event)
    this.#wakeLater(unit)
    return undefined
  }

  /** The oldest event that waited for the unit. */
  #woken(unit: SimUnit): SimEvent | undefined {
    unit.wakeScheduled = false
    if (unit.blockedUntilUs > this.#nowUs) {
      this.#wakeLater(unit)
      return undefined
    }
    while (unit.waitingHead < unit.waiting.length) {
      const event = unit.waiting[unit.waitingHead] as SimEvent
      unit.waitingHead += 1
      if (event.run === undefined) continue
      // Before it runs: it may block the unit again.
      if (unit.waitingHead < unit.waiting.length) this.#wakeLater(unit, unit.turnUs)
      else unit.noneWaits()
      return event
    }
    unit.noneWaits()
    return undefined
  }

  #wakeLater(unit: SimUnit, afterUs = 0): void {
    if (unit.wakeScheduled) return
    unit.wakeScheduled = true
    const at = Math.max(unit.blockedUntilUs, this.#nowUs + afterUs)
    this.#heap.push(new SimEvent(at, this.#seq++, unit, 'wake', noop, undefined, -1))
  }

  #runOne(event: SimEvent): void {
    const { unit, run } = event
    const kind = event.kind as TraceKind
    if (unit.turnUs > 0) unit.blockedUntilUs = this.#nowUs + unit.turnUs
    this.#current = unit
    const { cause, facts, stack } = event
    this.#currentIndex = this.log.record(this.#nowUs, unit.node, unit.index, kind, cause, facts, stack)
    event.run = undefined
    this.#inside = true
    try {
      run?.()
    } catch (error) {
      this.onThrow(error)
    }
  }

  #settled(): void {
    this.afterEvent?.()
    this.#inside = false
    this.#current = this.self
    this.#currentIndex = -1
  }
}

function noop(): void {}

/** The finishing step of MurmurHash3. */
function mix(value: number): number {
  let bits = value | 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return bits ^ (bits >>> 16)
}
