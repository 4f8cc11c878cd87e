import type { Pid } from '../actor/pid.ts'
import type { ReplySignal, SpawnRequest, SpawnSignal } from '../actor/signal.ts'
import { isWrittenShort, type ShortValue } from '../codec/short-values.ts'
import { itself } from './frame-address.ts'
import type { FrameEnd } from './frame.ts'
import type { FrameRecord } from './transport.ts'

/** An upper bound of what the numbers of a frame and the heads of its texts take, in bytes. */
const numbersBytesMax = 40
/** The longest name that goes into a record. */
const nameCharsMax = 64

/**
 * A plain call by region, or its answer, for a peer in the same memory: what its frame would say, field by field. Nothing in it is an
 * object, so that nothing is shared; whatever has more to say (a body of bytes, a key, a trace, a stream, a token, a failure) goes as a frame.
 */
export interface SignalRecord extends FrameRecord {
  /** Of the call. */
  readonly thread: number
  readonly serial: number
  /** Of a call; none: it is an answer. Of one shape for both, so that what a link does to records sees one. */
  readonly procedure: string | undefined
  readonly version: number
  readonly timeLeftMs: number
  /** The argument, or the result. */
  readonly value: ShortValue
}

/** The signal as a record; `undefined` where it goes as a frame. */
export function recordOf(signal: SpawnSignal | ReplySignal): SignalRecord | undefined {
  if (signal.type === 'spawn') {
    if (!isPlainCall(signal)) return undefined
    const { procedure, version, timeLeftMs, input } = signal.request
    // In a frame it is a whole number too.
    return newRecord(signal.from, procedure, version, Math.max(0, Math.ceil(timeLeftMs)), input as ShortValue)
  }
  if (signal.ref !== 0 || signal.served !== undefined) return undefined
  const { result } = signal
  if (!result.ok || result.encoded || result.token !== undefined || !isWrittenShort(result.value)) return undefined
  return newRecord(signal.to, undefined, 0, 0, result.value)
}

function newRecord(
  { thread, serial }: Pid,
  procedure: string | undefined,
  version: number,
  timeLeftMs: number,
  value: ShortValue,
): SignalRecord {
  const chars = typeof value === 'string' ? value.length : 1
  // A character of a name may take three bytes.
  const byteLength = numbersBytesMax + (procedure === undefined ? 0 : 3 * procedure.length) + chars
  return { byteLength, thread, serial, procedure, version, timeLeftMs, value }
}

function isPlainCall({ to, request }: SpawnSignal): boolean {
  const { procedure, idempotencyKey, isCast, trace, stream, input } = request
  if (idempotencyKey !== undefined || isCast === true || trace !== undefined || stream !== undefined) return false
  return to.serial === 0 && to.thread === 0 && procedure.length <= nameCharsMax && isWrittenShort(input)
}

/** The signal that a peer made a record of: the same as from its frame. */
export function signalOf(record: SignalRecord, from: FrameEnd, to: FrameEnd): SpawnSignal | ReplySignal {
  const { thread, serial, procedure, version, timeLeftMs, value } = record
  if (procedure === undefined) {
    const result = { ok: true as const, value, encoded: false }
    return { type: 'reply', to: { node: to.node, life: to.life, thread, serial }, ref: 0, result, via: from.node }
  }
  const { region = '', roles = [] } = from
  // Of one shape with what is read from a frame.
  const request: SpawnRequest = {
    procedure,
    version,
    timeLeftMs,
    idempotencyKey: undefined,
    callerRegion: region,
    callerRoles: roles,
    input: value,
    trace: undefined,
  }
  return { type: 'spawn', from: { node: from.node, life: from.life, thread, serial }, to: itself(to), request }
}
