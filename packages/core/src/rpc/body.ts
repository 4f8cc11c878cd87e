import type { Runtime } from '../actor/behavior.ts'
import type { Body, Failure } from '../actor/signal.ts'
import { errorData } from '../base/error-data.ts'
import { RuntimeError } from '../base/runtime-error.ts'
import type { Codec } from '../codec/codec.ts'
import { isShortValue, shortValueBytesMax } from '../codec/short-values.ts'

// What the codec may add to a typed array of exactly `bodyBytesMax`. A frame has room for it, and for its header.
const encodingBytesMax = 1_024

/** A value is larger than its node lets travel. */
export class BodyError extends RuntimeError {}

/**
 * An argument, result or item of a call by region as bytes. Throws `ERR_NOT_ENCODABLE`; `ERR_FRAME_TOO_LARGE` beyond the
 * node's `bodyBytesMax`, also where it stays on this node: a call must not fail only where its region is elsewhere.
 */
export function encodeBody(runtime: Pick<Runtime, 'codec' | 'bodyBytesMax'>, value: unknown, name: string): Uint8Array {
  const bytes = runtime.codec.encode(value, name)
  if (bytes.byteLength <= runtime.bodyBytesMax + encodingBytesMax) return bytes
  const message = `The ${name} has ${bytes.byteLength} bytes; this node's bodyBytesMax is ${runtime.bodyBytesMax}`
  throw new BodyError('ERR_FRAME_TOO_LARGE', message)
}

/**
 * The same, but a short value stays as it is until it is written to a frame or a thread: nobody can change it, and bytes of its own would
 * cost as much as all else that is done to send it.
 */
export function bodyOf(runtime: Pick<Runtime, 'codec' | 'bodyBytesMax'>, value: unknown, name: string): Body {
  return isShortValue(value) && runtime.bodyBytesMax >= shortValueBytesMax ? value : encodeBody(runtime, value, name)
}

/** The value of an argument. Throws `ERR_NOT_DECODABLE`. */
export function valueOf(codec: Codec, body: Body): unknown {
  return body instanceof Uint8Array ? codec.decode(body) : body
}

/** Why an argument was not sent. */
export function inputFailure(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof BodyError) return { code: error.code, outcome: 'not-run', message }
  return { code: 'ERR_NOT_ENCODABLE', outcome: 'not-run', message, cause: errorData(error) }
}

/** Why a result, or an item of one, was not sent. */
export function resultFailure(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof BodyError ? error.code : 'ERR_RESULT_NOT_ENCODABLE'
  return { code, outcome: 'ran', message }
}
