// What watches a program has to stand outside it.
// oxlint-disable no-restricted-properties

type NextTick = typeof process.nextTick

const watchers = new Set<() => void>()
/** What is called behind them: Node's own, or what somebody put in its place. */
let behind: NextTick = process.nextTick

/**
 * Has `onCall` called before each `process.nextTick` until the returned function is called, also when somebody assigns to
 * it meanwhile: what they assign is called behind the watchers, and stays when they have ended. vitest does so for each
 * report from within a test's process, puts Node's own in its place and a tick later what it found: that may be ours,
 * after we have ended, or what was there before we began.
 *
 * What `onCall` throws, the caller of `nextTick` gets.
 */
export function watchNextTick(onCall: () => void): () => void {
  const watcher = (): void => onCall()
  if (watchers.size === 0) install()
  watchers.add(watcher)
  return () => {
    if (watchers.delete(watcher) && watchers.size === 0) place({ writable: true, value: behind })
  }
}

/** `process.nextTick` without being seen. */
export function unwatchedNextTick(callback: () => void): void {
  Reflect.apply(watchers.size === 0 ? process.nextTick : behind, process, [callback])
}

function install(): void {
  // Ours, if it was put back after it had ended.
  assign(process.nextTick)
  place({ get: () => watched, set: assign })
}

function assign(nextTick: NextTick): void {
  if (nextTick !== watched) behind = nextTick
}

function place(how: PropertyDescriptor): void {
  Object.defineProperty(process, 'nextTick', { configurable: true, enumerable: true, ...how })
}

function watched(...call: Parameters<NextTick>): void {
  for (const watcher of watchers) watcher()
  Reflect.apply(behind, process, call)
}
