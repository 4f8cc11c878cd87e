import { RuntimeError } from '../base/runtime-error.ts'
import { ByteReader, MalformedError } from './byte-reader.ts'
import { ByteWriter, textBytes } from './byte-writer.ts'
import type { NodeId, Transport } from './transport.ts'

/** `draining`: takes no new calls, finishes what runs. `leaving`: about to say goodbye. */
export type NodeState = 'up' | 'draining' | 'leaving'

/** A procedure that a node offers: its version, and the other versions of callers that it serves. */
export interface ProcedureRecord {
  readonly name: string
  readonly version: number
  readonly compatible: readonly number[]
  /** A hash of its schemas, where there is one. */
  readonly schema: string | undefined
}

/** What a node says of itself to the whole mesh. Slow facts only: load and round-trip times ride on heartbeats. */
export interface NodeRecord {
  readonly node: NodeId
  /** Which boot of the node. An identity, not an order. */
  readonly life: number
  /** Orders a node's records, over its lives too: wall-clock milliseconds at boot, and higher with every change. */
  readonly version: number
  readonly region: string
  readonly state: NodeState
  /** Of the app that it runs, for people; empty for none. */
  readonly appVersion: string
  /** The epoch of the primary that this node knows of; 0 for none. */
  readonly primaryEpoch: number
  /** The primary region as of that epoch; empty for none. */
  readonly primaryRegion: string
  /** The node that announced it; empty where it comes from configuration. */
  readonly primaryBy: NodeId
  readonly addresses: readonly string[]
  readonly procedures: readonly ProcedureRecord[]
}

/** A record and the signed bytes it was opened from, which are what is relayed. */
export interface SealedRecord {
  readonly record: NodeRecord
  readonly sealed: Uint8Array
}

/** Limits of a record's parts, texts in bytes of UTF-8, and of the whole, sealed. */
export const nodeRecordLimits = {
  nameBytes: 256,
  addressBytes: 512,
  addresses: 16,
  procedures: 1_024,
  compatible: 64,
  signatureBytes: 1_024,
  sealedBytes: 65_536,
} as const

const states: readonly NodeState[] = ['up', 'draining', 'leaving']
const format = 2
// Signed before the record, so that no signature made for another purpose passes as one of a record.
const purpose = new TextEncoder().encode('skerry node record 2\n')

/**
 * A record with its author's signature inside, so that anyone may relay it. Throws `ERR_RECORD_TOO_LARGE` beyond
 * {@link nodeRecordLimits}. Above 16 KiB it is too large for `Transport.publish`; snapshots still carry it.
 */
export function sealRecord(record: NodeRecord, transport: Pick<Transport, 'sign'>): Uint8Array {
  const body = encodeRecord(record)
  const signature = transport.sign(signedBytes(body))
  const sealed = new ByteWriter(body.byteLength + signature.byteLength + 16)
  sealed.u8(format).bytes(body).bytes(signature)
  if (sealed.length > nodeRecordLimits.sealedBytes) {
    throw new RecordError(`a node's record has ${sealed.length} bytes, at most ${nodeRecordLimits.sealedBytes} allowed`)
  }
  return sealed.finish()
}

/** The record, if the bytes are one and its own node signed it; otherwise `undefined`. Never throws for what a peer may send. */
export function openRecord(sealed: Uint8Array, transport: Pick<Transport, 'verify'>): NodeRecord | undefined {
  return readSealed(sealed, (body, signature) => {
    const record = decodeRecord(body)
    return transport.verify(record.node, signedBytes(body), signature) ? record : undefined
  })
}

/**
 * What sealed bytes claim to be, without the cost of checking the signature. Only good for deciding whether to open
 * them.
 */
export function peekRecord(sealed: Uint8Array): { node: NodeId; life: number; version: number } | undefined {
  return readSealed(sealed, (body) => {
    const reader = new ByteReader(body)
    return { node: reader.text(nodeRecordLimits.nameBytes), life: reader.integer(), version: reader.integer() }
  })
}

