import type { Kernel } from '../actor/kernel.ts'
import { actorName, type NodeId } from '../actor/pid.ts'
import type {
  ProcedureName,
  RegionTarget,
  RemoteOwner,
  RemoteServices,
  RpcOptions,
  WaitOptions,
} from '../actor/remote-verbs.ts'
import type { Attempt, ChoiceExplanation } from '../actor/rpc-report.ts'
import type { Body, Failure } from '../actor/signal.ts'
import { errorData } from '../base/error-data.ts'
import { membershipServerName } from '../mesh/membership-name.ts'
import { RegionError } from '../region/errors.ts'
import { explainChoice } from '../region/explain-choice.ts'
import { checkRegionTarget, chooseNode, isRefusal, serversOf } from '../region/region-choice.ts'
import { checkRegionName } from '../region/region-name.ts'
import type { RegionTableReader, RegionTableView } from '../region/region-table.ts'
import type { RegionTableNode } from '../region/region-table-layout.ts'
import { bodyOf, inputFailure } from './body.ts'
import { CallEvents } from './call-events.ts'
import type { TokenOptions } from './causal-token.ts'
import { noProcedureGiven, RpcError } from './errors.ts'
import { callInline, type InlineProcedure, type InlineResult } from './inline-call.ts'
import type { OfferedProcedure } from './procedure.ts'
import { type CallPlan, type Chooser, type Decision, RemoteCall, tellReport, timeLeftMs } from './remote-call.ts'
import { checkProcedure, checkRpcOptions, checkSignal, checkTime } from './rpc-options.ts'
import { TableListeners } from './table-listeners.ts'
import { waitForTable } from './table-wait.ts'

/**
 * Calls by region from one thread: it reads the shared region table and asks the chosen node over the kernel's router.
 * `offered`: what this node serves, where its code is on this thread.
 */
