import { encodeBroadcast, openBroadcast } from '../../../../packages/transport-nats/dist/broadcast.js'
import { FrameReader } from '../../../../packages/transport-nats/dist/frame-reader.js'
import {
  commonSecret,
  decodeOpen,
  encodeOpen,
  endpointOfOpen,
  isOpenSigned,
  openAnswer,
  openRefuse,
  secretKeys,
} from '../../../../packages/transport-nats/dist/handshake.js'
import { readIdentity } from '../../../../packages/transport-nats/dist/identity.js'
import { decodePacket, encodePacket } from '../../../../packages/transport-nats/dist/link-packet.js'
import { createSignatures } from '../../../../packages/transport-nats/dist/signatures.js'
import { drawBytes, pick } from '../draw.ts'
import { joined } from '../mutate.ts'
import { isSameValue } from '../same-value.ts'
import { check, type Target } from '../target.ts'

// The same key every time: a finding must be one again when it is replayed.
const identity = readIdentity(Buffer.alloc(32, 7).toString('base64'))
const signatures = createSignatures(identity)
const secrets = secretKeys(['a secret of a cluster that nobody guesses'])
const keys = { tag: 'shop', secrets, signatures }
const ours = { to: identity.id, tag: 'shop', secrets, signatures }
const endpoint = { life: Buffer.alloc(16, 7).toString('base64url'), number: 3, windowBytes: 65_536 }
const realOpen = encodeOpen({ from: identity.id, endpoint, agreementKey: new Uint8Array(32).fill(9) }, ours)
const maxFrameBytes = 100

/** What a stranger may say to a node's subject: an open, an answer to ours, a refusal. */
export const natsHandshakeTarget: Target = {
  name: 'nats-handshake',
  seeds: () => [
    realOpen,
    joined(Uint8Array.of(2, 1, 0), new Uint8Array(200)),
    joined(Uint8Array.of(3, 1), new Uint8Array(64)),
  ],
  generate: (draw) => joined(Uint8Array.of(1 + draw(4), draw(3), draw(3)), drawBytes(draw, 400)),
  run(input) {
    if (endpointOfOpen(input) !== undefined) {
      const open = decodeOpen(input)
      if (open !== undefined) {
        const isMember = commonSecret(input, open, ours) !== undefined && isOpenSigned(input, open, ours)
        check(isMember === isSameValue(new Uint8Array(input), new Uint8Array(realOpen)), 'only a member opens a link')
      }
    }
    const asked = { from: identity.id, open: realOpen, secrets, signatures }
    check(openAnswer(input, asked) === undefined, 'nobody but the one that was asked answers')
    check(openRefuse(input, asked) === undefined, 'nobody but the one that was asked refuses')
  },
}

/** What anybody may say to all of a cluster. */
export const natsBroadcastTarget: Target = {
  name: 'nats-broadcast',
  seeds: () => [realBroadcast],
  generate: (draw) => joined(Uint8Array.of(1, draw(256)), drawBytes(draw, 300)),
  run(input) {
    const isReal = isSameValue(new Uint8Array(input), new Uint8Array(realBroadcast))
    check((openBroadcast(input, keys) !== undefined) === isReal, 'only a member speaks to all')
  },
}

const realBroadcast = encodeBroadcast({ via: identity.id, topic: 'members', record: Uint8Array.of(1, 2, 3) }, keys)

/** Packets of a link, and the frames in the bytes of a lane. The first byte is the size of the pieces in which they come. */
export const natsLinkTarget: Target = {
  name: 'nats-link',
  seeds: () => [
    Uint8Array.of(1, 0, 0, 0, 0, 2, 9, 9),
    Uint8Array.of(4),
    encodePacket({ kind: 'credit', lane: 2, bytes: 70_000 }),
    encodePacket({ kind: 'close', reason: 'leaving' }),
    Uint8Array.of(2, 0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 200),
  ],
  generate: (draw) => joined(Uint8Array.of(1 + draw(5), draw(4)), drawBytes(draw, pick(draw, [4, 600]))),
  run(input) {
    const packet = decodePacket(input)
    if (packet !== undefined && packet.kind !== 'data' && packet.kind !== 'close') {
      check(
        isSameValue(new Uint8Array(encodePacket(packet)), new Uint8Array(input)),
        'a packet is encoded as it was decoded',
      )
    }
    const bytes = input.subarray(1)
    const whole = framesOf(bytes, Math.max(bytes.length, 1))
    check(isSameValue(whole, framesOf(bytes, 1 + (input[0] ?? 0))), 'frames do not depend on how their bytes come')
  },
}

function framesOf(bytes: Uint8Array, pieceBytes: number): (Uint8Array | number)[] {
  const reader = new FrameReader(maxFrameBytes)
  const frames: (Uint8Array | number)[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    reader.push(bytes.subarray(at, at + pieceBytes))
    for (let frame = reader.take(); frame !== undefined; frame = reader.take()) {
      frames.push(typeof frame === 'number' ? frame : new Uint8Array(frame))
      if (typeof frame === 'number') return frames
      check(frame.length <= maxFrameBytes, 'no frame is larger than the largest')
    }
  }
  return frames
}
