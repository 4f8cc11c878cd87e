import { describe, expect, it } from 'vitest'
import { Uint8ArrayList } from 'uint8arraylist'
import { MultistreamGuard } from '../src/multistream-guard.ts'
import { guarded } from '../src/v2/guarded-source.ts'

const chosen = '/noise/abc'

function message(text: string): Buffer {
  const length = text.length + 1
  return Buffer.from([
    ...(length < 128 ? [length] : [(length & 0x7f) | 0x80, length >> 7]),
    ...Buffer.from(`${text}\n`),
  ])
}

function guard(): MultistreamGuard {
  return new MultistreamGuard((protocol) => protocol === chosen)
}

describe('a negotiation', () => {
  it('passes, however its bytes are cut, and what follows it is not looked at', () => {
    const bytes = Buffer.concat([
      message('/multistream/1.0.0'),
      message('na'),
      message('x'.repeat(1023)),
      message(chosen),
      Buffer.alloc(100, 0xff),
    ])
    for (const size of [1, 2, 7, bytes.length]) {
      const watched = guard()
      for (let at = 0; at < bytes.length; at += size) watched.check(bytes.subarray(at, at + size))
      expect(watched.isOver).toBe(true)
    }
    const inPieces = guard()
    inPieces.check(new Uint8ArrayList(bytes.subarray(0, 9), bytes.subarray(9)))
    expect(inPieces.isOver).toBe(true)
  })

  it.each([
    ['a length without an end', Buffer.of(0x80, 0x80)],
    ['nothing but such bytes', Buffer.alloc(64 * 1024, 0xff)],
    ['a text of no bytes', Buffer.of(0)],
    ['a text that is too long', Buffer.of(0x81, 0x08)],
    ['a text after the greeting that is none', Buffer.concat([message('/multistream/1.0.0'), Buffer.of(0xff, 0xff)])],
    ['texts without end', Buffer.concat(Array.from({ length: 17 }, () => message('ls')))],
  ])('fails at %s', (_what, bytes) => {
    expect(() => guard().check(bytes)).toThrow(/^Not a negotiation/)
  })

  it('ends the stream that it is on when it fails, and not one that goes on to other things', async () => {
    const collect = async (...chunks: Uint8Array[]): Promise<number> => {
      let bytes = 0
      for await (const chunk of guarded(chunks, (protocol) => protocol === chosen)) bytes += chunk.byteLength
      return bytes
    }
    expect(await collect(message(chosen), Buffer.alloc(5000, 0xff))).toBe(5000 + 12)
    await expect(collect(message('na'), Buffer.alloc(5000, 0xff))).rejects.toThrow(/^Not a negotiation/)
  })
})
