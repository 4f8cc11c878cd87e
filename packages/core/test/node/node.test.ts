import {
  type AppDefinition,
  child,
  defineApp,
  genServer,
  memoryTransport,
  type Node,
  type NodeOptions,
  type Pid,
  procedure,
  silentLog,
  startNode,
  supervisor,
  systemPlatform,
} from '@skerry/core'
import type { Transport } from '@skerry/core/transport'
import { afterEach, describe, expect, it } from 'vitest'
import { type Deferred, deferred } from '../../src/base/deferred.ts'
import { createMemoryTransport } from '../../src/mesh/memory-transport.ts'

const running: Node[] = []
let hubs = 0

afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.stop()))
})

function newHub(): string {
  hubs += 1
  return `node.test ${process.pid} ${hubs}`
}

/** A node of the hub whose id is its region's name. */
async function start(app: AppDefinition, hub: string, region: string, options: NodeOptions = {}): Promise<Node> {
  const transport = memoryTransport({ hub, id: region })
  const common = { region, primaryRegion: 'syd', cluster: 'tests', transport, log: silentLog }
  const node = await startNode(app, { ...common, ...options })
  running.push(node)
  return node
}

const empty = defineApp({ name: 'empty', children: [] })

/** A procedure that says when it began and ends when its gate opens. */
function gated(): {
  app: AppDefinition
  wait: ReturnType<typeof waitAt>
  began: Deferred<void>
  gate: Deferred<string>
} {
  const began = deferred<void>()
  const gate = deferred<string>()
  const wait = waitAt(began, gate.promise)
  return { app: defineApp({ name: 'gated', children: [], procedures: [wait] }), wait, began, gate }
}

function waitAt(began: Deferred<void>, gate: Promise<string>, options: { name?: string; maxInFlight?: number } = {}) {
  return procedure({
    name: 'wait',
    ...options,
    run: (_ctx, _input: string) => {
      began.resolve()
      return gate
    },
  })
}

async function systemChild(node: Node, id: string): Promise<Pid> {
  const child = (await node.whichChildren('system')).find((one) => one.id === id)
  if (child?.pid === undefined) throw new Error(`no ${id} is running`)
  return child.pid
}

/** Kills one of the node's own actors and waits for its end; its supervisor restarts it after that. */
async function killSystemChild(node: Node, id: string): Promise<Pid> {
  const pid = await systemChild(node, id)
  const ended = node.watch(pid)
  node.exit(pid, 'kill')
  expect(await ended).toBe('killed')
  return pid
}

const code = (expected: string, message = /./): unknown =>
  expect.objectContaining({ code: expected, message: expect.stringMatching(message) })

describe('the trees of a node', () => {
  it('are its own actors, in order of dependence, and those of the app', async () => {
    const idle = genServer({ name: 'idle', init: () => 0 })
    const app = defineApp({ name: 'shop', children: [child('a', idle, []), supervisor('jobs', { children: [] })] })
    const node = await start(app, newHub(), 'syd')
    const shown = async (name?: string): Promise<unknown> =>
      (await node.whichChildren(name)).map(({ id, type, status }) => [id, type, status])
    expect(await shown('system')).toEqual(
      ['names', 'mesh', 'RegionRegistry', 'RpcProcesses', 'RpcServer'].map((id) => [id, 'worker', 'running']),
    )
    expect(await shown()).toEqual([
      ['a', 'worker', 'running'],
      ['jobs', 'supervisor', 'running'],
    ])
  })
})

