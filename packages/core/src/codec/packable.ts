import { isWellFormed } from '../base/well-formed.ts'
import { CodecError } from './errors.ts'
import type { CodecLimits } from './limits.ts'
import { errorItems, Tagged, taggedMap, taggedNegativeZero, taggedString, taggedUrl } from './tagged.ts'
import { typedArrayKinds } from './typed-array-kinds.ts'

/**
 * Checks that `value` can be carried faithfully and returns what to give to msgpackr: the value itself, or, where
 * something in it has to be tagged, a copy of the containers on the way there. Throws `ERR_NOT_ENCODABLE` with the path.
 *
 * `onFour` is shown every plain object of four properties, which is how a Pid is noticed. It reads every property once and builds no path; that is done on the way out of a failure.
 */
export function packable(value: unknown, name: string, limits: CodecLimits, onFour?: (plain: object) => void): unknown {
  const { bytesMax, objectsMax, valuesMax } = limits
  const walk: Walk = { limits, onFour, bytesLeft: bytesMax, objectsLeft: objectsMax, valuesLeft: valuesMax }
  try {
    return prepare(walk, value, 0)
  } catch (thrown) {
    throw notEncodable(asObstacle(thrown), name)
  }
}

interface Walk {
  readonly limits: CodecLimits
  readonly onFour: ((plain: object) => void) | undefined
  /** Less than what the encoding will need: it keeps huge lengths and repeatedly shared parts from taking for ever. */
  bytesLeft: number
  objectsLeft: number
  valuesLeft: number
}

function prepare(walk: Walk, value: unknown, depth: number): unknown {
  walk.bytesLeft -= 1
  switch (typeof value) {
    case 'string':
      return prepareString(walk, value, depth)
    case 'number':
      return value === 0 && Object.is(value, -0) ? takeTagged(walk, taggedNegativeZero, depth) : value
    case 'boolean':
    case 'undefined':
      return value
    case 'bigint':
      if (value >= 2n ** 64n || value < -(2n ** 63n)) takeObject(walk)
      return value
    case 'object':
      return value === null ? null : prepareObject(walk, value, depth)
    default:
      throw new Obstacle(`it is a ${typeof value}`)
  }
}

function prepareString(walk: Walk, text: string, depth: number): string | Tagged {
  takeBytes(walk, text.length)
  // msgpackr drops a byte-order mark that begins a longer string, and replaces lone surrogates.
  if (isWellFormed(text) && text.charCodeAt(0) !== byteOrderMark) return text
  takeObject(walk)
  return takeTagged(walk, taggedString(text), depth)
}

const byteOrderMark = 0xfeff

function prepareObject(walk: Walk, value: object, depth: number): unknown {
  takeObject(walk)
  if (walk.bytesLeft < 0) throw tooLarge(walk)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return preparePlain(walk, value as Plain, depth)
  if (prototype === Array.prototype && Array.isArray(value)) return prepareArray(walk, value, depth)
  // The class, not the clock.
  // oxlint-disable-next-line no-restricted-globals
  const dates = Date.prototype
  if (prototype === dates) {
    dates.getTime.call(value) // throws for what only inherits from it
    return value
  }
  if (prototype === Map.prototype) return prepareMap(walk, value as Map<unknown, unknown>, depth)
  if (prototype === Set.prototype) return prepareSet(walk, value as Set<unknown>, depth)
  if (ArrayBuffer.isView(value)) return prepareView(walk, value, prototype)
  if (prototype === ArrayBuffer.prototype) {
    takeBytes(walk, (value as ArrayBuffer).byteLength)
    return value
  }
  if (value instanceof Error) return new Tagged(prepareArray(walk, errorItems(value), depth))
  if (prototype === URL.prototype) {
    const tagged = taggedUrl(value as URL)
    takeBytes(walk, (value as URL).href.length)
    takeValues(walk, 2)
    return checkDepth(walk, tagged, depth)
  }
  throw new Obstacle(`it is ${describeInstance(value)}`)
}

type Plain = Record<string, unknown>

function preparePlain(walk: Walk, plain: Plain, depth: number): Plain {
  checkDepth(walk, plain, depth)
  let current: string | undefined
  let copy: Plain | undefined
  try {
    const keys = Object.keys(plain)
    takeValues(walk, 2 * keys.length)
    for (let index = 0; index < keys.length; index += 1) {
      const key = (current = keys[index] as string)
      checkKey(walk, key)
      const item = plain[key]
      const prepared = prepare(walk, item, depth + 1)
      if (!Object.is(prepared, item)) (copy ??= { ...plain })[key] = prepared
    }
    if (keys.length === 4 && walk.onFour !== undefined) walk.onFour(plain)
  } catch (thrown) {
    throw asObstacle(thrown).within(plain, current === undefined ? '' : formatKey(current))
  }
  return copy ?? plain
}

function checkKey(walk: Walk, key: string): void {
  takeBytes(walk, key.length + 1)
  if (key === '__proto__') throw new Obstacle('its key would change a prototype at the reader')
  if (!isWellFormed(key)) throw new Obstacle('its key has a lone surrogate')
  if (key.charCodeAt(0) === byteOrderMark && Buffer.byteLength(key) > markedKeyBytesMax) {
    throw new Obstacle('its key begins with a byte-order mark and is long')
  }
}

// Up to here msgpackr reads a string by itself; beyond, a TextDecoder swallows the mark.
const markedKeyBytesMax = 64

function formatKey(key: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}

