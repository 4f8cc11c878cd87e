import { encodeRecord, nodeRecordLimits, type ProcedureRecord } from '../mesh/node-record.ts'
import type { OfferedProcedure } from '../rpc/procedure.ts'

// What a record may have to hold besides, at the most: addresses, names, and the signature.
const restBytes =
  nodeRecordLimits.addresses * nodeRecordLimits.addressBytes +
  4 * nodeRecordLimits.nameBytes +
  nodeRecordLimits.signatureBytes

/** What a node says of the procedures that it offers. */
export function recordsOf(procedures: readonly OfferedProcedure[]): ProcedureRecord[] {
  return procedures.map(({ name, version, compatible, schema }) => ({ name, version, compatible, schema }))
}

/** Why a node could not announce that, in a sentence; `undefined` if it can, whatever else it has to say. */
export function checkAnnounced(appVersion: string, procedures: readonly OfferedProcedure[]): string | undefined {
  const record = { ...nothing, appVersion, procedures: recordsOf(procedures) }
  try {
    const { byteLength } = encodeRecord(record)
    const most = nodeRecordLimits.sealedBytes - restBytes
    if (byteLength <= most) return undefined
    return `its procedures take ${byteLength} bytes in a node's record, which has room for ${most}`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const nothing = {
  node: '',
  life: 0,
  version: 0,
  region: '',
  state: 'up',
  primaryEpoch: 0,
  primaryRegion: '',
  primaryBy: '',
  addresses: [],
} as const
