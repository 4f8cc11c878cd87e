import type { Kernel } from '../actor/kernel.ts'
import type { NodeId } from '../actor/pid.ts'
import type { RegionTarget, RemoteOwner, RemoteServices } from '../actor/remote-verbs.ts'
import type { Failure } from '../actor/signal.ts'
import { errorData } from '../base/error-data.ts'
import { checkRegionTarget, chooseNode } from '../region/region-choice.ts'
import type { RegionTableReader, RegionTableView } from '../region/region-table.ts'
import type { RegionTableNode } from '../region/region-table-layout.ts'
import { CallEvents } from './call-events.ts'
import { RpcError } from './errors.ts'
import { type CallPlan, RemoteCall } from './remote-call.ts'
import { checkRpcOptions } from './rpc-options.ts'

/** Calls by region from one thread: it reads the shared region table and asks the chosen node over the kernel's router. */
export function createRpcClient(kernel: Kernel, table: RegionTableReader): RemoteServices {
  const view = (): RegionTableView => table.read()

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
    regionOf: (node) => view().regionOf(node),
    isRpcSupported: (node, procedure) => view().isRpcSupported(node, procedure.name, procedure.version),

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
      const choose = (tried: ReadonlySet<NodeId>): RegionTableNode | Failure => {
        const choice = chooseNode({ table: view(), target, procedure, exclude: tried, random: kernel.platform.random })
        return choice.ok ? choice.node : { code: choice.code, outcome: 'not-run', message: choice.message }
      }
      return start(kernel, owner, { procedure, input, options, region, choose, callerRegion: view().data.myRegion })
    },

    callNode(owner, node, procedure, input, options) {
      const choose = (tried: ReadonlySet<NodeId>): RegionTableNode | Failure => {
        const known = tried.has(node) ? undefined : view().node(node)
        return known ?? { code: 'ERR_NODE_UNREACHABLE', outcome: 'not-run', message: `The node ${node} is not known` }
      }
      return start(kernel, owner, {
        procedure,
        input,
        options,
        region: undefined,
        choose,
        callerRegion: view().data.myRegion,
      })
    },
  }
}

function start(kernel: Kernel, owner: RemoteOwner, plan: CallPlan): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const refuse = (failure: Failure): void => {
      CallEvents.begin({ kernel, owner, plan })?.gaveUp(failure)
      reject(
        new RpcError(failure, { procedure: plan.procedure.name, node: undefined, region: plan.region, attempts: [] }),
      )
    }

    const wrong = checkRpcOptions(plan.options)
    if (wrong !== undefined) {
      refuse({ code: 'ERR_BAD_OPTIONS', outcome: 'not-run', message: wrong })
      return
    }
    if (plan.options.signal?.aborted === true) {
      refuse({
        code: 'ERR_RPC_ABORTED',
        outcome: 'not-run',
        message: 'Aborted before it was sent',
        cause: errorData(plan.options.signal.reason),
      })
      return
    }
    let input: Uint8Array
    try {
      input = kernel.codec.encode(plan.input, 'input')
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      refuse({ code: 'ERR_NOT_ENCODABLE', outcome: 'not-run', message, cause: errorData(error) })
      return
    }
    new RemoteCall(kernel, owner, plan, input, resolve, reject).begin()
  })
}

function printTarget(target: RegionTarget): string {
  return Array.isArray(target) ? target.join(', ') : String(target)
}
