import {
  actorName,
  child,
  defineApp,
  formatPid,
  genServer,
  memoryTransport,
  type Node,
  type Pid,
  procedure,
  startNode,
  streamProcedure,
} from '@skerry/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { add, addThere } from '../fixtures/thread-procedures.mjs'
import { onTold, told } from '../fixtures/told.ts'
import { knows, newMeshName, quiet } from '../rpc/two-nodes.ts'

const call = 'tracing:skerry:rpc.call'
const serve = 'tracing:skerry:rpc.serve'
const handle = 'tracing:skerry:actor.call'
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

const ledgerName = actorName<{ call: { book(amount: number): number } }>('ledger')
const ledger = genServer({
  name: 'ledger',
  init: () => 0,
  call: {
    book: (ctx, amount: number) => (ctx.state += amount),
    bookLater: async (ctx, amount: number) => (ctx.state += amount),
    fails: (): number => {
      throw new RangeError('no such account')
    },
  },
})
const double = procedure({ name: 'double', run: (_ctx, value: number) => value * 2 })
const throws = procedure({
  name: 'throws',
  run: () => {
    throw new RangeError('too far')
  },
})
const waits = procedure({
  name: 'waits',
  maxInFlight: 1,
  maxWaiting: 0,
  run: () => new Promise<string>(() => undefined),
})
const books = procedure({ name: 'books', run: (ctx, amount: number) => ctx.call(ledgerName, 'book', [amount]) })
const relays = procedure({ name: 'relays', run: (ctx, amount: number) => ctx.rpcRegion('syd', books, amount) })
const asks = procedure({ name: 'asks', run: (ctx, name: 'book') => ctx.call(ledgerName, name, [3]) })
const doubles = streamProcedure({
  name: 'doubles',
  async *run(ctx, values: readonly number[]) {
    for (const value of values) yield await ctx.rpcRegion('syd', double, value)
  },
})
const casts = procedure({ name: 'casts', run: (ctx, value: number) => ctx.rpcCast('syd', double, value) })
const app = defineApp({
  name: 'shop',
  children: [child('ledger', ledger, [], { register: ledgerName })],
  procedures: [double, throws, waits, books, relays, asks, doubles, casts, add, addThere],
})

