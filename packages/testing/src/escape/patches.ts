import { syncBuiltinESMExports } from 'node:module'

export type AnyFunction = (...args: never[]) => unknown

/** Properties that were replaced for a while. Each goes back to exactly what it was. */
export class Patches {
  readonly #undo: (() => void)[] = []

  /** Replaces a property's value, or for a property with a getter what reading it gives. Leaves alone what is not there or is fixed. */
  replace(owner: object, key: PropertyKey, replace: (value: unknown) => unknown): void {
    const before = Object.getOwnPropertyDescriptor(owner, key)
    if (before === undefined || (before.configurable !== true && before.writable !== true)) return
    Object.defineProperty(owner, key, replaced(owner, before, replace))
    this.#undo.push(() => Object.defineProperty(owner, key, before))
  }

  /** Named imports of built-in modules follow their objects only when told. */
  publish(): void {
    syncBuiltinESMExports()
  }

  restore(): void {
    while (this.#undo.length > 0) this.#undo.pop()?.()
    syncBuiltinESMExports()
  }
}

function replaced(owner: object, before: PropertyDescriptor, replace: (value: unknown) => unknown): PropertyDescriptor {
  const { get: read } = before
  if (read === undefined) return { ...before, value: replace(before.value) }
  // Node fetches some globals from a module when they are first read, and remembers them: before we replace that module's.
  if (owner === globalThis) {
    const { enumerable = false, configurable = false } = before
    return { enumerable, configurable, writable: true, value: replace(read.call(owner)) }
  }
  return {
    ...before,
    get(this: unknown) {
      return replace(read.call(this))
    },
  }
}

/** A function that is `inside` while an event runs, and the real one otherwise; name, length and properties are the real one's. */
export function eitherOr(world: { readonly inside: boolean }, real: unknown, inside: AnyFunction): unknown {
  return new Proxy(real as AnyFunction, {
    apply: (target, self, args) => Reflect.apply(world.inside ? inside : target, self, args) as unknown,
  })
}
