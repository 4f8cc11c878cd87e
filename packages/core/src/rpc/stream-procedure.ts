import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { StreamRef } from '../actor/remote-verbs.ts'
import type { RemoteWork } from '../actor/thread-starter.ts'
import { checkedIdentity, type Implementation, type OfferedProcedure, offered } from './procedure.ts'
import { ProcedureContext } from './procedure-context.ts'
import { streamSchemaHash } from './schema-hash.ts'
import { streamProcess, type StreamProcessCode } from './stream-process.ts'

/** How a streaming procedure runs: as a procedure does, but for its `run`. */
export interface StreamImplementation<Input, Item, Incoming = never> extends Omit<Implementation<Input, Item>, 'run'> {
  /**
   * Gives the items: an async generator, mostly, which is asked for the next one when there is room for it. `incoming` has
   * those of the caller, none if it sends none. When nobody wants more, `ctx.signal` aborts and the generator's
   * `finally` blocks run, unless it waits for an incoming item or a verb of `ctx`, which settle no more.
   */
  run(ctx: ProcedureContext, input: Input, incoming: AsyncIterable<Incoming>): AsyncIterable<Item>
}

export interface StreamDefinition<Input, Item, Incoming = never> extends StreamImplementation<Input, Item, Incoming> {
  /** Unique among the procedures of a mesh; at most 200 characters. */
  readonly name: string
  /** A whole number from 1; default 1. */
  readonly version?: number
}

/** A streaming procedure that this app can run: what stands in `procedures` of an app. Callers may use it as well. */
export interface StreamHere<in out Input, out Item, in Incoming = never>
  extends StreamRef<Input, Item, Incoming>, OfferedProcedure {}

/**
 * Defines a procedure whose results come one by one, where both sides share a file.
 *
 * @example
 * export const count = streamProcedure({ name: 'count', async *run(_ctx, to: number) { for (let n = 1; n <= to; n += 1) yield n } })
 * for await (const n of node.stream('syd', count, 3)) console.log(n) // 1, 2, 3
 */
export function streamProcedure<Input, Item, Incoming = never>(
  definition: StreamDefinition<Input, Item, Incoming>,
): StreamHere<Input, Item, Incoming> {
  return here(definition, definition, unchecked, undefined)
}

const unchecked = { input: undefined, item: undefined, incoming: undefined }

export interface StreamContractImplementation<Input, Item, Incoming> extends StreamImplementation<
  Input,
  Item,
  Incoming
> {
  /** Whether the contract's schemas are applied, as for a procedure's contract. Default `true`. */
  readonly validate?: boolean
}

/** The name, version and schemas that both sides of a streaming procedure share. It imports no server code. */
export interface StreamContractDefinition<
  Input extends StandardSchemaV1,
  Item extends StandardSchemaV1,
  Incoming extends StandardSchemaV1,
> {
  readonly name: string
  readonly version?: number
  /** Any Standard Schema. Each of these is applied once, on the server. */
  readonly input: Input
  /** Of each result. */
  readonly item: Item
  /** Of each item of the caller. Default: it sends none. */
  readonly incoming?: Incoming
  /** What the hash of its schemas is of, instead of the schemas: as in a procedure's contract. */
  readonly schemaVersion?: string
}

export interface StreamContract<
  Input extends StandardSchemaV1,
  Item extends StandardSchemaV1,
  Incoming extends StandardSchemaV1,
> extends StreamRef<
  StandardSchemaV1.InferInput<Input>,
  StandardSchemaV1.InferOutput<Item>,
  StandardSchemaV1.InferInput<Incoming>
> {
  /** The server's side. */
  implement(
    implementation: StreamContractImplementation<
      StandardSchemaV1.InferOutput<Input>,
      StandardSchemaV1.InferInput<Item>,
      StandardSchemaV1.InferOutput<Incoming>
    >,
  ): StreamHere<
    StandardSchemaV1.InferInput<Input>,
    StandardSchemaV1.InferOutput<Item>,
    StandardSchemaV1.InferInput<Incoming>
  >
}

/**
 * Defines a streaming procedure's two sides apart.
 *
 * @example
 * export const tailLog = streamContract({ name: 'log.tail', input: z.object({ since: z.number() }), item: z.string() })
 * export const tailLogHere = tailLog.implement({ async *run(ctx, { since }) { yield* linesSince(ctx, since) } })
 */
export function streamContract<
  Input extends StandardSchemaV1,
  Item extends StandardSchemaV1,
  Incoming extends StandardSchemaV1 = StandardSchemaV1<never>,
>(definition: StreamContractDefinition<Input, Item, Incoming>): StreamContract<Input, Item, Incoming> {
  return {
    ...checkedIdentity(definition.name, definition.version),
    implement(implementation) {
      const { input, item, incoming } = definition
      const schemas = { input, item, incoming }
      const hash = streamSchemaHash(schemas, definition.schemaVersion)
      return here(definition, implementation, implementation.validate === false ? unchecked : schemas, hash)
    },
  }
}

function here<Input, Item, Incoming>(
  { name, version }: { readonly name: string; readonly version?: number },
  implementation: StreamImplementation<never, unknown, never>,
  schemas: Pick<StreamProcessCode, 'input' | 'item' | 'incoming'>,
  schema: string | undefined,
): StreamHere<Input, Item, Incoming> {
  const { primaryOnly = false } = implementation
  const run = implementation.run.bind(implementation)
  const code = { ...schemas, run, primaryOnly } as unknown as StreamProcessCode
  const offer = offered(checkedIdentity(name, version), implementation, (runtime, actor, [work]) =>
    streamProcess(runtime, actor, new ProcedureContext(runtime, actor), work as RemoteWork, code),
  )
  return { ...offer, schema }
}
