import { describeFrame } from '../../../../packages/core/dist/mesh/describe-frame.js'
import {
  decodeLinkMessage,
  encodeLinkMessage,
  type LinkMessage,
} from '../../../../packages/core/dist/mesh/link-message.js'
import { drawBytes, drawCount, drawText, pick } from '../draw.ts'
import { isSameValue } from '../same-value.ts'
import { check, checkOrdinary, type Target, unlessRefused } from '../target.ts'

const greeting = {
  protocolVersion: 1,
  protocolVersionMin: 1,
  cluster: 'shop',
  node: 'n1',
  life: 1_700_000_000_000,
  region: 'syd',
  epoch: 3,
  addresses: ['/ip4/10.0.0.1/tcp/4001/p2p/n1', '/dns4/a.internal/tcp/4001'],
  frameBytesMax: 67_108_864,
  meshVersion: 2,
}

/** Hello, accept, refuse, heartbeats, goodbye, and the places and parts of large frames. */
export const linkMessageTarget: Target = {
  name: 'link-message',
  seeds: () => realMessages.map(encodeLinkMessage),
  generate: (draw) => {
    const words = (): number => drawCount(draw) % 2 ** 32
    const kind = pick(draw, ['hello', 'accept'] as const)
    return encodeLinkMessage(
      pick<LinkMessage>(draw, [
        {
          kind,
          greeting: {
            ...greeting,
            cluster: drawText(draw),
            life: drawCount(draw),
            epoch: drawCount(draw),
            addresses: Array.from({ length: draw(18) }, () => drawText(draw)),
            frameBytesMax: words(),
            meshVersion: draw(256),
          },
        },
        { kind: 'ping', seq: words(), load: draw(3) / 2, inFlight: words() },
        { kind: 'refuse', code: drawText(draw), text: drawText(draw).repeat(draw(30)) },
        { kind: 'bulk', large: words(), frameBytes: words(), head: drawBytes(draw, 40) },
        { kind: 'part', large: words(), frameBytes: words(), bytes: drawBytes(draw, 40) },
      ]),
    )
  },
  run(input) {
    check(describeFrame(input).length <= 100, 'a caption is short')
    const message = unlessRefused(['ERR_MALFORMED'], () => decodeLinkMessage(input))
    if (message === undefined) return
    checkOrdinary(message)
    const back = decodeLinkMessage(encodeLinkMessage(message))
    check(isSameValue(back, cutTexts(message)), 'a message is encoded as it was decoded')
  },
}

/** Texts for people are cut where they are written, not where they are read. */
function cutTexts(message: LinkMessage): LinkMessage {
  const cut = (text: string): string => text.slice(0, 200)
  if (message.kind === 'refuse') return { ...message, code: cut(message.code), text: cut(message.text) }
  return message.kind === 'goodbye' ? { ...message, text: cut(message.text) } : message
}

const realMessages: readonly LinkMessage[] = [
  { kind: 'hello', greeting },
  { kind: 'accept', greeting: { ...greeting, addresses: [] } },
  { kind: 'refuse', code: 'ERR_WRONG_CLUSTER', text: 'another cluster' },
  { kind: 'ping', seq: 7, load: 0.25, inFlight: 3 },
  { kind: 'pong', seq: 7, load: 1, inFlight: 0 },
  { kind: 'goodbye', text: 'leaving' },
  { kind: 'control', bytes: Uint8Array.of(1, 2, 3) },
  { kind: 'frame', bytes: Uint8Array.of(5, 0, 9, 2, 7) },
  { kind: 'bulk', large: 0, frameBytes: 200_000, head: Uint8Array.of(1, 0, 9, 1) },
  { kind: 'part', large: 0, frameBytes: 200_000, bytes: Uint8Array.of(9, 9) },
  { kind: 'handedOn', large: 0 },
]
