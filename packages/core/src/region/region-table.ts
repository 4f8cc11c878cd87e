import { decodeTable, encodeTable } from './region-table-format.ts'
import { payloadBytesMax, type RegionTableData, tableBytes } from './region-table-layout.ts'
import { type RegionTableView, regionTableView } from './region-table-view.ts'
import { atomicWords, currentVersion, publish, type SharedWords, takeSnapshot } from './two-slots.ts'

export type { RegionTableData, RegionTableNode } from './region-table-layout.ts'
export type { RegionTableView } from './region-table-view.ts'

/**
 * Memory for a region table, to be shared with every thread (as `workerData`). It outlives its writer: a restarted one
 * goes on from the version in it. `slotBytes` (default 256 KiB, about 2,500 nodes; there are two slots) bounds one
 * version of the table; nodes that don't fit are left out and counted, see `encodeTable`.
 *
 * @example
 * const buffer = createRegionTable()
 * regionTableWriter(buffer).write(data)                        // main thread, in one actor only
 * openRegionTable(buffer).read().regionNodes('lhr')            // any thread
 */
export function createRegionTable(options: { slotBytes?: number } = {}): SharedArrayBuffer {
  return new SharedArrayBuffer(tableBytes(options.slotBytes ?? 256 * 1024))
}

/** Puts new versions into the table. */
export interface RegionTableWriter {
  /**
   * Publishes `data` to all readers at once. `omitted` counts the nodes that are known but not in the table, for the
   * caller to log and count. Throws `ERR_TABLE_TOO_SMALL`, and leaves the table as it is, when no node fits at all.
   */
  write(data: RegionTableData): { version: number; omitted: number }
}

/** The writer of a table. There must be only one at a time; see two-slots.ts for why. */
export function regionTableWriter(buffer: SharedArrayBuffer): RegionTableWriter {
  const words = atomicWords(buffer)
  return {
    write(data) {
      const { bytes, omitted } = encodeTable(data, payloadBytesMax(buffer.byteLength))
      return { version: publish(words, bytes), omitted }
    },
  }
}

/** One thread's access to the table. Nothing here throws or waits. */
export interface RegionTableReader {
  /** The version that is in the table now: another number than a view's means that there is news. */
  readonly version: number
  /**
   * The current table; the same object until the next version. Should the writer publish faster than this thread can
   * copy, 64 times in a row, it is the one read last instead.
   */
  read(): RegionTableView
  /** How often `read` had to answer with an older table than the current one. */
  readonly staleReads: number
}

/**
 * Opens a table for reading, in any thread, before or after the first write. Open it once per thread, and keep it.
 * `words` is how the buffer is accessed; a test steps through it.
 */
export function openRegionTable(
  buffer: SharedArrayBuffer,
  words: SharedWords = atomicWords(buffer),
): RegionTableReader {
  let view = emptyView
  let staleReads = 0

  function readNews(): RegionTableView {
    const news = takeSnapshot(words, snapshotTries)
    if (news === undefined) {
      staleReads += 1
      return view
    }
    try {
      view = regionTableView(news.version, decodeTable(news.table))
    } catch {
      // Only memory that something else wrote to can bring us here. The last good table is the better answer.
      staleReads += 1
    }
    return view
  }

  return {
    get version() {
      return currentVersion(words)
    },
    read() {
      return currentVersion(words) === view.version ? view : readNews()
    },
    get staleReads() {
      return staleReads
    },
  }
}

const snapshotTries = 64

const emptyView: RegionTableView = regionTableView(0, {
  self: '',
  myRegion: '',
  primaryRegion: '',
  primaryEpoch: 0,
  nodes: [],
  omitted: 0,
})
