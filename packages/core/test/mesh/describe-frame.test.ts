import { describe, expect, it } from 'vitest'
import type { Signal } from '../../src/actor/signal.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import { describeFrame } from '../../src/mesh/describe-frame.ts'
import { encodeNotice, encodeSignal } from '../../src/mesh/frame.ts'
import { encodeLinkMessage, type LinkMessage } from '../../src/mesh/link-message.ts'
import { seededDraw } from '../codec/generate-value.ts'

const codec = msgpackCodec()
const from = { node: 'a', life: 1, thread: 0, serial: 4 }
const to = { node: 'b', life: 2, thread: 3, serial: 17 }
const args = codec.encode([1])
const request = {
  procedure: 'orders.create',
  version: 1,
  timeLeftMs: 10,
  idempotencyKey: undefined,
  callerRegion: 'syd',
  input: args,
}
const greeting = {
  protocolVersion: 1,
  protocolVersionMin: 1,
  cluster: 'shop',
  node: 'syd-1',
  life: 7,
  region: 'syd',
  epoch: 3,
  addresses: [],
  frameBytesMax: 0,
  meshVersion: 1,
}

const signals: [Signal, string][] = [
  [{ type: 'message', to, message: args, encoded: true }, `message of ${args.length} bytes to 3.17`],
  [{ type: 'cast', to, name: 'reset', args, encoded: true }, 'cast reset to 3.17'],
  [{ type: 'call', to, from, ref: 9, name: 'insert', args, encoded: true }, 'call insert to 3.17'],
  [{ type: 'reply', to, ref: 9, result: { ok: true, value: args, encoded: true } }, 'reply ok to 3.17'],
  [
    { type: 'reply', to, ref: 9, result: { ok: false, failure: { code: 'ERR_X', outcome: 'ran', message: 'm' } } },
    'reply ERR_X to 3.17',
  ],
  [{ type: 'link', from, to }, 'link to 3.17'],
  [{ type: 'unlink', from, to }, 'unlink to 3.17'],
  [{ type: 'exit', from, to, reason: { type: 'shutdown' }, viaLink: true }, 'exit {"type":"shutdown"} to 3.17'],
  [{ type: 'monitor', from, to, ref: 1 }, 'monitor to 3.17'],
  [{ type: 'demonitor', from, to, ref: 1 }, 'demonitor to 3.17'],
  [{ type: 'down', from, to, ref: 1, reason: 'noproc' }, 'down noproc to 3.17'],
  [{ type: 'spawn', from, to, request }, 'spawn orders.create'],
  [{ type: 'cancel', from, to, reason: 'timeout' }, 'cancel timeout'],
  [{ type: 'item', from, to, seq: 7, item: args }, `item 7 of ${args.length} bytes to 3.17`],
  [{ type: 'credit', from, to, items: 128, bytes: 9 }, 'credit of 128 items to 3.17'],
  [{ type: 'itemsEnd', from, to }, 'items end to 3.17'],
]

const messages: [LinkMessage, string][] = [
  [{ kind: 'hello', greeting }, 'hello epoch 3 of syd-1'],
  [{ kind: 'accept', greeting }, 'accept epoch 3 of syd-1'],
  [{ kind: 'refuse', code: 'ERR_WRONG_CLUSTER', text: 'this is shop' }, 'refuse ERR_WRONG_CLUSTER'],
  [{ kind: 'ping', seq: 12, load: 0.5, inFlight: 3 }, 'ping 12'],
  [{ kind: 'pong', seq: 12, load: 0.5, inFlight: 3 }, 'pong 12'],
  [{ kind: 'goodbye', text: 'the node was stopped' }, 'goodbye the node was stopped'],
  [{ kind: 'control', bytes: new Uint8Array(40) }, 'records, 40 bytes'],
]

describe('the caption of a frame', () => {
  for (const [signal, caption] of signals) {
    it(`says ${caption}`, () => {
      expect(describeFrame(onLink(encodeSignal(signal, codec)))).toBe(caption)
    })
  }

  for (const [message, caption] of messages) {
    it(`says ${caption}`, () => {
      expect(describeFrame(encodeLinkMessage(message))).toBe(caption)
    })
  }

  it('says that a thread is down', () => {
    expect(describeFrame(onLink(encodeNotice({ type: 'threadDown', thread: 5 })))).toBe('thread 5 is down')
    expect(describeFrame(onLink(encodeNotice({ type: 'draining' })))).toBe('draining')
    expect(describeFrame(onLink(encodeNotice({ type: 'drainingHeard' })))).toBe('draining was heard')
  })

  it('is one line of at most 100 characters', () => {
    const name = `a\nb${'x'.repeat(900)}`
    const caption = describeFrame(onLink(encodeSignal({ type: 'cast', to, name, args, encoded: true }, codec)))
    expect(caption).toMatch(/^cast a bx+…$/)
    expect(caption).toHaveLength(100)
  })

  it('never throws, whatever the bytes are', () => {
    expect(describeFrame(new Uint8Array(0))).toBe('frame of 0 bytes')
    expect(describeFrame(new Uint8Array([99, 1, 2]))).toBe('frame of 3 bytes')
    const odd = codec.encode({ type: 'error', message: { toString: 1 } })
    expect(describeFrame(onLink(new Uint8Array([10, 0, 1, 0, 1, 0, ...odd])))).toMatch(/^down UnreadableReason: /)
    const draw = seededDraw(1)
    for (const [signal] of signals) {
      const frame = onLink(encodeSignal(signal, codec))
      for (let round = 0; round < 200; round += 1) {
        const broken = frame.slice(0, draw(frame.length + 1))
        if (broken.length > 0) broken[draw(broken.length)] = draw(256)
        expect(describeFrame(broken).length).toBeLessThanOrEqual(100)
      }
    }
  })
})

function onLink(frame: Uint8Array): Uint8Array {
  return encodeLinkMessage({ kind: 'frame', bytes: frame })
}
