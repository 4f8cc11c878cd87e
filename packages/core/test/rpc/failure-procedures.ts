import { contract, Exit, type Pid, procedure } from '@skerry/core'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { Sightings } from '../fixtures/sightings.ts'

export const echo = procedure({ name: 'echo', run: (_ctx, value: unknown) => value })

export const echoOfVersion7 = procedure({
  name: 'versioned',
  version: 7,
  compatible: [5],
  run: (_ctx, text: string) => text,
})

/** How the schema below was applied, and whether the procedure behind it ran. */
export const quantities = { checked: 0, ran: 0 }

/** Takes a digit as text and makes it a number: a transform, which must not run twice. */
const digit: StandardSchemaV1<string, number> = {
  '~standard': {
    version: 1,
    vendor: 'tests',
    validate(value) {
      quantities.checked += 1
      if (typeof value === 'string' && /^\d$/.test(value)) return { value: Number(value) }
      return { issues: [{ message: 'not a digit', path: ['quantity'] }] }
    },
  },
}

const positive: StandardSchemaV1<number, number> = {
  '~standard': {
    version: 1,
    vendor: 'tests',
    validate: (value) =>
      typeof value === 'number' && value > 0 ? { value } : { issues: [{ message: 'not positive', path: [] }] },
  },
}

export const order = contract({ name: 'orders.create', input: digit, output: positive })
export const orderHere = order.implement({
  run: (_ctx, quantity) => {
    quantities.ran += 1
    return quantity
  },
})

export class StockError extends Error {
  readonly code = 'ERR_OUT_OF_STOCK'
}

export const throws = procedure({
  name: 'throws',
  run: (_ctx, message: string): string => {
    throw new StockError(message, { cause: new RangeError('the shelf is empty', { cause: 'rats' }) })
  },
})

export const throwsAValue = procedure({
  name: 'throwsAValue',
  run: (): string => {
    // Programs do this.
    throw { odd: 1 } as unknown as Error
  },
})

export const exits = procedure({
  name: 'exits',
  run: (_ctx, reason: string): string => {
    throw new Exit(reason)
  },
})

export const resultWithFunction = procedure({
  name: 'resultWithFunction',
  run: () => ({ lines: [1, { total: () => 2 }] }),
})

export const largeResult = procedure({ name: 'largeResult', run: (_ctx, bytes: number) => new Uint8Array(bytes) })

/** The processes of `waits` as they began, and how each was told to end. */
export const begun = new Sightings<{
  readonly pid: Pid
  readonly aborted: Promise<void>
  readonly idempotencyKey: string | undefined
  readonly caller: { readonly node: string; readonly region: string }
  answer(value: string): void
}>()

/** Answers when the test lets it, whether anybody still wants it or not. */
export const waits = procedure({
  name: 'waits',
  run: (ctx) =>
    new Promise<string>((answer) => {
      const aborted = new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve()))
      const { idempotencyKey, caller } = ctx
      begun.add({ pid: ctx.self, aborted, idempotencyKey, caller, answer })
    }),
})

export const timeLeft = procedure({ name: 'timeLeft', run: (ctx) => ctx.timeLeftMs })

/** The time that is left for a call which itself wants an hour. */
export const timeLeftWithin = procedure({
  name: 'timeLeftWithin',
  run: (ctx, region: string) => ctx.rpcRegion(region, timeLeft, undefined, { timeoutMs: 3_600_000 }),
})

/** Changes what it was given. */
export const mutates = procedure({
  name: 'mutates',
  run: (_ctx, list: number[]) => {
    list.push(99)
    kept = list
    return list
  },
})

/** The very array that `mutates` worked on. */
export let kept: number[] = []

export const throwsAtLength = procedure({
  name: 'throwsAtLength',
  run: (_ctx, length: number): string => {
    throw new RangeError('x'.repeat(length))
  },
})

export const exitsOddly = procedure({
  name: 'exitsOddly',
  run: (): string => {
    const reason = { type: 'odd', fn: () => 1 }
    throw new Exit(reason)
  },
})
