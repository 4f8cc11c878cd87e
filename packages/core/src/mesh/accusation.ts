import { ByteReader, MalformedError } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { nodeRecordLimits } from './node-record.ts'
import type { NodeId, Transport } from './transport.ts'

/** One node's word that another one is dead: of this life, and unless a record with a higher version refutes it. */
export interface Accusation {
  readonly subject: NodeId
  readonly life: number
  readonly version: number
  readonly accuser: NodeId
}

/**
 * How far an accusation may be ahead of what is known of its subject: the news that its accuser had and we have not. One that is
 * further ahead names a version that the subject never had, so that nothing could refute it.
 */
export const versionsAheadMax = 1_000

/** The most bytes of a sealed one. */
const sealedBytesMax = 2 * 1024
const format = 1
// Signed before the accusation, so that no signature made for another purpose passes as one of it.
const purpose = new TextEncoder().encode('skerry accusation 1\n')

/** The accusation with its accuser's signature inside, so that anyone may relay it. */
export function sealAccusation(accusation: Accusation, transport: Pick<Transport, 'sign'>): Uint8Array {
  const { subject, life, version, accuser } = accusation
  const body = new ByteWriter(256).text(subject).integer(life).integer(version).text(accuser).finish()
  return new ByteWriter(512)
    .u8(format)
    .bytes(body)
    .bytes(transport.sign(signedBytes(body)))
    .finish()
}

/** The accusation, if the bytes are one and its accuser signed it; otherwise `undefined`. Never throws for what a peer may send. */
export function openAccusation(sealed: Uint8Array, transport: Pick<Transport, 'verify'>): Accusation | undefined {
  const read = readSealed(sealed)
  if (read === undefined) return undefined
  const { accusation, body, signature } = read
  return transport.verify(accusation.accuser, signedBytes(body), signature) ? accusation : undefined
}

/** What the bytes claim to be, without the cost of checking the signature: for deciding whether to open them. */
export function peekAccusation(sealed: Uint8Array): Accusation | undefined {
  return readSealed(sealed)?.accusation
}

function readSealed(
  sealed: Uint8Array,
): { accusation: Accusation; body: Uint8Array; signature: Uint8Array } | undefined {
  if (sealed.byteLength > sealedBytesMax) return undefined
  try {
    const reader = new ByteReader(sealed)
    if (reader.u8() !== format) return undefined
    const body = reader.bytes(sealedBytesMax)
    const signature = reader.bytes(nodeRecordLimits.signatureBytes)
    reader.end()
    const fields = new ByteReader(body)
    const accusation = {
      subject: fields.text(nodeRecordLimits.nameBytes),
      life: fields.integer(),
      version: fields.integer(),
      accuser: fields.text(nodeRecordLimits.nameBytes),
    }
    fields.end()
    return { accusation, body, signature }
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
}

function signedBytes(body: Uint8Array): Uint8Array {
  return new ByteWriter(purpose.byteLength + body.byteLength).raw(purpose).raw(body).finish()
}
