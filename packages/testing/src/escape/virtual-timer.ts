import { AsyncResource } from 'node:async_hooks'
import type { Timer } from '@skerry/core/platform'
import type { EscapeWorld } from './escape-world.ts'

/** The type that async hooks see. */
const virtualTimerType = 'SkerryTimer'

const delayMsMax = 2 ** 31 - 1

// Only timers that were made into a number are listed; they leave when they end. Real numbers count up from 1.
const numbered = new Map<number, VirtualTimer>()
let lastNumber = 0

/** What `setTimeout`, `setInterval` and `setImmediate` return inside an event: the methods of Node's own, virtual time. */
export class VirtualTimer extends AsyncResource {
  readonly #set: (run: () => void) => Timer
  readonly #run: () => void
  readonly #repeats: boolean
  #timer: Timer | undefined
  #ref = true
  #number: number | undefined

  constructor(set: (run: () => void) => Timer, callback: () => void, repeats: boolean) {
    super(virtualTimerType)
    this.#set = set
    // With `this` as Node has it, in the async context of whoever set it.
    this.#run = () => this.runInAsyncScope(callback, this)
    this.#repeats = repeats
    this.#start()
  }

  /** Virtual time goes on in any case: whether a timer is referenced is only remembered. */
  ref(): this {
    this.#ref = true
    return this
  }

  unref(): this {
    this.#ref = false
    return this
  }

  hasRef(): boolean {
    return this.#ref
  }

  /** Starts again from now, also if it ran already; not if it was cleared. */
  refresh(): this {
    if (this.#timer === undefined) return this
    this.#timer.cancel()
    this.#start()
    return this
  }

  close(): this {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#forget()
    return this
  }

  [Symbol.toPrimitive](): number {
    if (this.#number === undefined) {
      lastNumber -= 1
      this.#number = lastNumber
    }
    numbered.set(this.#number, this)
    return this.#number
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #start(): void {
    const timer = this.#set(() => {
      try {
        this.#run()
      } finally {
        // Unless the callback cleared it or started it anew.
        if (this.#timer === timer) {
          if (this.#repeats) this.#start()
          else this.#forget()
        }
      }
    })
    this.#timer = timer
  }

  #forget(): void {
    if (this.#number !== undefined) numbered.delete(this.#number)
  }
}

/** A timer that a simulation set, by itself or by its number. */
export function findVirtualTimer(timer: unknown): VirtualTimer | undefined {
  if (timer instanceof VirtualTimer) return timer
  return typeof timer === 'number' || typeof timer === 'string' ? numbered.get(Number(timer)) : undefined
}

/** Sets on the clock of the thread that runs now, by Node's rule for delays: whole milliseconds, at least 1, else 1. */
export function onClock({ clock }: EscapeWorld, delay: unknown): (run: () => void) => Timer {
  const number = Number(delay)
  const delayMs = number >= 1 && number <= delayMsMax ? Math.trunc(number) : 1
  return (run) => clock.after(delayMs, run)
}