describe('a call by region', () => {
  it('is told where it is made and where it is served, with its times', async () => {
    const { client, server } = await startTwo()
    const events = told(`${call}:start`, `${call}:asyncEnd`, `${call}:error`, `${serve}:start`, `${serve}:asyncEnd`)
    expect(await client.rpcRegion('syd', double, 21)).toBe(42)
    expect(events.map(({ name }) => name)).toStrictEqual([
      `${call}:start`,
      `${serve}:start`,
      `${serve}:asyncEnd`,
      `${call}:asyncEnd`,
    ])
    const [, , served, ended] = events.map(({ event }) => event)
    expect(ended).toMatchObject({
      node: client.id,
      life: client.life,
      thread: 0,
      procedure: 'double',
      version: 1,
      target: 'syd',
      callerRegion: 'lax',
      attempts: 1,
      toNode: server.id,
      toRegion: 'syd',
      error: undefined,
    })
    expect(served).toMatchObject({
      node: server.id,
      life: server.life,
      procedure: 'double',
      callerNode: client.id,
      callerRegion: 'lax',
      isCast: false,
      error: undefined,
    })
    const durationMs = ended?.['durationMs'] as number
    expect(served?.['queueMs']).toBeGreaterThanOrEqual(0)
    expect((served?.['queueMs'] as number) + (served?.['runMs'] as number)).toBeLessThanOrEqual(durationMs)
  })

  it('that fails is told with its code on both sides', async () => {
    const { client, server } = await startTwo()
    const events = told(`${call}:error`, `${call}:asyncEnd`, `${serve}:error`)
    await expect(client.rpcRegion('syd', throws, undefined)).rejects.toThrow('too far')
    expect(events.map(({ name }) => name)).toStrictEqual([`${serve}:error`, `${call}:error`, `${call}:asyncEnd`])
    const error = { code: 'ERR_REMOTE_ERROR', outcome: 'ran' }
    expect(events[0]?.event).toMatchObject({ node: server.id, error })
    expect(events[1]?.event).toMatchObject({ node: client.id, error })
  })

  it('that was never sent is told too', async () => {
    const { client } = await startTwo()
    const events = told(`${call}:error`)
    await expect(client.rpcRegion('syd', double, 1, { timeoutMs: -1 })).rejects.toThrow('timeoutMs')
    await expect(client.rpcRegion('nowhere', double, 1)).rejects.toThrow('nowhere')
    await expect(client.rpcRegion('all', double, 1)).rejects.toThrow('all')
    const signal = AbortSignal.abort()
    await expect(client.rpcRegion('lax', double, 1, { inline: true, signal })).rejects.toThrow('Aborted')
    expect(events.map(({ event }) => event)).toMatchObject([
      { attempts: 0, error: { code: 'ERR_BAD_OPTIONS', outcome: 'not-run' } },
      { attempts: 0, error: { code: 'ERR_NO_NODE_IN_REGION', outcome: 'not-run' } },
      { attempts: 0, target: 'all', error: { code: 'ERR_BAD_REGION', outcome: 'not-run' } },
      { attempts: 0, error: { code: 'ERR_RPC_ABORTED', outcome: 'not-run' } },
    ])
  })

  it('is told with each attempt, and each refusal where it was refused', async () => {
    const { client, server, join } = await startTwo()
    const other = await join('syd')
    await knows(client, other, app)
    const { signal, abort } = aborting()
    const taken = [server, other].map((node) =>
      expect(client.rpc(node.id, waits, undefined, { signal })).rejects.toThrow('Aborted'),
    )
    const events = told('skerry:rpc.attempt', 'skerry:rpc.refuse', `${call}:error`)
    await expect(client.rpcRegion('syd', waits, undefined)).rejects.toThrow('as many calls')
    const error = { code: 'ERR_OVERLOADED', outcome: 'not-run' }
    expect(events.map(({ name }) => name)).toStrictEqual([
      'skerry:rpc.attempt',
      'skerry:rpc.refuse',
      'skerry:rpc.attempt',
      'skerry:rpc.refuse',
      `${call}:error`,
    ])
    const [first, refused, second, , failed] = events.map(({ event }) => event)
    expect(first).toMatchObject({ attempt: 1, previous: undefined })
    expect(refused).toMatchObject({ node: first?.['toNode'], procedure: 'waits', callerNode: client.id, error })
    expect(second).toMatchObject({ attempt: 2, previous: error })
    expect(new Set([first?.['toNode'], second?.['toNode']])).toStrictEqual(new Set([server.id, other.id]))
    expect(failed).toMatchObject({ attempts: 2, error })
    abort()
    await Promise.all(taken)
  })

  it('with an idempotency key that is refused is told once there', async () => {
    const { client, server } = await startTwo()
    const begun = new Promise<void>((resolve) => onTold(`${serve}:start`, () => resolve()))
    const { signal, abort } = aborting()
    const taken = client.rpcRegion('syd', waits, undefined, { signal }).catch(() => undefined)
    await begun
    const events = told('skerry:rpc.refuse')
    const refused = client.rpcRegion('syd', waits, undefined, { idempotencyKey: 'one' })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_OVERLOADED' })
    const error = { code: 'ERR_OVERLOADED', outcome: 'not-run' }
    expect(events.map(({ event }) => event)).toMatchObject([{ node: server.id, callerNode: client.id, error }])
    abort()
    await taken
  })

  it('of which the process is stopped is told as ended there', async () => {
    const { client } = await startTwo()
    const begun = new Promise<void>((resolve) => onTold(`${serve}:start`, () => resolve()))
    const events = told(`${serve}:error`)
    const { signal, abort } = aborting()
    const failed = expect(client.rpcRegion('syd', waits, undefined, { signal })).rejects.toThrow('Aborted')
    await begun
    const ended = new Promise<void>((resolve) => onTold(`${serve}:asyncEnd`, () => resolve()))
    abort()
    await failed
    await ended
    expect(events[0]?.event).toMatchObject({ procedure: 'waits', error: { code: 'ERR_REMOTE_EXIT', outcome: 'ran' } })
  })
})