describe('a node one of whose own actors is killed', () => {
  it('RegionRegistry: the table can be read all the time, and follows the mesh again afterwards', async () => {
    const hub = newHub()
    const node = await start(empty, hub, 'syd')
    await start(empty, hub, 'lax')
    await node.waitForRegion('lax')

    const pid = await systemChild(node, 'RegionRegistry')
    const ended = node.watch(pid)
    node.exit(pid, 'kill')
    expect(node.regions()).toEqual(['lax', 'syd'])
    expect(await ended).toBe('killed')
    expect(node.regions()).toEqual(['lax', 'syd'])
    expect(await systemChild(node, 'RegionRegistry')).not.toEqual(pid)
    expect(node.regions()).toEqual(['lax', 'syd'])

    await start(empty, hub, 'fra')
    await node.waitForRegion('fra')
    expect(node.regions()).toEqual(['fra', 'lax', 'syd'])
  })

  it('RpcServer: a remote process that runs goes on and answers, and new calls are taken', async () => {
    const { app, wait, began, gate } = gated()
    const hub = newHub()
    const server = await start(app, hub, 'syd')
    const client = await start(empty, hub, 'lax')
    await client.waitFor(() => client.isRpcSupported(server.id, wait), 'the procedure')

    const answer = client.rpcPrimary(wait, 'x')
    await began.promise
    const killed = await killSystemChild(server, 'RpcServer')
    expect(await systemChild(server, 'RpcServer')).not.toEqual(killed)
    gate.resolve('answered')
    expect(await answer).toBe('answered')
    expect(await client.rpcPrimary(wait, 'y')).toBe('answered')
  })

  it('RpcProcesses: what ran is reported as ended, and new calls are taken', async () => {
    const { app, wait, began, gate } = gated()
    const hub = newHub()
    const server = await start(app, hub, 'syd')
    const client = await start(empty, hub, 'lax')
    await client.waitFor(() => client.isRpcSupported(server.id, wait), 'the procedure')

    const answer = client.rpcPrimary(wait, 'x')
    await began.promise
    const failed = expect(answer).rejects.toMatchObject({ code: 'ERR_REMOTE_EXIT', outcome: 'ran' })
    await killSystemChild(server, 'RpcProcesses')
    await failed
    await systemChild(server, 'RpcServer')
    gate.resolve('answered')
    expect(await client.rpcPrimary(wait, 'y')).toBe('answered')
  })

  it('mesh: both nodes know each other again', async () => {
    const { app, wait, gate } = gated()
    const hub = newHub()
    const server = await start(app, hub, 'syd')
    const client = await start(empty, hub, 'lax')
    await client.waitFor(() => client.isRpcSupported(server.id, wait), 'the procedure')
    await server.waitForRegion('lax')

    await killSystemChild(server, 'mesh')
    await systemChild(server, 'RpcServer')
    // At once: the successor knows what its predecessor believed, and need not wait ten seconds for a peer's snapshot.
    await server.waitForRegion('lax', { timeoutMs: 5_000 })
    expect(client.isRpcSupported(server.id, wait)).toBe(true)
    gate.resolve('answered')
    expect(await client.rpcPrimary(wait, 'x')).toBe('answered')
  })
})

describe('a node whose app gives up', () => {
  it('leaves, says so in `closed` and sets the exit code to 1', async () => {
    let sick = false
    const patient = genServer({
      name: 'patient',
      init: (ctx) => {
        if (sick) ctx.send(ctx.self, 'fall ill')
        return 0
      },
      info: () => {
        sick = true
        throw new Error('ill')
      },
    })
    const app = defineApp({ name: 'ward', children: [child('patient', patient, [])] })
    const hub = newHub()
    const exitCodes: number[] = []
    const platform = {
      ...systemPlatform({ log: silentLog }),
      setExitCode: (exitCode: number) => void exitCodes.push(exitCode),
    }
    const node = await start(app, hub, 'syd', { platform })
    const peer = await start(empty, hub, 'lax')
    await peer.waitForRegion('syd')

    const [first] = await node.whichChildren()
    node.send(first?.pid as Pid, 'fall ill')
    expect(await node.closed).toMatchObject({ kind: 'failed', detail: expect.stringContaining('ward') })
    expect(exitCodes).toEqual([1])
    await peer.waitFor(() => peer.regionOf(node.id) === undefined, 'the end of the node')
    expect(() => node.send(first?.pid as Pid, 'again')).toThrow(code('ERR_NODE_STOPPED'))
    // Also for one who calls stop meanwhile.
    await node.stop()
    expect(exitCodes).toEqual([1])
  })
})

