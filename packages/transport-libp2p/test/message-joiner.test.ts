import * as fc from 'fast-check'
import type { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'
import { inWholeMessages, MessageJoiner } from '../src/message-joiner.ts'

describe('the joiner of messages', () => {
  it('lets a message go in one piece once it is whole, however it was cut', () => {
    const joiner = new MessageJoiner()
    const bytes = message(300)
    for (const at of bytes.slice(0, -1).keys()) expect(joiner.take(bytes.subarray(at, at + 1))).toBeUndefined()
    const joined = joiner.take(bytes.subarray(-1)) as Uint8ArrayList
    expect([...joined]).toHaveLength(1)
    expect(joined.subarray()).toEqual(bytes)
  })

  it('lets what comes whole go as it came, also where a large message before it came in parts', () => {
    const joiner = new MessageJoiner()
    const large = message(10_000)
    expect(pieces(joiner.take(large.subarray(0, 5_000)))).toEqual([5_000])
    expect(pieces(joiner.take(large.subarray(5_000)))).toEqual([large.byteLength - 5_000])
    const whole = message(20)
    expect(joiner.take(whole)).toBe(whole)
  })

  it('keeps no more than 4 KiB of a message that never ends, and hands it on in pieces of that', () => {
    const joiner = new MessageJoiner()
    joiner.take(message(1_000_000).subarray(0, 3))
    const gone = Array.from({ length: 100_000 }, () => pieces(joiner.take(new Uint8Array(1)))).flat()
    expect(gone).toEqual(Array.from({ length: 24 }, () => 4_096))
  })

  it('lets go what can be no length, for the reader to refuse', () => {
    const joiner = new MessageJoiner()
    for (let left = 7; left > 0; left -= 1) expect(joiner.take(Uint8Array.of(0xff))).toBeUndefined()
    expect(pieces(joiner.take(Uint8Array.of(0xff)))).toEqual([8])
    expect(pieces(joiner.take(Uint8Array.of(0xff)))).toEqual([1])
  })

  it('changes no byte, loses none at the end, and keeps none of a message that is whole', async () => {
    const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1_000, max: 5_000 })))
    const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 4_000, max: 9_000 })))
    await fc.assert(
      fc.asyncProperty(sizes, cuts, fc.boolean(), async (lengths, steps, isCutShort) => {
        const all = Buffer.concat(lengths.map(message))
        const sent = isCutShort ? all.subarray(0, all.byteLength / 2) : all
        async function* chunks(): AsyncGenerator<Uint8Array> {
          let at = 0
          for (const step of [...steps, sent.byteLength]) {
            yield sent.subarray(at, at + step)
            at += step
          }
        }
        const read: Uint8Array[] = []
        for await (const chunk of inWholeMessages(chunks())) read.push(chunk.subarray())
        expect(Buffer.concat(read)).toEqual(Buffer.from(sent))
        const joiner = new MessageJoiner()
        for (const length of lengths) joiner.take(message(length))
        expect(joiner.rest()).toBeUndefined()
      }),
      { numRuns: 50 },
    )
  })
})

/** So many bytes behind their number as a varint. */
function message(length: number): Uint8Array {
  const prefix: number[] = []
  let rest = length
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) prefix.push((rest & 0x7f) | 0x80)
  return Uint8Array.from([...prefix, rest, ...Array.from({ length }, (_, at) => at & 0xff)])
}

function pieces(chunk: Uint8Array | Uint8ArrayList | undefined): number[] {
  if (chunk === undefined) return []
  return [...(chunk instanceof Uint8Array ? [chunk] : chunk)].map(({ byteLength }) => byteLength)
}
