import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { behindVarints, yamuxFrames } from '../src/framings.ts'
import { PieceJoiner } from '../src/piece-joiner.ts'
import { inFewPiecesOf } from '../src/v2/joined-source.ts'

describe('the joiner of pieces', () => {
  it('lets a message go in one piece once it is whole, however it was cut', () => {
    const joiner = new PieceJoiner(behindVarints())
    const bytes = message(300)
    for (const at of bytes.slice(0, -1).keys()) expect(joiner.take([bytes.subarray(at, at + 1)])).toEqual([])
    expect(joiner.take([bytes.subarray(-1)])).toEqual([bytes])
  })

  it('lets what comes whole go as it came, also where a large message before it came in parts', () => {
    const joiner = new PieceJoiner(behindVarints())
    const large = message(10_000)
    expect(sizes(joiner.take([large.subarray(0, 5_000)]))).toEqual([5_000])
    expect(sizes(joiner.take([large.subarray(5_000)]))).toEqual([large.byteLength - 5_000])
    const whole = [message(20)]
    expect(joiner.take(whole)).toBe(whole)
  })

  it('keeps no more than 4 KiB of a message that never ends, and hands it on in pieces of that', () => {
    const joiner = new PieceJoiner(behindVarints())
    joiner.take([message(1_000_000).subarray(0, 3)])
    const gone = Array.from({ length: 100_000 }, () => sizes(joiner.take([new Uint8Array(1)]))).flat()
    expect(gone).toEqual(Array.from({ length: 24 }, () => 4_096))
  })

  it('knows the frames of yamux: only those of data have something behind their headers', () => {
    const joiner = new PieceJoiner(yamuxFrames())
    const ping = [Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff)]
    const data = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0x2c, ...new Uint8Array(300))
    for (let round = 0; round < 2; round += 1) {
      expect(joiner.take(ping)).toBe(ping)
      for (let at = 0; at < 311; at += 1) expect(joiner.take([data.subarray(at, at + 1)])).toEqual([])
      expect(joiner.take([data.subarray(311)])).toEqual([data])
    }
  })

  it('puts together what comes whole in many small pieces', () => {
    const inPieces = [...message(30)].map((byte) => Uint8Array.of(byte))
    expect(new PieceJoiner(behindVarints()).take(inPieces)).toEqual([message(30)])
  })

  it('lets go what can be no length, for the reader to refuse', () => {
    const joiner = new PieceJoiner(behindVarints())
    for (let left = 7; left > 0; left -= 1) expect(joiner.take([Uint8Array.of(0xff)])).toEqual([])
    expect(sizes(joiner.take([Uint8Array.of(0xff)]))).toEqual([8])
    expect(sizes(joiner.take([Uint8Array.of(0xff)]))).toEqual([1])
  })

  it('changes no byte, loses none at the end, and keeps none of a message that is whole', async () => {
    const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1_000, max: 5_000 })))
    const lengthsOf = fc.array(fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 4_000, max: 9_000 })), {
      maxLength: 5,
    })
    await fc.assert(
      fc.asyncProperty(lengthsOf, cuts, fc.boolean(), async (lengths, steps, isCutShort) => {
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
        for await (const chunk of inFewPiecesOf(behindVarints(), chunks())) read.push(chunk.subarray())
        expect(Buffer.concat(read)).toEqual(Buffer.from(sent))
        const joiner = new PieceJoiner(behindVarints())
        for (const length of lengths) joiner.take([message(length)])
        expect(joiner.rest()).toEqual([])
      }),
      { numRuns: 15 },
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

const sizes = (pieces: readonly Uint8Array[]): number[] => pieces.map(({ byteLength }) => byteLength)
