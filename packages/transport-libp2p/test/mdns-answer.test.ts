import { describe, expect, it } from 'vitest'
import { answerTexts, mayHoldWhatItCounts, placesIn, serviceName } from '../src/mdns-answer.ts'

const service = serviceName('shop')

function record(data: readonly string[], changed: object = {}) {
  return { name: service, type: 'TXT' as const, ttl: 60, data: data.map((text) => Buffer.from(text)), ...changed }
}

/** A packet's head that counts so many of each list, and so many bytes behind it. */
function packet(counts: readonly number[], bytes: number): Uint8Array {
  const made = Buffer.alloc(12 + bytes)
  for (const [index, count] of counts.entries()) made.writeUInt16BE(count, 4 + 2 * index)
  return made
}

describe('what a packet of multicast DNS names', () => {
  it('is what a node of the same cluster answered, and nobody else', () => {
    const data = answerTexts({ region: 'syd', addresses: ['/ip4/10.0.0.1/tcp/1/p2p/x'] })
    const answers = [
      record(data),
      record(data, { name: serviceName('other') }),
      record(['a=/ip4/10.0.0.2/tcp/1'], { ttl: 0 }),
    ]
    expect(placesIn({ answers }, service)).toEqual([
      { address: '/ip4/10.0.0.1/tcp/1', region: 'syd', forSeconds: 60 },
      { address: '/ip4/10.0.0.2/tcp/1', region: undefined, forSeconds: 0 },
    ])
  })

  it('is bounded: 64 records, 8 addresses of each, for a minute', () => {
    const addresses = Array.from({ length: 20 }, (_, index) => `a=/ip4/10.0.0.${index}/tcp/1`)
    const answers = Array.from({ length: 100 }, () => record(addresses, { ttl: 2 ** 32 - 1 }))
    const places = placesIn({ answers }, service)
    expect(places).toHaveLength(64 * 8)
    expect(new Set(places.map(({ forSeconds }) => forSeconds))).toEqual(new Set([60]))
  })
})

describe('a packet of multicast DNS', () => {
  it('is read when it is long enough for what it counts', () => {
    expect(mayHoldWhatItCounts(packet([0, 0, 0, 0], 0))).toBe(true)
    expect(mayHoldWhatItCounts(packet([1, 1, 1, 1], 5 + 3 * 11))).toBe(true)
  })

  it('is not when it claims more than it can hold, in any of its lists, or is shorter than a head', () => {
    expect(mayHoldWhatItCounts(new Uint8Array(11))).toBe(false)
    for (const list of [0, 1, 2, 3]) {
      const counts = [0, 0, 0, 0]
      counts[list] = 50_944
      expect(mayHoldWhatItCounts(packet(counts, 89))).toBe(false)
    }
    expect(mayHoldWhatItCounts(packet([1, 1, 1, 1], 5 + 3 * 11 - 1))).toBe(false)
  })
})
