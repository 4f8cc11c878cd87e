/**
 * An error as plain data. `structuredClone` of an Error subclass keeps neither its class name nor its code, so errors
 * and exit reasons travel in this form between actors, threads and nodes.
 */
export interface ErrorData {
  readonly type: 'error'
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: ErrorData
}

// One for all that runs on this thread: errors become data where no platform is at hand.
let stacks = true

/**
 * From here on errors that become data on this thread leave their stacks behind: a stack names paths and lines, so two
 * equal runs on two machines, or on two versions of Node, would send different bytes. Returns a function that brings back
 * what was before. For simulators.
 */
export function leaveOutStacks(): () => void {
  const before = stacks
  stacks = false
  return () => {
    stacks = before
  }
}

// A cause chain may be cyclic or absurdly long; what lies deeper than this is cut.
const causeDepthMax = 8

/** Describes anything thrown as data. A thrown value that is not an Error keeps its printed form as the message. */
export function errorData(thrown: unknown, depth = 0): ErrorData {
  if (isErrorData(thrown)) return thrown
  if (!(thrown instanceof Error)) return { type: 'error', name: 'NonError', message: printed(thrown) }
  const code: unknown = 'code' in thrown ? thrown.code : undefined
  return {
    type: 'error',
    name: className(thrown),
    message: thrown.message,
    ...(typeof code === 'string' && { code }),
    ...(stacks && thrown.stack !== undefined && { stack: thrown.stack }),
    ...(thrown.cause !== undefined && depth < causeDepthMax && { cause: errorData(thrown.cause, depth + 1) }),
  }
}

/** Its name or, where its class gave it none, that of its class: it would otherwise travel as what the class extends. */
function className(error: Error): string {
  const own = Object.getPrototypeOf(error) as object | null
  let holder: object | null = error
  while (holder !== null && !Object.hasOwn(holder, 'name')) holder = Object.getPrototypeOf(holder) as object | null
  const given = holder === error || holder === own || holder === null
  // A getter tells one error from another, as a DOMException's does.
  if (given || !('value' in (Object.getOwnPropertyDescriptor(holder, 'name') ?? {}))) return error.name
  return error.constructor.name || error.name
}

/** An Error again, for `cause` and for throwing; its class is gone, its name, message, code, cause and stack are kept. */
export function errorFromData(data: ErrorData): Error {
  const cause = data.cause === undefined ? undefined : { cause: errorFromData(data.cause) }
  const error: Error & { code?: string } = new Error(data.message, cause)
  error.name = data.name
  if (data.code !== undefined) error.code = data.code
  // Without one, the stack of this line would only mislead.
  error.stack = data.stack ?? `${data.name}: ${data.message}`
  return error
}

export function isErrorData(value: unknown): value is ErrorData {
  if (typeof value !== 'object' || value === null || value instanceof Error) return false
  return 'type' in value && value.type === 'error' && 'message' in value
}

/** Whether this is an error as {@link errorData} makes it, in every part: for what others sent, which may be anything. */
export function isWholeErrorData(value: unknown): value is ErrorData {
  let one = value
  for (let depth = 0; depth <= causeDepthMax; depth += 1) {
    if (!isErrorData(one)) return false
    const { name, message, code = '', stack = '', cause } = one
    if ([name, message, code, stack].some((text) => typeof text !== 'string')) return false
    if (cause === undefined) return true
    one = cause
  }
  return false
}

function printed(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    // Not serialisable (a cycle, a BigInt): its short form still says what it was.
    return Object.prototype.toString.call(value)
  }
}
