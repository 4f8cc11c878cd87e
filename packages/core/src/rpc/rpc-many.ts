import type { Kernel } from '../actor/kernel.ts'
import type { ManyServices } from '../actor/remote-many.ts'
import type { RemoteServices } from '../actor/remote-verbs.ts'
import type { RegionTableReader } from '../region/region-table.ts'
import { castRemote } from './rpc-cast.ts'
import { callEach } from './rpc-each.ts'

/** The verbs for many nodes, on one thread: each reads the shared region table and makes calls as `remote` does. */
export function createRpcMany(kernel: Kernel, table: RegionTableReader, remote: RemoteServices): ManyServices {
  return {
    callEach: (owner, target, procedure, input, options) =>
      callEach(kernel, remote, table.read(), { owner, target, procedure, input, options }),
    cast: (target, procedure, input, options, trace) =>
      castRemote(kernel, table.read(), { target, procedure, input, options, trace }),
  }
}
