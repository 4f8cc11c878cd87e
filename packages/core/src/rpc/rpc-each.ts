import type { Attachment } from '../actor/attachments.ts'
import type { Kernel } from '../actor/kernel.ts'
import type { EachOptions, EachResult, ManyTarget } from '../actor/remote-many.ts'
import type { ProcedureName, RemoteOwner, RemoteServices } from '../actor/remote-verbs.ts'
import type { Failure } from '../actor/signal.ts'
import { errorData } from '../base/error-data.ts'
import type { RegionTableView } from '../region/region-table.ts'
import { servesProcedure } from '../region/region-table-view.ts'
import { noProcedureGiven, RpcError } from './errors.ts'
import { type Place, placesOf } from './many-nodes.ts'
import { encodeBody, inputFailure } from './body.ts'
import { checkProcedure, checkSignal, checkTime } from './rpc-options.ts'

const timeoutMsDefault = 5_000
const concurrencyDefault = 64
const concurrencyMax = 1_024

interface Each {
  readonly kernel: Kernel
  readonly remote: RemoteServices
  readonly owner: RemoteOwner
  readonly procedure: ProcedureName
  readonly input: unknown
  readonly options: EachOptions
  /** On the monotonic clock. */
  readonly deadlineMs: number
  /** The node has stopped meanwhile, whose plain code asks. */
  isStopped: boolean
}

/** `rpcEach`, as its doc says. */
export async function callEach(
  kernel: Kernel,
  remote: RemoteServices,
  table: RegionTableView,
  asked: {
    readonly owner: RemoteOwner
    readonly target: ManyTarget
    readonly procedure: ProcedureName
    readonly input: unknown
    readonly options: EachOptions
  },
): Promise<EachResult<unknown>[]> {
  const { target, procedure, input, options } = asked
  checkGiven(procedure)
  checkEach(kernel, procedure, input, options)
  const places = checkedPlaces(target, table, procedure)
  const each: Each = {
    ...asked,
    kernel,
    remote,
    isStopped: false,
    deadlineMs: kernel.platform.clock.monotonic() + (options.timeoutMs ?? timeoutMsDefault),
  }
  const results = new Array<EachResult<unknown>>(places.length)
  let next = 0
  const askNext = async (): Promise<void> => {
    // What is asked for by an actor that has ended would be ended by nobody.
    while (next < places.length && asked.owner.alive) {
      const index = next
      next += 1
      results[index] = await resultOf(each, places[index] as Place)
    }
  }
  const width = Math.min(options.concurrency ?? concurrencyDefault, places.length)
  // Between two calls too it is under way: a node that stops waits for plain code's until it is over.
  const whole: Attachment = { ownerExited: () => void (each.isStopped = true) }
  asked.owner.attach(whole)
  try {
    await Promise.all(Array.from({ length: width }, askNext))
  } finally {
    asked.owner.detach(whole)
  }
  return results
}

/** Throws an `RpcError` for what is no procedure. */
export function checkGiven(procedure: ProcedureName): void {
  const wrong = checkProcedure(procedure)
  if (wrong !== undefined) throw noProcedureGiven(procedure, wrong)
}

/** Throws an `RpcError` for what is wrong with the target. */
export function checkedPlaces(target: ManyTarget, table: RegionTableView, procedure: ProcedureName): Place[] {
  try {
    return placesOf(target, table)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw refusal(procedure, { code: 'ERR_BAD_REGION', outcome: 'not-run', message, cause: errorData(error) })
  }
}

/** The input as bytes. Throws an `RpcError` when it can't be carried. */
export function encodedInput(kernel: Kernel, procedure: ProcedureName, input: unknown): Uint8Array {
  try {
    return encodeBody(kernel, input, 'input')
  } catch (error) {
    throw refusal(procedure, inputFailure(error))
  }
}

/** An error of a call that nobody was asked. */
export function refusal(procedure: ProcedureName, failure: Failure, place: Partial<Where> = {}): RpcError {
  return new RpcError(failure, {
    procedure: procedure.name,
    node: place.node,
    region: place.region,
    attempts: [],
  })
}

interface Where {
  readonly node: string | undefined
  readonly region: string | undefined
}

// What is wrong with every call is wrong with this one: it would be strange to be told it once a node.
function checkEach(kernel: Kernel, procedure: ProcedureName, input: unknown, options: EachOptions): void {
  const { concurrency } = options
  const wrong =
    checkTime('timeoutMs', options.timeoutMs) ??
    checkSignal(options.signal) ??
    (concurrency === undefined ||
    (Number.isSafeInteger(concurrency) && concurrency >= 1 && concurrency <= concurrencyMax)
      ? undefined
      : `concurrency must be a whole number from 1 to ${concurrencyMax}, not ${concurrency}`)
  if (wrong !== undefined) throw refusal(procedure, { code: 'ERR_BAD_OPTIONS', outcome: 'not-run', message: wrong })
  encodedInput(kernel, procedure, input)
}

async function resultOf(each: Each, place: Place): Promise<EachResult<unknown>> {
  const { procedure } = each
  if (!('node' in place)) return notThere(procedure, place)
  const { node, region } = place.node
  const failed = (failure: Failure): EachResult<unknown> => ({
    ok: false,
    node,
    region,
    error: refusal(procedure, failure, { node, region }),
  })
  if (!servesProcedure(place.node, procedure.name, procedure.version)) {
    const message = `The node does not serve it at version ${procedure.version}`
    return failed({ code: 'ERR_NO_PROCEDURE', outcome: 'not-run', message })
  }
  if (each.isStopped) {
    return failed({ code: 'ERR_NODE_STOPPED', outcome: 'not-run', message: 'The calling node was stopped' })
  }
  const leftMs = each.deadlineMs - each.kernel.platform.clock.monotonic()
  // A timer may fire up to a millisecond early: what is left then is no time to ask anybody.
  if (leftMs < 1) {
    const message = 'The time for all was up before this node was asked'
    return failed({ code: 'ERR_RPC_TIMEOUT', outcome: 'not-run', message })
  }
  const { signal } = each.options
  const options = { timeoutMs: leftMs, ...(signal !== undefined && { signal }) }
  try {
    const value = await each.remote.callNode(each.owner, node, procedure, each.input, options)
    return { ok: true, node, region, value }
  } catch (error) {
    if (error instanceof RpcError) return { ok: false, node, region, error }
    throw error
  }
}

function notThere(procedure: ProcedureName, place: Exclude<Place, { node: unknown }>): EachResult<unknown> {
  if ('unknownNode' in place) {
    const where = { node: place.unknownNode, region: undefined }
    const message = 'The node is not known'
    const failure: Failure = { code: 'ERR_NODE_UNREACHABLE', outcome: 'not-run', message }
    return { ok: false, ...where, error: refusal(procedure, failure, where) }
  }
  const where = { node: undefined, region: place.region }
  const message = `No node is up in region "${place.region}"`
  const failure: Failure = { code: 'ERR_NO_NODE_IN_REGION', outcome: 'not-run', message }
  return { ok: false, ...where, error: refusal(procedure, failure, where) }
}
