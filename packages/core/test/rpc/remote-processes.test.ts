import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Context, defineApp, memoryTransport, type Node, type Pid, procedure, startNode } from '@skerry/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { collected } from '../fixtures/collected.ts'
import { hiddenProcedure } from '../fixtures/thread-procedures.mjs'
import { onTold } from '../fixtures/told.ts'
import { Sightings } from '../fixtures/sightings.ts'
import { knows, newMeshName, quiet } from './two-nodes.ts'

const begun = new Sightings<Context>()

const waits = procedure({
  name: 'waits',
  run: (ctx) => {
    begun.add(ctx)
    return new Promise<string>(() => undefined)
  },
})
const gives = procedure({ name: 'gives', run: () => ({ some: 'value' }) })
const seen = procedure({ name: 'seen', run: (ctx) => begun.add(ctx) })
/** Its module does not export it. */
const hidden = hiddenProcedure()
const app = defineApp({ name: 'remote', children: [], procedures: [waits, gives, seen, hidden] })

describe('remote processes', () => {
  it('are not kept when they have answered a caller on another node', async () => {
    const { server, client } = await startTwo()
    let process: WeakRef<Context> | undefined
    await (async () => {
      await client.rpc(server.id, seen, undefined)
      process = new WeakRef(await begun.next())
    })()
    await collected(process as unknown as WeakRef<Context>)
  })

  it('leave nothing of their result with calls that began with theirs and go on', async () => {
    const { server, client } = await startTwo()
    const abort = new AbortController()
    const others: Promise<string>[] = []
    let result: WeakRef<object> | undefined
    await (async () => {
      const one = client.rpc(server.id, gives, undefined, { timeoutMs: 50_000 })
      for (let other = 0; other < 2; other += 1) {
        others.push(client.rpc(server.id, waits, undefined, { timeoutMs: 50_000, signal: abort.signal }))
      }
      result = new WeakRef(await one)
    })()
    await collected(result as unknown as WeakRef<object>)
    abort.abort()
    for (const other of others) await expect(other).rejects.toMatchObject({ code: 'ERR_RPC_ABORTED' })
  })

  it.each(['RpcProcesses', 'RegionRegistry', 'mesh'])(
    'that ended with a crash of %s leave nothing behind that a stop would wait for',
    async (id) => {
      const { server, client } = await startTwo()
      const call = client.rpc(server.id, waits, undefined, { timeoutMs: 600_000 })
      await begun.next()
      const system = await server.whichChildren('system')
      const refused = expect(call).rejects.toMatchObject({ code: 'ERR_REMOTE_EXIT', outcome: 'ran' })
      server.exit(system.find((one) => one.id === id)?.pid as Pid, 'kill')
      await refused
      // Its drainMs is longer than a test may take.
      await server.stop()
    },
  )

  it('that are ended by whoever is told of their beginning are told as not run, and leave nothing behind', async () => {
    const { server, client } = await startTwo()
    onTold('skerry:actor.spawn', ({ label, node, life, thread, serial }) => {
      if (label === 'waits@1') server.exit({ node, life, thread, serial } as Pid, 'kill')
    })
    const call = client.rpc(server.id, waits, undefined, { timeoutMs: 600_000 })
    await expect(call).rejects.toMatchObject({ code: 'ERR_REMOTE_EXIT', outcome: 'not-run' })
    const system = await server.whichChildren('system')
    const processes = system.find(({ id }) => id === 'RpcProcesses')?.pid
    expect(await server.whichChildren(processes)).toEqual([])
    // Its drainMs is longer than a test may take.
    await server.stop()
  })

  it('of a cast that can not be started on its thread count once as not run', async () => {
    const { server, client } = await startTwo()
    client.rpcCast('syd', hidden, undefined, { timeoutMs: 60_000 })
    await expect.poll(() => server.counters().castsNotRun).toBe(1)
    // The news of its end is read by then.
    const processes = (await server.whichChildren('system')).find(({ id }) => id === 'RpcProcesses')?.pid
    await expect.poll(() => server.whichChildren(processes)).toEqual([])
    expect(server.counters().castsNotRun).toBe(1)
  })

  it('are not begun while RpcServer is being restarted: the call was not run', async () => {
    const { server } = await startTwo()
    const system = await server.whichChildren('system')
    server.exit(system.find((one) => one.id === 'RpcServer')?.pid as Pid, 'kill')
    const call = server.rpc(server.id, seen, undefined)
    await expect(call).rejects.toMatchObject({ code: 'ERR_NOT_READY', outcome: 'not-run' })
  })

  it('keep no timer, nor does anything else of a stopped node: its process ends by itself', async () => {
    const program = fileURLToPath(new URL('../fixtures/stops-clean.mjs', import.meta.url))
    const output = await new Promise<string>((resolve, reject) => {
      execFile(process.execPath, [program], (error, stdout) => (error === null ? resolve(stdout) : reject(error)))
    })
    expect(output).toBe('ERR_REMOTE_EXIT\nERR_NODE_LOST\n')
  })
})

async function startTwo(): Promise<{ server: Node; client: Node }> {
  const hub = newMeshName()
  const start = (region: string): Promise<Node> =>
    startNode(app, quiet({ region, drainMs: 600_000, transport: memoryTransport({ hub }) }))
  const server = await start('syd')
  const client = await start('lax')
  onTestFinished(async () => {
    await Promise.all([server.stop(), client.stop()])
  })
  await knows(client, server, app)
  return { server, client }
}