describe('stop', () => {
  function recorder(ended: string[]) {
    return genServer({
      name: 'recorder',
      trapExit: true,
      init: (_ctx, id: string) => id,
      terminate: (ctx, reason) => void ended.push(`${ctx.state} ${JSON.stringify(reason)}`),
    })
  }

  it('stops the children in reverse order, also nested ones', async () => {
    const ended: string[] = []
    const one = recorder(ended)
    const inner = supervisor('inner', { children: [child('b1', one, ['b1']), child('b2', one, ['b2'])] })
    const app = defineApp({ name: 'app', children: [child('a', one, ['a']), inner, child('c', one, ['c'])] })
    const node = await start(app, newHub(), 'syd')
    await node.stop()
    expect(ended).toEqual(['c', 'b2', 'b1', 'a'].map((id) => `${id} "shutdown"`))
  })

  it('lets its peers drop the node from their tables', async () => {
    const hub = newHub()
    const node = await start(empty, hub, 'syd')
    const peer = await start(empty, hub, 'lax')
    await peer.waitForRegion('syd')
    await node.stop()
    await peer.waitFor(() => peer.regionOf(node.id) === undefined, 'the end of the node')
    expect(peer.regions()).toEqual(['lax'])
  })

  it('refuses new calls of others as not run and lets those that run finish', async () => {
    const { app, wait, began, gate } = gated()
    const hub = newHub()
    const server = await start(app, hub, 'syd')
    const client = await start(empty, hub, 'lax')
    await client.waitFor(() => client.isRpcSupported(server.id, wait), 'the procedure')
    const answer = client.rpcPrimary(wait, 'x')
    await began.promise
    const stopped = server.stop()
    await expect(client.rpc(server.id, wait, 'y')).rejects.toMatchObject({ code: 'ERR_DRAINING', outcome: 'not-run' })
    gate.resolve('answered')
    expect(await answer).toBe('answered')
    await stopped
  })

  it('gives back the calls that wait for their turn, and lets a further try of a running key join it', async () => {
    const { wait, began, gate } = gated()
    const narrow = waitAt(deferred(), new Promise(() => undefined), { name: 'narrow', maxInFlight: 1 })
    const app = defineApp({ name: 'gated', children: [], procedures: [wait, narrow] })
    const hub = newHub()
    const server = await start(app, hub, 'syd', { drainMs: 20_000 })
    const client = await start(empty, hub, 'lax')
    await client.waitFor(() => client.isRpcSupported(server.id, wait), 'the procedure')
    const ended = new AbortController()
    const runs = client.rpc(server.id, narrow, 'x', { signal: ended.signal }).catch(() => undefined)
    const waits = client.rpc(server.id, narrow, 'y')
    const first = client.rpc(server.id, wait, 'x', { idempotencyKey: 'one' })
    await began.promise
    const refused = expect(waits).rejects.toMatchObject({ code: 'ERR_DRAINING', outcome: 'not-run' })
    const stopped = server.stop()
    // In the same turn: the client has not heard yet.
    const second = client.rpc(server.id, wait, 'x', { idempotencyKey: 'one' })
    await refused
    gate.resolve('answered')
    expect(await Promise.all([first, second])).toEqual(['answered', 'answered'])
    ended.abort()
    await Promise.all([runs, stopped])
  })

  it('lets a large answer reach its caller before it says goodbye', async () => {
    const { app, wait, began, gate } = gated()
    const hub = newHub()
    const server = await start(app, hub, 'syd')
    const client = await start(empty, hub, 'lax')
    await client.waitFor(() => client.isRpcSupported(server.id, wait), 'the procedure')
    const answer = client.rpcPrimary(wait, 'x')
    await began.promise
    const stopped = server.stop()
    const large = 'x'.repeat(12 * 1024 * 1024)
    gate.resolve(large)
    expect((await answer) === large).toBe(true)
    await stopped
  })

  it('lets the calls that plain code waits for finish', async () => {
    const { app, wait, began, gate } = gated()
    const hub = newHub()
    const server = await start(app, hub, 'syd')
    const client = await start(empty, hub, 'lax')
    await client.waitFor(() => client.isRpcSupported(server.id, wait), 'the procedure')
    const answer = client.rpcPrimary(wait, 'x')
    await began.promise
    const stopped = client.stop()
    gate.resolve('answered')
    expect(await answer).toBe('answered')
    await stopped
  })

  it('lets an rpcEach of plain code ask all that it was asked for, also one after the other', async () => {
    const { app, wait, began, gate } = gated()
    const hub = newHub()
    const [server, other] = [await start(app, hub, 'syd'), await start(app, hub, 'fra')]
    const client = await start(empty, hub, 'lax')
    for (const { id } of [server, other]) await client.waitFor(() => client.isRpcSupported(id, wait), 'the procedure')
    const answers = client.rpcEach({ nodes: [server.id, other.id] }, wait, 'x', { concurrency: 1 })
    await began.promise
    const stopped = client.stop()
    gate.resolve('answered')
    expect(await answers).toMatchObject([{ value: 'answered' }, { value: 'answered' }])
    await stopped
  })

  it('asks no further node for an rpcEach that is not over after drainMs', async () => {
    const { app, wait, began } = gated()
    const hub = newHub()
    const [server, other] = [await start(app, hub, 'syd'), await start(app, hub, 'fra')]
    const client = await start(empty, hub, 'lax', { drainMs: 1 })
    for (const { id } of [server, other]) await client.waitFor(() => client.isRpcSupported(id, wait), 'the procedure')
    const answers = client.rpcEach({ nodes: [server.id, other.id] }, wait, 'x', { concurrency: 1 })
    await began.promise
    await client.stop()
    expect(await answers).toMatchObject([
      { node: server.id, error: { code: 'ERR_NODE_STOPPED', outcome: 'unknown' } },
      { node: other.id, error: { code: 'ERR_NODE_STOPPED', outcome: 'not-run' } },
    ])
  })

  it('ends what plain code still waits for after drainMs: calls by region and of actors elsewhere; a wait for a region at once', async () => {
    const { app, wait, began } = gated()
    const hub = newHub()
    const server = await start(app, hub, 'syd')
    const client = await start(empty, hub, 'lax', { drainMs: 1 })
    await client.waitFor(() => client.isRpcSupported(server.id, wait), 'the procedure')
    const called = deferred<void>()
    const slow = genServer({
      name: 'slow',
      remote: 'members',
      init: () => 0,
      call: {
        wait: (ctx) => {
          called.resolve()
          return ctx.defer<string>()
        },
      },
    })
    const pid = await server.start(slow, [])

    const byRegion = expect(client.rpcPrimary(wait, 'x')).rejects.toMatchObject({
      code: 'ERR_NODE_STOPPED',
      outcome: 'unknown',
    })
    const byPid = expect(client.call(pid, 'wait', [])).rejects.toMatchObject({
      code: 'ERR_NOCONNECTION',
      outcome: 'unknown',
    })
    const forRegion = expect(client.waitForRegion('hkg')).rejects.toEqual(code('ERR_NODE_STOPPED'))
    const waiting = client.rpcRegion('hkg', wait, 'x', { wait: true, timeoutMs: 60_000 })
    const unsent = expect(waiting).rejects.toMatchObject({ code: 'ERR_NODE_STOPPED', outcome: 'not-run' })
    await Promise.all([began.promise, called.promise])
    await client.stop()
    await Promise.all([byRegion, byPid, forRegion, unsent])
  })

  it('comes by the signals that were named, and no signal is listened to unless one was', async () => {
    const platform = systemPlatform({ log: silentLog })
    const asked: NodeJS.Signals[] = []
    let arrive: (signal: NodeJS.Signals) => void = () => undefined
    const onSignal: typeof platform.onSignal = (signals, act) => {
      asked.push(...signals)
      arrive = act
      return () => void asked.splice(0)
    }
    await start(empty, newHub(), 'syd', { platform: { ...platform, onSignal } })
    expect(asked).toEqual([])
    const node = await start(empty, newHub(), 'syd', { platform: { ...platform, onSignal }, stopOn: ['SIGTERM'] })
    expect(asked).toEqual(['SIGTERM'])
    arrive('SIGTERM')
    await node.closed
    expect(asked).toEqual([])
  })

  it('takes its handlers from the process at the first signal, so that a second one ends it at once', async () => {
    const handlers = (): number[] => [process.listenerCount('SIGUSR2'), process.listenerCount('SIGHUP')]
    const before = handlers()
    const node = await start(empty, newHub(), 'syd', { stopOn: ['SIGUSR2', 'SIGHUP'] })
    expect(handlers()).toEqual(before.map((count) => count + 1))
    process.emit('SIGUSR2', 'SIGUSR2')
    expect(handlers()).toEqual(before)
    await node.closed
    const other = await start(empty, newHub(), 'syd', { stopOn: ['SIGUSR2'] })
    await other.stop()
    expect(handlers()).toEqual(before)
  })

  it('makes every later verb fail with ERR_NODE_STOPPED, from its call on', async () => {
    const { app, wait } = gated()
    const node = await start(app, newHub(), 'syd')
    const idle = genServer({ name: 'idle', init: () => 0, call: { read: () => 1 }, cast: { reset: () => 0 } })
    const pid = await node.start(idle, [])
    const stopped = node.stop()
    const fails = async (): Promise<void> => {
      const rejecting = [
        () => node.call(pid, 'read', []),
        () => node.start(idle, []),
        () => node.watch(pid),
        () => node.whichChildren(),
        () => node.rpcRegion('syd', wait, 'x'),
        () => node.rpcPrimary(wait, 'x'),
        () => node.rpc(node.id, wait, 'x'),
        () => node.waitForRegion('syd'),
      ]
      for (const verb of rejecting) await expect(verb()).rejects.toEqual(code('ERR_NODE_STOPPED'))
      const throwing = [() => node.cast(pid, 'reset', []), () => node.send(pid, 'x'), () => node.exit(pid, 'kill')]
      for (const verb of throwing) expect(verb).toThrow(code('ERR_NODE_STOPPED'))
    }
    await fails()
    await stopped
    await fails()
  })

  it('may be called again, at once and later, and stops once', async () => {
    const ended: string[] = []
    const node = await start(
      defineApp({ name: 'app', children: [child('a', recorder(ended), ['a'])] }),
      newHub(),
      'syd',
    )
    const stopped = node.stop()
    expect(node.stop()).toBe(stopped)
    await stopped
    await node.stop()
    await node[Symbol.asyncDispose]()
    expect(ended).toEqual(['a "shutdown"'])
    expect(await node.closed).toMatchObject({ kind: 'stopped' })
  })
})

