const events = ['uncaughtException', 'unhandledRejection'] as const

/** How an error came to be caught by nobody. */
export type UncaughtOrigin = (typeof events)[number]

/**
 * Hands every error that nobody caught to `onUncaught`, at once, while the event runs that caused it (see
 * {@link Drain.sync}), until the returned function is called. Listeners of others, such as a test runner's, hear nothing
 * meanwhile and are then put back in their order.
 *
 * @example
 * const release = catchUncaught((error) => fail(error))
 * try { await kernel.run(untilUs) } finally { release() }
 */
export function catchUncaught(onUncaught: (error: unknown, origin: UncaughtOrigin) => void): () => void {
  const puttingBack = events.map((event) => {
    const others = process.rawListeners(event)
    const listener = (error: unknown): void => onUncaught(error, event)
    process.removeAllListeners(event)
    process.on(event, listener)
    return () => {
      process.off(event, listener)
      const added = process.rawListeners(event)
      process.removeAllListeners(event)
      for (const other of [...others, ...added]) process.on(event, other as () => void)
    }
  })
  return () => {
    for (const putBack of puttingBack) putBack()
  }
}
