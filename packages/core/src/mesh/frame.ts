import type { Codec } from '../codec/codec.ts'
import { notShort, type ShortValue } from '../codec/short-values.ts'
import { reasonFrom } from '../actor/exit-reason.ts'
import type { Pid } from '../actor/pid.ts'
import { failureFrom, type ReplyResult, type ReplySignal, type Signal, type SpawnRequest } from '../actor/signal.ts'
import { streamLimits, withinLimit } from '../actor/stream-limits.ts'
import type { ServedTimes } from '../platform/telemetry.ts'
import { baggageCharsMax, type TraceContext } from '../platform/trace-context.ts'
import type { BlockSlice } from './block-slice.ts'
import { FrameReader, FrameWriter } from './frame-bytes.ts'
import { itself } from './frame-address.ts'
import { everyOrder } from './held-frames.ts'
import { frameKind, linkHeaderBytes } from './link-message.ts'
import { SplitMessage } from './split-message.ts'

/** One end of a link: both lives are settled by its hello, so that a frame names only threads and serials. */
export interface FrameEnd {
  readonly node: string
  readonly life: number
  /** Of a peer: where it is and what it may act as, by its link. */
  readonly region?: string
  readonly roles?: readonly string[]
}

/** The numbers on the wire. Never reuse one: see docs/wire-format.md. */
const kinds = {
  message: 1,
  cast: 2,
  call: 3,
  reply: 4,
  link: 5,
  unlink: 6,
  exit: 7,
  monitor: 8,
  demonitor: 9,
  down: 10,
  spawn: 11,
  cancel: 12,
  threadDown: 13,
  draining: 14,
  drainingHeard: 15,
  item: 16,
  credit: 17,
  itemsEnd: 18,
  resting: 19,
  notResting: 20,
} as const

/** How a spawn's result is wanted. */
const modes = { call: 0, cast: 1, stream: 2, streamBothWays: 3 } as const

const writer = new FrameWriter()
/** Of signals: nothing that reads one reads another meanwhile. */
const signalReader = new FrameReader(new Uint8Array())

/**
 * A signal as bytes: a small routing header, then the body, which stays undecoded until the thread where its handler
 * runs. Throws what the codec throws for a reason or an error that can't be encoded.
 */
export function encodeSignal(signal: Signal, codec: Codec): Uint8Array {
  const message = encodeSignalMessage(signal, codec)
  return (message instanceof SplitMessage ? message.join() : message.view()).subarray(linkHeaderBytes)
}

/** The same as a link's message: the frame behind its kind, and a large body apart, so that nothing need be copied to be sent. */
export function encodeSignalMessage(signal: Signal, codec: Codec): BlockSlice | SplitMessage {
  switch (signal.type) {
    case 'message':
      begin(kinds.message, signal.to)
      writeBody(signal.message, signal.encoded, codec)
      break
    case 'cast':
      begin(kinds.cast, signal.to)
      writer.text(signal.name)
      writeBody(signal.args, signal.encoded, codec)
      break
    case 'call':
      begin(kinds.call, signal.to)
      writer.address(signal.from)
      writer.number(signal.ref)
      writer.text(signal.name)
      writeTrace(signal.trace)
      writeBody(signal.args, signal.encoded, codec)
      break
    case 'reply':
      begin(kinds.reply, signal.to)
      writer.number(signal.ref)
      writeReplyHead(signal)
      if (signal.result.ok) writeBody(signal.result.value, signal.result.encoded, codec)
      else writer.rest(codec.encode(signal.result.failure, 'failure'))
      break
    case 'link':
    case 'unlink':
      begin(signal.type === 'link' ? kinds.link : kinds.unlink, signal.to)
      writer.address(signal.from)
      break
    case 'exit':
      begin(kinds.exit, signal.to)
      writer.address(signal.from)
      writer.number(signal.viaLink ? 1 : 0)
      writer.rest(codec.encode(signal.reason, 'reason'))
      break
    case 'monitor':
    case 'demonitor':
      begin(signal.type === 'monitor' ? kinds.monitor : kinds.demonitor, signal.to)
      writer.address(signal.from)
      writer.number(signal.ref)
      break
    case 'down':
      begin(kinds.down, signal.to)
      writer.address(signal.from)
      writer.number(signal.ref)
      writer.rest(codec.encode(signal.reason, 'reason'))
      break
    case 'spawn':
      begin(kinds.spawn, signal.to)
      writer.address(signal.from)
      writeRequest(signal.request, codec)
      break
    case 'cancel':
      begin(kinds.cancel, signal.to)
      writer.address(signal.from)
      writer.rest(codec.encode(signal.reason, 'reason'))
      break
    case 'item':
      begin(kinds.item, signal.to)
      writer.address(signal.from)
      writer.number(signal.seq)
      writer.rest(signal.item)
      break
    case 'credit':
      begin(kinds.credit, signal.to)
      writer.address(signal.from)
      writer.number(signal.items)
      writer.number(signal.bytes)
      break
    case 'itemsEnd':
      begin(kinds.itemsEnd, signal.to)
      writer.address(signal.from)
  }
  return writer.finishMessage()
}