describe('a trace', () => {
  it('that a subscriber gives to a call goes on in calls of its procedure, over threads and nodes', async () => {
    const { client } = await startTwo()
    onTold(`${call}:start`, (event) => {
      event['trace'] ??= event['parent'] ?? { traceparent, tracestate: 'vendor=1' }
    })
    const events = told(`${serve}:start`, `${call}:asyncEnd`)
    const asked = { region: 'lax', left: 1, right: 2 }
    expect(await client.rpcRegion('syd', addThere, asked)).toBe(3)
    const parent = { traceparent, tracestate: 'vendor=1' }
    // The one on a thread of its own is told there, where nobody listens.
    expect(events.map(({ name, event }) => [name, event['procedure'], event['parent']])).toStrictEqual([
      [`${serve}:start`, 'threads.add', parent],
      [`${call}:asyncEnd`, 'threads.addThere', undefined],
    ])
    const served = events[1]?.event['served'] as { queueMs: number; runMs: number }
    expect(served.queueMs + served.runMs).toBeLessThan((events[1]?.event['durationMs'] as number) + 2)
    expect(served.runMs).toBeGreaterThan(0)
  })

  it('goes on in calls of actors', async () => {
    const { client, server } = await startTwo()
    onTold(`${call}:start`, (event) => {
      event['trace'] = event['parent'] ?? { traceparent }
    })
    const events = told(`${handle}:start`, `${handle}:asyncEnd`)
    expect(await client.rpcRegion('syd', relays, 5)).toBe(5)
    expect(events.map(({ name }) => name)).toStrictEqual([`${handle}:start`, `${handle}:asyncEnd`])
    expect(events[0]?.event).toMatchObject({ node: server.id, actor: 'ledger', call: 'book', parent: { traceparent } })
    expect(events[1]?.event['queueMs']).toBeGreaterThanOrEqual(0)
    expect(events[1]?.event['runMs']).toBeGreaterThanOrEqual(0)
  })

  it('goes on in the calls that a stream makes between its items, which are told as one', async () => {
    const { client } = await startTwo()
    onTold(`${call}:start`, (event) => {
      event['trace'] = event['parent'] ?? { traceparent }
    })
    const events = told(`${serve}:start`, `${call}:asyncEnd`)
    const items: number[] = []
    for await (const item of client.stream('syd', doubles, [1, 2])) items.push(item)
    expect(items).toStrictEqual([2, 4])
    expect(events.map(({ name, event }) => [name, event['procedure'], event['parent'] ?? null])).toStrictEqual([
      [`${serve}:start`, 'doubles', { traceparent }],
      [`${serve}:start`, 'double', { traceparent }],
      [`${call}:asyncEnd`, 'double', { traceparent }],
      [`${serve}:start`, 'double', { traceparent }],
      [`${call}:asyncEnd`, 'double', { traceparent }],
      [`${call}:asyncEnd`, 'doubles', null],
    ])
    expect(events.at(-1)?.event).toMatchObject({ error: undefined, served: { runMs: expect.any(Number) as number } })
  })

  it('goes on in casts of a procedure', async () => {
    const { client } = await startTwo()
    onTold(`${call}:start`, (event) => {
      event['trace'] = { traceparent }
    })
    const served = new Promise<object>((resolve) => {
      onTold(`${serve}:start`, (event) => event['isCast'] === true && resolve({ ...event }))
    })
    await client.rpcRegion('syd', casts, 1)
    expect(await served).toMatchObject({ procedure: 'double', parent: { traceparent } })
  })

  it.each([
    ['is no traceparent that fits a header', { traceparent: 'x'.repeat(129) }, undefined],
    ['has a tracestate that is too long', { traceparent, tracestate: 'x'.repeat(513) }, { traceparent }],
    ['has a tracestate that is not ASCII', { traceparent, tracestate: 'größe=1' }, { traceparent }],
  ])('that %s is carried without it', async (_what, trace, carried) => {
    const { client } = await startTwo()
    onTold(`${call}:start`, (event) => {
      event['trace'] = trace
    })
    const events = told(`${serve}:start`)
    expect(await client.rpcRegion('syd', double, 1)).toBe(2)
    expect(events[0]?.event['parent']).toStrictEqual(carried)
  })
})

