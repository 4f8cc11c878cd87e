import type { PortEvents, ThreadPort } from '@skerry/core/platform'
import type { SimKernel } from '../kernel/sim-kernel.ts'
import type { SimUnit } from '../kernel/sim-unit.ts'

/** One end of a way between two simulated threads. */
interface End {
  /** Absent until a thread has adopted it. */
  unit: SimUnit | undefined
  events: PortEvents | undefined
  /** What came before it was adopted. */
  readonly early: ((events: PortEvents) => void)[]
  other: End
}

/** The direct ways between the threads of one simulated node. */
export class SimPorts {
  readonly #kernel: SimKernel
  readonly #messageUs: number
  readonly #ends = new Set<End>()
  /** What stands for an end inside a message, which is cloned. */
  readonly #carried = new Map<number, End>()
  #opened = 0

  /** `messageUs`: how long a message takes. */
  constructor(kernel: SimKernel, messageUs: number) {
    this.#kernel = kernel
    this.#messageUs = messageUs
  }

  open(unit: SimUnit, events: PortEvents): { port: ThreadPort; other: unknown } {
    const ours = { unit, events, early: [] } as Omit<End, 'other'> as End
    const theirs: End = { unit: undefined, events: undefined, early: [], other: ours }
    ours.other = theirs
    this.#ends.add(ours).add(theirs)
    const number = (this.#opened += 1)
    this.#carried.set(number, theirs)
    return { port: this.#portOf(ours), other: { simPort: number } }
  }

  adopt(unit: SimUnit, other: unknown, events: PortEvents): ThreadPort {
    const { simPort } = other as { simPort: number }
    const end = this.#carried.get(simPort)
    if (end === undefined) throw new Error(`Assertion failed: port ${simPort} is adopted twice`)
    this.#carried.delete(simPort)
    end.unit = unit
    end.events = events
    for (const deliver of end.early.splice(0)) this.#schedule(end, deliver, 'direct message')
    return this.#portOf(end)
  }

  /** The thread is gone: the other sides of its ways hear so, behind what it had said. */
  closeOf(unit: SimUnit): void {
    for (const end of this.#ends) if (end.unit === unit) this.#close(end)
  }

  #close(end: End): void {
    this.#ends.delete(end)
    if (!this.#ends.delete(end.other)) return
    this.#schedule(end.other, (events) => events.closed(), 'direct way closed')
    if (end.unit?.alive === true) this.#schedule(end, (events) => events.closed(), 'direct way closed')
  }

  #portOf(end: End): ThreadPort {
    return {
      post: (message) => {
        const copied: unknown = structuredClone(message)
        if (this.#ends.has(end.other)) this.#schedule(end.other, (events) => events.message(copied), 'direct message')
      },
      // All ways are equally fast, so that nothing overtakes what caused it.
      drain: () => undefined,
      close: () => this.#close(end),
    }
  }

  #schedule(end: End, deliver: (events: PortEvents) => void, what: string): void {
    const { unit, events } = end
    if (unit === undefined || events === undefined) {
      end.early.push(deliver)
      return
    }
    const kernel = this.#kernel
    kernel.schedule(unit, kernel.nowUs + this.#messageUs, 'turn', () => deliver(events), { msg: () => what })
  }
}