/** By a kind that stands in the code: to look it up by a signal's type would cost as much as to write it. */
function begin(kind: number, to: Pid): void {
  writer.start(frameKind, kind)
  writer.address(to)
}

/**
 * Reads a peer's frame as a signal from it to us. Throws `ERR_BAD_FRAME` or `ERR_NOT_DECODABLE` for anything else than
 * a whole, well-formed frame; bodies are not looked at. `at` and `end`: where the frame stands in the bytes.
 */
export function decodeSignal(
  bytes: Uint8Array,
  from: FrameEnd,
  to: FrameEnd,
  codec: Codec,
  at = 0,
  end: number = bytes.length,
): Signal {
  signalReader.open(bytes, at, end)
  const reader = signalReader
  const kind = reader.kind()
  const target = address(reader, to)
  switch (kind) {
    case kinds.message:
      return { type: 'message', to: target, message: reader.rest(), encoded: true }
    case kinds.cast:
      return { type: 'cast', to: target, name: reader.name(), args: reader.rest(), encoded: true }
    case kinds.call: {
      const caller = address(reader, from)
      const ref = reader.number()
      const name = reader.name()
      const trace = readTrace(reader)
      return { type: 'call', to: target, from: caller, ref, name, ...trace, args: reader.rest(), encoded: true }
    }
    case kinds.reply: {
      const ref = reader.number()
      const bits = reader.number()
      // What nearly every reply is, apart from the rest: no head is made for it.
      if (bits === replyBits.ok) {
        const short = reader.short()
        const result =
          short === notShort ? encodedResult(reader.rest()) : { ok: true as const, value: short, encoded: false }
        return { type: 'reply', to: target, ref, result, via: from.node }
      }
      const { ok, served, token } = readReplyHead(reader, bits)
      const result = readResult(reader, ok, token, codec)
      return { type: 'reply', to: target, ref, result, via: from.node, ...(served !== undefined && { served }) }
    }
    case kinds.link:
      return { type: 'link', from: address(reader, from), to: target }
    case kinds.unlink:
      return { type: 'unlink', from: address(reader, from), to: target }
    case kinds.exit: {
      const sender = address(reader, from)
      const viaLink = reader.number() === 1
      return { type: 'exit', from: sender, to: target, viaLink, reason: reasonFrom(codec.decode(reader.rest())) }
    }
    case kinds.monitor:
      return { type: 'monitor', from: address(reader, from), to: target, ref: reader.number() }
    case kinds.demonitor:
      return { type: 'demonitor', from: address(reader, from), to: target, ref: reader.number() }
    case kinds.down: {
      const sender = address(reader, from)
      const ref = reader.number()
      return { type: 'down', from: sender, to: target, ref, reason: reasonFrom(codec.decode(reader.rest())) }
    }
    case kinds.spawn:
      return { type: 'spawn', from: address(reader, from), to: target, request: readRequest(reader, from) }
    case kinds.cancel: {
      const sender = address(reader, from)
      return { type: 'cancel', from: sender, to: target, reason: reasonFrom(codec.decode(reader.rest())) }
    }
    case kinds.item: {
      const sender = address(reader, from)
      return { type: 'item', from: sender, to: target, seq: reader.number(), item: reader.rest() }
    }
    case kinds.credit: {
      const sender = address(reader, from)
      const items = reader.number()
      return { type: 'credit', from: sender, to: target, items, bytes: reader.number() }
    }
    case kinds.itemsEnd:
      return { type: 'itemsEnd', from: address(reader, from), to: target }
    default:
      throw reader.error(`unknown kind ${kind}`)
  }
}

