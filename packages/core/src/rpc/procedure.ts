import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Behavior, ModuleMeta } from '../actor/behavior.ts'
import { mailboxLimitDefault } from '../actor/mailbox.ts'
import type { ProcedureName, ProcedureRef } from '../actor/remote-verbs.ts'
import type { Placement, RemoteWork } from '../actor/thread-starter.ts'
import { SpecError } from '../otp/errors.ts'
import type { Allow } from './caller.ts'
import { type ProcedureLimits, procedureLimitsDefault } from './load-limits.ts'
import { ProcedureContext } from './procedure-context.ts'
import { RemoteProcess, type RemoteProcessCode } from './remote-process.ts'
import { schemaHash } from './schema-hash.ts'

type MaybePromise<T> = T | Promise<T>

/** The name, version and schemas that both sides of a procedure share. It imports no server code. */
export interface ContractDefinition<Input extends StandardSchemaV1, Output extends StandardSchemaV1> {
  /** Unique among the procedures of a mesh; at most 200 characters. */
  readonly name: string
  /** A whole number from 1 to 4,294,967,295; default 1. Raise it with every change that older callers would not survive. */
  readonly version?: number
  /** Any Standard Schema (zod, valibot, arktype). Applied once, on the server. */
  readonly input: Input
  readonly output: Output
  /**
   * Any text that changes with the schemas, for a library of which `schemaHash` can make nothing, or where its schemas hold code that
   * matters: nodes announce a hash of it instead of one of the schemas. Default: none.
   */
  readonly schemaVersion?: string
}

export interface Contract<Input extends StandardSchemaV1, Output extends StandardSchemaV1> extends ProcedureRef<
  StandardSchemaV1.InferInput<Input>,
  StandardSchemaV1.InferOutput<Output>
> {
  /** The server's side: what runs when a caller asks. */
  implement(
    implementation: ContractImplementation<StandardSchemaV1.InferOutput<Input>, StandardSchemaV1.InferInput<Output>>,
  ): ProcedureHere<StandardSchemaV1.InferInput<Input>, StandardSchemaV1.InferOutput<Output>>
}

export interface Implementation<Input, Output> {
  /** `import.meta`: needed to run on another thread. */
  readonly module?: ModuleMeta
  /**
   * `'own'`: each call on a worker thread of its own, where a runaway loop is killed at the deadline; `'pool'` or
   * `{ pool: key }`: on a thread of the pool. Default: the node's main thread.
   */
  readonly thread?: Placement
  /** Versions of callers that this one serves beside its own. */
  readonly compatible?: readonly number[]
  /**
   * Whether this caller may run it, asked on the main thread, before anything of the call is decoded: else `ERR_NOT_ALLOWED`,
   * `not-run`, and no other node is tried. It has the time that the call has. Default: every member of the cluster may, so also
   * each of its nodes' actors.
   *
   * @example
   * allow: ({ caller }) => caller.region === 'syd' || caller.roles.includes('billing')
   */
  readonly allow?: Allow
  /**
   * Refuse it (`ERR_NOT_PRIMARY`, `not-run`) where the node knows, at the moment when it would begin, that its region is not
   * the primary. What has begun goes on when the primary changes: fence its writes by `ctx.primaryEpoch`. Default `false`.
   */
  readonly primaryOnly?: boolean
  /** How many calls of it run at a time on a node, from 1; the others wait for their turn. Default: as many as the node takes. */
  readonly maxInFlight?: number
  /**
   * How many calls of it may wait on a node for their turn, from 0, and no call for more than half of its time. More, or
   * longer, is refused with `ERR_OVERLOADED` (`not-run`), and another node is tried. Default 1,000.
   */
  readonly maxWaiting?: number
  /** Runs in a remote process of its own, linked to the call. */
  run(ctx: ProcedureContext, input: Input): MaybePromise<Output>
}

export interface ContractImplementation<Input, Output> extends Implementation<Input, Output> {
  /**
   * Whether the contract's schemas are applied: to the input before `run`, to its result after it. Default `true`. With `false`
   * neither is, their transforms included: for callers that are trusted, where the check costs too much.
   */
  readonly validate?: boolean
}

export interface ProcedureDefinition<Input, Output> extends Implementation<Input, Output> {
  readonly name: string
  readonly version?: number
}

/** A procedure that an app offers, without the types of its input and output. */
export interface OfferedProcedure extends ProcedureName {
  readonly compatible: readonly number[]
  readonly thread: Placement
  /** A hash of its schemas, announced to the mesh; `undefined` where there is none. */
  readonly schema?: string | undefined
  readonly limits: ProcedureLimits
  readonly primaryOnly: boolean
  readonly allow: Allow | undefined
  /** Runs it; found by its name in the module's exports where it runs on another thread. */
  readonly behavior: Behavior
  /** What its process runs; none for a stream. */
  readonly code?: RemoteProcessCode
}

/** A procedure that this app can run: what stands in `procedures` of an app. Callers may use it as well. */
export interface ProcedureHere<in out Input, out Output> extends ProcedureRef<Input, Output>, OfferedProcedure {}