describe('a start that fails', () => {
  it('because of a child rejects with ERR_APP_START and leaves nothing running', async () => {
    const lives: string[] = []
    const good = genServer({
      name: 'good',
      trapExit: true,
      init: () => void lives.push('begins'),
      terminate: () => void lives.push('ends'),
    })
    const bad = genServer({
      name: 'bad',
      init: () => {
        throw new Error('no disk')
      },
    })
    const hub = newHub()
    const app = defineApp({ name: 'app', children: [child('good', good, []), child('bad', bad, [])] })
    await expect(start(app, hub, 'syd')).rejects.toEqual(code('ERR_APP_START', /"app".*no disk/))
    expect(lives).toEqual(['begins', 'ends'])

    const node = await start(empty, hub, 'syd')
    expect(node.regions()).toEqual(['syd'])
    const peer = await start(empty, hub, 'lax')
    await peer.waitForRegion('syd')
    expect(peer.regionNodes('syd')).toEqual([node.id])
  })

  it('because of a signal to stop rejects with ERR_NODE_STOPPED, and leaves nothing running', async () => {
    const lives: string[] = []
    let signal: () => void = () => undefined
    const early = genServer({
      name: 'early',
      trapExit: true,
      init: () => void lives.push('begins'),
      terminate: () => void lives.push('ends'),
    })
    const begun = deferred<void>()
    const late = genServer({ name: 'late', init: () => (begun.resolve(), new Promise<void>(() => undefined)) })
    const app = defineApp({ name: 'app', children: [child('early', early, []), child('late', late, [])] })
    const platform = { ...systemPlatform({ log: silentLog }), onSignal: onSignal }
    let isLetGo = false
    function onSignal(_signals: unknown, act: (signal: NodeJS.Signals) => void): () => void {
      signal = () => act('SIGTERM')
      return () => void (isLetGo = true)
    }
    const hub = newHub()
    const starting = start(app, hub, 'syd', { platform, stopOn: ['SIGTERM'] })
    const refused = expect(starting).rejects.toEqual(code('ERR_NODE_STOPPED', /"app".*stop was called/))
    await begun.promise
    signal()
    await refused
    expect(lives).toEqual(['begins', 'ends'])
    expect(isLetGo).toBe(true)

    // Before its own actors are up; they are while its transport ends, which takes a while.
    const transport = (): Transport => {
      const memory = createMemoryTransport({ hub, id: 'syd' })
      const stop = memory.stop.bind(memory)
      memory.stop = async () => {
        for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate)
        await stop()
      }
      return memory
    }
    const atOnce: typeof onSignal = (_signals, act) => (queueMicrotask(() => act('SIGTERM')), () => undefined)
    const options = { transport, platform: { ...platform, onSignal: atOnce }, stopOn: ['SIGTERM'] } as const
    await expect(start(app, hub, 'syd', options)).rejects.toEqual(code('ERR_NODE_STOPPED'))
    expect(lives).toEqual(['begins', 'ends'])
    await start(empty, hub, 'syd')
  })

  it('because of the transport rejects with its error and leaves the others alone', async () => {
    const hub = newHub()
    const node = await start(empty, hub, 'syd')
    await expect(start(empty, hub, 'syd')).rejects.toEqual(code('ERR_TRANSPORT_START'))
    const peer = await start(empty, hub, 'lax')
    await peer.waitForRegion('syd')
    expect(node.id).toBe('syd')
  })

  it('because of the transport’s module rejects with ERR_TRANSPORT_LOAD and names it', async () => {
    const exists = memoryTransport().module
    const wrong = [
      { module: 'file:///no/such/transport.js', export: 'make', options: {} },
      { module: exists, export: 'noSuchExport', options: {} },
      { module: exists, export: 'toString', options: {} },
    ]
    for (const transport of wrong) {
      const error = await startNode(empty, { transport, log: silentLog }).catch((thrown: unknown) => thrown)
      expect(error).toEqual(code('ERR_TRANSPORT_LOAD'))
      expect((error as Error).message).toContain(transport.module)
    }
  })
})

