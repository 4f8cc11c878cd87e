import { expect, it } from 'vitest'
import type { NodeRecord } from '../../src/mesh/node-record.ts'
import { PrimaryConflicts } from '../../src/mesh/primary-conflicts.ts'

const own = recordOf('me', 'fra')

it('a node that is configured otherwise is found once its record changed, and told of once', () => {
  const conflicts = new PrimaryConflicts([])
  expect(conflicts.look(own, [recordOf('a', 'fra')])).toBe('none')
  const b = recordOf('b', 'syd')
  conflicts.recordChanged(own, b)
  expect(conflicts.look(own, [b])).toBe('more')
  expect(conflicts.known).toEqual([{ node: 'b', primaryRegion: 'syd' }])
  conflicts.recordChanged(own, b)
  expect(conflicts.look(own, [b])).toBe('none')
})

it('the records are looked at only after a change that can make a difference', () => {
  const conflicts = new PrimaryConflicts([])
  conflicts.look(own, [])
  conflicts.recordChanged(own, recordOf('a', 'fra'))
  conflicts.removed('a')
  expect(conflicts.look(own, unread())).toBe('none')
})

it('a conflict ends when its node comes to agree, goes, or a change at run time settles it', () => {
  const b = recordOf('b', 'syd')
  const ends: readonly ((conflicts: PrimaryConflicts) => readonly [NodeRecord, NodeRecord[]])[] = [
    (conflicts) => {
      const agreeing = recordOf('b', 'fra')
      conflicts.recordChanged(own, agreeing)
      return [own, [agreeing]]
    },
    (conflicts) => {
      conflicts.removed('b')
      return [own, []]
    },
    (conflicts) => {
      conflicts.ownChanged()
      return [{ ...own, primaryEpoch: 1 }, [b]]
    },
  ]
  for (const end of ends) {
    const conflicts = new PrimaryConflicts([])
    conflicts.look(own, [b])
    const [now, others] = end(conflicts)
    expect(conflicts.look(now, others)).toBe('settled')
    expect(conflicts.known).toEqual([])
  }
})

it('of several conflicts it says that there are fewer, and of another one more, also while one goes', () => {
  const conflicts = new PrimaryConflicts([])
  const [b, c, d] = [recordOf('b', 'syd'), recordOf('c', 'syd'), recordOf('d', 'lax')]
  expect(conflicts.look(own, [b, c])).toBe('more')
  conflicts.removed('c')
  expect(conflicts.look(own, [b])).toBe('fewer')
  conflicts.removed('b')
  conflicts.recordChanged(own, d)
  expect(conflicts.look(own, [d])).toBe('more')
})

it('what a predecessor told of is not told of again', () => {
  const conflicts = new PrimaryConflicts([{ node: 'b', primaryRegion: 'syd' }])
  expect(conflicts.look(own, [recordOf('b', 'syd')])).toBe('none')
})

function recordOf(node: string, primaryRegion: string): NodeRecord {
  return { node, primaryRegion, primaryEpoch: 0 } as NodeRecord
}

function unread(): Iterable<NodeRecord> {
  return {
    [Symbol.iterator]: () => {
      throw new Error('the records were looked at')
    },
  }
}
