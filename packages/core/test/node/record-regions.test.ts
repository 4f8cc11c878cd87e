import { defineApp, type Node, startNode } from '@skerry/core'
import { expect, it, onTestFinished } from 'vitest'
import { createMemoryTransport } from '../../src/mesh/memory-transport.ts'
import { newMeshName, quiet } from '../rpc/two-nodes.ts'

const app = defineApp({ name: 'regions', children: [] })

it('[node] a node that says it is in a region in which it may not be is not found there, though it is linked', async () => {
  const hub = newMeshName()
  const start = async (region: string, regionsOf: (node: string) => readonly string[] | undefined): Promise<Node> => {
    const transport = () => Object.assign(createMemoryTransport({ hub }), { regionsOf })
    const node = await startNode(app, quiet({ region, transport }))
    onTestFinished(() => node.stop())
    return node
  }
  const claims = await start('syd', () => undefined)
  const judge = await start('lax', (node) => (node === claims.id ? ['fra'] : undefined))
  await claims.waitFor(() => claims.regionOf(judge.id) === 'lax', 'the node that may be where it is')
  await expect.poll(() => judge.counters().recordsIgnored).toBeGreaterThan(0)
  expect(judge.regions()).toEqual(['lax'])
  const trusting = await start('fra', () => undefined)
  await trusting.waitFor(() => trusting.regionOf(claims.id) === 'syd', 'the other, whom nobody restricts here')
})