/** Whether the signal that was decoded last may have a part of its frame's bytes in it. */
export function decodedWithBody(): boolean {
  return signalReader.gaveRest
}

/**
 * What one node tells another beside signals, in order with them.
 * - `threadDown`: everything toward that thread of ours is over.
 * - `draining`: we take no new work. Answered, behind all requests that were sent before, by `drainingHeard`: none comes
 *   after it.
 * - `resting`: we have no use for this link and send nothing on it until `notResting` answers, or a goodbye ends it.
 */
export type NodeNotice =
  | { readonly type: 'threadDown'; readonly thread: number }
  | { readonly type: 'draining' }
  | { readonly type: 'drainingHeard' }
  | { readonly type: 'resting' }
  | { readonly type: 'notResting' }

export function encodeNotice(notice: NodeNotice): Uint8Array {
  writer.start(frameKind, kinds[notice.type])
  if (notice.type === 'threadDown') writer.number(notice.thread)
  return writer.finish().subarray(linkHeaderBytes)
}

/** The notice that a frame is; `undefined` for a signal. Throws `ERR_BAD_FRAME` for one that is cut short. `at` and `end`: as above. */
export function decodeNotice(bytes: Uint8Array, at = 0, end: number = bytes.length): NodeNotice | undefined {
  // Asked of every frame, and nearly all are signals.
  if (at >= end || (bytes[at] as number) < kinds.threadDown) return undefined
  const reader = new FrameReader(bytes, at, end)
  switch (reader.kind()) {
    case kinds.threadDown:
      return { type: 'threadDown', thread: reader.number() }
    case kinds.draining:
      return { type: 'draining' }
    case kinds.drainingHeard:
      return { type: 'drainingHeard' }
    case kinds.resting:
      return { type: 'resting' }
    case kinds.notResting:
      return { type: 'notResting' }
    default:
      return undefined
  }
}

/** How many bytes of a frame {@link orderKey} looks at: a kind, and four numbers of at most eight bytes. */
export const orderHeadBytes = 33

/**
 * Frames of a peer with equal keys must keep their order among each other. A frame does not name the actor that sent it,
 * so the key is whom it is for: an actor, or the call that an answer belongs to. What is for the node itself goes by the
 * call that it is from: a cancellation keeps behind its spawn, and calls do not wait for each other.
 */
export function orderKey(frame: Uint8Array): string {
  const reader = new FrameReader(frame)
  try {
    const kind = reader.kind()
    // Notices are about everything that was sent before them.
    if ((kind >= kinds.threadDown && kind <= kinds.drainingHeard) || kind >= kinds.resting) return everyOrder
    const thread = reader.number()
    const serial = reader.number()
    if (thread !== 0 || serial !== 0) return `${thread}.${serial}`
    const callThread = reader.number()
    return `call ${callThread}.${reader.number()}`
  } catch {
    // No node of ours sends it, and who decodes it will say so.
    return ''
  }
}

function writeRequest(request: SpawnRequest, codec: Codec): void {
  writer.name(request.procedure)
  writer.number(request.version)
  writer.number(Math.max(0, Math.ceil(request.timeLeftMs)))
  const { idempotencyKey } = request
  if (idempotencyKey === undefined) writer.number(0)
  else writer.text(idempotencyKey)
  writeMode(request)
  writeTrace(request.trace)
  writeBody(request.input, request.input instanceof Uint8Array, codec)
}

function readRequest(reader: FrameReader, { region = '', roles = [] }: FrameEnd): SpawnRequest {
  const procedure = reader.name()
  const version = reader.number()
  const timeLeftMs = reader.number()
  const key = reader.text()
  const mode = readMode(reader)
  const trace = readTrace(reader)
  const short = reader.short()
  const input = short === notShort ? reader.rest() : (short as ShortValue)
  const idempotencyKey = key === '' ? undefined : key
  const request: SpawnRequest = {
    procedure,
    version,
    timeLeftMs,
    idempotencyKey,
    callerRegion: region,
    callerRoles: roles,
    input,
    trace: trace.trace,
  }
  // Most are plain calls, and copies of an object cost more than reading it.
  return mode === plainMode ? request : { ...request, ...mode }
}

