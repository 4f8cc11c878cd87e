import { defineApp, memoryTransport, type Node, procedure, type Replica, ReplicaError, startNode } from '@skerry/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { knows, newMeshName, quiet } from './two-nodes.ts'

/** The log of a database, and how far a replica has read it. */
class Log {
  readonly entries: string[] = []
  read = 0
  reads = (): number => this.read
  readonly listeners = new Set<() => void>()

  readonly replica: Replica = {
    reached: (token) => this.reads() >= Number(token),
    onProgress: (listener) => {
      this.listeners.add(listener)
      return () => this.listeners.delete(listener)
    },
  }

  catchUp(): void {
    this.read = this.entries.length
    for (const listener of this.listeners) listener()
  }
}

let log = new Log()

const write = procedure({
  name: 'write',
  run(ctx, entry: string) {
    log.entries.push(entry)
    // The last one counts.
    ctx.commit('0')
    ctx.commit(`${log.entries.length}`)
    return entry.toUpperCase()
  },
})
const writeNothing = procedure({ name: 'writeNothing', run: () => 'nothing' })
const badToken = procedure({ name: 'badToken', run: (ctx) => ctx.commit('') })
/** From a procedure, as an actor does. */
const waitsThere = procedure({
  name: 'waitsThere',
  run: (ctx, token: string) => ctx.caughtUp(token, { timeoutMs: 100 }),
})
const waitsLong = procedure({ name: 'waitsLong', run: (ctx) => ctx.caughtUp('1', { timeoutMs: 60_000 }) })
const procedures = [write, writeNothing, badToken, waitsThere, waitsLong]
const app = defineApp({ name: 'app', children: [], procedures })

async function startTwo(): Promise<{ server: Node; client: Node }> {
  log = new Log()
  const hub = newMeshName()
  const server = await startNode(
    app,
    quiet({ region: 'syd', primaryRegion: 'syd', transport: memoryTransport({ hub }) }),
  )
  const { replica } = log
  const client = await startNode(
    app,
    quiet({ region: 'lax', primaryRegion: 'syd', replica, transport: memoryTransport({ hub }) }),
  )
  onTestFinished(async () => {
    await Promise.all([server.stop(), client.stop()])
  })
  await knows(client, server, app)
  return { server, client }
}

