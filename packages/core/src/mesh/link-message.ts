import { ByteReader, MalformedError } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import type { NodeId } from './transport.ts'

/** The lane of hello, accept, refuse, ping, pong, control payloads, and of credit for large frames. */
export const controlLane = 0
/** The lane of frames and of the places of large ones, and of goodbye, which must not overtake them. */
export const frameLane = 1
/** The lane of the parts of large frames. Where a transport has fewer lanes, it is the last that there is. */
export const bulkLane = 2

/** What every frame is prefixed with: its kind, because a transport may have a single lane. */
export const linkHeaderBytes = 1
/** What a part of a large frame is prefixed with: its kind, the frame's number and its size. */
export const partHeaderBytes = 9

/** The newest link protocol that this code speaks, and the oldest. */
export const protocolVersion = 1
export const protocolVersionMin = 1

/** How large any message but a frame or a control payload may be, in bytes. */
const linkMessageBytesMax: number = 16 * 1024

/** Limits of a greeting's parts, in bytes of UTF-8. */
export const greetingLimits = { nameBytes: 256, addressBytes: 512, addresses: 16 } as const

/** What either side says of itself. New fields are only ever added at the end, where an older reader ignores them. */
export interface Greeting {
  readonly protocolVersion: number
  readonly protocolVersionMin: number
  readonly cluster: string
  readonly node: NodeId
  readonly life: number
  readonly region: string
  /** Counts the hellos and accepts that this node made in this life. */
  readonly epoch: number
  readonly addresses: readonly string[]
  /** The largest frame that it takes in parts, on the bulk lane. 0: none, which is what a node says that never heard of it. */
  readonly frameBytesMax: number
  /** What its mesh actor understands in control payloads. 1: records only, which is what a node says that never heard of it. */
  readonly meshVersion: number
}

/** Why one side turns the other away. A code unknown to the reader travels on as it is. */
export type RefusalCode =
  | 'ERR_WRONG_CLUSTER'
  | 'ERR_PROTOCOL_VERSION'
  | 'ERR_WRONG_PEER'
  | 'ERR_WRONG_REGION'
  | 'ERR_DUPLICATE_LINK'
  | 'ERR_TOO_MANY_LINKS'

export type LinkMessage =
  | { readonly kind: 'hello' | 'accept'; readonly greeting: Greeting }
  | { readonly kind: 'refuse'; readonly code: string; readonly text: string }
  /** `load`, `inFlight` and `stuckMs` are the sender's: see `NodeLoad`. */
  | {
      readonly kind: 'ping' | 'pong'
      readonly seq: number
      readonly load: number
      readonly inFlight: number
      readonly stuckMs?: number
    }
  | { readonly kind: 'goodbye'; readonly text: string }
  | { readonly kind: 'control' | 'frame'; readonly bytes: Uint8Array }
  /** The place of a large frame among the others, its size, and its first bytes. */
  | { readonly kind: 'bulk'; readonly large: number; readonly frameBytes: number; readonly head: Uint8Array }
  /** The next bytes of a large frame, on the bulk lane. They may come before its place. */
  | { readonly kind: 'part'; readonly large: number; readonly frameBytes: number; readonly bytes: Uint8Array }
  /** A large frame was handed on: credit for others. */
  | { readonly kind: 'handedOn'; readonly large: number }

const kinds = [
  'hello',
  'accept',
  'refuse',
  'ping',
  'pong',
  'goodbye',
  'control',
  'frame',
  'bulk',
  'part',
  'handedOn',
] as const
/** The first byte of a frame's message. */
export const frameKind: number = kinds.indexOf('frame')
/** The first byte of a ping, and of nothing else. */
export const pingKind: number = kinds.indexOf('ping')
const partKind = kinds.indexOf('part')

/** A message as bytes. A text longer than its limit is cut. */
export function encodeLinkMessage(message: LinkMessage): Uint8Array {
  if (message.kind === 'frame' || message.kind === 'control') return prefixed(message.kind, message.bytes)
  if (message.kind === 'part') return encodePart(message.large, message.frameBytes, message.bytes)
  const writer = new ByteWriter().u8(kinds.indexOf(message.kind))
  switch (message.kind) {
    case 'hello':
    case 'accept':
      writeGreeting(writer, message.greeting)
      break
    case 'refuse':
      writer.text(cut(message.code)).text(cut(message.text))
      break
    case 'ping':
    case 'pong':
      writer.u32(message.seq).float(message.load).u32(message.inFlight)
      // Nothing where it would say 0, which is what a node says that never heard of it.
      if (message.stuckMs !== undefined && message.stuckMs > 0) writer.u32(Math.min(message.stuckMs, 0xffff_ffff))
      break
    case 'goodbye':
      writer.text(cut(message.text))
      break
    case 'bulk':
      writer.u32(message.large).u32(message.frameBytes).raw(message.head)
      break
    case 'handedOn':
      writer.u32(message.large)
      break
  }
  return writer.finish()
}