export function createRpcClient(
  kernel: Kernel,
  table: RegionTableReader,
  offered: (procedure: ProcedureName) => OfferedProcedure | undefined = () => undefined,
): RemoteServices {
  const view = (): RegionTableView => table.read()
  const listeners = new TableListeners()
  const onTable = (listener: () => void): (() => void) => listeners.add(listener)
  const byRegion: Chooser = {
    choose: ({ target, procedure }, tried) => decide(view(), target, procedure, tried),
    explain: ({ target, procedure }, tried) => decideAloud(target, procedure, tried),
    onTable,
  }
  // Its only member is the node that the caller named.
  const byNode: Chooser = {
    choose: ({ target }, tried) => nodeOf(target as NodeId, tried),
    explain: ({ target }, tried) => ({ chosen: nodeOf(target as NodeId, tried) }),
    onTable,
  }
  /** The last one that was made. */
  let lastPlan: CallPlan | undefined
  /** The last target that was found well-made: whoever calls often calls one region often. */
  let checked: RegionTarget | undefined

  return {
    get myRegion() {
      return view().data.myRegion
    },
    get primaryRegion() {
      return view().data.primaryRegion
    },
    get isPrimary() {
      const { myRegion, primaryRegion } = view().data
      return myRegion === primaryRegion
    },
    get primaryEpoch() {
      return view().data.primaryEpoch
    },
    regions: () => view().regions(),
    regionNodes: (region) => view().regionNodes(region),
    nodes: () => view().data.nodes,
    regionOf: (node) => view().regionOf(node),
    isRpcSupported: (node, procedure) => view().isRpcSupported(node, procedure.name, procedure.version),

    explain(target, procedure) {
      checkRegionTarget(target)
      return decideAloud(target, procedure, noNodes).explanation
    },

    waitForRegion(owner, region, options) {
      if (region !== 'primary') {
        try {
          checkRegionName(region)
        } catch (error) {
          return Promise.reject(error)
        }
      }
      const isThere = (): boolean => {
        const { data, regionNodes } = view()
        return regionNodes(region === 'primary' ? data.primaryRegion : region).length > 0
      }
      return wait(owner, isThere, `a node in region "${region}"`, options)
    },

    waitFor: wait,

    async setPrimaryRegion(owner, region) {
      checkRegionName(region)
      const epoch = (await kernel.call(owner, mesh, 'setPrimaryRegion', [region], meshTimeoutMs)) as number
      const isKnown = (): boolean => view().data.primaryEpoch >= epoch
      await waitForTable(kernel, listeners, {
        owner,
        condition: isKnown,
        what: `primary epoch ${epoch}`,
        timeoutMs: waitForMsDefault,
        regions: () => view().regions(),
      })
      return epoch
    },

    tableWritten: () => listeners.written(),

    callRegion(owner, target, procedure, input, options) {
      const wrong = checkProcedure(procedure)
      if (wrong !== undefined) return Promise.reject(noProcedureGiven(procedure, wrong))
      const region = printTarget(target)
      try {
        if (target !== checked) checkRegionTarget(target)
        // A list may be changed by whoever made it.
        if (typeof target === 'string') checked = target
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error)
        const failure: Failure = { code: 'ERR_BAD_REGION', outcome: 'not-run', message, cause: errorData(error) }
        return refused(kernel, owner, { procedure, region, callerRegion: view().data.myRegion }, failure, options)
      }
      const here = options.inline === true ? inlineProcedure(target, procedure) : undefined
      if (here !== undefined) return startInline(kernel, owner, here, { input, options, region: view().data.myRegion })
      const callerRegion = view().data.myRegion
      return start(kernel, owner, planTo(target, procedure, region, callerRegion), input, options)
    },

    callNode(owner, node, procedure, input, options) {
      const wrong = checkProcedure(procedure)
      if (wrong !== undefined) return Promise.reject(noProcedureGiven(procedure, wrong))
      const callerRegion = view().data.myRegion
      const plan = { procedure, region: undefined, callerRegion, target: node, chooser: byNode }
      return start(kernel, owner, plan, input, options)
    },
  }

  function wait(
    owner: RemoteOwner,
    condition: () => boolean,
    what: string,
    { timeoutMs = waitForMsDefault, signal }: WaitOptions,
  ): Promise<void> {
    const wrong = checkTime('timeoutMs', timeoutMs) ?? checkSignal(signal)
    if (wrong !== undefined) return Promise.reject(new RegionError('ERR_BAD_OPTIONS', wrong))
    const leftMs = (owner.deadlineMs ?? Infinity) - kernel.platform.clock.monotonic()
    const regions = (): readonly string[] => view().regions()
    const boundMs = Math.max(1, Math.min(timeoutMs, leftMs))
    return waitForTable(kernel, listeners, { owner, condition, what, timeoutMs: boundMs, signal, regions })
  }

  function planTo(target: RegionTarget, procedure: ProcedureName, region: string, callerRegion: string): CallPlan {
    const last = lastPlan
    // A list is never the same: it may have been changed.
    const isSame = last !== undefined && last.procedure === procedure && last.target === target && target === region
    if (isSame && last.callerRegion === callerRegion) return last
    lastPlan = { procedure, region, callerRegion, target, chooser: byRegion }
    return lastPlan
  }

  /** The procedure's code, if this node is one that the target leads to. */
  function inlineProcedure(target: RegionTarget, procedure: ProcedureName): InlineProcedure | undefined {
    const current = view()
    const members = typeof target === 'string' ? [target] : target
    for (const member of members) {
      const servers = serversOf(current, member, procedure, noNodes)
      if (servers.length === 0) continue
      if (!servers.some(({ node }) => node === current.data.self)) return undefined
      const code = (procedure as Partial<OfferedProcedure>).code ?? offered(procedure)?.code
      return code && { name: procedure.name, version: procedure.version, code }
    }
    return undefined
  }

  /** `drawn` gets the nodes that were compared. */
  function decide(
    current: RegionTableView,
    target: RegionTarget,
    procedure: ProcedureName,
    exclude: ReadonlySet<NodeId>,
    drawn?: RegionTableNode[],
  ): RegionTableNode | Failure {
    const choice = chooseNode(current, target, procedure, exclude, kernel.platform.random, drawn)
    return isRefusal(choice) ? { code: choice.code, outcome: 'not-run', message: choice.message } : choice
  }

  function decideAloud(
    target: RegionTarget,
    procedure: ProcedureName,
    exclude: ReadonlySet<NodeId>,
  ): Decision & { readonly explanation: ChoiceExplanation } {
    const current = view()
    const drawn: RegionTableNode[] = []
    const chosen = decide(current, target, procedure, exclude, drawn)
    const isFailure = 'outcome' in chosen
    const taken = isFailure ? undefined : chosen
    const refusal = isFailure ? chosen.message : undefined
    return { chosen, explanation: explainChoice({ table: current, target, procedure, exclude, drawn, taken, refusal }) }
  }

  function nodeOf(node: NodeId, tried: ReadonlySet<NodeId>): RegionTableNode | Failure {
    const known = tried.has(node) ? undefined : view().node(node)
    return known ?? { code: 'ERR_NODE_UNREACHABLE', outcome: 'not-run', message: `The node ${node} is not known` }
  }
}

