import type { Clock } from '@skerry/core/platform'

/** One time limit for all waits of a case; past it the case fails, naming what it still waited for. */
export interface Waits {
  /** `promise`, listed under `what` while it is pending. */
  until<T>(what: string, promise: Promise<T>): Promise<T>
  /** `promise`, or a rejection when time is up. */
  limit<T>(promise: Promise<T>): Promise<T>
  /** Rejects when time is up, and never settles otherwise. */
  readonly over: Promise<never>
  /** Takes the limit away. */
  end(): void
}

export function startWaits(clock: Clock, limitMs: number): Waits {
  const pending = new Set<{ what: string }>()
  let timeUp: (error: Error) => void
  const over = new Promise<never>((_resolve, reject) => {
    timeUp = reject
  })
  // Whoever waits gets the rejection through `limit`; this keeps it from being reported as unhandled when nobody does.
  over.catch(() => {})
  const timer = clock.after(limitMs, () => {
    const list = [...pending].map(({ what }) => `\n  - ${what}`).join('')
    timeUp(new Error(`Not done after ${limitMs} ms. Still waiting for:${list === '' ? ' nothing named' : list}`))
  })
  return {
    over,
    limit: (promise) => Promise.race([promise, over]),
    end: () => timer.cancel(),
    async until(what, promise) {
      const entry = { what }
      pending.add(entry)
      try {
        return await promise
      } finally {
        pending.delete(entry)
      }
    },
  }
}
