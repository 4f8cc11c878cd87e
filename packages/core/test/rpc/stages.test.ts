import { BroadcastChannel } from 'node:worker_threads'
import { defineApp, memoryTransport, type Node, type Pid, type RpcError, startNode } from '@skerry/core'
import { manualNode } from '@skerry/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { notBegunFailure } from '../../src/rpc/exit-failure.ts'
import { flowOnMain, flowOnOwn, onMain, onOwn, onPool } from '../fixtures/stage-procedures.mjs'
import { knows, newMeshName, quiet } from './two-nodes.ts'

const app = defineApp({
  name: 'stages',
  children: [],
  procedures: [onMain, onOwn, onPool, flowOnMain, flowOnOwn],
})
let server: Node
let client: Node
const channel = new BroadcastChannel('skerry-stages')

beforeAll(async () => {
  const hub = newMeshName()
  server = await startNode(app, quiet({ region: 'syd', transport: memoryTransport({ hub }), threadPool: { size: 1 } }))
  client = await startNode(app, quiet({ region: 'lax', transport: memoryTransport({ hub }) }))
  await knows(client, server, app)
})
afterAll(async () => {
  channel.close()
  await Promise.all([server.stop(), client.stop()])
})

/** Where it is to stay, and when it is there. */
function stayingAt<Where extends object>(where: Where): { where: Where & { id: string }; there: Promise<void> } {
  const id = `stay ${(stays += 1)}`
  const there = new Promise<void>((resolve) => {
    const on = (event: Event): void => {
      if ((event as unknown as { readonly data: unknown }).data !== id) return
      channel.removeEventListener('message', on)
      resolve()
    }
    channel.addEventListener('message', on)
  })
  return { where: { ...where, id }, there }
}
let stays = 0

async function kill(): Promise<void> {
  const [process] = await server.whichChildren('system.RpcProcesses')
  server.exit(process?.pid as Pid, 'kill')
}

const notRun = 'ERR_REMOTE_EXIT not-run'
const ran = 'ERR_REMOTE_EXIT ran'
const stages = [
  ['its input is checked', { stage: 'input' }, notRun],
  ['it runs', { stage: 'handler' }, ran],
  ['its result is checked', { stage: 'output' }, ran],
] as const
const spinning = [
  ['its input is checked, for ever', { stage: 'input', spins: true }, notRun],
  ['it runs, for ever', { stage: 'handler', spins: true }, ran],
  ['its result is encoded, for ever', { stage: 'encoding', spins: true }, ran],
] as const

describe.each([
  ['on main', onMain, stages],
  ['on a thread of its own', onOwn, [...stages, ...spinning]],
] as const)('a call whose process is killed %s', (_where, procedure, cases) => {
  it.each(cases)('[thread] while %s is told so: %o is %s', async (_when, stage, expected) => {
    for (const key of [undefined, `${procedure.name} ${expected} ${JSON.stringify(stage)}`]) {
      const { where, there } = stayingAt(stage)
      const options = key === undefined ? {} : { idempotencyKey: key }
      const call = told(client.rpc(server.id, procedure, where, { timeoutMs: 20_000, ...options }))
      await there
      await kill()
      expect(await call).toBe(expected)
    }
  })
})

it('[thread] a call on the pool that is killed while its input is checked, for ever, was not run', async () => {
  const { where, there } = stayingAt({ stage: 'input', spins: true } as const)
  const call = told(client.rpc(server.id, onPool, where, { timeoutMs: 20_000 }))
  await there
  await kill()
  expect(await call).toBe(notRun)
})

describe.each([
  ['on main', flowOnMain],
  ['on a thread of its own', flowOnOwn],
])('a stream whose process is killed %s', (_where, flow) => {
  it.each(stages)('[thread] while %s is told so: %o is %s', async (_when, stage, expected) => {
    const { where, there } = stayingAt(stage)
    const items = client.stream({ node: server.id }, flow, where, { timeoutMs: 20_000 })
    const first = told(items.next())
    if (expected === ran) await first
    const next = expected === ran ? told(items.next()) : first
    await there
    await kill()
    expect(await next).toBe(expected)
  })
})

it('[local] whose deadline passes while its input is checked is told so to those that wait with its key', async () => {
  const { node, platform, advance, stop } = await manualNode({ app })
  onTestFinished(stop)
  const idempotencyKey = 'late'
  const first = told(node.rpcRegion('local', onMain, { stage: 'input' }, { timeoutMs: 300, idempotencyKey }))
  const second = told(node.rpcRegion('local', onMain, { stage: 'input' }, { timeoutMs: 60_000, idempotencyKey }))
  await platform.settle()
  await advance(300)
  expect(await first).toBe('ERR_RPC_TIMEOUT unknown')
  expect(await second).toBe('ERR_RPC_TIMEOUT not-run')
  // The key was not used up.
  const third = told(node.rpcRegion('local', onMain, { stage: 'none' }, { timeoutMs: 300, idempotencyKey }))
  await platform.settle()
  expect(await third).toMatchObject({ text: 'done' })
})

it('[local] a cast whose process is killed while its input is checked counts as not run', async () => {
  const { node, platform, stop } = await manualNode({ app })
  onTestFinished(stop)
  node.rpcCast('local', onMain, { stage: 'input' })
  await platform.settle()
  const children = node.whichChildren('system.RpcProcesses')
  await platform.settle()
  node.exit((await children)[0]?.pid as Pid, 'kill')
  expect(node.counters()).toMatchObject({ castsNotRun: 1 })
})

it('says which deadline it was', () => {
  expect(notBegunFailure('timeout')).toMatchObject({ code: 'ERR_RPC_TIMEOUT', outcome: 'not-run', reason: 'timeout' })
})

// Last: what comes before the next supervisor is there would be refused.
it('[thread] calls that lose the supervisor of their processes were not run where their input was being checked', async () => {
  const cases = [
    [onMain, { stage: 'input' }, notRun],
    [onMain, { stage: 'handler' }, ran],
    [onOwn, { stage: 'input' }, notRun],
    [onOwn, { stage: 'input', spins: true }, notRun],
    [onOwn, { stage: 'handler', spins: true }, ran],
  ] as const
  const calls: Promise<unknown>[] = []
  for (const [procedure, stage] of cases) {
    const { where, there } = stayingAt(stage)
    calls.push(told(client.rpc(server.id, procedure, where, { timeoutMs: 20_000 })))
    await there
  }
  const system = await server.whichChildren('system')
  server.exit(system.find((one) => one.id === 'RpcProcesses')?.pid as Pid, 'kill')
  expect(await Promise.all(calls)).toEqual(cases.map(([, , expected]) => expected))
})

/** What came of it, or its code and outcome. */
async function told(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call
  } catch (error) {
    const { code, outcome } = error as RpcError
    return `${code} ${outcome}`
  }
}
