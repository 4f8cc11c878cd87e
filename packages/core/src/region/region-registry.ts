import type { Behavior } from '../actor/behavior.ts'
import { genServer } from '../otp/gen-server.ts'
import { regionTables } from '../platform/telemetry.ts'
import type { RegionTableData, RegionTableNode } from './region-table-layout.ts'
import { regionTableWriter } from './region-table.ts'

export const regionRegistryName = 'system.RegionRegistry'

export interface RegionRegistryOptions {
  readonly table: SharedArrayBuffer
  /** What never changes in the table. */
  readonly base: Pick<RegionTableData, 'self' | 'myRegion'>
  /** Asks for the present view: at the start, and after a crash, when the table still shows what was known before. */
  readonly refresh: () => void
  /** The table was written. */
  readonly onWritten: () => void
}

export type RegionTablePrimary = Pick<RegionTableData, 'primaryRegion' | 'primaryEpoch'>

/**
 * The actor that writes the region table, and nobody else does. The table lies in shared memory and outlives this
 * actor: while it is being restarted, readers on all threads see the last state.
 */
export function regionRegistry(options: RegionRegistryOptions): Behavior<
  [],
  {
    call: { version(): number }
    cast: { update(nodes: readonly RegionTableNode[], primary: RegionTablePrimary): void }
  }
> {
  return genServer({
    name: 'RegionRegistry',
    init: () => {
      options.refresh()
      return { writer: regionTableWriter(options.table), version: 0, omitted: 0 }
    },
    call: { version: (ctx) => ctx.state.version },
    cast: {
      update: (ctx, nodes: readonly RegionTableNode[], primary: RegionTablePrimary) => {
        const { version, omitted } = ctx.state.writer.write({ ...options.base, ...primary, nodes, omitted: 0 })
        if (omitted > ctx.state.omitted) {
          ctx.log.error({ omitted, known: nodes.length }, 'the region table is full: nodes were left out')
        }
        ctx.state = { ...ctx.state, version, omitted }
        if (regionTables.hasSubscribers) {
          const { node, life, thread } = ctx.self
          const regions = new Set(nodes.map(({ region }) => region)).size
          regionTables.publish({ node, life, thread, version, nodes: nodes.length, regions, omitted })
        }
        options.onWritten()
      },
    },
  })
}
