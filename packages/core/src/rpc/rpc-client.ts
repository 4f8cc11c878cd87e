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
import type { Primary } from '../mesh/primary.ts'
import { PrimaryError, RegionError } from '../region/errors.ts'
import { explainChoice } from '../region/explain-choice.ts'
import { checkRegionTarget, chooseAmong, chooseNode, isRefusal, serversOf } from '../region/region-choice.ts'
import { checkRegionName } from '../region/region-name.ts'
import type { RegionTableReader, RegionTableView } from '../region/region-table.ts'
import type { RegionTableNode } from '../region/region-table-layout.ts'
import { bodyOf, inputFailure } from './body.ts'
import { CallEvents } from './call-events.ts'
import type { CallPlan, Chooser, Decision } from './call-plan.ts'
import { tellReport } from './call-report.ts'
import { timeLeftMs } from './call-times.ts'
import type { TokenOptions } from './causal-token.ts'
import { noProcedureGiven, RpcError } from './errors.ts'
import { callInline, type InlineProcedure, type InlineResult } from './inline-call.ts'
import type { OfferedProcedure } from './procedure.ts'
import { RemoteCall } from './remote-call.ts'
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
  return new RpcClient(kernel, table, offered)
}

/** The plan of the last call, and what it is reused for: all that is known as long as the region table is the same. */
interface LastPlan {
  readonly plan: CallPlan
  readonly view: RegionTableView
  /** The nodes that the target leads to. */
  readonly servers: readonly RegionTableNode[]
  /** The procedure's, then. */
  readonly name: string
  readonly version: number
}

function isFor({ plan, name, version }: LastPlan, target: RegionTarget, procedure: ProcedureName): boolean {
  if (plan.procedure !== procedure || plan.target !== target) return false
  return name === procedure.name && version === procedure.version
}

// A class, whose getters are found where there are several nodes in one process too: each call asks one of them.
class RpcClient implements RemoteServices {
  readonly #kernel: Kernel
  readonly #table: RegionTableReader
  readonly #offered: (procedure: ProcedureName) => OfferedProcedure | undefined
  readonly #listeners = new TableListeners()
  readonly #byRegion: Chooser
  readonly #byNode: Chooser
  /** Here and not in the plan, which a call has as long as it is open: a stream of an hour would keep a table of an hour ago. */
  #last: LastPlan | undefined
  /** The last target that was found well-made: whoever calls often calls one region often. */
  #checked: RegionTarget | undefined

  constructor(
    kernel: Kernel,
    table: RegionTableReader,
    offered: (procedure: ProcedureName) => OfferedProcedure | undefined,
  ) {
    this.#kernel = kernel
    this.#table = table
    this.#offered = offered
    const onTable = (listener: () => void): (() => void) => this.#listeners.add(listener)
    this.#byRegion = {
      first: (plan) => this.#first(plan),
      choose: ({ target, procedure }, tried) => this.#decide(table.read(), target, procedure, tried),
      explain: ({ target, procedure }, tried) => this.#decideAloud(target, procedure, tried),
      onTable,
    }
    // Its only member is the node that the caller named.
    this.#byNode = {
      first: ({ target }) => this.#nodeOf(target as NodeId, noNodes),
      choose: ({ target }, tried) => this.#nodeOf(target as NodeId, tried),
      explain: ({ target }, tried) => ({ chosen: this.#nodeOf(target as NodeId, tried) }),
      onTable,
    }
  }

  get myRegion(): string {
    return this.#table.read().data.myRegion
  }

  get primaryRegion(): string {
    return this.#table.read().data.primaryRegion
  }

  get isPrimary(): boolean {
    const { myRegion, primaryRegion } = this.#table.read().data
    return myRegion === primaryRegion
  }

  get primaryEpoch(): number {
    return this.#table.read().data.primaryEpoch
  }

  regions(): readonly string[] {
    return this.#table.read().regions()
  }

  regionNodes(region: string): readonly NodeId[] {
    return this.#table.read().regionNodes(region)
  }

  nodes(): readonly RegionTableNode[] {
    return this.#table.read().data.nodes
  }

  regionOf(node: NodeId): string | undefined {
    return this.#table.read().regionOf(node)
  }

  isRpcSupported(node: NodeId, procedure: ProcedureName): boolean {
    return this.#table.read().isRpcSupported(node, procedure.name, procedure.version)
  }

