import type { NodeInfo, ProcedureInfo } from '../actor/node-info.ts'
import { assert } from '../base/assert.ts'
import type { NodeId } from '../mesh/transport.ts'

/** What one node knows of all: the content of the region table. */
export interface RegionTableData {
  readonly self: NodeId
  readonly myRegion: string
  readonly primaryRegion: string
  /** Counts the changes of primary region; the higher one holds. */
  readonly primaryEpoch: number
  readonly nodes: readonly RegionTableNode[]
  /** How many nodes are known but did not fit into the table. */
  readonly omitted: number
}

export type RegionTableNode = NodeInfo
export type RegionTableProcedure = ProcedureInfo

// The buffer, in 32-bit words:
//
//   0          head: the version of the current table; 0 is none yet. Its last bit says in which slot that table is
//   1 .. 15    unused, so that the one word that every lookup reads has a cache line to itself
//   16         slot 0: the length of its table in bytes, then the table, padded with zeros to whole words
//   16 + n     slot 1: the same

export const wordBytes = 4
export const headWord = 0
const firstSlotWord = 16

/** The least that a slot may measure: a length, and something. */
const slotBytesMin: number = 2 * wordBytes

/** The size of a buffer whose two slots have `slotBytes` each. */
export function tableBytes(slotBytes: number): number {
  assert(
    Number.isSafeInteger(slotBytes) && slotBytes >= slotBytesMin,
    `slotBytes must be an integer from ${slotBytesMin}`,
  )
  return firstSlotWord * wordBytes + 2 * Math.ceil(slotBytes / wordBytes) * wordBytes
}

/** How many words one slot of a buffer of `bufferBytes` has, its length word included. */
function slotWords(bufferBytes: number): number {
  const words = (bufferBytes / wordBytes - firstSlotWord) / 2
  assert(Number.isInteger(words) && words * wordBytes >= slotBytesMin, 'the buffer was not made by createRegionTable')
  return words
}

/** How many bytes a table in one slot may have. */
export function payloadBytesMax(bufferBytes: number): number {
  return (slotWords(bufferBytes) - 1) * wordBytes
}

/** Where the slot of the table of `version` begins: at its length word. */
export function slotStart(version: number, bufferBytes: number): number {
  return firstSlotWord + (version & 1) * slotWords(bufferBytes)
}
