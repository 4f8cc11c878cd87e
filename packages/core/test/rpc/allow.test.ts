import { type Caller, defineApp, memoryTransport, type Node, procedure, startNode, streamProcedure } from '@skerry/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Sightings } from '../fixtures/sightings.ts'
import { doomedCaller } from '../fixtures/thread-procedures.mjs'
import { knows, newMeshName, quiet } from './two-nodes.ts'

const asked = new Sightings<{ readonly caller: Caller; answer(isAllowed: boolean): void; fail(error: Error): void }>()
let ran = 0
const run = (): number => (ran += 1)

const forBilling = procedure({ name: 'for.billing', allow: ({ caller }) => caller.roles.includes('billing'), run })
const fromSyd = procedure({ name: 'from.syd', allow: ({ caller }) => caller.region === 'syd', run })
const asksFirst = procedure({
  name: 'asks.first',
  allow: ({ caller }) =>
    new Promise<boolean>((answer, fail) => {
      asked.add({ caller, answer, fail })
    }),
  run,
})
const streamed = streamProcedure({
  name: 'streamed',
  allow: ({ caller }) => caller.roles.includes('billing'),
  async *run() {
    yield run()
  },
})
/** The thread that it would run on can't load this module. */
const threaded = procedure({
  name: 'threaded',
  module: import.meta,
  thread: 'pool',
  allow: ({ caller }) => caller.roles.includes('billing'),
  run,
})
const throws = procedure({
  name: 'throws',
  allow: () => {
    throw new Error('no')
  },
  run,
})
const oddly = procedure({ name: 'oddly', allow: (() => 'yes') as unknown as () => boolean, run })
const whoIsIt = procedure({ name: 'who', run: (ctx) => ctx.caller })
const procedures = [forBilling, fromSyd, asksFirst, streamed, threaded, throws, oddly, whoIsIt]
const app = defineApp({ name: 'allow', children: [], procedures })
const refused = { code: 'ERR_NOT_ALLOWED', outcome: 'not-run' }

