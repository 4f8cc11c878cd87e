import { actorName, child, defineApp, genServer, procedure } from '@skerry/core'
import { installPropertyObserver, type PropertyObserver } from '@skerry/core/simulation'
import { afterEach, describe, expect, it } from 'vitest'
import { startManualNode } from '../fixtures/manual-node.ts'

const sawTrue = new Set<string>()
const violated: string[] = []
const unusual = new Set<string>()

const observer: PropertyObserver = {
  always: (ok, id) => void (ok || violated.push(id)),
  sometimes: (ok, id) => void (ok && sawTrue.add(id)),
  reachable: (id) => void sawTrue.add(id),
  unreachable: (id) => void violated.push(id),
  chance: (id) => unusual.has(id),
  knob: (_id, usual) => usual,
}

afterEach(() => {
  installPropertyObserver(undefined)
  for (const set of [sawTrue, unusual]) set.clear()
})

const crasher = genServer({
  name: 'crasher',
  init: () => undefined,
  cast: {
    crash: () => {
      throw new Error('again')
    },
  },
})
const crasherName = actorName<{ call: object; cast: { crash(): void } }>('crasher')
const upcase = procedure({ name: 'string.upcase', run: (_ctx, text: string) => text.toUpperCase() })
const app = defineApp({
  name: 'properties',
  procedures: [upcase],
  children: [child('crasher', crasher, [], { register: crasherName })],
})

describe("the runtime's own properties", () => {
  it('are told to an observer that another entry of the package installed', async () => {
    installPropertyObserver(observer)
    const { node, platform } = await startManualNode(undefined, app)
    for (let crash = 0; crash < 4; crash += 1) {
      node.cast(crasherName, 'crash', [])
      await platform.settle()
    }
    await platform.advance(10_000)
    expect([...sawTrue]).toContain('skerry/a supervisor gave up after too many restarts')
    expect(violated).toEqual([])
  })

  it('let a simulator bring about what is legal but unusual', async () => {
    installPropertyObserver(observer)
    const { node, settled } = await startManualNode(undefined, app)
    expect(await settled(node.rpcRegion('local', upcase, 'tea'))).toBe('TEA')
    unusual.add('skerry/refuse a call as overloaded')
    const refused = settled(node.rpcRegion('local', upcase, 'tea'))
    await expect(refused).rejects.toMatchObject({ code: 'ERR_OVERLOADED', outcome: 'not-run' })
  })
})
