import { webcrypto } from 'node:crypto'
import * as zlib from 'node:zlib'
import type { EscapeWorld } from './escape-world.ts'
import { findCulprit } from './find-culprit.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { doRealWork, isDoingRealWork } from './real-work.ts'
import { type TrappedModule, trappedGlobalMembers, trappedGlobals, trappedModules } from './trapped-names.ts'

// A class that Node's declarations know as a type only.
const { Deflate: zlibStream } = zlib as unknown as { readonly Deflate: { readonly prototype: object } }

/**
 * Has Node load what it otherwise loads when it is first used: its modules take functions of each other into variables of
 * their own, and would take ours and keep them. To be called before anything is replaced.
 */
export function loadTrapped(): void {
  for (const { module } of trappedModules) process.getBuiltinModule(`node:${module}`)
  for (const name of trappedGlobals) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name)
    if (before?.get === undefined) continue
    before.get.call(globalThis)
    // Some getters put what they loaded in their own place.
    Object.defineProperty(globalThis, name, before)
  }
  for (const output of [process.stdout, process.stderr]) output.listenerCount('error')
}

/** What no simulation can stand in for is reported, naming the line that called it, whenever it is used in an event. */
export function setTraps(patches: Patches, world: EscapeWorld): void {
  // Before the modules, some of which have the same functions. Node's own code makes these too, which is no escape.
  for (const name of trappedGlobals) patches.replace(globalThis, name, (real) => trap(world, real, name, true))
  for (const trapped of trappedModules) trapModule(patches, world, trapped)
  for (const [owner, names] of Object.entries(trappedGlobalMembers)) {
    const object = (globalThis as Record<string, unknown>)[owner]
    trapMethods(patches, world, object, names, owner)
  }
  const temporal = (globalThis as { Temporal?: { Now?: object } }).Temporal?.Now
  trapMethods(patches, world, temporal, namesOfFunctions(temporal), 'Temporal.Now')

  const subtle = Object.getPrototypeOf(webcrypto.subtle) as object
  trapMethods(patches, world, subtle, namesOfFunctions(subtle), 'crypto.subtle')
  // The functions that make these streams can't be replaced; what all of them run on can.
  trapMethods(patches, world, ownerOf(zlibStream.prototype, '_transform'), ['_transform'], 'zlib')
}

/** The object in the chain of prototypes that has the property as its own. */
function ownerOf(from: object, key: string): object | undefined {
  let owner: object | null = from
  while (owner !== null && !Object.hasOwn(owner, key)) owner = Object.getPrototypeOf(owner) as object | null
  return owner ?? undefined
}

function trapModule(
  patches: Patches,
  world: EscapeWorld,
  { module: name, names, except, methods }: TrappedModule,
): void {
  const module = process.getBuiltinModule(`node:${name}`) as unknown as Record<string, unknown>
  const chosen = names === 'all' ? namesOfFunctions(module).filter((each) => except?.includes(each) !== true) : names
  trapMethods(patches, world, module, chosen, name)
  for (const [className, methodNames] of Object.entries(methods ?? {})) {
    const { prototype } = module[className] as { prototype: object }
    trapMethods(patches, world, prototype, methodNames, `${name}.${className}`)
  }
}

/** The functions of an object that are its own and are no classes. */
function namesOfFunctions(owner: object | undefined): string[] {
  return Object.entries(Object.getOwnPropertyDescriptors(owner ?? {}))
    .filter(([name, { value }]) => typeof value === 'function' && /^[a-z]/.test(name) && name !== 'constructor')
    .map(([name]) => name)
}

function trapMethods(
  patches: Patches,
  world: EscapeWorld,
  owner: unknown,
  names: readonly string[],
  ownerName: string,
): void {
  if (typeof owner !== 'object' && typeof owner !== 'function') return
  for (const name of names) {
    patches.replace(owner as object, name, (real) => trap(world, real, `${ownerName}.${name}`))
  }
}

function trap(world: EscapeWorld, real: unknown, what: string, isDirect = false): unknown {
  if (typeof real !== 'function') return real
  const known = traps.get(real)
  if (known !== undefined && known.world === world) return known.proxy
  const proxy = new Proxy(real as AnyFunction, {
    apply: (target, self, args) => {
      return reporting(world, what, isDirect, () => Reflect.apply(target, self, args) as unknown)
    },
    construct: (target, args, newTarget) => {
      return reporting(world, `new ${what}`, isDirect, () => Reflect.construct(target, args, newTarget) as object)
    },
  })
  traps.set(real, { world, proxy })
  return proxy
}

// One for each function, so that what is read twice is the same twice.
const traps = new WeakMap<object, { readonly world: EscapeWorld; readonly proxy: AnyFunction }>()

function reporting<T>(world: EscapeWorld, what: string, isDirect: boolean, run: () => T): T {
  if (!world.inside || isDoingRealWork()) return run()
  const culprit = findCulprit(what, isDirect)
  if (culprit !== undefined) world.escaped(culprit)
  return culprit === undefined ? run() : doRealWork(run)
}
