import type { Kernel } from '../actor/kernel.ts'
import { actorName, type NodeId } from '../actor/pid.ts'
import type { ProcedureName, RegionTarget, RemoteOwner, RemoteServices, RpcOptions } from '../actor/remote-verbs.ts'
import type { Attempt, ChoiceExplanation } from '../actor/rpc-report.ts'
import type { Failure } from '../actor/signal.ts'
import { errorData } from '../base/error-data.ts'
import { membershipServerName } from '../mesh/membership-name.ts'
import { explainChoice } from '../region/explain-choice.ts'
import { checkRegionTarget, chooseNode, isRefusal, serversOf } from '../region/region-choice.ts'
import { checkRegionName } from '../region/region-name.ts'
import type { RegionTableReader, RegionTableView } from '../region/region-table.ts'
import type { RegionTableNode } from '../region/region-table-layout.ts'
import { encodeBody, inputFailure } from './body.ts'
import { CallEvents } from './call-events.ts'
import { RpcError } from './errors.ts'
import { callInline, type InlineProcedure, type InlineResult } from './inline-call.ts'
import type { OfferedProcedure } from './procedure.ts'
import { type CallPlan, type Decision, RemoteCall, tellReport, timeLeftMs } from './remote-call.ts'
import { checkRpcOptions } from './rpc-options.ts'
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
      return decide(target, procedure, noNodes, true).explanation as ChoiceExplanation
    },

    waitFor(owner, condition, what, timeoutMs = waitForMsDefault) {
      const leftMs = (owner.deadlineMs ?? Infinity) - kernel.platform.clock.monotonic()
      const regions = (): readonly string[] => view().regions()
      const boundMs = Math.max(1, Math.min(timeoutMs, leftMs))
      return waitForTable(kernel, listeners, { owner, condition, what, timeoutMs: boundMs, regions })
    },

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
      const region = printTarget(target)
      try {
        checkRegionTarget(target)
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error)
        const failure: Failure = { code: 'ERR_BAD_REGION', outcome: 'not-run', message, cause: errorData(error) }
        return Promise.reject(
          new RpcError(failure, { procedure: procedure.name, node: undefined, region, attempts: [] }),
        )
      }
      const here = options.inline === true ? inlineProcedure(target, procedure) : undefined
      if (here !== undefined) return startInline(kernel, owner, here, { input, options, region: view().data.myRegion })
      const explain = options.explain !== undefined
      const choose = (tried: ReadonlySet<NodeId>, explained = false): Decision =>
        decide(target, procedure, tried, explain || explained)
      return start(kernel, owner, {
        procedure,
        input,
        options,
        region,
        choose,
        onTable,
        callerRegion: view().data.myRegion,
      })
    },

    callNode(owner, node, procedure, input, options) {
      const choose = (tried: ReadonlySet<NodeId>): Decision => {
        const known = tried.has(node) ? undefined : view().node(node)
        const message = `The node ${node} is not known`
        return { chosen: known ?? { code: 'ERR_NODE_UNREACHABLE', outcome: 'not-run', message } }
      }
      return start(kernel, owner, {
        procedure,
        input,
        options,
        region: undefined,
        choose,
        onTable,
        callerRegion: view().data.myRegion,
      })
    },
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

  function decide(
    target: RegionTarget,
    procedure: ProcedureName,
    exclude: ReadonlySet<NodeId>,
    explain: boolean,
  ): Decision {
    const current = view()
    const drawn: RegionTableNode[] | undefined = explain ? [] : undefined
    const choice = chooseNode(current, target, procedure, exclude, kernel.platform.random, drawn)
    const taken = isRefusal(choice) ? undefined : choice
    const refusal = isRefusal(choice) ? choice.message : undefined
    const chosen = isRefusal(choice)
      ? ({ code: choice.code, outcome: 'not-run', message: choice.message } as const)
      : choice
    if (drawn === undefined) return { chosen }
    return { chosen, explanation: explainChoice({ table: current, target, procedure, exclude, drawn, taken, refusal }) }
  }
}

/** How long `waitForRegion` waits, in milliseconds. */
const waitForMsDefault = 10_000
/** The node's own actor that knows all nodes, and how long it may take, in milliseconds. */
const mesh = actorName(membershipServerName)
const meshTimeoutMs = 5_000
const noNodes: ReadonlySet<NodeId> = new Set()

function start(kernel: Kernel, owner: RemoteOwner, plan: CallPlan): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const refuse = (failure: Failure): void => {
      CallEvents.begin({ kernel, owner, plan })?.gaveUp(failure)
      reject(
        new RpcError(failure, { procedure: plan.procedure.name, node: undefined, region: plan.region, attempts: [] }),
      )
    }

    const refusal = refusalOf(plan.options)
    if (refusal !== undefined) {
      refuse(refusal)
      return
    }
    let input: Uint8Array
    try {
      input = encodeBody(kernel, plan.input, 'input')
    } catch (error) {
      refuse(inputFailure(error))
      return
    }
    new RemoteCall(kernel, owner, plan, input, resolve, reject).begin()
  })
}

function startInline(
  kernel: Kernel,
  owner: RemoteOwner,
  procedure: InlineProcedure,
  plan: Pick<CallPlan, 'input' | 'options'> & { readonly region: string },
): Promise<unknown> {
  const { input, options, region } = plan
  const { node } = kernel
  const { name, version } = procedure
  return new Promise((resolve, reject) => {
    const refusal = refusalOf(options)
    if (refusal !== undefined) {
      reject(new RpcError(refusal, { procedure: name, node: undefined, region, attempts: [] }))
      return
    }
    const timeoutMs = timeLeftMs(kernel, owner, options)
    const settled = (result: InlineResult): void => {
      const code = result.ok ? 'ok' : result.failure.code
      const attempts: Attempt[] = [{ node, region, code, outcome: result.ok ? 'ran' : result.failure.outcome }]
      tellReport(kernel, options, { procedure: { name, version }, code, attempts, choices: [] })
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