describe('waitForRegion', () => {
  it('gives up after its time and names the regions that are known', async () => {
    const hub = newHub()
    const node = await start(empty, hub, 'syd')
    await start(empty, hub, 'lax')
    await node.waitForRegion('lax')
    await expect(node.waitForRegion('hkg', { timeoutMs: 1 })).rejects.toEqual(
      code('ERR_REGION_TIMEOUT', /"hkg".*lax, syd$/),
    )
  })

  it('waits for the primary region, whichever it is by then', async () => {
    const hub = newHub()
    const node = await start(empty, hub, 'lax', { primaryRegion: 'syd' })
    const waiting = node.waitForRegion('primary')
    await node.setPrimaryRegion('lax')
    await waiting
  })

  it('is refused for what is no region, or no time', async () => {
    const node = await start(empty, newHub(), 'syd')
    for (const region of ['nearest', 'all', '', 'no such', undefined as unknown as string]) {
      await expect(node.waitForRegion(region)).rejects.toEqual(code('ERR_BAD_REGION'))
    }
    for (const timeoutMs of [0, -1, Number.NaN, Infinity]) {
      await expect(node.waitForRegion('hkg', { timeoutMs })).rejects.toEqual(code('ERR_BAD_OPTIONS', /timeoutMs/))
    }
    const signal = {} as unknown as AbortSignal
    await expect(node.waitForRegion('hkg', { signal })).rejects.toEqual(code('ERR_BAD_OPTIONS', /signal/))
  })

  it('ends when it is aborted', async () => {
    const node = await start(empty, newHub(), 'syd')
    const controller = new AbortController()
    const { signal } = controller
    const waiting = node.waitForRegion('hkg', { signal })
    controller.abort('enough')
    const error = await waiting.catch((thrown: unknown) => thrown)
    expect(error).toEqual(code('ERR_WAIT_ABORTED', /"hkg"/))
    expect((error as Error).cause).toBe('enough')
    await expect(node.waitForRegion('syd', { signal })).rejects.toEqual(code('ERR_WAIT_ABORTED'))
  })

  it('of a condition that throws later is rejected with that, and nobody else is concerned', async () => {
    const hub = newHub()
    const node = await start(empty, hub, 'syd')
    const registry = await systemChild(node, 'RegionRegistry')
    let asked = 0
    const condition = (): boolean => {
      asked += 1
      if (asked > 1) throw new Error('not so')
      return false
    }
    const waiting = expect(node.waitFor(condition, 'nothing')).rejects.toThrow('not so')
    await start(empty, hub, 'lax')
    await waiting
    await node.waitForRegion('lax')
    expect(await systemChild(node, 'RegionRegistry')).toEqual(registry)
  })
})
