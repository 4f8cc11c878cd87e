import { NodeError } from './errors.ts'

// On globalThis under a registered symbol: a bundle or a second copy of this package in the thread must see it too.
const key = Symbol.for('skerry.thread.module')

/** Notes that this thread belongs to a node and loads that module. */
export function markThread(module: string): void {
  Object.defineProperty(globalThis, key, { value: module, configurable: true })
}

/** Throws `ERR_NODE_IN_THREAD` when a node is started while a thread of a node loads a module. */
export function refuseInThread(): void {
  const module: unknown = (globalThis as Record<symbol, unknown>)[key]
  if (typeof module !== 'string') return
  throw new NodeError(
    'ERR_NODE_IN_THREAD',
    `startNode was called on a thread of a node, because loading ${module} there runs it. ` +
      'Move startNode to a file of its own that does not define actors or procedures for other threads, ' +
      "or guard it with `if (isMainThread)` from 'node:worker_threads'.",
  )
}
