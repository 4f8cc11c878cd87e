import {
  actorName,
  type AppDefinition,
  child,
  defineApp,
  formatPid,
  genServer,
  memoryTransport,
  type Node,
  type NodeOptions,
  parsePid,
  type Pid,
  procedure,
  startNode,
  supervisor,
} from '@skerry/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { keeper, openKeeper } from '../fixtures/thread-procedures.mjs'
import { knows, newMeshName, quiet } from '../rpc/two-nodes.ts'

interface Kept {
  call: { touched(): number; touch(): number }
  cast: Record<never, never>
}
const keptName = actorName<Kept>('kept')
const kept = genServer({
  name: 'kept',
  init: () => ({ touched: 0 }),
  call: { touched: (ctx) => ctx.state.touched, touch: (ctx) => (ctx.state.touched += 1) },
})
/** Tells the Pid of an actor in some form. */
const tells = procedure({
  name: 'tells',
  run: (ctx, form: 'pid' | 'deep' | 'text' | 'text, let out') => {
    const pid = ctx.whereis(keptName) as Pid<Kept>
    if (form === 'text, let out') ctx.sendOut(pid)
    if (form === 'pid') return pid
    return form === 'deep' ? new Map([['here', [{ pid }]]]) : formatPid(pid)
  },
})
/** Lets out whatever it is asked to. */
const letsOut = procedure({ name: 'letsOut', run: (ctx, pid: Pid) => ctx.sendOut(pid) })
const app = defineApp({
  name: 'keeps',
  children: [child('kept', kept, [], { register: keptName })],
  procedures: [tells, letsOut],
})
const nobody = { code: 'ERR_NOPROC', outcome: 'not-run' }

describe('an actor of another node', () => {
  it('[node] is not there until its Pid is sent out, and is from then on', async () => {
    const { server, client } = await startTwo()
    const pid = server.whereis(keptName) as Pid<Kept>
    await expect(client.call(pid, 'touch', [])).rejects.toMatchObject(nobody)
    expect(await client.watch(pid)).toBe('noproc')
    client.exit(pid, 'kill')
    const told = (await client.rpc(server.id, tells, 'pid')) as Pid<Kept>
    expect(await client.call(told, 'touch', [])).toBe(1)
    expect(server.counters().refusedSignals).toBe(3)
  })

  it('[node] is there wherever in a value its Pid was', async () => {
    const { server, client } = await startTwo()
    const told = (await client.rpc(server.id, tells, 'deep')) as Map<string, { pid: Pid<Kept> }[]>
    expect(await client.call(told.get('here')?.[0]?.pid as Pid<Kept>, 'touch', [])).toBe(1)
  })

  it('[node] is not there for a Pid that came as text, unless it was let out', async () => {
    const { server, client } = await startTwo()
    const told = parsePid((await client.rpc(server.id, tells, 'text')) as string) as Pid<Kept>
    await expect(client.call(told, 'touch', [])).rejects.toMatchObject(nobody)
    await client.rpc(server.id, tells, 'text, let out')
    expect(await client.call(told, 'touch', [])).toBe(1)
  })

  it('[node] is there from its beginning as a child whose spec says so, a supervisor too', async () => {
    const openName = actorName<Kept>('open')
    const open = defineApp({
      name: 'keeps',
      children: [
        child('open', kept, [], { register: openName, remote: 'members' }),
        supervisor('tree', { children: [child('inner', kept, [])] }, { remote: 'members' }),
      ],
    })
    const { server, client } = await startTwo(open)
    const [pid, tree] = (await server.whichChildren('keeps')).map((one) => one.pid) as [Pid<Kept>, Pid]
    expect(await client.call(pid, 'touch', [])).toBe(1)
    const inner = (await client.whichChildren(tree))[0]?.pid as Pid<Kept>
    // Its Pid came in an answer; what such a supervisor starts is otherwise as it always is.
    expect(await client.call(inner, 'touch', [])).toBe(1)
    expect(server.counters().refusedSignals).toBe(0)
  })

  it.each(['members', 'sentOut'] as const)(
    "[node] is never there when it is one of the node's own, also where all are open and its Pid was let out: %s",
    async (remoteSignals) => {
      const { server, client } = await startTwo(app, { remoteSignals })
      const own = await server.whichChildren('system')
      const others = await Promise.all(own.map(({ pid }) => server.whichChildren(pid).catch(() => [])))
      const pids = [server.whereis(actorName('system')), ...[...own, ...others.flat()].map(({ pid }) => pid)] as Pid[]
      expect(pids.length).toBeGreaterThan(5)
      for (const pid of pids) {
        await client.rpc(server.id, letsOut, pid)
        client.exit(pid, 'kill')
        client.send(pid as Pid<never>, { event: 'read' } as never)
        expect(await client.watch(pid)).toBe('noproc')
        await expect(client.whichChildren(pid)).rejects.toMatchObject(nobody)
      }
      expect(await server.whichChildren('system')).toEqual(own)
      expect(server.counters()).toMatchObject({ refusedSignals: 4 * pids.length, crashes: 0, restarts: 0 })
    },
  )

  it('[node] [thread] on a thread is there when its Pid was sent out, or when it is for all members', async () => {
    const { server, client } = await startTwo()
    const closed = (await server.start(keeper, [], { thread: 'own' })) as Pid<Kept>
    const open = (await server.start(openKeeper, [], { thread: 'own' })) as Pid<Kept>
    await expect(client.call(closed, 'touch', [])).rejects.toMatchObject(nobody)
    expect(await client.call(open, 'touch', [])).toBe(1)
    const reader = (await client.start(kept, [])) as Pid<Kept>
    server.send(reader, { closed })
    expect(await client.call(open, 'touch', [])).toBe(2)
    expect(await client.call(closed, 'touch', [])).toBe(1)
  })
})

async function startTwo(serverApp = app, options: NodeOptions = {}): Promise<{ server: Node; client: Node }> {
  const hub = newMeshName()
  const start = (region: string, runs: AppDefinition): Promise<Node> =>
    startNode(runs, quiet({ region, cluster: 'keeps', transport: memoryTransport({ hub }), ...options }))
  const [server, client] = [await start('syd', serverApp), await start('lax', app)]
  onTestFinished(async () => {
    await Promise.all([server.stop(), client.stop()])
  })
  await Promise.all([knows(client, server, serverApp), knows(server, client, app)])
  return { server, client }
}
