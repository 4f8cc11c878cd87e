import type { Timer } from '@skerry/core/platform'
import type { EscapeWorld } from './escape-world.ts'
import { onClock } from './virtual-timer.ts'

interface WaitOptions {
  readonly signal?: AbortSignal
  readonly ref?: boolean
}

export interface PromisedTimers {
  setTimeout(delay?: unknown, value?: unknown, options?: WaitOptions): Promise<unknown>
  setImmediate(value?: unknown, options?: WaitOptions): Promise<unknown>
  setInterval(delay?: unknown, value?: unknown, options?: WaitOptions): AsyncGenerator
  wait(delay?: unknown, options?: WaitOptions): Promise<unknown>
}

/** The timers of `node:timers/promises`, in virtual time. */
export function promisedTimers(world: EscapeWorld): PromisedTimers {
  const timeout = (delay?: unknown, value?: unknown, options?: WaitOptions): Promise<unknown> => {
    return wait(onClock(world, delay), value, options?.signal)
  }
  return {
    setTimeout: timeout,
    setImmediate: (value, options) => wait((run) => world.soon(run), value, options?.signal),
    setInterval: (delay, value, options) => interval(onClock(world, delay), value, options?.signal),
    wait: (delay, options) => timeout(delay, undefined, options),
  }
}

function wait(set: (run: () => void) => Timer, value: unknown, signal: AbortSignal | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(abortError(signal))
      return
    }
    const abort = (): void => {
      timer.cancel()
      reject(abortError(signal))
    }
    const timer = set(() => {
      signal?.removeEventListener('abort', abort)
      resolve(value)
    })
    signal?.addEventListener('abort', abort, { once: true })
  })
}

/** Ticks go on while the consumer is busy; it then gets those it missed, as from Node's. */
async function* interval(
  set: (run: () => void) => Timer,
  value: unknown,
  signal: AbortSignal | undefined,
): AsyncGenerator {
  let missed = 0
  let wake: (() => void) | undefined
  const tick = (): void => {
    missed += 1
    timer = set(tick)
    wake?.()
  }
  const abort = (): void => wake?.()
  let timer = set(tick)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    for (;;) {
      if (signal?.aborted === true) throw abortError(signal)
      if (missed === 0) await new Promise<void>((resolve) => (wake = resolve))
      for (; missed > 0; missed -= 1) yield value
    }
  } finally {
    timer.cancel()
    signal?.removeEventListener('abort', abort)
  }
}

function abortError(signal: AbortSignal | undefined): Error {
  const error = new Error('The operation was aborted', { cause: signal?.reason })
  error.name = 'AbortError'
  return Object.assign(error, { code: 'ABORT_ERR' })
}
