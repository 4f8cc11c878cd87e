import { manualPlatform } from '@skerry/testing'
import { expect, it } from 'vitest'
import { Kernel } from '../../src/actor/kernel.ts'
import type { RemoteServices } from '../../src/actor/remote-verbs.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import type { RegionTableNode, RegionTableView } from '../../src/region/region-table.ts'
import { callEach } from '../../src/rpc/rpc-each.ts'

it('[local] of many nodes none is asked after the actor that asks has ended', async () => {
  const kernel = new Kernel({ node: 'me', life: 1, thread: 0, platform: manualPlatform(), codec: msgpackCodec() })
  const owner = { alive: true, deadlineMs: undefined, attach() {}, detach() {} }
  const asked: string[] = []
  const remote = {
    // The actor ends between an answer and what its verb does with it.
    callNode: async (_owner: unknown, node: string) => {
      asked.push(node)
      owner.alive = asked.length < 2
    },
  } as unknown as RemoteServices
  const procedures = [{ name: 'write', version: 1, compatible: [], schema: undefined }]
  const table = { node: (id: string) => ({ node: id, region: 'syd', procedures }) as unknown as RegionTableNode }
  await callEach(kernel, remote, table as RegionTableView, {
    owner,
    target: { nodes: ['a', 'b', 'c'] },
    procedure: { name: 'write', version: 1 },
    input: 1,
    options: { concurrency: 1 },
  })
  expect(asked).toEqual(['a', 'b'])
})
