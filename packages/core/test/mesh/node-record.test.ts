import { describe, expect, it } from 'vitest'
import {
  decodeRecord,
  encodeRecord,
  type NodeRecord,
  nodeRecordLimits,
  openRecord,
  peekRecord,
  sealRecord,
} from '../../src/mesh/node-record.ts'
import { constantDelays, seededRandom, World } from './peer-links-world.ts'

const world = new World({ random: seededRandom(1), delays: constantDelays(1) })
const a = world.transport('a')
const b = world.transport('b')

describe('a sealed record', () => {
  it('is opened by anyone, whole', () => {
    expect(openRecord(sealRecord(record(), a), b)).toEqual(record())
    const bare = record({ addresses: [], procedures: [], primaryRegion: '', state: 'leaving' })
    expect(openRecord(sealRecord(bare, a), b)).toEqual(bare)
  })

  it('is not believed from anyone but its own node', () => {
    expect(openRecord(sealRecord(record({ node: 'a' }), b), b)).toBeUndefined()
  })

  it('is not believed with any byte changed, and never throws', () => {
    const sealed = sealRecord(record(), a)
    for (let at = 0; at < sealed.byteLength; at += 1) {
      const changed = sealed.slice()
      changed[at] = (changed[at] as number) ^ 0x41
      expect(openRecord(changed, b), `byte ${at}`).toBeUndefined()
    }
  })

  it('is not believed when cut short or longer', () => {
    const sealed = sealRecord(record(), a)
    for (let length = 0; length < sealed.byteLength; length += 1) {
      expect(openRecord(sealed.subarray(0, length), b), `${length} bytes`).toBeUndefined()
    }
    expect(openRecord(Buffer.concat([sealed, Buffer.alloc(1)]), b)).toBeUndefined()
    expect(openRecord(Buffer.alloc(nodeRecordLimits.sealedBytes + 1, 1), b)).toBeUndefined()
  })

  it('takes no signature that was made over the bare record', () => {
    // Otherwise whatever else a node signs could be passed off as a record.
    const bare = { sign: (bytes: Uint8Array) => a.sign(bytes.subarray('skerry node record 1\n'.length)) }
    expect(openRecord(sealRecord(record(), bare), b)).toBeUndefined()
  })

  it('shows its claim without a signature check', () => {
    expect(peekRecord(sealRecord(record({ life: 3, version: 9 }), b))).toEqual({ node: 'a', life: 3, version: 9 })
    expect(peekRecord(Uint8Array.of(1, 2, 3))).toBeUndefined()
  })
})

describe('a record as bytes', () => {
  it('is the same bytes for the same record', () => {
    expect(encodeRecord(record())).toEqual(encodeRecord(decodeRecord(encodeRecord(record()))))
  })

  it.each<[string, Partial<NodeRecord>]>([
    ['name', { region: 'é'.repeat(129) }],
    ['version of the app', { appVersion: 'x'.repeat(257) }],
    ['schema', { procedures: [{ name: 'p', version: 1, compatible: [], schema: 'x'.repeat(257) }] }],
    ['address', { addresses: ['x'.repeat(513)] }],
    ['number of addresses', { addresses: Array<string>(17).fill('x') }],
    [
      'number of procedures',
      {
        procedures: Array.from({ length: 1_025 }, () => ({ name: 'p', version: 1, compatible: [], schema: undefined })),
      },
    ],
    [
      'number of versions served',
      { procedures: [{ name: 'p', version: 1, compatible: Array<number>(65).fill(1), schema: undefined }] },
    ],
  ])('has a bounded %s, for the writer and for the reader', (_what, change) => {
    expect(() => encodeRecord(record(change))).toThrow(expect.objectContaining({ code: 'ERR_RECORD_TOO_LARGE' }))
  })

  it('is bounded as a whole', () => {
    const procedures = Array.from({ length: 1_024 }, (_, number) => ({
      name: `${number}`.padStart(200, 'p'),
      version: 1,
      compatible: [],
      schema: undefined,
    }))
    expect(() => sealRecord(record({ procedures }), a)).toThrow(
      expect.objectContaining({ code: 'ERR_RECORD_TOO_LARGE' }),
    )
  })

  it('is malformed with a count or a length beyond the limits, before anything of that size is read', () => {
    const bytes = encodeRecord(record({ addresses: [], procedures: [] }))
    const manyProcedures = bytes.slice()
    manyProcedures.set([0xff, 0xff], bytes.byteLength - 2)
    const longNode = bytes.slice()
    longNode.set([0xff, 0xff], 0)
    for (const wrong of [manyProcedures, longNode, new Uint8Array()]) {
      expect(() => decodeRecord(wrong)).toThrow(expect.objectContaining({ code: 'ERR_MALFORMED' }))
    }
  })
})

function record(change: Partial<NodeRecord> = {}): NodeRecord {
  return {
    node: 'a',
    life: 123_456,
    version: 1_700_000_000_000,
    region: 'syd',
    state: 'up',
    appVersion: '2026.7.1',
    primaryEpoch: 4,
    primaryRegion: 'syd',
    primaryBy: 'b',
    addresses: ['/ip4/10.0.0.1/tcp/4001', '/dns4/ü.internal/tcp/4001'],
    procedures: [
      { name: 'orders.create', version: 3, compatible: [1, 2], schema: '0123456789abcdef' },
      { name: 'string.upcase', version: 1, compatible: [], schema: undefined },
    ],
    ...change,
  }
}
