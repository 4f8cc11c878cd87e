import { describe, expect, it } from 'vitest'
import type { RegionTableNode } from '../../src/region/region-table.ts'
import { schemaConflicts, SchemaConflictWatch } from '../../src/region/schema-conflicts.ts'

/** Procedures as `name@version=hash`. */
function node(id: string, ...announced: string[]): RegionTableNode {
  const procedures = announced.map((text) => {
    const [, name = '', version, schema] = /^(.*)@(.*)=(.*)$/.exec(text) ?? []
    return { name, version: Number(version), compatible: [], schema: schema === '' ? undefined : schema }
  })
  const known = { life: 1, region: '', state: 'up', appVersion: '', load: 0, inFlight: 0, isStuck: false } as const
  return { ...known, node: id, rttMs: undefined, procedures }
}
const differs = (id: string, procedure: string, version: number, schema: string): unknown => ({
  node: id,
  procedure,
  version,
  schema,
})

describe('schemas that differ', () => {
  it('are those of one name and version, of which both nodes announce a hash', () => {
    const own = node('a', 'buy@1=x', 'buy@2=y', 'sell@1=', 'only@1=x')
    expect(schemaConflicts([own, node('b', 'buy@1=x', 'buy@2=z', 'sell@1=x'), node('c', 'buy@1=q')])).toEqual([
      differs('b', 'buy', 2, 'z'),
      differs('c', 'buy', 1, 'q'),
    ])
    expect(schemaConflicts([node('a'), node('b', 'buy@1=x')])).toEqual([])
    expect(schemaConflicts([])).toEqual([])
  })

  it('are noticed once, as long as nothing new is announced', () => {
    const watch = new SchemaConflictWatch()
    const [own, b, c] = [node('a', 'buy@1=x'), node('b', 'buy@1=y'), node('c', 'buy@1=x')]
    expect(watch.look([own, b, c])).toEqual([differs('b', 'buy', 1, 'y')])
    expect(watch.look([own, b, c])).toEqual([])
    expect(watch.look([own, node('b', 'buy@1=y', 'sell@1=x'), c])).toEqual([])
    expect(watch.look([own, b, node('c', 'buy@1=z')])).toEqual([differs('c', 'buy', 1, 'z')])
  })

  it('are noticed when this node announces its own later, and again of a node that was gone', () => {
    const watch = new SchemaConflictWatch()
    const b = node('b', 'buy@1=y')
    expect(watch.look([node('a'), b])).toEqual([])
    const own = node('a', 'buy@1=x')
    expect(watch.look([own, b])).toEqual([differs('b', 'buy', 1, 'y')])
    expect(watch.look([own])).toEqual([])
    expect(watch.look([own, b])).toEqual([differs('b', 'buy', 1, 'y')])
  })
})
