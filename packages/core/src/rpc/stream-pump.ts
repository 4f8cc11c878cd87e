import type { KernelCounters } from '../actor/counters.ts'
import type { TurnQueue } from '../platform/turn-queue.ts'
import type { StreamEnd } from './stream-end.ts'

/** Where the items of a stream come from. */
export type Source = Iterable<unknown> | AsyncIterable<unknown>

/** So many items are sent in one go: with more, one stream whose other end gives much credit would stop all else of its thread. */
const itemsInOneGo = 64

interface PumpRuntime {
  readonly counters: KernelCounters
  readonly platform: { readonly turns: TurnQueue }
}

/**
 * Takes items from `source` as the other end asks for them, and sends them. The next one is taken when it may be sent, never
 * before. Resolves when there is none left, or none is wanted: then the source is told by `return`, also while it works on
 * one. After some items it waits for its next turn. Rejects with what the source or `encode` throws while items are wanted; what is thrown after that is counted.
 */
export async function pump(
  end: StreamEnd,
  source: Source,
  encode: (item: unknown) => Uint8Array | Promise<Uint8Array>,
  { counters, platform: { turns } }: PumpRuntime,
): Promise<void> {
  const iterator = iteratorOf(source)
  const stopped = (): void => {
    // Nobody waits for it to clean up; what it throws then is counted.
    try {
      Promise.resolve(iterator.return?.()).catch(() => (counters.errorsAfterExit += 1))
    } catch {
      counters.errorsAfterExit += 1
    }
  }
  end.onUnwanted = stopped
  try {
    for (let sent = 0; await end.ready(); sent += 1) {
      if (sent === itemsInOneGo) {
        sent = -1
        await nextTurn(turns)
        continue
      }
      const taken = await iterator.next()
      if (taken.done === true) {
        end.onUnwanted = undefined
        return
      }
      end.send(await encode(taken.value))
    }
  } catch (error) {
    // It has failed, and needs no telling; or its item could not be sent.
    const told = end.onUnwanted
    end.onUnwanted = undefined
    told?.()
    if (end.isWanted) throw error
    counters.errorsAfterExit += 1
  }
}

/** Whether items can be taken from it. */
export function isSource(given: unknown): given is Source {
  return isAsync(given) || isSync(given)
}

function nextTurn(turns: TurnQueue): Promise<void> {
  return new Promise((resolve) => turns.enqueue({ runTurn: resolve }))
}

function iteratorOf(source: unknown): Iterator<unknown> | AsyncIterator<unknown> {
  if (isAsync(source)) return source[Symbol.asyncIterator]()
  if (isSync(source)) return source[Symbol.iterator]()
  throw new TypeError(`The items of a stream must be iterable, not ${typeof source}`)
}

function isAsync(given: unknown): given is AsyncIterable<unknown> {
  return typeof (given as Partial<AsyncIterable<unknown>> | null | undefined)?.[Symbol.asyncIterator] === 'function'
}

function isSync(given: unknown): given is Iterable<unknown> {
  return typeof (given as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] === 'function'
}