  explain(target: RegionTarget, procedure: ProcedureName): ChoiceExplanation {
    checkRegionTarget(target)
    return this.#decideAloud(target, procedure, noNodes).explanation
  }

  waitForRegion(owner: RemoteOwner, region: string, options: WaitOptions): Promise<void> {
    if (region !== 'primary') {
      try {
        checkRegionName(region)
      } catch (error) {
        return Promise.reject(error)
      }
    }
    const isThere = (): boolean => {
      const { data, regionNodes } = this.#table.read()
      return regionNodes(region === 'primary' ? data.primaryRegion : region).length > 0
    }
    return this.waitFor(owner, isThere, `a node in region "${region}"`, options)
  }

  waitFor(
    owner: RemoteOwner,
    condition: () => boolean,
    what: string,
    { timeoutMs = waitForMsDefault, signal }: WaitOptions,
  ): Promise<void> {
    const wrong = checkTime('timeoutMs', timeoutMs) ?? checkSignal(signal)
    if (wrong !== undefined) return Promise.reject(new RegionError('ERR_BAD_OPTIONS', wrong))
    const leftMs = (owner.deadlineMs ?? Infinity) - this.#kernel.platform.clock.monotonic()
    const regions = (): readonly string[] => this.regions()
    const boundMs = Math.max(1, Math.min(timeoutMs, leftMs))
    return waitForTable(this.#kernel, this.#listeners, { owner, condition, what, timeoutMs: boundMs, signal, regions })
  }

  async setPrimaryRegion(owner: RemoteOwner, region: string): Promise<number> {
    checkRegionName(region)
    const announced = await this.#askMesh(owner, 'setPrimaryRegion', [region])
    if (announced.region !== region) throw new PrimaryError(region, 'not-run', announced)
    const table = (): Pick<Primary, 'region' | 'epoch'> => {
      const { primaryRegion, primaryEpoch } = this.#table.read().data
      return { region: primaryRegion, epoch: primaryEpoch }
    }
    const what = `region "${region}" as the primary as of epoch ${announced.epoch}`
    const untilMs = this.#kernel.platform.clock.monotonic() + waitForMsDefault
    await this.#waitForTable(owner, () => table().epoch >= announced.epoch, what, untilMs)
    if (table().region === region) return table().epoch
    // Below the last epoch that there can be, ours was a new one, so another won. Within the last the table may be behind.
    if (announced.epoch < Number.MAX_SAFE_INTEGER) throw new PrimaryError(region, 'ran', table())
    const believed = await this.#askMesh(owner, 'primary', []).catch(table)
    if (believed.region !== region) throw new PrimaryError(region, 'ran', believed)
    await this.#waitForTable(owner, () => table().region === region, what, untilMs)
    return table().epoch
  }

  #askMesh(owner: RemoteOwner, name: string, args: readonly unknown[]): Promise<Primary> {
    return this.#kernel.call(owner, mesh, name, args, meshTimeoutMs) as Promise<Primary>
  }