/** A record as bytes: one encoding for one record. Throws `ERR_RECORD_TOO_LARGE` when a part is beyond its limit. */
export function encodeRecord(record: NodeRecord): Uint8Array {
  const { addresses, procedures } = record
  checkSize(record)
  const writer = new ByteWriter(512)
  writer.text(record.node).integer(record.life).integer(record.version).text(record.region)
  writer
    .u8(states.indexOf(record.state))
    .text(record.appVersion)
    .integer(record.primaryEpoch)
    .text(record.primaryRegion)
  writer.text(record.primaryBy)
  writer.u16(addresses.length)
  for (const address of addresses) writer.text(address)
  writer.u16(procedures.length)
  for (const { name, version, compatible, schema = '' } of procedures) {
    writer.text(name).u32(version).text(schema).u16(compatible.length)
    for (const served of compatible) writer.u32(served)
  }
  return writer.finish()
}

/** The reverse. Throws a `MalformedError` for anything else than one whole record within the limits. */
export function decodeRecord(bytes: Uint8Array): NodeRecord {
  const {
    nameBytes,
    addressBytes,
    addresses: addressesMax,
    procedures: proceduresMax,
    compatible: compatibleMax,
  } = nodeRecordLimits
  const reader = new ByteReader(bytes)
  const head = {
    node: reader.text(nameBytes),
    life: reader.integer(),
    version: reader.integer(),
    region: reader.text(nameBytes),
    state: readState(reader),
    appVersion: reader.text(nameBytes),
    primaryEpoch: reader.integer(),
    primaryRegion: reader.text(nameBytes),
    primaryBy: reader.text(nameBytes),
  }
  const addresses: string[] = []
  for (let left = reader.count(addressesMax); left > 0; left -= 1) addresses.push(reader.text(addressBytes))
  const procedures: ProcedureRecord[] = []
  for (let left = reader.count(proceduresMax); left > 0; left -= 1) {
    const name = reader.text(nameBytes)
    const version = reader.u32()
    const schema = reader.text(nameBytes)
    const compatible: number[] = []
    for (let more = reader.count(compatibleMax); more > 0; more -= 1) compatible.push(reader.u32())
    procedures.push({ name, version, compatible, schema: schema === '' ? undefined : schema })
  }
  reader.end()
  if (head.node === '') throw new MalformedError('a record without a node')
  return { ...head, addresses, procedures }
}

class RecordError extends RuntimeError {
  declare readonly code: 'ERR_RECORD_TOO_LARGE'

  constructor(message: string) {
    super('ERR_RECORD_TOO_LARGE', message)
  }
}

function readSealed<T>(sealed: Uint8Array, read: (body: Uint8Array, signature: Uint8Array) => T): T | undefined {
  if (sealed.byteLength > nodeRecordLimits.sealedBytes) return undefined
  try {
    const reader = new ByteReader(sealed)
    if (reader.u8() !== format) return undefined
    const body = reader.bytes(nodeRecordLimits.sealedBytes)
    const signature = reader.bytes(nodeRecordLimits.signatureBytes)
    reader.end()
    return read(body, signature)
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
}

function signedBytes(body: Uint8Array): Uint8Array {
  return new ByteWriter(purpose.byteLength + body.byteLength).raw(purpose).raw(body).finish()
}

function readState(reader: ByteReader): NodeState {
  const state = states[reader.u8()]
  if (state === undefined) throw new MalformedError('a record with an unknown state')
  return state
}

function checkSize(record: NodeRecord): void {
  const { nameBytes, addressBytes, addresses, procedures } = nodeRecordLimits
  const { node, region, primaryRegion, primaryBy, appVersion } = record
  const texts = record.procedures.flatMap(({ name, schema = '' }) => [name, schema])
  const names = [node, region, primaryRegion, primaryBy, appVersion, ...texts]
  checkAtMost('procedures', record.procedures.length, procedures)
  checkAtMost('addresses', record.addresses.length, addresses)
  for (const { compatible } of record.procedures)
    checkAtMost('compatible versions', compatible.length, nodeRecordLimits.compatible)
  for (const name of names) checkAtMost('bytes in a name', textBytes(name), nameBytes)
  for (const address of record.addresses) checkAtMost('bytes in an address', textBytes(address), addressBytes)
}

function checkAtMost(what: string, count: number, most: number): void {
  if (count > most) throw new RecordError(`a node's record has ${count} ${what}, at most ${most} allowed`)
}