function prepareArray(walk: Walk, array: readonly unknown[], depth: number): readonly unknown[] {
  checkDepth(walk, array, depth)
  let current: number | undefined
  let copy: unknown[] | undefined
  try {
    const { length } = array
    if (length > walk.bytesLeft) throw tooLarge(walk)
    takeValues(walk, length)
    for (let index = 0; index < length; index += 1) {
      current = index
      const item = array[index]
      if (item === undefined && !(index in array)) throw new Obstacle('it is a hole in an array')
      const prepared = prepare(walk, item, depth + 1)
      if (!Object.is(prepared, item)) (copy ??= [...array])[index] = prepared
    }
  } catch (thrown) {
    throw asObstacle(thrown).within(array, current === undefined ? '' : `[${current}]`)
  }
  return copy ?? array
}

function prepareMap(walk: Walk, map: Map<unknown, unknown>, depth: number): Tagged {
  checkDepth(walk, map, depth)
  const items: unknown[] = []
  let current = ''
  try {
    takeValues(walk, 2 * map.size + 1)
    for (const [key, value] of map) {
      current = `.keys()[${items.length / 2}]`
      items.push(prepare(walk, key, depth + 1))
      current =
        typeof key === 'string' || typeof key === 'number'
          ? `.get(${JSON.stringify(key)})`
          : `.values()[${(items.length - 1) / 2}]`
      items.push(prepare(walk, value, depth + 1))
    }
  } catch (thrown) {
    throw asObstacle(thrown).within(map, current)
  }
  return taggedMap(items)
}

function prepareSet(walk: Walk, set: Set<unknown>, depth: number): Set<unknown> {
  checkDepth(walk, set, depth)
  const items: unknown[] = []
  try {
    takeValues(walk, set.size)
    for (const item of set) items.push(prepare(walk, item, depth + 1))
  } catch (thrown) {
    throw asObstacle(thrown).within(set, `.values()[${items.length}]`)
  }
  return new Set(items)
}

const viewPrototypes: ReadonlySet<unknown> = new Set(typedArrayKinds.map((kind) => kind.prototype))

function prepareView(walk: Walk, view: ArrayBufferView, prototype: unknown): ArrayBufferView {
  takeBytes(walk, view.byteLength)
  if (viewPrototypes.has(prototype)) return view
  // A Buffer is only a convenience over bytes: it travels as what it extends.
  if (prototype === Buffer.prototype) return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
  throw new Obstacle(`it is ${describeInstance(view)}`)
}

function describeInstance(value: object): string {
  const made: unknown = value.constructor
  return typeof made === 'function' && made.name !== '' ? `an instance of ${made.name}` : 'an instance of a class'
}

function takeTagged(walk: Walk, tagged: Tagged, depth: number): Tagged {
  takeObject(walk)
  takeValues(walk, 2)
  return checkDepth(walk, tagged, depth)
}

function checkDepth<T extends object>(walk: Walk, container: T, depth: number): T {
  if (depth >= walk.limits.depthMax)
    throw new Obstacle(`it nests deeper than ${walk.limits.depthMax} levels`, { container })
  return container
}

function takeObject(walk: Walk): void {
  walk.objectsLeft -= 1
  if (walk.objectsLeft >= 0) return
  throw new Obstacle(`the value has more than ${walk.limits.objectsMax} arrays, objects and the like`)
}

function takeValues(walk: Walk, count: number): void {
  walk.valuesLeft -= count
  if (walk.valuesLeft >= 0) return
  throw new Obstacle(`it has more than ${walk.limits.valuesMax} values in all; a typed array counts as one`)
}

function takeBytes(walk: Walk, count: number): void {
  walk.bytesLeft -= count
  if (walk.bytesLeft < 0) throw tooLarge(walk)
}

function tooLarge(walk: Walk): Obstacle {
  return new Obstacle(`the value needs more than ${walk.limits.bytesMax} bytes`)
}

/** What stopped the walk, and the way back out of it: innermost first. */
class Obstacle extends Error {
  readonly #keys: string[] = []
  readonly #containers: object[] = []

  constructor(message: string, options: { cause?: unknown; container?: object } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    if (options.container !== undefined) this.#containers.push(options.container)
  }

  within(container: object, key: string): this {
    this.#keys.push(key)
    this.#containers.push(container)
    return this
  }

  /** The path, and whether it leads back to a container that it came through; then it ends there. */
  route(): { path: string; isCycle: boolean } {
    const keys = this.#keys.toReversed()
    const seen = new Set<object>()
    const end = this.#containers.toReversed().findIndex((container) => seen.size === seen.add(container).size)
    return end === -1 ? { path: keys.join(''), isCycle: false } : { path: keys.slice(0, end).join(''), isCycle: true }
  }
}

function asObstacle(thrown: unknown): Obstacle {
  if (thrown instanceof Obstacle) return thrown
  return new Obstacle(`reading it threw ${describeThrown(thrown)}`, { cause: thrown })
}

function describeThrown(thrown: unknown): string {
  try {
    return String(thrown)
  } catch (error) {
    return `something unprintable (${typeof error})`
  }
}

function notEncodable(obstacle: Obstacle, name: string): CodecError {
  const { path, isCycle } = obstacle.route()
  const reason = isCycle ? 'it is part of a cycle' : obstacle.message
  const cause = obstacle.cause === undefined ? undefined : { cause: obstacle.cause }
  return new CodecError('ERR_NOT_ENCODABLE', `${name}${path} can't be encoded: ${reason}`, {
    ...cause,
    path: name + path,
  })
}
