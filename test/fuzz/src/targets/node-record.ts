import {
  type Accusation,
  openAccusation,
  peekAccusation,
  sealAccusation,
} from '../../../../packages/core/dist/mesh/accusation.js'
import { decodeMeshMessage, encodeDigest, encodeSealed } from '../../../../packages/core/dist/mesh/mesh-message.js'
import {
  decodeRecord,
  encodeRecord,
  type NodeRecord,
  openRecord,
  peekRecord,
  sealRecord,
} from '../../../../packages/core/dist/mesh/node-record.js'
import { type Draw, drawBytes, drawCount, drawText, pick } from '../draw.ts'
import { isSameValue } from '../same-value.ts'
import { check, checkOrdinary, type Target, unlessRefused } from '../target.ts'

const signer = { sign: (): Uint8Array => new Uint8Array(64).fill(7) }
const trusting = { verify: (): boolean => true }
const doubting = { verify: (): boolean => false }

/** What a node says of itself, sealed and not. */
export const nodeRecordTarget: Target = {
  name: 'node-record',
  seeds: () => realRecords.flatMap((record) => [encodeRecord(record), sealRecord(record, signer)]),
  generate: (draw) => pick(draw, [encodeRecord, (record: NodeRecord) => sealRecord(record, signer)])(drawRecord(draw)),
  run(input) {
    check(openRecord(input, doubting) === undefined, 'a record whose signature is none is not believed')
    const opened = openRecord(input, trusting)
    const claim = peekRecord(input)
    if (opened !== undefined) {
      const { node, life, version } = opened
      check(isSameValue(claim, { node, life, version }), 'a record is what a glance at it says')
    }
    const record = unlessRefused(['ERR_MALFORMED'], () => decodeRecord(input))
    if (record === undefined) return
    checkOrdinary(record)
    check(isSameValue(Buffer.from(encodeRecord(record)), Buffer.from(input)), 'there is one encoding for one record')
  },
}

/** One node's word that another is dead. */
export const accusationTarget: Target = {
  name: 'accusation',
  seeds: () => [sealAccusation({ subject: 'n1', life: 1_700_000_000_000, version: 3, accuser: 'n2' }, signer)],
  generate: (draw) => sealAccusation(drawAccusation(draw), signer),
  run(input) {
    check(openAccusation(input, doubting) === undefined, 'an accusation whose signature is none is not believed')
    const opened = openAccusation(input, trusting)
    check(isSameValue(opened, peekAccusation(input)), 'an accusation is what a glance at it says')
    if (opened === undefined) return
    const again = openAccusation(sealAccusation(opened, signer), trusting)
    check(isSameValue(again, opened), 'an accusation is encoded as it was decoded')
  },
}

/** What mesh actors tell each other: many sealed records or accusations in one message, or a digest. */
export const meshMessageTarget: Target = {
  name: 'mesh-message',
  seeds: () => [
    ...encodeSealed('records', sealedRecords(), 400).chunks,
    ...encodeSealed('accusations', sealedRecords(), 400).chunks,
    encodeDigest(new Uint32Array(64).fill(7), false),
  ],
  generate: (draw) => {
    if (draw(3) === 0) return encodeDigest(new Uint32Array(64).fill(draw(2 ** 32)), draw(2) === 0)
    const sealed = Array.from({ length: 1 + draw(5) }, () => drawBytes(draw, 50))
    return encodeSealed(pick(draw, ['records', 'accusations']), sealed, 300).chunks[0] as Uint8Array
  },
  run(input) {
    const message = decodeMeshMessage(input)
    if (message === undefined) return
    if (message.kind === 'digest') {
      const back = decodeMeshMessage(encodeDigest(message.digest, message.isAnswer))
      check(isSameValue(back, message), 'a digest is encoded as it was decoded')
      return
    }
    const sealed = message.kind === 'records' ? message.records : message.accusations
    if (sealed.length === 0) return
    const { chunks, skipped } = encodeSealed(message.kind, sealed, Math.max(input.length, 10))
    check(skipped === 0 && chunks.length === 1, 'a chunk fits in one of its size')
    check(isSameValue(chunks[0], input), 'a chunk is encoded as it was decoded')
  },
}

function drawAccusation(draw: Draw): Accusation {
  return { subject: drawText(draw), life: drawCount(draw), version: drawCount(draw), accuser: drawText(draw) }
}

function sealedRecords(): Uint8Array[] {
  return realRecords.map((record) => sealRecord(record, signer))
}

function drawRecord(draw: Draw): NodeRecord {
  return {
    node: `n${drawText(draw)}`,
    life: drawCount(draw),
    version: drawCount(draw),
    region: drawText(draw),
    state: pick(draw, ['up', 'draining', 'leaving']),
    appVersion: drawText(draw),
    primaryEpoch: drawCount(draw),
    primaryRegion: drawText(draw),
    primaryBy: drawText(draw),
    addresses: Array.from({ length: draw(4) }, () => drawText(draw)),
    procedures: Array.from({ length: draw(4) }, () => ({
      name: drawText(draw),
      version: draw(2 ** 32),
      compatible: Array.from({ length: draw(4) }, () => draw(9)),
      schema: pick(draw, [undefined, 'abc']),
    })),
  }
}

const realRecords: readonly NodeRecord[] = [
  {
    node: 'n1',
    life: 1_700_000_000_000,
    version: 1_700_000_000_003,
    region: 'syd',
    state: 'up',
    appVersion: '1.2.3',
    primaryEpoch: 2,
    primaryRegion: 'lax',
    primaryBy: 'n2',
    addresses: ['/ip4/10.0.0.1/tcp/4001/p2p/n1'],
    procedures: [
      { name: 'orders.create', version: 2, compatible: [1], schema: 'f00d' },
      { name: 'ping', version: 1, compatible: [], schema: undefined },
    ],
  },
  {
    node: 'n2',
    life: 1,
    version: 1,
    region: '',
    state: 'draining',
    appVersion: '',
    primaryEpoch: 0,
    primaryRegion: '',
    primaryBy: '',
    addresses: [],
    procedures: [],
  },
]