/** How long `waitForRegion` waits, in milliseconds. */
const waitForMsDefault = 10_000
/** The node's own actor that knows all nodes, and how long it may take, in milliseconds. */
const mesh = actorName(membershipServerName)
const meshTimeoutMs = 5_000
const noNodes: ReadonlySet<NodeId> = new Set()

function start(
  kernel: Kernel,
  owner: RemoteOwner,
  plan: CallPlan,
  value: unknown,
  options: RpcOptions,
): Promise<unknown> {
  const refusal = refusalOf(options)
  if (refusal !== undefined) return refused(kernel, owner, plan, refusal, options)
  let input: Body
  try {
    input = bodyOf(kernel, value, 'input')
  } catch (error) {
    return refused(kernel, owner, plan, inputFailure(error), options)
  }
  return new RemoteCall(kernel, owner, plan, options, input).begin()
}

/** What is told of a call that was not even begun. */
function refused(
  kernel: Kernel,
  owner: RemoteOwner,
  plan: Pick<CallPlan, 'procedure' | 'region' | 'callerRegion'>,
  failure: Failure,
  options: RpcOptions,
): Promise<never> {
  CallEvents.begin({ kernel, owner, plan })?.gaveUp(failure)
  const { procedure, region } = plan
  const { name, version } = procedure
  // What is wrong may be `explain` itself, or the options as a whole.
  if (typeof options?.explain === 'function') {
    tellReport(kernel, options, { procedure: { name, version }, code: failure.code, attempts: [], choices: [] })
  }
  return Promise.reject(new RpcError(failure, { procedure: procedure.name, node: undefined, region, attempts: [] }))
}

function startInline(
  kernel: Kernel,
  owner: RemoteOwner,
  procedure: InlineProcedure,
  plan: { readonly input: unknown; readonly options: RpcOptions; readonly region: string },
): Promise<unknown> {
  const { input, options, region } = plan
  const { node } = kernel
  const { name, version } = procedure
  const refusal = refusalOf(options)
  if (refusal !== undefined) {
    return refused(kernel, owner, { procedure, region, callerRegion: region }, refusal, options)
  }
  return new Promise((resolve, reject) => {
    const timeoutMs = timeLeftMs(kernel, owner, options)
    const settled = (result: InlineResult): void => {
      const code = result.ok ? 'ok' : result.failure.code
      const attempts: Attempt[] = [{ node, region, code, outcome: result.ok ? 'ran' : result.failure.outcome }]
      tellReport(kernel, options, { procedure: { name, version }, code, attempts, choices: [] })
      if (result.ok && result.token !== undefined) (options as TokenOptions).onToken?.(result.token)
      if (result.ok) resolve(result.value)
      else reject(new RpcError(result.failure, { procedure: name, node, region, attempts }))
    }
    callInline({ kernel, owner, procedure, input, options, region, timeoutMs, settled })
  })
}

/** Why a call with these options is not even begun. */
function refusalOf(options: RpcOptions): Failure | undefined {
  const wrong = checkRpcOptions(options)
  if (wrong !== undefined) return { code: 'ERR_BAD_OPTIONS', outcome: 'not-run', message: wrong }
  if (options.signal?.aborted !== true) return undefined
  const cause = errorData(options.signal.reason)
  return { code: 'ERR_RPC_ABORTED', outcome: 'not-run', message: 'Aborted before it was sent', cause }
}

function printTarget(target: RegionTarget): string {
  return Array.isArray(target) ? target.join(', ') : String(target)
}
