/**
 * The least that a mailbox with answers can be in JavaScript: a queue, a promise for each call, and a loop that runs in a
 * microtask. No address, no time-out, no supervision, no fairness.
 */
export class BareMailbox {
  readonly #handle: (message: number) => number
  #queue: { readonly message: number; readonly resolve: (answer: number) => void }[] = []
  #isScheduled = false

  constructor(handle: (message: number) => number) {
    this.#handle = handle
  }

  call(message: number): Promise<number> {
    return new Promise((resolve) => {
      this.#queue.push({ message, resolve })
      if (this.#isScheduled) return
      this.#isScheduled = true
      void settled.then(this.#run)
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

const settled = Promise.resolve()
