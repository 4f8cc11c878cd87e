import type { Kernel } from '../actor/kernel.ts'
import type { CastOptions, ManyTarget } from '../actor/remote-many.ts'
import type { ProcedureName, RegionTarget } from '../actor/remote-verbs.ts'
import type { SpawnRequest } from '../actor/signal.ts'
import { errorData } from '../base/error-data.ts'
import { checkRegionTarget, chooseNode, isRefusal } from '../region/region-choice.ts'
import { activeTrace, carriedTrace, type TraceContext } from '../platform/trace-context.ts'
import type { RegionTableNode, RegionTableView } from '../region/region-table.ts'
import { servesProcedure } from '../region/region-table-view.ts'
import { checkedPlaces, checkGiven, encodedInput, refusal } from './rpc-each.ts'
import { checkTime } from './rpc-options.ts'

const timeoutMsDefault = 5_000

/** `rpcCast`, as its doc says. */
export function castRemote(
  kernel: Kernel,
  table: RegionTableView,
  asked: {
    readonly target: RegionTarget | ManyTarget
    readonly procedure: ProcedureName
    readonly input: unknown
    readonly options: CastOptions
    readonly trace: TraceContext | undefined
  },
): void {
  const { target, procedure, options } = asked
  checkGiven(procedure)
  const wrong = checkTime('timeoutMs', options.timeoutMs)
  if (wrong !== undefined) throw refusal(procedure, { code: 'ERR_BAD_OPTIONS', outcome: 'not-run', message: wrong })
  const nodes = isMany(target)
    ? checkedPlaces(target, table, procedure).map((place) => ('node' in place ? place.node : undefined))
    : [chosen(kernel, table, target, procedure)]
  const input = encodedInput(kernel, procedure, asked.input)
  const request: SpawnRequest = {
    procedure: procedure.name,
    version: procedure.version,
    timeLeftMs: options.timeoutMs ?? timeoutMsDefault,
    idempotencyKey: undefined,
    callerRegion: table.data.myRegion,
    input,
    isCast: true,
    trace: carriedTrace(activeTrace() ?? asked.trace),
  }
  for (const node of nodes) {
    if (node === undefined || !servesProcedure(node, procedure.name, procedure.version)) {
      kernel.counters.castsNotRun += 1
      continue
    }
    const to = { node: node.node, life: node.life, thread: 0, serial: 0 }
    // An address of its own, by which the other node tells it from others; nobody is there.
    kernel.routeSpawn({ type: 'spawn', from: kernel.allocatePid(), to, request })
  }
}

function isMany(target: RegionTarget | ManyTarget): target is ManyTarget {
  return typeof target === 'object' && !Array.isArray(target)
}

function chosen(
  kernel: Kernel,
  table: RegionTableView,
  target: RegionTarget,
  procedure: ProcedureName,
): RegionTableNode | undefined {
  try {
    checkRegionTarget(target)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw refusal(procedure, { code: 'ERR_BAD_REGION', outcome: 'not-run', message, cause: errorData(error) })
  }
  const choice = chooseNode(table, target, procedure, new Set(), kernel.platform.random)
  return isRefusal(choice) ? undefined : choice
}
