// What settles a program has to stand outside it.
// oxlint-disable no-restricted-globals, no-restricted-properties
import { Readable } from 'node:stream'
import { TestingError } from '../platform/errors.ts'
import { inMacrotask } from '../platform/real-time.ts'
import { unwatchedNextTick, watchNextTick } from '../platform/watch-next-tick.ts'

/**
 * How an event is settled. `tick`: Node's own routine, called directly; undocumented, ten times as fast. `nextTick`: rounds
 * of counted ticks, with public means only.
 */
export type DrainKind = 'tick' | 'nextTick'

/** Runs every `process.nextTick` callback and every microtask that is waiting, and all that follow from them. */
export interface Drain {
  readonly kind: DrainKind
  /**
   * Settles before it returns. Only with `tick`, and only from a macrotask: inside a microtask the engine does nothing.
   * What nobody caught (a throw in a tick or microtask, a rejection without a handler) reaches the process's listeners
   * before it returns. Throws `ERR_NOT_SETTLED` at the bound that {@link Drain.limit} sets.
   */
  readonly sync?: () => void
  /**
   * Settles before it resolves. With `nextTick`, rejections that nobody handled reach the process's listeners only when
   * the caller next lets the event loop go on: do so after a fixed number of events, or their moment depends on chance.
   */
  readonly async: () => Promise<void>
  /**
   * Until the returned function is called, `process.nextTick` and `queueMicrotask` throw `ERR_NOT_SETTLED` once they were
   * called `callsMax` times (default 100,000) since the last drain ended, and so does that drain. A chain of promises
   * alone passes unseen: if it has no end it hangs the thread, and only another thread can tell.
   */
  limit(callsMax?: number): () => void
  /**
   * Rejects with `ERR_DRAIN_UNSOUND` if one of three programs is left unfinished: a long chain of awaits, ticks and
   * promises in turns, an async iterator over a stream.
   */
  selfTest(): Promise<void>
}

const throwsMax = 100_000
const limitDefault = 100_000

// Taken when this module loads, before anything wraps it.
const realQueueMicrotask = queueMicrotask
const tickCallback = (process as { _tickCallback?: () => void })._tickCallback

let sound: Promise<DrainKind> | undefined

/** The fastest drain that passes its test on this version of Node. Tested once in a thread. */
export function soundDrain(): Promise<DrainKind> {
  sound ??= findSound()
  return sound
}

async function findSound(): Promise<DrainKind> {
  const fastest = createDrain()
  try {
    await fastest.selfTest()
    return fastest.kind
  } catch (error) {
    if (fastest.kind === 'nextTick' || !(error instanceof TestingError)) throw error
  }
  await createDrain('nextTick').selfTest()
  return 'nextTick'
}

/**
 * `kind` defaults to `tick` where this version of Node has it.
 *
 * @example
 * const drain = createDrain(await soundDrain())
 * setImmediate(() => { runEvent(); drain.sync?.() })
 */
export function createDrain(kind: DrainKind = tickCallback === undefined ? 'nextTick' : 'tick'): Drain {
  let calls = 0
  let callsMax = Number.POSITIVE_INFINITY
  let limited = false

  function limit(max: number = limitDefault): () => void {
    const { queueMicrotask: enqueue } = globalThis
    calls = 0
    callsMax = max
    limited = true
    const unwatch = watchNextTick(count)
    globalThis.queueMicrotask = (callback) => {
      count()
      enqueue(callback)
    }
    return () => {
      unwatch()
      globalThis.queueMicrotask = enqueue
      callsMax = Number.POSITIVE_INFINITY
      limited = false
    }
  }

  function count(): void {
    calls += 1
    if (calls > callsMax) throw notSettled(callsMax)
  }

  function endEvent(): void {
    const tooMany = calls > callsMax
    calls = 0
    if (tooMany) throw notSettled(callsMax)
  }

  function sync(): void {
    runAll()
    endEvent()
  }

  async function rounds(): Promise<void> {
    // Without a limit the calls are counted all the same: a round without any is a quiet one.
    const endLimit = limited ? undefined : limit()
    try {
      // Two quiet rounds in a row. In the first one, ticks that were waiting from before we counted may still have run
      // ahead of ours and started promise chains; the second one begins with no such tick, and ours runs only when all
      // microtasks are done.
      for (let quiet = 0; quiet < 2 && calls <= callsMax;) {
        const before = calls
        await new Promise<void>((resolve) => unwatchedNextTick(resolve))
        quiet = calls === before ? quiet + 1 : 0
      }
      endEvent()
    } finally {
      endLimit?.()
    }
  }

  const drain: Drain = {
    kind,
    ...(kind === 'tick' && { sync }),
    async: kind === 'tick' ? () => fromMacrotask(sync) : rounds,
    limit,
    selfTest: () => selfTest(drain),
  }
  return drain
}

function runAll(): void {
  for (let thrown = 0; thrown < throwsMax; thrown += 1) {
    try {
      tickCallback?.call(process)
      return
    } catch (error) {
      // A tick threw. Thrown again from a microtask it takes Node's way to the listeners, which also clears the stack of
      // async ids: with an async hook enabled Node would otherwise find that stack corrupted, and abort.
      realQueueMicrotask(() => {
        throw error
      })
    }
  }
  throw notSettled(throwsMax)
}

function fromMacrotask(run: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    inMacrotask(() => {
      try {
        run()
        resolve()
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    })
  })
}

function notSettled(calls: number): TestingError {
  return new TestingError('ERR_NOT_SETTLED', `One event led to more than ${calls} ticks and microtasks`)
}

async function selfTest(drain: Drain): Promise<void> {
  const probes = { awaits: awaits(1_000), ticksAndPromises: ticksAndPromises(40), asyncIterator }
  for (const [name, probe] of Object.entries(probes)) {
    const finished = await finishes(drain, probe)
    if (!finished) throw new TestingError('ERR_DRAIN_UNSOUND', `The ${drain.kind} drain leaves "${name}" unfinished`)
  }
}

async function finishes({ sync, async }: Drain, probe: () => Promise<void>): Promise<boolean> {
  let finished = false
  const start = (): void => void probe().then(() => (finished = true))
  if (sync === undefined) {
    start()
    await async()
    return finished
  }
  let finishedInTime = false
  await fromMacrotask(() => {
    start()
    sync()
    finishedInTime = finished
  })
  return finishedInTime
}

function awaits(count: number): () => Promise<void> {
  return async () => {
    for (let done = 0; done < count; done += 1) await Promise.resolve()
  }
}

function ticksAndPromises(count: number): () => Promise<void> {
  const threeAwaits = awaits(3)
  return async () => {
    for (let done = 0; done < count; done += 1) {
      await new Promise<void>((resolve) => process.nextTick(resolve))
      await threeAwaits()
    }
  }
}

async function asyncIterator(): Promise<void> {
  let read = 0
  for await (const chunk of Readable.from(['a', 'b', 'c'])) read += String(chunk).length
  if (read !== 3) throw new Error('The stream was cut short')
}
