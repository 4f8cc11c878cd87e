import { expect, it } from 'vitest'
import { KnownPrimary } from '../../src/mesh/known-primary.ts'
import { OwnRecord } from '../../src/mesh/own-record.ts'
import { type Primary, primaryFields, primaryOf } from '../../src/mesh/primary.ts'
import { nodeRecord } from '../fixtures/node-record.ts'

const configured: Primary = { region: 'fra', epoch: 0, by: '' }

it('what a node announces is of a new epoch, in its next word, and remembered', () => {
  const { known, own, memory, changes } = knownBy({ region: 'syd', epoch: 4, by: 'b' })
  const primary = { region: 'iad', epoch: 5, by: 'me' }
  expect(known.announce('iad')).toEqual(primary)
  expect([primaryOf(own.record), memory.primary, changes]).toEqual([primary, primary, [primary]])
})

it('in the last epoch that there can be, the higher node id wins, and what is said can always be carried', () => {
  const last = { region: 'syd', epoch: Number.MAX_SAFE_INTEGER }
  const { known, own } = knownBy({ ...last, by: 'b' })
  const primary = { region: 'iad', epoch: last.epoch, by: 'me' }
  expect(known.announce('iad')).toEqual(primary)
  expect(primaryOf(own.say({}).record)).toEqual(primary)
  const other = knownBy({ ...last, by: 'z' })
  expect([other.known.announce('iad'), other.changes]).toEqual([{ ...last, by: 'z' }, []])
})

it.each([
  ['of a higher epoch', { region: 'syd', epoch: 3, by: 'b' }, true],
  ['of the same epoch by a node with a higher id', { region: 'syd', epoch: 2, by: 'c' }, true],
  ['that is known', { region: 'iad', epoch: 2, by: 'b' }, false],
  ['of an older epoch', { region: 'syd', epoch: 1, by: 'z' }, false],
  ['of a configuration', configured, false],
])('a word %s is taken, and is to be said: %s', (_what, heard, isTaken) => {
  const before = { region: 'iad', epoch: 2, by: 'b' }
  const { known, own, memory, changes } = knownBy(before)
  expect(known.hear(heard)).toBe(isTaken)
  const after = isTaken ? heard : before
  expect([primaryOf(own.record), memory.primary, changes]).toEqual([after, after, isTaken ? [heard] : []])
})

function knownBy(primary: Primary) {
  const own = new OwnRecord(nodeRecord('me', primaryFields(primary)), { sign: () => Uint8Array.of(1) })
  const memory = { primary }
  const changes: Primary[] = []
  return { known: new KnownPrimary(own, memory, (one) => void changes.push(one)), own, memory, changes }
}
