import { type SeededRandom, seededRandom } from '@skerry/testing'
import { describe, expect, it } from 'vitest'

describe('seededRandom', () => {
  it('draws the same for the same seed and purpose, and something else for any other', () => {
    const streams = [
      seededRandom(1),
      seededRandom(2),
      seededRandom(1, 'a'),
      seededRandom(-1),
      seededRandom(2 ** 32 + 1),
    ]
    expect(draws(seededRandom(1), 20)).toEqual(draws(seededRandom(1), 20))
    const all = streams.flatMap((stream) => draws(stream, 100))
    expect(new Set(all).size).toBe(all.length)
  })

  it('draws these numbers for ever: a seed in a bug report stays good', () => {
    expect(draws(seededRandom(42, 'golden'), 4)).toMatchInlineSnapshot(`
      [
        3082749649,
        889202931,
        3116597602,
        1182894479,
      ]
    `)
  })

  it('forks streams that depend on nothing drawn before', () => {
    const random = seededRandom(7)
    const early = draws(random.fork('latency'), 10)
    draws(random, 100)
    draws(random.fork('other'), 100)
    expect(draws(random.fork('latency'), 10)).toEqual(early)
  })

  it('keeps forks apart from each other and from their origin, however they are nested', () => {
    const random = seededRandom(7)
    const streams = [random, random.fork(''), random.fork('a'), random.fork('b'), random.fork('a').fork('b')]
    const tricky = [random.fork('a/b'), random.fork('a/1:b'), random.fork('1:a'), random.fork('a').fork('')]
    const all = [...streams, ...tricky].flatMap((stream) => draws(stream, 50))
    expect(new Set(all).size).toBe(all.length)
  })

  it('draws u32 over the whole range, evenly in every bit', () => {
    const count = 20_000
    const ones = new Array<number>(32).fill(0)
    for (const drawn of draws(seededRandom(3), count)) {
      expect(Number.isInteger(drawn) && drawn >= 0 && drawn < 2 ** 32).toBe(true)
      for (let bit = 0; bit < 32; bit += 1) ones[bit] = (ones[bit] ?? 0) + ((drawn >>> bit) & 1)
    }
    // Five standard deviations of a fair coin; the seed is fixed, so this passes always or never.
    for (const share of ones) expect(Math.abs(share - count / 2)).toBeLessThan(5 * Math.sqrt(count / 4))
  })

  it('draws integers below a bound, each about as often', () => {
    const random = seededRandom(4)
    const counts = new Array<number>(10).fill(0)
    for (let draw = 0; draw < 10_000; draw += 1) {
      const drawn = random.int(10)
      counts[drawn] = (counts[drawn] ?? 0) + 1
    }
    expect(counts).toHaveLength(10)
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150)
    expect(random.int(1)).toBe(0)
    expect(random.int(2 ** 32)).toBeLessThan(2 ** 32)
  })

  it('draws floats from 0 up to, not including, 1', () => {
    const random = seededRandom(5)
    const floats = Array.from({ length: 1_000 }, () => random.float())
    expect(Math.min(...floats)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...floats)).toBeLessThan(1)
    expect(floats.reduce((sum, float) => sum + float) / 1_000).toBeCloseTo(0.5, 1)
  })

  it('makes ids of the form of a version 4 UUID, all different, the same for a seed', () => {
    const random = seededRandom(6)
    const ids = Array.from({ length: 1_000 }, () => random.id())
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Set(ids).size).toBe(1_000)
    expect(seededRandom(6).id()).toBe(ids[0])
  })

  it('refuses a seed that is no safe integer', () => {
    for (const seed of [0.5, Number.NaN, 2 ** 53]) expect(() => seededRandom(seed)).toThrow('safe integer')
  })
})

function draws(random: SeededRandom, count: number): number[] {
  return Array.from({ length: count }, () => random.u32())
}
