import { promisify } from 'node:util'
import type { EscapeWorld } from './escape-world.ts'
import { type AnyFunction, eitherOr, type Patches } from './patches.ts'
import { promisedTimers } from './promised-timers.ts'
import { findVirtualTimer, onClock, VirtualTimer } from './virtual-timer.ts'

type Callback = (...args: unknown[]) => void

/** The timers of the globals, of `node:timers` and of `node:timers/promises`, and `AbortSignal.timeout`. */
export function patchTimers(patches: Patches, world: EscapeWorld): void {
  const module = process.getBuiltinModule('node:timers')
  const promises = process.getBuiltinModule('node:timers/promises')
  const virtual = promisedTimers(world)

  for (const owner of [globalThis, module]) {
    for (const [name, repeats] of [
      ['setTimeout', false],
      ['setInterval', true],
    ] as const) {
      patches.replace(owner, name, (real) => {
        const set = (callback: unknown, delay: unknown, ...args: unknown[]): unknown => {
          return new VirtualTimer(onClock(world, delay), bound(real, callback, args), repeats)
        }
        return promisable(world, real, set, virtual.setTimeout, !repeats)
      })
    }
    patches.replace(owner, 'setImmediate', (real) => {
      const set = (callback: unknown, ...args: unknown[]): unknown => {
        return new VirtualTimer((run) => world.soon(run), bound(real, callback, args), false)
      }
      return promisable(world, real, set, virtual.setImmediate, true)
    })
    for (const name of ['clearTimeout', 'clearInterval', 'clearImmediate']) {
      patches.replace(owner, name, (real) => clears(real as AnyFunction))
    }
  }

  patches.replace(promises, 'setTimeout', (real) => eitherOr(world, real, virtual.setTimeout))
  patches.replace(promises, 'setImmediate', (real) => eitherOr(world, real, virtual.setImmediate))
  patches.replace(promises, 'setInterval', (real) => eitherOr(world, real, virtual.setInterval))
  const scheduler = Object.getPrototypeOf(promises.scheduler) as object
  patches.replace(scheduler, 'wait', (real) => eitherOr(world, real, virtual.wait))
  patches.replace(scheduler, 'yield', (real) => eitherOr(world, real, () => virtual.setImmediate(undefined)))

  patches.replace(AbortSignal, 'timeout', (real) => {
    return eitherOr(world, real, (delayMs: number) => {
      // The real one checks the argument; of the longest delay nothing is ever seen.
      if (!Number.isInteger(delayMs) || delayMs < 0) return Reflect.apply(real as AnyFunction, AbortSignal, [delayMs])
      const controller = new AbortController()
      const expire = (): void => {
        controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
      }
      world.clock.after(delayMs, expire)
      return controller.signal
    })
  })
}

function bound(real: unknown, callback: unknown, args: unknown[]): () => void {
  // The real one says what is wrong.
  if (typeof callback !== 'function') Reflect.apply(real as AnyFunction, undefined, [callback])
  return function (this: unknown) {
    Reflect.apply(callback as Callback, this, args)
  }
}

/** Cleared inside or outside of an event, each timer by its own kind. */
function clears(real: AnyFunction): unknown {
  return new Proxy(real, {
    apply(target, self, args) {
      const virtual = findVirtualTimer(args[0])
      if (virtual === undefined) Reflect.apply(target, self, args)
      else virtual.close()
    },
  })
}

/** As {@link eitherOr}; `util.promisify` of it also is one or the other at the time of the call. */
function promisable(
  world: EscapeWorld,
  real: unknown,
  inside: AnyFunction,
  promised: AnyFunction,
  isPromisable: boolean,
): unknown {
  const either = eitherOr(world, real, inside) as AnyFunction
  if (!isPromisable) return either
  return new Proxy(either, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      return key === promisify.custom ? eitherOr(world, value, promised) : value
    },
  })
}
