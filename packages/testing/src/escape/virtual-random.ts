import * as crypto from 'node:crypto'
import type { EscapeWorld } from './escape-world.ts'
import { type AnyFunction, eitherOr, type Patches } from './patches.ts'
import { doRealWork } from './real-work.ts'

type Callback = (error: null, value: unknown) => void

/** `Math.random` and all of `crypto` that draws: the seed decides. Arguments are checked by the real functions first. */
export function patchRandom(patches: Patches, world: EscapeWorld): void {
  const module = process.getBuiltinModule('node:crypto')
  const { randomBytes, randomFillSync, randomInt } = module

  function later(callback: unknown, value: unknown): void {
    world.soon(() => (callback as Callback)(null, value))
  }

  function bytes(size: number, callback?: unknown): Buffer | undefined {
    const drawn = fill(
      world,
      doRealWork(() => randomBytes(size)),
    ) as Buffer
    if (callback === undefined) return drawn
    later(callback, drawn)
    return undefined
  }

  function fillSync(target: NodeJS.ArrayBufferView, offset?: number, size?: number): NodeJS.ArrayBufferView {
    doRealWork(() => randomFillSync(target as Uint8Array, offset, size))
    return fill(world, target, offset, size)
  }

  function fillLater(target: NodeJS.ArrayBufferView, ...rest: unknown[]): void {
    const callback = rest.pop()
    later(callback, fillSync(target, ...(rest as number[])))
  }

  function int(...args: unknown[]): number | undefined {
    const callback = typeof args.at(-1) === 'function' ? args.pop() : undefined
    const [min, max] = (args.length === 1 ? [0, args[0]] : args) as [number, number]
    doRealWork(() => randomInt(min, max))
    const drawn = min + Math.floor(float48(world) * (max - min))
    if (callback === undefined) return drawn
    later(callback, drawn)
    return undefined
  }

  const uuid = (): string => world.random.id()
  patches.replace(Math, 'random', (real) => eitherOr(world, real, () => world.random.float()))
  patches.replace(module, 'randomUUID', (real) => eitherOr(world, real, uuid))
  patches.replace(module, 'randomBytes', (real) => eitherOr(world, real, bytes))
  patches.replace(module, 'pseudoRandomBytes', (real) => eitherOr(world, real, bytes))
  patches.replace(module, 'rng', (real) => eitherOr(world, real, bytes))
  patches.replace(module, 'prng', (real) => eitherOr(world, real, bytes))
  patches.replace(module, 'randomFillSync', (real) => eitherOr(world, real, fillSync))
  patches.replace(module, 'randomFill', (real) => eitherOr(world, real, fillLater))
  patches.replace(module, 'randomInt', (real) => eitherOr(world, real, int))
  // The module's own getRandomValues is read from here too.
  const webCrypto = Object.getPrototypeOf(crypto.webcrypto) as object
  patches.replace(webCrypto, 'randomUUID', (real) => eitherOr(world, real, uuid))
  patches.replace(webCrypto, 'getRandomValues', (real) => {
    return eitherOr(world, real, function (this: unknown, target: NodeJS.ArrayBufferView) {
      doRealWork(() => Reflect.apply(real as AnyFunction, this, [target]) as unknown)
      return fill(world, target)
    })
  })
}

/** `offset` and `size` count elements of `target`, as Node's randomFill counts them. */
function fill(
  { random }: EscapeWorld,
  target: NodeJS.ArrayBufferView | ArrayBuffer,
  offset = 0,
  size?: number,
): NodeJS.ArrayBufferView {
  const width = 'BYTES_PER_ELEMENT' in target ? (target as Uint8Array).BYTES_PER_ELEMENT : 1
  const whole = ArrayBuffer.isView(target)
    ? new Uint8Array(target.buffer, target.byteOffset, target.byteLength)
    : new Uint8Array(target)
  const end = size === undefined ? whole.length : (offset + size) * width
  let word = 0
  for (let at = offset * width, drawn = 0; at < end; at += 1, drawn += 1) {
    word = drawn % 4 === 0 ? random.u32() : word >>> 8
    whole[at] = word & 0xff
  }
  return target as NodeJS.ArrayBufferView
}

/** 48 bits, as many as the range of randomInt may have. */
function float48({ random }: EscapeWorld): number {
  return (random.u32() * 2 ** 16 + (random.u32() >>> 16)) / 2 ** 48
}
