import { parentPort } from 'node:worker_threads'
import { type Pid, procedure } from '@skerry/core'

/** Never yields its thread, which tells the one who watches the Worker that it has begun. */
export const spins = procedure({
  name: 'gone.spins',
  module: import.meta,
  thread: 'own',
  run: (_ctx, _input: undefined): string => {
    parentPort?.postMessage('begun')
    for (;;);
  },
})

let onBegun: (process: Pid) => void = () => undefined

/** The next process of `waits`, from when it has begun. */
export function nextWaiting(): Promise<Pid> {
  return new Promise((resolve) => (onBegun = resolve))
}

/** Waits on main, for nothing. */
export const waits = procedure({
  name: 'gone.waits',
  run: (ctx, _input: undefined): Promise<string> => {
    onBegun(ctx.self)
    return new Promise(() => undefined)
  },
})
