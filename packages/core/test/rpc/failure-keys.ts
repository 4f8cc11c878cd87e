import {
  defineApp,
  type Node,
  type NodeOptions,
  procedure,
  type ProcedureContext,
  RpcError,
  startNode,
} from '@skerry/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Sightings } from '../fixtures/sightings.ts'
import { processOnOwn, processOnPool, stickOnOwn } from '../fixtures/thread-procedures.mjs'
import { type CuttableTransport, cuttable } from './cuttable-transport.ts'
import { echo } from './failure-procedures.ts'
import { type FailureWorld, remoteProcesses } from './failure-world.ts'
import { frameBytesMax, knows, makeTransport, quiet } from './two-nodes.ts'

interface Begun {
  readonly text: string
  readonly aborted: Promise<void>
  answer(value: string): void
  fail(error: Error): void
}

const writes = new Sightings<Begun>()

/** Answers, or fails, when the test lets it. */
const runWrite = (ctx: ProcedureContext, text: string): Promise<string> =>
  new Promise<string>((answer, fail) => {
    const aborted = new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve()))
    writes.add({ text, aborted, answer, fail })
  })
const write = procedure({ name: 'keyed.write', run: runWrite })
const questions = new Sightings<(isAllowed: boolean) => void>()

/** The same, for those whom the test allows it. */
const guarded = procedure({
  name: 'keyed.guarded',
  allow: () => new Promise<boolean>((answer) => questions.add(answer)),
  run: runWrite,
})
const writeOfVersion2 = procedure({ name: 'keyed.write', version: 2, run: (_ctx, text: string) => `second ${text}` })
const otherWrite = procedure({ name: 'keyed.other', run: (_ctx, text: string) => `other ${text}` })
const callerOf = procedure({ name: 'keyed.caller', run: (ctx) => ctx.caller })
const fill = procedure({ name: 'keyed.fill', run: (_ctx, bytes: number) => new Uint8Array(bytes) })

const app = defineApp({
  name: 'keyed',
  children: [],
  procedures: [
    write,
    guarded,
    writeOfVersion2,
    otherWrite,
    callerOf,
    fill,
    echo,
    processOnOwn,
    processOnPool,
    stickOnOwn,
  ],
})

let keys = 0

