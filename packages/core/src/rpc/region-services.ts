import type { Kernel } from '../actor/kernel.ts'
import type { ProcedureName } from '../actor/remote-verbs.ts'
import type { RegionTableReader } from '../region/region-table.ts'
import type { OfferedProcedure } from './procedure.ts'
import { createRpcClient } from './rpc-client.ts'
import { createRpcMany } from './rpc-many.ts'
import { createRpcReplica } from './rpc-replica.ts'
import { createRpcStreams } from './rpc-stream.ts'

/**
 * Gives the actors of a thread the verbs of regions: calls, casts, streams, calls of many nodes and waits for the replica, which all
 * choose by one table. `offered`: what this node serves, where its code is on this thread.
 */
export function addRegionServices(
  kernel: Kernel,
  table: RegionTableReader,
  offered?: (procedure: ProcedureName) => OfferedProcedure | undefined,
): void {
  const remote = createRpcClient(kernel, table, offered)
  kernel.remote = remote
  kernel.many = createRpcMany(kernel, table, remote)
  kernel.streams = createRpcStreams(kernel, remote)
  kernel.replica = createRpcReplica(kernel, remote)
}
