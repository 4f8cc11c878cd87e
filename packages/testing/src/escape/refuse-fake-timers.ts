import { TestingError } from '../platform/errors.ts'

/**
 * Throws `ERR_FAKE_TIMERS` if time is already in the hands of `vi.useFakeTimers`, of sinon, of node:test's mock timers or the
 * like: they and the simulation would each move a time of their own. Call it before {@link installVirtualGlobals}.
 *
 * @example
 * refuseFakeTimers()
 * const restore = installVirtualGlobals(world)
 */
export function refuseFakeTimers(): void {
  const suspects = {
    Date: [Date, 'function Date() { [native code] }'],
    'Date.now': [Date.now, 'function now() { [native code] }'],
    'performance.now': [performance.now, 'now('],
    setTimeout: [setTimeout, 'function setTimeout('],
    setInterval: [setInterval, 'function setInterval('],
    setImmediate: [setImmediate, 'function setImmediate('],
    clearTimeout: [clearTimeout, 'function clearTimeout('],
  } as const
  for (const [name, [actual, start]] of Object.entries(suspects)) {
    // Its source, which Node's own functions show, since a name is easily given.
    const isOwn = Function.prototype.toString.call(actual).startsWith(start)
    if (isOwn && !Object.hasOwn(actual, 'clock')) continue
    throw new TestingError(
      'ERR_FAKE_TIMERS',
      `${name} is not Node's own: turn fake timers off (vi.useRealTimers()) where a simulation runs`,
    )
  }
}