describe('a call of an actor', () => {
  it.each(['book', 'bookLater', 'fails'] as const)('is told where it is part of a trace, by %s', async (name) => {
    const { client, server } = await startTwo()
    onTold(`${call}:start`, (event) => {
      event['trace'] = { traceparent }
    })
    const events = told(`${handle}:start`, `${handle}:error`, `${handle}:asyncEnd`)
    const asked = client.rpcRegion('syd', asks, name as 'book')
    if (name === 'fails') await expect(asked).rejects.toThrow('ended')
    else expect(await asked).toBe(3)
    const error = { code: 'ERR_CALLEE_EXITED', outcome: 'ran' }
    expect(events.map(({ name: channel }) => channel)).toStrictEqual(
      name === 'fails'
        ? [`${handle}:start`, `${handle}:error`, `${handle}:asyncEnd`]
        : [`${handle}:start`, `${handle}:asyncEnd`],
    )
    const expected = { node: server.id, actor: 'ledger', call: name, parent: { traceparent } }
    expect(events.at(-1)?.event).toMatchObject({ ...expected, ...(name === 'fails' && { error }) })
  })

  it('that an actor is given in the middle of its calls goes on in the next one, and nobody is told of those under way', async () => {
    const { client } = await startTwo()
    const pid = await client.start(ledger, [])
    const caller = await client.start(
      genServer({
        name: 'caller',
        init: () => undefined,
        call: {
          async books(ctx) {
            const before = ctx.call(pid, 'bookLater', [1])
            ctx.trace = { traceparent }
            const within = ctx.call(pid, 'book', [2])
            ctx.trace = undefined
            return Promise.all([before, within, ctx.call(pid, 'book', [3])])
          },
        },
      }),
      [],
    )
    const events = told(`${handle}:start`, `${handle}:asyncEnd`)
    expect(await client.call(caller, 'books', [])).toStrictEqual([1, 3, 6])
    expect(events.map(({ name }) => name)).toStrictEqual([`${handle}:start`, `${handle}:asyncEnd`])
    expect(events[0]?.event).toMatchObject({ actor: 'ledger', call: 'book', parent: { traceparent } })
  })

  it('is not told outside of any trace', async () => {
    const { client } = await startTwo()
    const pid = await client.start(ledger, [])
    const events = told(`${handle}:start`)
    expect(await client.call(pid, 'book', [3])).toBe(3)
    expect(events).toStrictEqual([])
  })
})

describe('the life of a node', () => {
  it('is told: actors, restarts, peers and the region table', async () => {
    const events = told(
      'skerry:actor.spawn',
      'skerry:actor.exit',
      'skerry:supervisor.restart',
      'skerry:peer.up',
      'skerry:peer.down',
      'skerry:region.table',
    )
    const { client, server } = await startTwo()
    const here = (name: string): Record<string, unknown>[] =>
      events.filter((one) => one.name === name && one.event['node'] === client.id).map(({ event }) => event)
    const first = client.whereis(ledgerName) as Pid
    const restarted = new Promise<void>((resolve) => {
      onTold('skerry:actor.spawn', ({ label }) => label === 'ledger' && resolve())
    })
    client.exit(first, 'kill')
    await restarted
    expect(here('skerry:actor.spawn')).toContainEqual({ ...first, label: 'ledger', system: false })
    expect(here('skerry:actor.exit')).toContainEqual({ ...first, label: 'ledger', system: false, reason: 'killed' })
    expect(here('skerry:supervisor.restart')).toMatchObject([{ supervisor: 'shop', child: 'ledger', thread: 0 }])
    expect(here('skerry:peer.up')).toMatchObject([{ peer: server.id, peerLife: server.life, peerRegion: 'syd' }])
    expect(here('skerry:region.table').at(-1)).toMatchObject({ nodes: 2, regions: 2, omitted: 0 })
    const down = new Promise<void>((resolve) => {
      onTold('skerry:peer.down', ({ node }) => node === client.id && resolve())
    })
    await server.stop()
    await down
    expect(here('skerry:peer.down')).toMatchObject([{ peer: server.id, peerLife: server.life }])
    expect(formatPid(first)).not.toBe(formatPid(client.whereis(ledgerName) as Pid))
  })
})

function aborting(): { signal: AbortSignal; abort(): void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}

async function startTwo(): Promise<{ client: Node; server: Node; join(region: string): Promise<Node> }> {
  const hub = newMeshName()
  const join = async (region: string): Promise<Node> => {
    const options = { region, primaryRegion: 'syd', cluster: 'tests', transport: memoryTransport({ hub }) }
    const node = await startNode(app, quiet(options))
    onTestFinished(() => node.stop())
    return node
  }
  const server = await join('syd')
  const client = await join('lax')
  await knows(client, server, app)
  await knows(server, client, app)
  return { client, server, join }
}
