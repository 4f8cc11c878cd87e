import { expect, it } from 'vitest'
import { openRecord } from '../../src/mesh/node-record.ts'
import { OwnRecord } from '../../src/mesh/own-record.ts'
import { nodeRecord } from '../fixtures/node-record.ts'

const signature = Uint8Array.of(7)
const record = nodeRecord('me', { life: 3, version: 10, region: 'fra', addresses: ['here'] })

it('says each thing in a higher version, also when it says nothing new', () => {
  const own = new OwnRecord(record, { sign: () => signature })
  expect(own.seal().record).toEqual(record)
  const { sealed } = own.say({ state: 'draining' })
  expect(openRecord(sealed, { verify: () => true })).toEqual({ ...record, state: 'draining', version: 11 })
  expect(own.say({}).record).toEqual({ ...record, state: 'draining', version: 12 })
  expect(own.record.version).toBe(12)
})

it('outbids a version that somebody believes, and one below its own changes nothing', () => {
  const own = new OwnRecord(record, { sign: () => signature })
  own.outbid(99)
  own.outbid(5)
  expect(own.say({}).record.version).toBe(100)
})
