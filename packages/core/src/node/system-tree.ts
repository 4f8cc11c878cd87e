import type { Behavior } from '../actor/behavior.ts'
import type { Kernel } from '../actor/kernel.ts'
import { actorName, type Pid } from '../actor/pid.ts'
import type { NodeLoad } from '../mesh/heartbeat.ts'
import { membershipServerName } from '../mesh/membership-name.ts'
import type { MembershipMemory } from '../mesh/membership-memory.ts'
import { membershipServer } from '../mesh/membership-server.ts'
import type { NodeState, ProcedureRecord } from '../mesh/node-record.ts'
import type { PeerIntake } from '../mesh/peer-intake.ts'
import type { PeerLinks } from '../mesh/peer-links.ts'
import type { Transport } from '../mesh/transport.ts'
import { tellMembership } from '../mesh/tell-membership.ts'
import type { RoutableNode } from '../mesh/told-view.ts'
import { type ChildSpec, child } from '../otp/child-spec.ts'
import { genServer } from '../otp/gen-server.ts'
import { supervisorBehavior } from '../otp/supervisor.ts'
import { regionRegistry, regionRegistryName, type RegionTablePrimary } from '../region/region-registry.ts'
import type { RegionTableNode } from '../region/region-table-layout.ts'
import { type SchemaConflict, SchemaConflictWatch } from '../region/schema-conflicts.ts'
import type { InboundCalls } from '../rpc/inbound-calls.ts'
import { recordsOf } from './announced-procedures.ts'
import type { OfferedProcedure } from '../rpc/procedure.ts'
import { replicaServer, replicaServerName } from '../rpc/replica-server.ts'
import type { Replica } from '../rpc/replica-watch.ts'
import { rpcProcesses } from '../rpc/rpc-processes.ts'
import { rpcProcessesName, rpcServer, rpcServerName } from '../rpc/rpc-server.ts'

export const systemName = 'system'
const namesName = 'system.names'

export interface SystemTreeOptions {
  readonly kernel: Kernel
  readonly links: PeerLinks
  readonly intake: PeerIntake
  readonly transport: Transport
  readonly table: SharedArrayBuffer
  readonly inbound: InboundCalls
  readonly self: {
    readonly node: string
    readonly life: number
    readonly addresses: readonly string[]
    readonly appVersion: string
    readonly region: string
    readonly roles: readonly string[]
  }
  /** What the mesh believed last. */
  readonly memory: MembershipMemory
  readonly announced: Announced
  readonly ownLoad: () => NodeLoad
  readonly replica: Replica | undefined
  /** Closes links that nobody uses. */
  readonly lookForIdle: () => void
  /** The region table was written. */
  readonly onTable: () => void
}

/**
 * The node's own actors. `restForOne`, in order of dependence: whoever comes later lives on what the earlier know.
 * Remote processes hang under RpcProcesses, before RpcServer, so that a crash of RpcServer loses none.
 */
export function systemTree(options: SystemTreeOptions): Behavior<[], unknown> {
  const { kernel, links, intake, transport, table, inbound, self } = options
  const record = () => ({
    node: self.node,
    life: self.life,
    region: self.region,
    addresses: self.addresses,
    state: options.announced.state,
    appVersion: self.appVersion,
    procedures: options.announced.procedures,
  })
  const schemas = new SchemaConflictWatch()
  const mesh = membershipServer({
    kernel,
    links,
    intake,
    transport,
    self: record,
    ownLoad: options.ownLoad,
    memory: options.memory,
    lookForIdle: options.lookForIdle,
    isReady: () => options.announced.ready,
    onView: (view) => {
      const nodes = view.map(tableNode)
      tellSchemaConflicts(kernel, schemas.look(nodes))
      tell(kernel, regionRegistryName, 'update', [nodes, tablePrimary(options.memory)])
    },
  })
  const registry = regionRegistry({
    table,
    base: { self: self.node, myRegion: self.region },
    refresh: () => tellMembership(kernel, { event: 'refresh' }),
    onWritten: options.onTable,
  })
  return supervisorBehavior(systemName, {
    strategy: 'restForOne',
    children: [
      systemChild('names', namesServer(kernel), namesName),
      systemChild('mesh', mesh, membershipServerName),
      systemChild('RegionRegistry', registry, regionRegistryName),
      systemChild('RpcProcesses', rpcProcesses(kernel, inbound), rpcProcessesName),
      systemChild('RpcServer', rpcServer({ kernel, inbound }), rpcServerName),
      // Last: nobody else depends on it.
      ...(options.replica === undefined
        ? []
        : [systemChild('Replica', replicaServer(options.replica), replicaServerName)]),
    ],
  })
}

/** What this node announces of itself. A mesh actor that is started again announces what its predecessor did. */
export interface Announced {
  /** The app is up. */
  ready: boolean
  state: NodeState
  procedures: readonly ProcedureRecord[]
}

/** Tells the mesh what the app offers, once the app is up to serve it. */
export function announceApp(kernel: Kernel, announced: Announced, procedures: readonly OfferedProcedure[]): void {
  announced.ready = true
  announced.procedures = recordsOf(procedures)
  tellMembership(kernel, { event: 'announce', procedures: announced.procedures })
}

export function announceState(kernel: Kernel, announced: Announced, state: NodeState): void {
  announced.state = state
  tellMembership(kernel, { event: 'state', state })
}

function systemChild(id: string, behavior: Behavior, name: string): ChildSpec {
  return child(id, behavior, [], { register: actorName(name) })
}

/** The names of this node, for whoever wants to look: the table itself is in the kernel, and outlives this actor. */
function namesServer(kernel: Kernel): Behavior {
  return genServer({
    name: 'names',
    init: () => undefined,
    call: {
      whereis: (_ctx, name: string): Pid | undefined => kernel.names.whereis(name),
      entries: (): [string, Pid][] => kernel.names.entries(),
    },
  })
}

function tableNode({ record, rttMs, load, inFlight, isStuck }: RoutableNode): RegionTableNode {
  const { node, life, region, state, appVersion, procedures } = record
  return { node, life, region, state, appVersion, procedures, load, inFlight, rttMs, isStuck }
}

function tablePrimary({ primary }: MembershipMemory): RegionTablePrimary {
  return { primaryRegion: primary.region, primaryEpoch: primary.epoch }
}

function tell(kernel: Kernel, name: string, cast: string, args: readonly unknown[]): void {
  const pid = kernel.names.whereis(name)
  const actor = pid === undefined ? undefined : kernel.actor(pid)
  actor?.receive({ type: 'cast', to: actor.pid, name: cast, args, encoded: false })
}

function tellSchemaConflicts({ platform }: Kernel, news: readonly SchemaConflict[]): void {
  if (news.length === 0) return
  const fields = { others: news.slice(0, 10), count: news.length }
  platform.log.warn(fields, 'nodes announce one procedure and version with schemas that differ from ours')
}
