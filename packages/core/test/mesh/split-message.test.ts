import { describe, expect, it } from 'vitest'
import { BlockSlice } from '../../src/mesh/block-slice.ts'
import { encodeSignal, encodeSignalMessage } from '../../src/mesh/frame.ts'
import { linkHeaderBytes } from '../../src/mesh/link-message.ts'
import { SplitMessage } from '../../src/mesh/split-message.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import type { Signal } from '../../src/actor/signal.ts'

const codec = msgpackCodec()
const pid = { node: 'a', life: 1, thread: 2, serial: 3 }
const castOf = (args: Uint8Array): Signal => ({ type: 'cast', to: pid, name: 'save', args, encoded: true })

describe('a message with a large body', () => {
  it('keeps the very body, and its header stays as it is when others follow', () => {
    const body = new Uint8Array(16 * 1024).fill(7)
    const message = encodeSignalMessage(castOf(body), codec) as SplitMessage
    expect(message).toBeInstanceOf(SplitMessage)
    expect(message.body).toBe(body)
    const head = message.head.slice()
    for (let others = 0; others < 1_000; others += 1) encodeSignalMessage(castOf(new Uint8Array(100).fill(9)), codec)
    expect(message.head).toEqual(head)
  })

  it('is one piece below 16 KiB, and the same bytes in either way', () => {
    const small = encodeSignalMessage(castOf(new Uint8Array(16 * 1024 - 1)), codec)
    expect(small).toBeInstanceOf(BlockSlice)
    const signal = castOf(new Uint8Array(200_000).map((_, index) => index))
    const split = encodeSignalMessage(signal, codec) as SplitMessage
    expect(Buffer.compare(split.join().subarray(linkHeaderBytes), encodeSignal(signal, codec))).toBe(0)
  })

  it('is cut anywhere, in either piece and across both', () => {
    const message = new SplitMessage(Uint8Array.of(0, 1, 2), Uint8Array.of(3, 4, 5, 6))
    for (let from = 0; from <= 7; from += 1) {
      for (let to = from; to <= 7; to += 1) {
        const expected = [0, 1, 2, 3, 4, 5, 6].slice(from, to)
        expect([...message.slice(from, to)]).toEqual(expected)
        const cut = message.cut(from, to, 2)
        expect([...cut.join()]).toEqual([0, 0, ...expected])
        expect(cut.head.byteLength).toBe(2 + Math.max(0, Math.min(to, 3) - from))
        expect(cut.body.buffer).toBe(message.body.buffer)
      }
    }
  })
})
