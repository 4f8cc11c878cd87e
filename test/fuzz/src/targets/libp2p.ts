import { createPrivateKey, createPublicKey } from 'node:crypto'
import { dialTarget } from '../../../../packages/transport-libp2p/dist/dial-target.js'
import { FrameReader } from '../../../../packages/transport-libp2p/dist/frame-reader.js'
import { isValidRecord } from '../../../../packages/transport-libp2p/dist/gossip.js'
import { readIdentity } from '../../../../packages/transport-libp2p/dist/identity.js'
import { lanesPerLink, readPreamble } from '../../../../packages/transport-libp2p/dist/lane-preamble.js'
import type { LineReader } from '../../../../packages/transport-libp2p/dist/line.js'
import { createSignatures } from '../../../../packages/transport-libp2p/dist/signatures.js'
import { type Draw, drawBytes, drawText, pick } from '../draw.ts'
import { joined } from '../mutate.ts'
import { isSameValue } from '../same-value.ts'
import { check, type Target, unlessRefused } from '../target.ts'

const utf8 = new TextEncoder()
const maxFrameBytes = 100

/** Frames out of a stream that comes in pieces. The first byte is the size of the pieces. */
export const frameReaderTarget: Target = {
  name: 'frame-reader',
  seeds: () => [
    joined(Uint8Array.of(3), lengthOf(4), Uint8Array.of(1, 2, 3, 4), lengthOf(0), lengthOf(2), Uint8Array.of(5, 6)),
    joined(Uint8Array.of(1), lengthOf(200)),
  ],
  generate: (draw) => {
    const frames = Array.from({ length: draw(5) }, () => drawBytes(draw, pick(draw, [3, 110])))
    return joined(Uint8Array.of(draw(20)), ...frames.flatMap((frame) => [lengthOf(frame.length), frame]))
  },
  run(input) {
    const bytes = input.subarray(1)
    const whole = framesOf(bytes, Math.max(bytes.length, 1))
    const inPieces = framesOf(bytes, 1 + (input[0] ?? 0))
    check(isSameValue(whole, inPieces), 'frames do not depend on how their bytes come')
    check(
      whole.frames.every(({ length }) => length <= maxFrameBytes),
      'no frame is larger than the largest',
    )
  },
}

function framesOf(bytes: Uint8Array, pieceBytes: number): { frames: Uint8Array[]; isRefused: boolean } {
  const reader = new FrameReader(maxFrameBytes)
  const frames: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    reader.push(bytes.subarray(at, at + pieceBytes))
    for (;;) {
      const isThere = unlessRefused(['ERR_FRAME_TOO_LARGE'], () => reader.next())
      if (isThere === undefined) return { frames, isRefused: true }
      if (!isThere) break
      frames.push(new Uint8Array(reader.view()))
    }
  }
  return { frames, isRefused: false }
}

/** Which lane a stream is. The first byte is the size of the pieces in which it comes. */
export const preambleTarget: Target = {
  name: 'lane-preamble',
  seeds: () => [new Uint8Array(30).fill(1), Uint8Array.of(5, ...new Uint8Array(16), 2, 7, 7, 7)],
  generate: (draw) =>
    joined(Uint8Array.of(draw(30)), new Uint8Array(16).fill(draw(256)), Uint8Array.of(draw(5)), drawBytes(draw, 9)),
  async run(input) {
    const bytes = input.subarray(1)
    const chunks = pieces(bytes, 1 + (input[0] ?? 0))
    const stream = {
      read(reader: LineReader): void {
        // Not by `for of`, which would end the pieces with the loop.
        for (let next = chunks.next(); next.done !== true; next = chunks.next()) if (!reader.bytes([next.value])) return
        reader.ended()
      },
    } as unknown as Parameters<typeof readPreamble>[0]
    let read: Awaited<ReturnType<typeof readPreamble>>
    try {
      read = await readPreamble(stream)
    } catch (error) {
      check(/^There is no lane|^The stream ended/.test((error as Error).message), 'a stream that is no lane is told')
      return
    }
    check(read.lane < lanesPerLink, 'there is such a lane')
    const rest: Uint8Array[] = [...read.opened.early]
    rest.push(...chunks)
    check(isSameValue(joined(...rest), new Uint8Array(bytes.subarray(17))), 'what follows the preamble is kept')
  },
}

function* pieces(bytes: Uint8Array, pieceBytes: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

/** A record that came by gossip. */
export const gossipTarget: Target = {
  name: 'gossip',
  seeds: () => [joined(Uint8Array.of(5), utf8.encode('topic'), Uint8Array.of(1, 2, 3)), Uint8Array.of(0)],
  generate: (draw) => joined(Uint8Array.of(draw(256)), utf8.encode(drawText(draw)), drawBytes(draw, 300)),
  run(data) {
    const isValid = isValidRecord({ type: 'signed', from: { type: 'Ed25519' }, data })
    const fits = data.length > 0 && data.length > (data[0] as number)
    check(isValid === fits, 'a record is taken if its topic is whole')
  },
}

const self = await readIdentity(fixedKey())
const signatures = createSignatures(self)
const signed = Uint8Array.of(1, 2, 3)
const signature = signatures.sign(signed)

/** Texts of peers: an address to dial, and the name of an author. */
export const peerTextTarget: Target = {
  name: 'peer-text',
  seeds: () =>
    [
      '/ip4/10.0.0.1/tcp/4001',
      '/ip6/::1/tcp/4001/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN',
      '/dns4/seed.internal/tcp/4001',
      '/unix/tmp/x',
      self.id,
      `/ip4/1.2.3.4/tcp/1/p2p/${self.id}`,
      '/ip4/127.0.0.1/udp/90/quic-v1/webtransport/certhash/uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ',
    ].map((text) => utf8.encode(text)),
  generate: (draw: Draw) => {
    const names = [
      'ip4',
      'ip6',
      'dns',
      'tcp',
      'p2p',
      'unix',
      'p2p-circuit',
      'certhash',
      'http-path',
      'garlic64',
      drawText(draw),
    ]
    const values = ['1.2.3.4', '::1', '4001', '-1', '99999', self.id, 'a%2Fb', drawText(draw)]
    const parts = Array.from({ length: draw(8) }, (_, index) => pick(draw, index % 2 === 0 ? names : values))
    return utf8.encode(`/${parts.join('/')}`)
  },
  run(input) {
    const text = new TextDecoder().decode(input)
    unlessRefused(['ERR_DIAL_FAILED', 'ERR_OWN_ADDRESS', 'ERR_WRONG_PEER'], () => dialTarget(text, undefined, self.id))
    unlessRefused(['ERR_DIAL_FAILED', 'ERR_OWN_ADDRESS', 'ERR_WRONG_PEER'], () =>
      dialTarget('/ip4/1.2.3.4/tcp/1', text, self.id),
    )
    const isAuthor = signatures.verify(text, signed, signature)
    check(isAuthor === (text === self.id), 'only its author made a signature')
  },
}

/** The same key every time, as libp2p writes it: a finding must be one again when it is replayed. */
function fixedKey(): string {
  const seed = Buffer.alloc(32, 7)
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const { x = '' } = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })).export({
    format: 'jwk',
  })
  return Buffer.concat([Uint8Array.of(8, 1, 18, 64), seed, Buffer.from(x, 'base64url')]).toString('base64')
}

function lengthOf(bytes: number): Uint8Array {
  return Uint8Array.of(bytes >>> 24, bytes >>> 16, bytes >>> 8, bytes)
}