const plainMode: Pick<SpawnRequest, 'isCast' | 'stream'> = {}
const noTrace: { readonly trace?: TraceContext } = {}

function writeMode({ isCast, stream }: SpawnRequest): void {
  if (stream === undefined) {
    writer.number(isCast === true ? modes.cast : modes.call)
    return
  }
  writer.number(stream.hasIncoming ? modes.streamBothWays : modes.stream)
  writer.number(stream.items)
  writer.number(stream.bytes)
  writer.number(stream.silentMs)
}

function readMode(reader: FrameReader): Pick<SpawnRequest, 'isCast' | 'stream'> {
  const mode = reader.number()
  if (mode === modes.call) return plainMode
  if (mode === modes.cast) return { isCast: true }
  if (mode !== modes.stream && mode !== modes.streamBothWays) throw reader.error(`unknown mode ${mode} of a spawn`)
  // A peer's numbers become what we keep for it, and a timer of ours.
  const items = withinLimit(reader.number(), streamLimits.windowItems)
  const bytes = withinLimit(reader.number(), streamLimits.windowBytes)
  const silentMs = withinLimit(reader.number(), streamLimits.silentMs)
  return { stream: { items, bytes, silentMs, hasIncoming: mode === modes.streamBothWays } }
}

function writeTrace(trace: TraceContext | undefined): void {
  if (trace === undefined) {
    // A text of no bytes.
    writer.number(0)
    return
  }
  writer.text(trace.traceparent)
  writer.text(trace.tracestate ?? '')
  writer.text(trace.baggage ?? '', baggageCharsMax)
}

function readTrace(reader: FrameReader): { readonly trace?: TraceContext } {
  const traceparent = reader.text()
  if (traceparent === '') return noTrace
  const tracestate = reader.text()
  const baggage = reader.text(baggageCharsMax)
  return { trace: { traceparent, ...(tracestate !== '' && { tracestate }), ...(baggage !== '' && { baggage }) } }
}

/** What the number at the head of a reply says, bit by bit. */
const replyBits = { ok: 1, served: 2, token: 4 } as const

function writeReplyHead({ result, served }: ReplySignal): void {
  const token = result.ok ? result.token : undefined
  const bits = (result.ok ? replyBits.ok : 0) | (served === undefined ? 0 : replyBits.served)
  writer.number(bits | (token === undefined ? 0 : replyBits.token))
  if (served !== undefined) {
    writer.number(microseconds(served.queueMs))
    writer.number(microseconds(served.runMs))
  }
  if (token !== undefined) writer.text(token)
}

interface ReplyHead {
  readonly ok: boolean
  readonly served: ServedTimes | undefined
  readonly token: string | undefined
}

function readReplyHead(reader: FrameReader, bits: number): ReplyHead {
  if (bits > (replyBits.ok | replyBits.served | replyBits.token)) throw reader.error(`unknown bits ${bits} of a reply`)
  const ok = (bits & replyBits.ok) !== 0
  let served: ServedTimes | undefined
  if ((bits & replyBits.served) !== 0) {
    const queueMs = reader.number() / 1_000
    served = { queueMs, runMs: reader.number() / 1_000 }
  }
  const token = (bits & replyBits.token) === 0 ? undefined : reader.text()
  return { ok, served, token }
}

function microseconds(ms: number): number {
  return Math.max(0, Math.round(ms * 1_000))
}

function encodedResult(value: Uint8Array): ReplyResult {
  return { ok: true, value, encoded: true }
}

function readResult(reader: FrameReader, ok: boolean, token: string | undefined, codec: Codec): ReplyResult {
  if (ok) return { ok: true, value: reader.rest(), encoded: true, ...(token !== undefined && { token }) }
  return { ok: false, failure: failureFrom(codec.decode(reader.rest())) }
}

function writeBody(body: unknown, encoded: boolean, codec: Codec): void {
  if (encoded) writer.rest(body as Uint8Array)
  else if (!writer.short(body)) writer.rest(codec.encode(body, 'body'))
}

function address(reader: FrameReader, end: FrameEnd): Pid {
  const thread = reader.number()
  const serial = reader.number()
  return thread === 0 && serial === 0 ? itself(end) : { node: end.node, life: end.life, thread, serial }
}