/**
 * Defines a procedure's two sides apart, so that callers import no server code.
 *
 * @example
 * export const createOrder = contract({ name: 'orders.create', input: orderSchema, output: receiptSchema })
 * export const createOrderHere = createOrder.implement({ async run(ctx, order) { return { id: await ctx.call(db, 'insert', [order]) } } })
 * await node.rpcPrimary(createOrder, order)
 */
export function contract<Input extends StandardSchemaV1, Output extends StandardSchemaV1>(
  definition: ContractDefinition<Input, Output>,
): Contract<Input, Output> {
  const identity = checkedIdentity(definition.name, definition.version)
  return {
    ...identity,
    implement: (implementation) => {
      const { input, output } = implementation.validate === false ? unchecked : definition
      const hash = schemaHash(definition.input, definition.output, definition.schemaVersion)
      return here(identity, implementation as AnyImplementation, input, output, hash)
    },
  }
}

const unchecked = { input: undefined, output: undefined }

/**
 * Defines a procedure where both sides share a file.
 *
 * @example
 * export const upcase = procedure({ name: 'string.upcase', run: (_ctx, text: string) => text.toUpperCase() })
 * await node.rpcRegion('hkg', upcase, 'fly') // 'FLY'
 */
export function procedure<Input, Output>(
  definition: ProcedureDefinition<Input, Output>,
): ProcedureHere<Input, Awaited<Output>> {
  const identity = checkedIdentity(definition.name, definition.version)
  return here(identity, definition as AnyImplementation, undefined, undefined, undefined)
}

/** An implementation without its types, as the machine runs it. */
export interface AnyImplementation {
  readonly module?: ModuleMeta
  readonly thread?: Placement
  readonly compatible?: readonly number[]
  readonly allow?: Allow
  readonly primaryOnly?: boolean
  readonly maxInFlight?: number
  readonly maxWaiting?: number
  run(ctx: ProcedureContext, input: unknown): unknown
}

function here<Input, Output>(
  identity: ProcedureName,
  implementation: AnyImplementation,
  input: StandardSchemaV1 | undefined,
  output: StandardSchemaV1 | undefined,
  schema: string | undefined,
): ProcedureHere<Input, Output> {
  const { primaryOnly = false } = implementation
  const code: RemoteProcessCode = { run: implementation.run.bind(implementation), input, output, primaryOnly }
  const procedureHere = offered(
    identity,
    implementation,
    (runtime, actor, args) => new RemoteProcess(new ProcedureContext(runtime, actor), args[0] as RemoteWork, code),
  )
  return { ...procedureHere, schema, code }
}

/** A procedure of whatever kind, run by the process that `createProcess` makes. */
export function offered(
  identity: ProcedureName,
  implementation: Omit<AnyImplementation, 'run'>,
  createProcess: Behavior['createProcess'],
): OfferedProcedure {
  const thread = implementation.thread ?? 'same'
  if (thread !== 'same' && thread !== 'main' && implementation.module === undefined) {
    throw new SpecError(`Procedure "${identity.name}": another thread needs \`module: import.meta\``)
  }
  const { compatible = [], primaryOnly = false, allow } = implementation
  for (const version of compatible) checkVersion(identity.name, version)
  const behavior: Behavior = {
    name: procedureKey(identity),
    module: implementation.module?.url,
    trapExit: false,
    mailboxLimit: mailboxLimitDefault,
    createProcess,
  }
  const limits = checkedLimits(identity.name, implementation)
  return { ...identity, compatible, thread, limits, primaryOnly, allow, behavior }
}

function checkedLimits(name: string, given: Omit<AnyImplementation, 'run'>): ProcedureLimits {
  const { maxInFlight, maxWaiting } = { ...procedureLimitsDefault, ...given }
  if (maxInFlight !== Infinity && !(Number.isSafeInteger(maxInFlight) && maxInFlight >= 1)) {
    throw new SpecError(`Procedure "${name}": maxInFlight must be a whole number from 1`)
  }
  if (!Number.isSafeInteger(maxWaiting) || maxWaiting < 0) {
    throw new SpecError(`Procedure "${name}": maxWaiting must be a whole number from 0`)
  }
  return { maxInFlight, maxWaiting }
}

/** What tells one procedure from another on a node, and its behavior's name. */
function procedureKey(identity: ProcedureName): string {
  return `${identity.name}@${identity.version}`
}

export function checkedIdentity(name: string, version = 1): ProcedureName {
  if (name === '' || name.length > 200) throw new SpecError('A procedure needs a name of 1 to 200 characters')
  checkVersion(name, version)
  return { name, version }
}

const versionMax = 2 ** 32 - 1

function checkVersion(name: string, version: number): void {
  if (Number.isSafeInteger(version) && version >= 1 && version <= versionMax) return
  throw new SpecError(`Procedure "${name}": a version must be a whole number from 1 to ${versionMax}, not ${version}`)
}
