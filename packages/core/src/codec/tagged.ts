import { type ErrorData, errorData, errorFromData } from '../base/error-data.ts'
import { CodecError } from './errors.ts'
import { taggedExtension } from './limits.ts'
import { msgpackr } from './msgpackr.ts'

/**
 * A value that msgpackr would not bring back as it was, on its way through it: a list of the value's kind and its parts.
 * (msgpackr writes a Map like an object, -0 like 0, and loses lone surrogates and a leading byte-order mark.)
 */
export class Tagged {
  readonly items: readonly unknown[]

  constructor(items: readonly unknown[]) {
    this.items = items
  }
}

// These numbers are on the wire: never give one a second meaning.
const mapKind = 0
const errorKind = 1
const urlKind = 2
const negativeZeroKind = 3
const utf16Kind = 4

let registered = false

/**
 * Teaches msgpackr the extension, once. Its table of extensions belongs to the thread, not to a codec; hence the entry
 * of msgpackr that applications hardly import, and one extension type for all kinds.
 */
export function registerTagged(): void {
  if (registered) return
  registered = true
  msgpackr().addExtension({
    Class: Tagged,
    type: taggedExtension,
    write: (tagged: Tagged) => tagged.items,
    read: untag,
  })
}

export function taggedMap(entries: readonly unknown[]): Tagged {
  return new Tagged([mapKind, ...entries])
}

export const taggedNegativeZero: Tagged = new Tagged([negativeZeroKind])

export function taggedUrl(url: URL): Tagged {
  return new Tagged([urlKind, url.href])
}

/** A string by its UTF-16 units. */
export function taggedString(text: string): Tagged {
  const units = new Uint16Array(text.length)
  for (let index = 0; index < text.length; index += 1) units[index] = text.charCodeAt(index)
  return new Tagged([utf16Kind, units])
}

/** The parts of an Error, its causes nested: they are strings, undefined and lists, and still to be checked themselves. */
export function errorItems(error: Error): readonly unknown[] {
  return [errorKind, ...errorParts(errorData(error), causesMax)]
}

const causesMax = 8

// Built field by field: an object that merely looks like ErrorData may carry anything else besides, or contain itself.
function errorParts(data: ErrorData, causesLeft: number): readonly unknown[] {
  const cause =
    data.cause === undefined || causesLeft === 0 ? undefined : errorParts(errorData(data.cause), causesLeft - 1)
  return [data.name, data.message, stringOrUndefined(data.code), stringOrUndefined(data.stack), cause]
}

function stringOrUndefined(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

// What comes here was written by a peer: nothing about it is certain but the limits.
function untag(items: readonly unknown[]): unknown {
  const [kind, first] = items
  switch (kind) {
    case mapKind:
      return untagMap(items)
    case errorKind:
      return errorFromData(untagError(items.slice(1)))
    case urlKind:
      if (typeof first === 'string') return new URL(first)
      break
    case negativeZeroKind:
      return -0
    case utf16Kind:
      if (first instanceof Uint16Array) return untagString(first)
      break
  }
  refuse()
}

function untagMap(items: readonly unknown[]): Map<unknown, unknown> {
  if (items.length % 2 === 0) refuse()
  const map = new Map<unknown, unknown>()
  for (let index = 1; index < items.length; index += 2) map.set(items[index], items[index + 1])
  return map
}

function untagError(parts: readonly unknown[]): ErrorData {
  const [name, message, code, stack, cause] = parts
  if (typeof name !== 'string' || typeof message !== 'string') refuse()
  return {
    type: 'error',
    name,
    message,
    ...(typeof code === 'string' && { code }),
    ...(typeof stack === 'string' && { stack }),
    ...(Array.isArray(cause) && { cause: untagError(cause) }),
  }
}

// In pieces, because the number of arguments of a call is limited.
function untagString(units: Uint16Array): string {
  const pieceUnits = 8192
  let text = ''
  for (let start = 0; start < units.length; start += pieceUnits) {
    text += String.fromCharCode(...units.subarray(start, start + pieceUnits))
  }
  return text
}

function refuse(): never {
  throw new CodecError(
    'ERR_NOT_DECODABLE',
    `Bytes can't be decoded: an extension of type ${taggedExtension} is malformed`,
  )
}
