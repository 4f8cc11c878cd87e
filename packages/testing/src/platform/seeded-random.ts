import type { Random } from '@skerry/core/platform'

/** Chance that a seed decides, with sub-streams that do not disturb each other. */
export interface SeededRandom extends Random {
  /** A stream of its own for `purpose`: the same at every call, whatever was drawn here or elsewhere. */
  fork(purpose: string): SeededRandom
}

/**
 * Draw number n is a hash of (seed, purpose, n) and of nothing else, so a draw that is added for one purpose shifts no
 * other. Not for secrets: anyone who knows the seed knows every draw. `seed` is any safe integer.
 *
 * @example
 * const random = seededRandom(42)
 * const latency = random.fork('latency').int(50)
 */
export function seededRandom(seed: number, purpose = ''): SeededRandom {
  if (!Number.isSafeInteger(seed)) throw new Error(`Assertion failed: a seed is a safe integer, not ${seed}`)
  const first = hashKey(seed, purpose, 0x9e3779b9)
  const second = hashKey(seed, purpose, 0x85ebca6b)
  let drawn = 0

  function u32(): number {
    const low = mix(first ^ (drawn >>> 0))
    const high = mix(second ^ Math.floor(drawn / 2 ** 32))
    drawn += 1
    return mix(low + high) >>> 0
  }

  return {
    u32,
    int: (below) => Math.floor((u32() / 2 ** 32) * below),
    float: () => u32() / 2 ** 32,
    id: () => uuidShaped([u32(), u32(), u32(), u32()]),
    // The length keeps ('a', 'b/c') and ('a/b', 'c') apart.
    fork: (sub) => seededRandom(seed, `${purpose}/${sub.length}:${sub}`),
  }
}

/** 32 bits from a seed and a purpose. Two different starts give two keys, so that streams meet only by a 64-bit chance. */
function hashKey(seed: number, purpose: string, start: number): number {
  let key = mix(start ^ (seed >>> 0))
  key = mix(key + Math.floor(seed / 2 ** 32))
  for (let index = 0; index < purpose.length; index += 1) key = mix(Math.imul(key, 31) + purpose.charCodeAt(index))
  return mix(key ^ purpose.length)
}

/** The finishing step of MurmurHash3: every bit of the input changes about half of the output's 32 bits. */
function mix(value: number): number {
  let bits = value | 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return bits ^ (bits >>> 16)
}

/** A version 4 UUID made of 128 given bits, of which 6 are replaced by the version and variant. */
function uuidShaped(words: readonly number[]): string {
  const hex = words.map((word) => word.toString(16).padStart(8, '0')).join('')
  const variant = ((parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`
}