  #waitForTable(owner: RemoteOwner, condition: () => boolean, what: string, untilMs: number): Promise<void> {
    const regions = (): readonly string[] => this.regions()
    const timeoutMs = Math.max(1, untilMs - this.#kernel.platform.clock.monotonic())
    const wait = { owner, condition, what, timeoutMs, regions }
    return waitForTable(this.#kernel, this.#listeners, wait)
  }

  tableWritten(): void {
    this.#listeners.written()
  }

  callRegion(
    owner: RemoteOwner,
    target: RegionTarget,
    procedure: ProcedureName,
    input: unknown,
    options: RpcOptions,
  ): Promise<unknown> {
    const view = this.#table.read()
    const last = this.#last
    if (last !== undefined && last.view === view && options.inline !== true && isFor(last, target, procedure)) {
      return start(this.#kernel, owner, last.plan, input, options)
    }
    const wrong = checkProcedure(procedure)
    if (wrong !== undefined) return Promise.reject(noProcedureGiven(procedure, wrong))
    const region = printTarget(target)
    try {
      if (target !== this.#checked) checkRegionTarget(target)
      if (typeof target === 'string') this.#checked = target
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      const failure: Failure = { code: 'ERR_BAD_REGION', outcome: 'not-run', message, cause: errorData(error) }
      return refused(this.#kernel, owner, { procedure, region, callerRegion: view.data.myRegion }, failure, options)
    }
    const { myRegion } = view.data
    const here = options.inline === true ? this.#inlineProcedure(target, procedure) : undefined
    if (here !== undefined) return startInline(this.#kernel, owner, here, { input, options, region: myRegion })
    return start(this.#kernel, owner, this.#planTo(target, procedure, region, view), input, options)
  }

  callNode(
    owner: RemoteOwner,
    node: NodeId,
    procedure: ProcedureName,
    input: unknown,
    options: RpcOptions,
  ): Promise<unknown> {
    const wrong = checkProcedure(procedure)
    if (wrong !== undefined) return Promise.reject(noProcedureGiven(procedure, wrong))
    const plan = { procedure, region: undefined, callerRegion: this.myRegion, target: node, chooser: this.#byNode }
    return start(this.#kernel, owner, plan, input, options)
  }

  #planTo(target: RegionTarget, procedure: ProcedureName, region: string, view: RegionTableView): CallPlan {
    const plan = { procedure, region, callerRegion: view.data.myRegion, target, chooser: this.#byRegion }
    // A list may be changed by whoever made it, so it is gone through anew each time.
    if (typeof target === 'string') {
      const servers = serversOf(view, target, procedure, noNodes)
      this.#last = { plan, view, servers, name: procedure.name, version: procedure.version }
    }
    return plan
  }

  /** The procedure's code, if this node is one that the target leads to. */
  #inlineProcedure(target: RegionTarget, procedure: ProcedureName): InlineProcedure | undefined {
    const current = this.#table.read()
    const members = typeof target === 'string' ? [target] : target
    for (const member of members) {
      const servers = serversOf(current, member, procedure, noNodes)
      if (servers.length === 0) continue
      if (!servers.some(({ node }) => node === current.data.self)) return undefined
      const code = (procedure as Partial<OfferedProcedure>).code ?? this.#offered(procedure)?.code
      return code && { name: procedure.name, version: procedure.version, code }
    }
    return undefined
  }

  /** In the turn in which the plan was made, or found to be of the table that there is. */
  #first(plan: CallPlan): RegionTableNode | Failure {
    const last = this.#last
    // Who listens to the beginning of calls may have made another one meanwhile.
    const isLast = last !== undefined && last.plan === plan
    const chosen = isLast ? chooseAmong(last.view, last.servers, noNodes, this.#kernel.platform.random) : undefined
    return chosen ?? this.#decide(this.#table.read(), plan.target, plan.procedure, noNodes)
  }

  /** `drawn` gets the nodes that were compared. */
  #decide(
    current: RegionTableView,
    target: RegionTarget,
    procedure: ProcedureName,
    exclude: ReadonlySet<NodeId>,
    drawn?: RegionTableNode[],
  ): RegionTableNode | Failure {
    const choice = chooseNode(current, target, procedure, exclude, this.#kernel.platform.random, drawn)
    return isRefusal(choice) ? { code: choice.code, outcome: 'not-run', message: choice.message } : choice
  }

  #decideAloud(
    target: RegionTarget,
    procedure: ProcedureName,
    exclude: ReadonlySet<NodeId>,
  ): Decision & { readonly explanation: ChoiceExplanation } {
    const current = this.#table.read()
    const drawn: RegionTableNode[] = []
    const chosen = this.#decide(current, target, procedure, exclude, drawn)
    const isFailure = 'outcome' in chosen
    const taken = isFailure ? undefined : chosen
    const refusal = isFailure ? chosen.message : undefined
    return { chosen, explanation: explainChoice({ table: current, target, procedure, exclude, drawn, taken, refusal }) }
  }

  #nodeOf(node: NodeId, tried: ReadonlySet<NodeId>): RegionTableNode | Failure {
    const known = tried.has(node) ? undefined : this.#table.read().node(node)
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
    tellReport(kernel.platform.log, options, {
      procedure: { name, version },
      code: failure.code,
      attempts: [],
      choices: [],
    })
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
    const timeoutMs = timeLeftMs(kernel.platform.clock, owner, options)
    const settled = (result: InlineResult): void => {
      const code = result.ok ? 'ok' : result.failure.code
      const attempts: Attempt[] = [{ node, region, code, outcome: result.ok ? 'ran' : result.failure.outcome }]
      tellReport(kernel.platform.log, options, { procedure: { name, version }, code, attempts, choices: [] })
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