/** Calls with an idempotency key: the work is done once. */
export function keyedCalls({ kind, pair }: FailureWorld): void {
  describe('a call with an idempotency key', () => {
    it('gives its result to a second one, and does the work once', async () => {
      const { client, server } = await start()
      const key = newKey()
      const first = client.rpcRegion('fra', write, 'tea', key)
      const { answer } = await writes.next()
      answer('stored')
      expect(await first).toBe('stored')
      const before = server.counters().replays
      expect(await client.rpcRegion('fra', write, 'tea', key)).toBe('stored')
      expect(server.counters().replays).toBe(before + 1)
      expect(writes.waiting).toBe(0)
    })

    it('is waited for by a second one while it runs', async () => {
      const { client } = await start()
      const key = newKey()
      const calls = [1, 2, 3].map(() => client.rpcRegion('fra', write, 'tea', key))
      const { answer } = await writes.next()
      await client.rpcRegion('fra', echo, 'behind the others')
      answer('stored')
      expect(await Promise.all(calls)).toEqual(['stored', 'stored', 'stored'])
      expect(writes.waiting).toBe(0)
    })

    it('that gives up leaves the work to those that wait', async () => {
      const { client } = await start()
      const key = newKey()
      const controller = new AbortController()
      const first = client.rpcRegion('fra', write, 'tea', { ...key, signal: controller.signal })
      const { answer } = await writes.next()
      const second = client.rpcRegion('fra', write, 'tea', key)
      await client.rpcRegion('fra', echo, 'behind the second')
      controller.abort()
      await expect(first).rejects.toMatchObject({ code: 'ERR_RPC_ABORTED', outcome: 'unknown' })
      await client.rpcRegion('fra', echo, 'behind the cancellation')
      answer('stored')
      expect(await second).toBe('stored')
    })

    it('ends the work when all have given up, and the next begins anew', async () => {
      const { client } = await start()
      const key = newKey()
      const controller = new AbortController()
      const options = { ...key, signal: controller.signal }
      const calls = [1, 2].map(() => client.rpcRegion('fra', write, 'tea', options))
      const { aborted } = await writes.next()
      controller.abort()
      for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'ERR_RPC_ABORTED' })
      await aborted
      await client.rpcRegion('fra', echo, 'behind the end')
      const third = client.rpcRegion('fra', write, 'tea', key)
      ;(await writes.next()).answer('stored at last')
      expect(await third).toBe('stored at last')
    })

    it('that comes right behind the giving up of all others begins anew', async () => {
      const { client } = await start()
      const key = newKey()
      const controller = new AbortController()
      const first = client.rpcRegion('fra', write, 'tea', { ...key, signal: controller.signal })
      const { aborted } = await writes.next()
      controller.abort()
      const second = client.rpcRegion('fra', write, 'tea', key)
      await expect(first).rejects.toMatchObject({ code: 'ERR_RPC_ABORTED', outcome: 'unknown' })
      await aborted
      ;(await writes.next()).answer('stored at last')
      expect(await second).toBe('stored at last')
    })

    it('tells its failure to all that wait, and the next begins anew', async () => {
      const { client } = await start()
      const key = newKey()
      const calls = [1, 2].map(() => client.rpcRegion('fra', write, 'tea', key))
      const { fail } = await writes.next()
      await client.rpcRegion('fra', echo, 'behind the second')
      fail(new RangeError('no room'))
      for (const call of calls) {
        await expect(call).rejects.toMatchObject({
          code: 'ERR_REMOTE_ERROR',
          outcome: 'ran',
          cause: { name: 'RangeError' },
        })
      }
      const again = client.rpcRegion('fra', write, 'tea', key)
      ;(await writes.next()).answer('stored')
      expect(await again).toBe('stored')
    })

    it('that was not run leaves no trace', async () => {
      const { client, server } = await start()
      const key = newKey()
      const unknown = procedure({ name: 'keyed.write', version: 9, run: () => '' })
      await expect(client.rpc(server.id, unknown, 'tea', key)).rejects.toMatchObject({ outcome: 'not-run' })
      await expect(client.rpc(server.id, unknown, 'tea', key)).rejects.toMatchObject({ code: 'ERR_NO_PROCEDURE' })
      expect(server.counters().replays).toBe(0)
    })

    it('shares nothing with other procedures, versions and nodes', async () => {
      const { client, server } = await start()
      const key = newKey()
      const first = client.rpcRegion('fra', write, 'tea', key)
      ;(await writes.next()).answer('stored')
      expect(await first).toBe('stored')
      expect(await client.rpcRegion('fra', otherWrite, 'tea', key)).toBe('other tea')
      expect(await client.rpcRegion('fra', writeOfVersion2, 'tea', key)).toBe('second tea')
      const ofServer = server.rpcRegion('fra', write, 'its own', key)
      ;(await writes.next()).answer('its own, stored')
      expect(await ofServer).toBe('its own, stored')
    })

    it('tells the procedure who made it', async () => {
      const { client } = await start()
      expect(await client.rpcRegion('fra', callerOf, undefined, newKey())).toEqual({
        node: client.id,
        region: 'lax',
        roles: [],
      })
    })

    it('goes on when the connection is lost under it and comes back', async () => {
      const { client, server, transport } = await start()
      const call = client.rpcRegion('fra', write, 'tea', { ...newKey(), timeoutMs: 60_000, reconnectMs: Infinity })
      const { answer, aborted } = await writes.next()
      let isAborted = false
      void aborted.then(() => (isAborted = true))
      transport.cut()
      await client.waitFor(() => client.regionOf(server.id) === undefined, 'the loss')
      await knows(client, server, app)
      expect(isAborted).toBe(false)
      answer('stored over two connections')
      expect(await call).toBe('stored over two connections')
      expect(writes.waiting).toBe(0)
    })

    it('gets the outcome that came while it was not connected, also if that is a failure', async () => {
      const { client, server, transport } = await start()
      const key = { ...newKey(), timeoutMs: 60_000, reconnectMs: Infinity }
      const reports: unknown[] = []
      const call = client.rpcRegion('fra', write, 'tea', { ...key, explain: (report) => reports.push(report.attempts) })
      const { fail } = await writes.next()
      transport.cut()
      await server.waitFor(() => server.regionOf(client.id) === undefined, 'the loss')
      fail(new RangeError('no room'))
      await expect(call).rejects.toMatchObject({ code: 'ERR_REMOTE_ERROR', outcome: 'ran' })
      const region = 'fra'
      expect(reports).toEqual([
        [
          { node: server.id, region, code: 'ERR_NODE_LOST', outcome: 'unknown' },
          { node: server.id, region, code: 'ERR_REMOTE_ERROR', outcome: 'ran' },
        ],
      ])
      expect(writes.waiting).toBe(0)
    })

    it('fails as unknown when the connection does not come back in time', async () => {
      const { client, transport } = await start()
      const call = client.rpcRegion('fra', write, 'tea', { ...newKey(), reconnectMs: 0 })
      const { answer } = await writes.next()
      transport.cut()
      await expect(call).rejects.toMatchObject({ code: 'ERR_NODE_LOST', outcome: 'unknown' })
      answer('stored, though nobody knows')
    })

    // Only where a node's id is chosen does another life keep it.
    it.each([kind.name].filter((name) => name === 'memory'))(
      'fails as unknown when another life of the node shows up, over %s',
      async () => {
        const { client, again } = await start('!lives-twice')
        const call = client.rpcRegion('fra', write, 'tea', { ...newKey(), timeoutMs: 60_000, reconnectMs: Infinity })
        const { answer } = await writes.next()
        const lost = expect(call).rejects.toMatchObject({ code: 'ERR_NODE_LOST', outcome: 'unknown' })
        await again()
        await lost
        answer('in a life that nobody is connected to')
        expect(writes.waiting).toBe(0)
      },
    )

    it('is told that its result is gone when it was too much to be kept', async () => {
      const { client } = await start(undefined, { idempotency: { resultBytesMax: 1_000 } })
      const key = newKey()
      expect(await client.rpcRegion('fra', fill, 2_000, key)).toHaveLength(2_000)
      await expect(client.rpcRegion('fra', fill, 2_000, key)).rejects.toMatchObject({
        code: 'ERR_RESULT_GONE',
        outcome: 'ran',
      })
    })

    it('counts as one of its node, whether it began the work or joined it; the work itself does not', async () => {
      const { client, server } = await start(undefined, { load: { perPeerMax: 2 } })
      const key = newKey()
      const joined = [1, 2].map(() => client.rpcRegion('fra', write, 'tea', key))
      const { answer } = await writes.next()
      // Not as not run: another node would do it again.
      await expect(client.rpcRegion('fra', write, 'tea', key)).rejects.toMatchObject({
        code: 'ERR_OVERLOADED',
        outcome: 'unknown',
      })
      for (const options of [newKey(), {}]) {
        const refused = { code: 'ERR_OVERLOADED', outcome: 'not-run' }
        await expect(client.rpcRegion('fra', otherWrite, 'tea', options)).rejects.toMatchObject(refused)
      }
      expect(await server.rpcRegion('fra', otherWrite, 'tea')).toBe('other tea')
      answer('stored')
      expect(await Promise.all(joined)).toEqual(['stored', 'stored'])
      expect(await client.rpcRegion('fra', write, 'tea', key)).toBe('stored')
      expect(await client.rpcRegion('fra', otherWrite, 'tea')).toBe('other tea')
    })

    it('is told nothing of the work of its key when it may not run it by now', async () => {
      const { client, server } = await start()
      const key = newKey()
      const first = client.rpcRegion('fra', guarded, 'tea', key)
      ;(await questions.next())(true)
      const { answer } = await writes.next()
      const second = client.rpcRegion('fra', guarded, 'tea', key)
      ;(await questions.next())(false)
      const refused = { code: 'ERR_NOT_ALLOWED', outcome: 'not-run' }
      await expect(second).rejects.toMatchObject(refused)
      const third = client.rpcRegion('fra', guarded, 'tea', key)
      ;(await questions.next())(true)
      await client.rpcRegion('fra', echo, 'behind the third')
      answer('stored')
      expect(await Promise.all([first, third])).toEqual(['stored', 'stored'])
      const late = client.rpcRegion('fra', guarded, 'tea', key)
      ;(await questions.next())(false)
      await expect(late).rejects.toMatchObject(refused)
      expect(server.counters()).toMatchObject({ notAllowed: 2, replays: 0 })
    })

    it('is asked for once, also when there is nothing left to join by then', async () => {
      const { client } = await start()
      const key = newKey()
      const controller = new AbortController()
      const first = client.rpcRegion('fra', guarded, 'tea', { ...key, signal: controller.signal })
      ;(await questions.next())(true)
      const { aborted } = await writes.next()
      const second = client.rpcRegion('fra', guarded, 'tea', key)
      const say = await questions.next()
      controller.abort()
      await expect(first).rejects.toMatchObject({ code: 'ERR_RPC_ABORTED' })
      await aborted
      say(true)
      ;(await writes.next()).answer('stored')
      expect(await second).toBe('stored')
      expect(questions.waiting).toBe(0)
    })

    it('that gives up while it is asked whether it may join leaves nothing behind', async () => {
      const { client } = await start(undefined, { load: { perPeerMax: 2 } })
      const key = newKey()
      const first = client.rpcRegion('fra', guarded, 'tea', key)
      ;(await questions.next())(true)
      const { answer } = await writes.next()
      const controller = new AbortController()
      const second = client.rpcRegion('fra', guarded, 'tea', { ...key, signal: controller.signal })
      const say = await questions.next()
      controller.abort()
      await expect(second).rejects.toMatchObject({ code: 'ERR_RPC_ABORTED' })
      expect(await client.rpcRegion('fra', otherWrite, 'behind the cancellation')).toBe('other behind the cancellation')
      say(true)
      answer('stored')
      expect(await first).toBe('stored')
    })

    it.each([processOnOwn, processOnPool])(
      'of $name has one process on its thread',
      async (wanted) => {
        const { client } = await start()
        const key = { ...newKey(), timeoutMs: 60_000 }
        const joined = await Promise.all([1, 2].map(() => client.rpcRegion('fra', wanted, undefined, key)))
        const [first] = joined
        expect(first).toMatchObject({ isMainThread: false })
        expect(joined[1]).toEqual(first)
        expect(await client.rpcRegion('fra', wanted, undefined, key)).toEqual(first)
        const other = await client.rpcRegion('fra', wanted, undefined, { ...newKey(), timeoutMs: 60_000 })
        expect(other.self).not.toEqual(first?.self)
      },
      60_000,
    )

    it('begins anew when the thread is gone whose work everybody gave up, though that never yields', async () => {
      const { client, server } = await start()
      const key = { ...newKey(), timeoutMs: 60_000 }
      const controller = new AbortController()
      const first = client.rpcRegion('fra', stickOnOwn, { how: 'spin' }, { ...key, signal: controller.signal })
      first.catch(() => undefined)
      await expect.poll(async () => (await remoteProcesses(server)).length).toBe(1)
      controller.abort()
      const second = client.rpcRegion('fra', stickOnOwn, { how: 'not' }, key)
      await expect(first).rejects.toMatchObject({ code: 'ERR_RPC_ABORTED' })
      expect(await second).toBeUndefined()
      expect(await remoteProcesses(server)).toEqual([])
    })

    it('is refused when the work of as many keys as there may be still runs', async () => {
      const { client } = await start(undefined, { idempotency: { keysMax: 1 } })
      const first = client.rpcRegion('fra', write, 'tea', newKey())
      const { answer } = await writes.next()
      const error: unknown = await client.rpcRegion('fra', write, 'rope', newKey()).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(RpcError)
      expect(error).toMatchObject({ code: 'ERR_OVERLOADED', outcome: 'not-run' })
      answer('stored')
      expect(await first).toBe('stored')
      const third = client.rpcRegion('fra', write, 'silk', newKey())
      ;(await writes.next()).answer('stored')
      expect(await third).toBe('stored')
    })
  })

  interface Started {
    readonly client: Node
    /** In the region `fra`, of its own. */
    readonly server: Node
    readonly transport: CuttableTransport
    /** Ends the server without a word and starts another life of it. */
    again(): Promise<void>
  }

  async function start(id?: string, options: NodeOptions = {}): Promise<Started> {
    const { client, mesh } = pair()
    const servers: Node[] = []
    onTestFinished(async () => {
      await Promise.all(servers.map((server) => server.stop()))
      await client.waitFor(() => client.regionNodes('fra').length === 0, 'the end of the server')
    })
    const join = async (): Promise<{ server: Node; transport: CuttableTransport }> => {
      const seeds = [...client.addresses]
      const spec = kind.spec(mesh, { seeds, maxFrameBytes: frameBytesMax, ...(id !== undefined && { id }) })
      const transport = cuttable(await makeTransport(spec))
      const more = { region: 'fra', primaryRegion: 'syd', cluster: 'tests', transport: () => transport }
      const server = await startNode(app, quiet({ ...more, ...options }))
      servers.push(server)
      await knows(client, server, app)
      return { server, transport }
    }
    const { server, transport } = await join()
    return {
      client,
      server,
      transport,
      again: async () => {
        await transport.stop()
        await join()
      },
    }
  }
}

function newKey(): { idempotencyKey: string } {
  keys += 1
  return { idempotencyKey: `key-${keys}` }
}
