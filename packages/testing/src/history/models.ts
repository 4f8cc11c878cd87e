import type { Model } from './model.ts'
import type { Operation } from './history.ts'

/** What the models read of an operation's input: a key where there are several, what is done, and with what. */
interface Input {
  readonly key?: string
  readonly op?: string
  readonly value?: unknown
  readonly expected?: unknown
}

/**
 * Values that are read, written, and swapped if they are what is expected. The input is `{ key, op: 'read' | 'write' |
 * 'cas', value, expected }`; `read` gives the value, `cas` gives whether it was swapped. `initial` is what a key holds
 * before it is written.
 */
export function registerModel(initial: unknown = 0): Model<unknown> {
  return {
    name: 'register',
    initial,
    key: textOf,
    partition: keyOf,
    step(state, operation, known) {
      const { op, value, expected } = inputOf(operation)
      if (op === 'write') return value
      if (op === 'cas') {
        const swaps = textOf(state) === textOf(expected)
        if (known && operation.output !== swaps) return undefined
        return swaps ? value : state
      }
      return !known || textOf(operation.output) === textOf(state) ? state : undefined
    },
  }
}

/** A number that is added to: `{ key, op: 'add' | 'read', value }`. Both give the number, after it was added to. */
export const counterModel: Model<number> = {
  name: 'counter',
  initial: 0,
  key: String,
  partition: keyOf,
  step(state, operation, known) {
    const { op, value } = inputOf(operation)
    const next = op === 'add' ? state + Number(value ?? 1) : state
    return !known || operation.output === next ? next : undefined
  },
}

/** First in, first out: `{ key, op: 'push' | 'pop', value }`; `pop` gives the oldest value, `null` if there is none. */
export const queueModel: Model<readonly unknown[]> = {
  name: 'queue',
  initial: [],
  key: textOf,
  partition: keyOf,
  step(state, operation, known) {
    const { op, value } = inputOf(operation)
    if (op === 'push') return [...state, value]
    const oldest = state.length === 0 ? null : state[0]
    return !known || textOf(operation.output) === textOf(oldest) ? state.slice(1) : undefined
  },
}

/** Who holds a lock, and the greatest token that was handed out. */
interface LockState {
  readonly holder: unknown
  readonly token: number
}

/**
 * A lock with fencing: `{ key, op: 'acquire' | 'release', value: holder }`. `acquire` gives a token greater than any before,
 * `null` if somebody else holds it; `release` gives whether the holder held it. Leases that expire are no locks: check
 * those with `singleOwner`.
 */
export const lockModel: Model<LockState> = {
  name: 'lock',
  initial: { holder: null, token: 0 },
  key: ({ holder, token }) => `${token} ${textOf(holder)}`,
  partition: keyOf,
  step(state, operation, known) {
    const { op, value } = inputOf(operation)
    const { output } = operation
    if (op === 'release') {
      const held = textOf(state.holder) === textOf(value)
      if (known && output !== held) return undefined
      return held ? { ...state, holder: null } : state
    }
    if (state.holder !== null) return !known || output === null ? state : undefined
    if (!known) return { holder: value, token: state.token + 1 }
    return typeof output === 'number' && output > state.token ? { holder: value, token: output } : undefined
  },
}

function inputOf({ input, name }: Operation): Input {
  const given = typeof input === 'object' && input !== null ? (input as Input) : { value: input }
  return given.op === undefined ? { ...given, op: name } : given
}

function keyOf(operation: Operation): string {
  return inputOf(operation).key ?? ''
}

function textOf(value: unknown): string {
  return JSON.stringify(value) ?? 'undefined'
}