describe('O18 [node] a write to another region', () => {
  it('is told when the local replica has it', async () => {
    const { client } = await startTwo()
    const written = client.rpcAndWait('primary', write, 'tea')
    await expect.poll(() => log.listeners.size).toBe(1)
    log.catchUp()
    expect(await written).toEqual({ value: 'TEA', token: '1', replicated: true })
    expect(log.listeners.size).toBe(0)
  })

  it('whose replica is late is no error', async () => {
    const { client } = await startTwo()
    const written = await client.rpcAndWait('primary', write, 'tea', { replicaTimeoutMs: 30 })
    expect(written).toEqual({ value: 'TEA', token: '1', replicated: false })
    log.catchUp()
    expect(await client.caughtUp(written.token as string)).toBe(true)
  })

  it('that runs here, inline, waits for the replica as any other', async () => {
    const { client } = await startTwo()
    const late = await client.rpcAndWait('lax', write, 'tea', { inline: true, replicaTimeoutMs: 30 })
    expect(late).toEqual({ value: 'TEA', token: '1', replicated: false })
    const written = client.rpcAndWait('lax', write, 'milk', { inline: true })
    await expect.poll(() => log.listeners.size).toBe(1)
    log.catchUp()
    expect(await written).toEqual({ value: 'MILK', token: '2', replicated: true })
  })

  it('that commits nothing has nothing to wait for', async () => {
    const { client } = await startTwo()
    const written = await client.rpcAndWait('primary', writeNothing, undefined)
    expect(written).toEqual({ value: 'nothing', token: undefined, replicated: true })
  })

  it("can be waited for in an actor, and its failures are the call's", async () => {
    const { client } = await startTwo()
    log.catchUp()
    expect(await client.rpcRegion('lax', waitsThere, '0')).toBe(true)
    expect(await client.rpcRegion('lax', waitsThere, '1')).toBe(false)
    await expect(client.rpcAndWait('nowhere', write, 'tea')).rejects.toMatchObject({ code: 'ERR_NO_NODE_IN_REGION' })
    await expect(client.rpcAndWait('primary', badToken, undefined)).rejects.toMatchObject({
      code: 'ERR_REMOTE_ERROR',
      cause: { code: 'ERR_BAD_TOKEN' },
    })
  })

  it('needs a replica, and a token that can be one', async () => {
    const { client, server } = await startTwo()
    const none = server.rpcAndWait('primary', write, 'tea')
    await expect(none).rejects.toBeInstanceOf(ReplicaError)
    await expect(none).rejects.toMatchObject({ code: 'ERR_NO_REPLICA', written: undefined })
    expect(log.entries).toEqual([])
    await expect(server.caughtUp('1')).rejects.toMatchObject({ code: 'ERR_NO_REPLICA' })
    await expect(client.caughtUp('')).rejects.toMatchObject({ code: 'ERR_BAD_TOKEN' })
  })

  it('is waited for until that is aborted, by then it is done', async () => {
    const { client } = await startTwo()
    const controller = new AbortController()
    const { signal } = controller
    const written = client.rpcAndWait('primary', write, 'tea', { replicaTimeoutMs: 60_000, signal })
    const waiting = client.caughtUp('2', { timeoutMs: 60_000, signal })
    await expect.poll(() => log.entries.length).toBe(1)
    await client.rpcPrimary(writeNothing, undefined)
    controller.abort(new Error('enough'))
    await expect(written).rejects.toMatchObject({
      code: 'ERR_WAIT_ABORTED',
      cause: { message: 'enough' },
      written: { value: 'TEA', token: '1', replicated: false },
    })
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_WAIT_ABORTED', written: undefined })
    await expect(client.caughtUp('1', { signal })).rejects.toMatchObject({ code: 'ERR_WAIT_ABORTED' })
    // The replica is left in peace.
    await expect.poll(() => log.listeners.size).toBe(0)
  })

  it('is waited for by nobody whose caller has given up', async () => {
    const { server, client } = await startTwo()
    const controller = new AbortController()
    const call = server.rpcRegion('lax', waitsLong, undefined, { signal: controller.signal, timeoutMs: 60_000 })
    await expect.poll(() => log.listeners.size).toBe(1)
    controller.abort()
    await expect(call).rejects.toMatchObject({ code: 'ERR_RPC_ABORTED' })
    await expect.poll(() => log.listeners.size).toBe(0)
    expect(client.myRegion).toBe('lax')
  })

  it('is not made with a time that can not be', async () => {
    const { client } = await startTwo()
    for (const timeoutMs of [Number.NaN, -1, Infinity, '5' as unknown as number]) {
      const refused = { code: 'ERR_BAD_OPTIONS', written: undefined }
      const written = client.rpcAndWait('primary', write, 'tea', { replicaTimeoutMs: timeoutMs })
      await expect(written).rejects.toMatchObject(refused)
      await expect(client.caughtUp('1', { timeoutMs })).rejects.toMatchObject(refused)
    }
    expect(log.entries).toEqual([])
    expect(await client.caughtUp('1', { timeoutMs: 0 })).toBe(false)
  })

  it('whose replica can not be asked is told so, with what was written and why', async () => {
    const { client } = await startTwo()
    log.reads = () => {
      throw new RangeError('no disk')
    }
    await expect(client.rpcAndWait('primary', write, 'tea')).rejects.toMatchObject({
      code: 'ERR_REPLICA_FAILED',
      cause: { name: 'RangeError', message: 'no disk' },
      written: { value: 'TEA', token: '1' },
    })
  })

  it('that is waited for when its node stops is told so, with what was written', async () => {
    const { client } = await startTwo()
    const written = client.rpcAndWait('primary', write, 'tea', { replicaTimeoutMs: 60_000 })
    await expect.poll(() => log.listeners.size).toBe(1)
    const told = expect(written).rejects.toMatchObject({
      code: 'ERR_NODE_STOPPED',
      written: { value: 'TEA', token: '1', replicated: false },
    })
    await client.stop()
    await told
    expect(log.listeners.size).toBe(0)
  })
})