/** The reverse. Throws a `MalformedError` for anything that {@link encodeLinkMessage} of some version would not write. */
export function decodeLinkMessage(bytes: Uint8Array): LinkMessage {
  const reader = new ByteReader(bytes)
  const kind = kinds[reader.u8()]
  if (kind === undefined) throw new MalformedError('a message of an unknown kind')
  if (kind === 'control' || kind === 'frame') return { kind, bytes: reader.rest() }
  if (kind === 'part') return { kind, large: reader.u32(), frameBytes: reader.u32(), bytes: reader.rest() }
  if (bytes.byteLength > linkMessageBytesMax) throw new MalformedError(`a ${kind} of ${bytes.byteLength} bytes`)
  switch (kind) {
    case 'hello':
    case 'accept':
      return { kind, greeting: readGreeting(reader) }
    case 'refuse':
      return { kind, code: reader.text(textBytesMax), text: reader.text(textBytesMax) }
    case 'ping':
    case 'pong': {
      const beat = { kind, seq: reader.u32(), load: reader.float(0, 1), inFlight: reader.u32() }
      const stuckMs = reader.left > 0 ? reader.u32() : 0
      return stuckMs > 0 ? { ...beat, stuckMs } : beat
    }
    case 'goodbye':
      return { kind, text: reader.text(textBytesMax) }
    case 'bulk':
      return { kind, large: reader.u32(), frameBytes: reader.u32(), head: reader.rest() }
    case 'handedOn':
      return { kind, large: reader.u32() }
  }
}

/** Whether the bytes from `at` on are a frame, without decoding them: the hot path asks this of everything that arrives. */
export function isFrameMessage(bytes: Uint8Array, at = 0): boolean {
  return bytes[at] === frameKind
}

export function encodePart(large: number, frameBytes: number, part: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(partHeaderBytes + part.byteLength)
  writePartHeader(bytes, large, frameBytes)
  bytes.set(part, partHeaderBytes)
  return bytes
}

/** Writes what stands before the bytes of a part, into the first `partHeaderBytes`: there are many, so their bytes are not copied for it. */
export function writePartHeader(bytes: Uint8Array, large: number, frameBytes: number): void {
  bytes[0] = partKind
  store32(bytes, 1, large)
  store32(bytes, 5, frameBytes)
}

function store32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

function prefixed(kind: 'frame' | 'control', body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(linkHeaderBytes + body.byteLength)
  bytes[0] = kinds.indexOf(kind)
  bytes.set(body, linkHeaderBytes)
  return bytes
}

function writeGreeting(writer: ByteWriter, greeting: Greeting): void {
  writer
    .u16(greeting.protocolVersion)
    .u16(greeting.protocolVersionMin)
    .text(greeting.cluster)
    .text(greeting.node)
    .integer(greeting.life)
    .text(greeting.region)
    .integer(greeting.epoch)
    .u16(greeting.addresses.length)
  for (const address of greeting.addresses) writer.text(address)
  writer.u32(greeting.frameBytesMax).u8(greeting.meshVersion)
}

function readGreeting(reader: ByteReader): Greeting {
  const { nameBytes, addressBytes, addresses: addressesMax } = greetingLimits
  const greeting = {
    protocolVersion: reader.u16(),
    protocolVersionMin: reader.u16(),
    cluster: reader.text(nameBytes),
    node: reader.text(nameBytes),
    life: reader.integer(),
    region: reader.text(nameBytes),
    epoch: reader.integer(),
    addresses: [] as string[],
    frameBytesMax: 0,
    meshVersion: 1,
  }
  for (let left = reader.count(addressesMax); left > 0; left -= 1) greeting.addresses.push(reader.text(addressBytes))
  if (reader.left > 0) greeting.frameBytesMax = reader.u32()
  if (reader.left > 0) greeting.meshVersion = reader.u8()
  return greeting
}

// Texts for people: four bytes of UTF-8 a character at most, so a cut text always passes the reader's limit.
const textCharsMax = 200
const textBytesMax = textCharsMax * 4

function cut(text: string): string {
  return text.slice(0, textCharsMax)
}
