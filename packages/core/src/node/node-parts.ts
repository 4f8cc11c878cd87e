import type { Kernel } from '../actor/kernel.ts'
import type { Discovery } from '../discovery/discovery.ts'
import type { MembershipMemory } from '../mesh/membership-memory.ts'
import type { NodeRouter } from '../mesh/node-router.ts'
import type { PeerLinks } from '../mesh/peer-links.ts'
import type { RegionTableReader } from '../region/region-table.ts'
import type { InboundCalls } from '../rpc/inbound-calls.ts'
import type { RpcInbox } from '../rpc/rpc-inbox.ts'
import type { NodeThreads } from '../thread/node-threads.ts'
import type { Announced } from './system-tree.ts'

/** What a running node is made of, on its main thread. */
export interface NodeParts {
  readonly discovery: Discovery
  readonly kernel: Kernel
  readonly reader: RegionTableReader
  readonly links: PeerLinks
  readonly router: NodeRouter
  readonly inbox: RpcInbox
  readonly inbound: InboundCalls
  readonly threads: NodeThreads
  readonly announced: Announced
  readonly memory: MembershipMemory
  readonly addresses: readonly string[]
  readonly appName: string
  readonly drainMs: number
  readonly watchdog: { stop(): void } | undefined
}
