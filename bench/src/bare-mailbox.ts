/** How a mailbox has its loop run soon. */
export type Schedule = (run: () => void) => void

const settled = Promise.resolve()

/** The fastest way there is in Node 20. */
export const byPromise: Schedule = (run) => void settled.then(run)

/** The usual way. Node makes an AsyncResource for each. */
export const byMicrotask: Schedule = (run) => queueMicrotask(run)

/**
 * The least that a mailbox with answers can be in JavaScript: a queue, a promise for each call, and a loop that runs in a
 * microtask. No address, no time-out, no supervision, no fairness.
 */
export class BareMailbox {
  readonly #handle: (message: number) => number
  readonly #schedule: Schedule
  #queue: { readonly message: number; readonly resolve: (answer: number) => void }[] = []
  #isScheduled = false

  constructor(handle: (message: number) => number, schedule: Schedule) {
    this.#handle = handle
    this.#schedule = schedule
  }

  call(message: number): Promise<number> {
    return new Promise((resolve) => {
      this.#queue.push({ message, resolve })
      if (this.#isScheduled) return
      this.#isScheduled = true
      this.#schedule(this.#run)
    })
  }

  /** The same with a timer for each call, as a time-out is usually written. */
  callWithTimer(message: number, timeoutMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no answer in time')), timeoutMs)
      void this.call(message).then((answer) => {
        clearTimeout(timer)
        resolve(answer)
      })
    })
  }

  readonly #run = (): void => {
    this.#isScheduled = false
    const batch = this.#queue
    this.#queue = []
    for (const { message, resolve } of batch) resolve(this.#handle(message))
  }
}
