import {
  contract,
  defineApp,
  memoryTransport,
  type Node,
  procedure,
  silentLog,
  startNode,
  streamContract,
} from '@skerry/core'
import { recordedLog } from '@skerry/testing'
import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'

const order = contract({ name: 'orders.create', version: 2, input: z.object({ sku: z.string() }), output: z.number() })
const orderHere = order.implement({ compatible: [1], run: () => 1 })
const plain = procedure({ name: 'plain', run: () => 1 })

async function start(region: string, version: string | undefined): Promise<Node> {
  const app = defineApp({
    name: 'shop',
    ...(version !== undefined && { version }),
    children: [],
    procedures: [orderHere, plain],
  })
  const transport = memoryTransport({ hub: 'announced' })
  const node = await startNode(app, { region, primaryRegion: 'syd', transport, log: silentLog })
  onTestFinished(() => node.stop())
  return node
}

it('a node knows of every other what it announced and what was measured of it', async () => {
  const syd = await start('syd', '2026.11.1')
  const lax = await start('lax', undefined)
  await lax.waitFor(() => lax.isRpcSupported(syd.id, order), 'the procedures')
  const [own, other] = lax.nodes()
  expect(own).toMatchObject({ node: lax.id, life: lax.life, region: 'lax', state: 'up', appVersion: '' })
  expect(other).toMatchObject({ node: syd.id, life: syd.life, region: 'syd', state: 'up', appVersion: '2026.11.1' })
  expect(other?.procedures).toEqual([
    { name: 'orders.create', version: 2, compatible: [1], schema: expect.stringMatching(/^[0-9a-f]{16}$/) as unknown },
    { name: 'plain', version: 1, compatible: [], schema: undefined },
  ])
  expect(own?.procedures).toEqual(other?.procedures)
  expect(other).toMatchObject({ load: expect.any(Number) as unknown, inFlight: 0 })
})

it('a node names the others whose schemas of a procedure or a stream differ from its own, and logs each of them once', async () => {
  const start = async (region: string, item: z.ZodType, log = recordedLog()): Promise<[Node, typeof log]> => {
    const tail = streamContract({ name: 'tail', input: z.string(), item, incoming: z.number() })
    const procedures = [orderHere, plain, tail.implement({ async *run() {} })]
    const app = defineApp({ name: 'shop', children: [], procedures })
    const transport = memoryTransport({ hub: 'conflicts' })
    const node = await startNode(app, { region, primaryRegion: 'syd', transport, log })
    onTestFinished(() => node.stop())
    return [node, log]
  }
  const [syd, log] = await start('syd', z.string())
  await start('lax', z.string())
  const [fra] = await start('fra', z.number())
  await syd.waitFor(() => syd.schemaConflicts().length > 0, 'the conflict')
  const conflict = { node: fra.id, procedure: 'tail', version: 1, schema: expect.stringMatching(/^[0-9a-f]{16}$/) }
  expect(syd.schemaConflicts()).toEqual([conflict])
  await fra.waitFor(() => fra.schemaConflicts().length === 2, 'both conflicts')
  expect(log.entries.filter(({ fields }) => 'others' in fields).map(({ fields }) => fields)).toEqual([
    { others: [conflict], count: 1 },
  ])
})

it('an app has a version of bounded length', () => {
  expect(() => defineApp({ name: 'shop', version: 'x'.repeat(201), children: [] })).toThrow(
    expect.objectContaining({ code: 'ERR_BAD_SPEC' }) as Error,
  )
})