describe('a procedure that does not allow everybody', () => {
  it('[node] runs for a node of the role, and is refused to others, as not run, counted', async () => {
    const { server, billing, plain } = await startNodes()
    expect(await billing.rpc(server.id, forBilling, undefined)).toBe(ran)
    const before = ran
    await expect(plain.rpc(server.id, forBilling, undefined)).rejects.toMatchObject(refused)
    expect([ran, server.counters().notAllowed]).toEqual([before, 1])
  })

  it('[node] is refused by one node for all: no other is tried', async () => {
    const { plain, start } = await startNodes()
    const other = await start('syd')
    await knows(plain, other, app)
    const call = plain.rpcRegion('syd', forBilling, undefined)
    await expect(call).rejects.toMatchObject({ ...refused, attempts: [{ outcome: 'not-run' }] })
  })

  it('[node] is refused whatever is asked of it: a stream, a cast, of many, under a key, on a thread', async () => {
    const { server, plain } = await startNodes()
    const before = ran
    await expect(plain.stream('syd', streamed, undefined).next()).rejects.toMatchObject(refused)
    const [of] = await plain.rpcEach({ nodes: [server.id] }, forBilling, undefined)
    expect(of).toMatchObject({ ok: false, error: refused })
    await expect(plain.rpcRegion('syd', forBilling, undefined, { idempotencyKey: 'k' })).rejects.toMatchObject(refused)
    await expect(plain.rpcRegion('syd', threaded, undefined)).rejects.toMatchObject(refused)
    plain.rpcCast('syd', forBilling, undefined)
    await expect.poll(() => server.counters()).toMatchObject({ notAllowed: 5, castsNotRun: 1 })
    expect(ran).toBe(before)
  })

  it('[thread] judges an actor on a thread by what its node may act as', async () => {
    const { billing, plain } = await startNodes()
    const ask = async (node: Node): Promise<unknown> => {
      const pid = await node.start(doomedCaller, [new SharedArrayBuffer(4)], { thread: 'own' })
      return node.call(pid, 'wait', [node.myRegion, { name: 'for.billing', version: 1 }], { timeoutMs: 30_000 })
    }
    expect(await ask(billing)).toBe(ran)
    await expect(ask(plain)).rejects.toMatchObject({ cause: { code: 'ERR_NOT_ALLOWED' } })
  }, 60_000)

  it('[node] judges by the region of the link', async () => {
    const { server, plain, start } = await startNodes()
    await expect(plain.rpc(server.id, fromSyd, undefined)).rejects.toMatchObject(refused)
    const neighbour = await start('syd')
    await knows(neighbour, server, app)
    expect(await neighbour.rpc(server.id, fromSyd, undefined)).toBe(ran)
  })

  it('[local] judges the calls of its own node by the roles that its transport gives it', async () => {
    const { server, billing } = await startNodes()
    expect(await billing.rpc(billing.id, forBilling, undefined)).toBe(ran)
    await expect(server.rpc(server.id, forBilling, undefined)).rejects.toMatchObject(refused)
  })

  it('[node] may take its time, and others are served meanwhile', async () => {
    const { server, plain } = await startNodes()
    const calls = Array.from({ length: 40 }, () => plain.rpc(server.id, asksFirst, undefined))
    const questions: Awaited<ReturnType<typeof asked.next>>[] = []
    for (const _ of calls) questions.push(await asked.next())
    expect(questions[0]?.caller).toEqual({ node: plain.id, region: 'lax', roles: [] })
    expect(await plain.rpc(server.id, whoIsIt, undefined)).toEqual({ node: plain.id, region: 'lax', roles: [] })
    for (const { answer } of questions) answer(true)
    await Promise.all(calls)
  })

  it('[node] is not run when its caller gave up while it was asked', async () => {
    const { server, plain } = await startNodes()
    const before = ran
    const abort = new AbortController()
    const call = plain.rpc(server.id, asksFirst, undefined, { signal: abort.signal })
    const { answer } = await asked.next()
    abort.abort()
    await expect(call).rejects.toMatchObject({ code: 'ERR_RPC_ABORTED' })
    // The cancellation arrived before the answer to this.
    await plain.rpc(server.id, whoIsIt, undefined)
    answer(true)
    await plain.rpc(server.id, whoIsIt, undefined)
    expect(ran).toBe(before)
  })

  it('[node] is not run when nobody said anything within its time', async () => {
    const { server, plain } = await startNodes()
    const before = ran
    const call = plain.rpc(server.id, asksFirst, undefined, { timeoutMs: 500 })
    const { answer } = await asked.next()
    await expect(call).rejects.toMatchObject({ code: 'ERR_RPC_TIMEOUT' })
    answer(true)
    await plain.rpc(server.id, whoIsIt, undefined)
    expect(ran).toBe(before)
  })

  it('[node] is refused when `allow` throws, rejects, or says anything but true', async () => {
    const { server, plain } = await startNodes()
    const before = ran
    for (const one of [throws, oddly]) {
      await expect(plain.rpc(server.id, one, undefined)).rejects.toMatchObject(refused)
    }
    const call = plain.rpc(server.id, asksFirst, undefined)
    ;(await asked.next()).fail(new Error('the database is gone'))
    await expect(call).rejects.toMatchObject(refused)
    expect(ran).toBe(before)
  })
})

async function startNodes() {
  const hub = newMeshName()
  const nodes: Node[] = []
  onTestFinished(async () => {
    await Promise.all(nodes.map((node) => node.stop()))
  })
  const start = async (region: string, roles: readonly string[] = []): Promise<Node> => {
    const node = await startNode(app, quiet({ region, transport: memoryTransport({ hub, roles }) }))
    nodes.push(node)
    return node
  }
  const server = await start('syd')
  const billing = await start('lax', ['billing', 'audit'])
  const plain = await start('lax')
  for (const client of [billing, plain]) await Promise.all([knows(client, server, app), knows(server, client, app)])
  return { server, billing, plain, start }
}
