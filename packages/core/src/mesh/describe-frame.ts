import type { Signal } from '../actor/signal.ts'
import { printReason } from '../actor/exit-reason.ts'
import { msgpackCodec } from '../codec/msgpack-codec.ts'
import { decodeNotice, decodeSignal, type FrameEnd } from './frame.ts'
import { decodeLinkMessage, type LinkMessage } from './link-message.ts'

const captionCharsMax = 100

const codec = msgpackCodec()
// A frame names threads and serials only; which nodes they are on is known by its link.
const nowhere: FrameEnd = { node: '', life: 0 }

/**
 * What a frame between two nodes says, in a few words for a trace: `call insert to 0.17`, `reply ERR_NO_HANDLER`,
 * `spawn orders.create`, `ping 12`. At most 100 characters, in one line. Actors are named by thread and serial. It never
 * throws: bytes that are no frame of this protocol are a `frame of 12 bytes`.
 *
 * @example
 * raw.send = (bytes) => trace(describeFrame(bytes))
 */
export function describeFrame(bytes: Uint8Array): string {
  let caption: string
  try {
    caption = describeLinkMessage(decodeLinkMessage(bytes))
  } catch {
    // A peer may send anything, a reason that can't be printed too; whether that is an error is not for a trace to say.
    caption = `frame of ${bytes.byteLength} bytes`
  }
  const line = caption.replace(/\p{Cc}+/gu, ' ')
  return line.length <= captionCharsMax ? line : `${line.slice(0, captionCharsMax - 1)}…`
}

function describeLinkMessage(message: LinkMessage): string {
  switch (message.kind) {
    case 'hello':
    case 'accept':
      return `${message.kind} epoch ${message.greeting.epoch} of ${message.greeting.node}`
    case 'refuse':
      return `refuse ${message.code}`
    case 'ping':
    case 'pong':
      return `${message.kind} ${message.seq}`
    case 'goodbye':
      return `goodbye ${message.text}`
    case 'control':
      return `records, ${message.bytes.byteLength} bytes`
    case 'frame':
      return describeSignalFrame(message.bytes)
    case 'bulk':
      return `place of large frame ${message.large}, ${message.frameBytes} bytes`
    case 'part':
      return `${message.bytes.byteLength} bytes of large frame ${message.large}`
    case 'handedOn':
      return `large frame ${message.large} was handed on`
  }
}

function describeSignalFrame(frame: Uint8Array): string {
  const notice = decodeNotice(frame)
  if (notice === undefined) return describeSignal(decodeSignal(frame, nowhere, nowhere, codec))
  if (notice.type === 'threadDown') return `thread ${notice.thread} is down`
  return noticeCaptions[notice.type]
}

const noticeCaptions = {
  draining: 'draining',
  drainingHeard: 'draining was heard',
  resting: 'resting',
  notResting: 'not resting',
} as const

function describeSignal(signal: Signal): string {
  const to = `to ${signal.to.thread}.${signal.to.serial}`
  switch (signal.type) {
    case 'message':
      return `message of ${byteLength(signal.message)} bytes ${to}`
    case 'cast':
    case 'call':
      return `${signal.type} ${signal.name} ${to}`
    case 'reply':
      return signal.result.ok ? `reply ok ${to}` : `reply ${signal.result.failure.code} ${to}`
    case 'link':
    case 'unlink':
    case 'monitor':
    case 'demonitor':
      return `${signal.type} ${to}`
    case 'exit':
    case 'down':
      return `${signal.type} ${printReason(signal.reason)} ${to}`
    case 'spawn':
      return `spawn ${signal.request.procedure}`
    case 'item':
      return `item ${signal.seq} of ${signal.item.byteLength} bytes ${to}`
    case 'credit':
      return `credit of ${signal.items} items ${to}`
    case 'itemsEnd':
      return `items end ${to}`
    case 'cancel':
      return `cancel ${printReason(signal.reason)}`
  }
}

function byteLength(encoded: unknown): number {
  return encoded instanceof Uint8Array ? encoded.byteLength : 0
}
