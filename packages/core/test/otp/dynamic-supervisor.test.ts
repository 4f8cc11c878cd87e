import {
  actorName,
  type Behavior,
  child,
  defineApp,
  dynamicSupervisor,
  type DynamicSupervisorProtocol,
  type ExitReason,
  genServer,
  type Node,
  type Pid,
  type Restart,
  silentLog,
  startNode,
} from '@skerry/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPuppet } from '../fixtures/puppet.ts'
import { Sightings } from '../fixtures/sightings.ts'
import { told } from '../fixtures/told.ts'
import { worker } from '../fixtures/thread-actors.mjs'

type ProtocolOf<B> = B extends Behavior<infer _Args, infer Protocol> ? Protocol : never

/** Shared with the test on purpose: an instance of a class, which is not frozen when it is handed over. */
class Plan {
  readonly seen = new Sightings<string>()
  /** How many of the next inits fail. */
  failures = 0
  /** Never settles: the init hangs until it is killed. */
  hang?: boolean
  /** What terminate waits for. */
  before?: Promise<unknown>
}

const room = genServer({
  name: 'room',
  trapExit: true,
  init: async (_ctx, id: string, plan: Plan) => {
    plan.seen.add(`${id} starts`)
    if (plan.hang === true) await new Promise(() => undefined)
    if (plan.failures > 0) {
      plan.failures -= 1
      throw new RangeError(`${id} can not start`)
    }
    return { id, plan }
  },
  call: {
    crash: (): never => {
      throw new Error('crash')
    },
    end: (ctx, reason: ExitReason) => ctx.stop(reason, 'ending'),
    ping: (ctx) => ctx.state.id,
  },
  terminate: async (ctx, reason) => {
    ctx.state.plan.seen.add(`${ctx.state.id} ends ${typeof reason === 'string' ? reason : 'by an error'}`)
    await ctx.state.plan.before
  },
})

type RoomPid = Pid<{ call: { crash(): never; end(reason: ExitReason): string; ping(): string }; cast: object }>
type Rooms = Pid<DynamicSupervisorProtocol<[string, Plan], { call: { ping(): string }; cast: object }>>

function newPlan(more: Partial<Plan> = {}): Plan {
  return Object.assign(new Plan(), more)
}

/** OTP's rules for dynamic supervisors. */
describe('a dynamic supervisor', () => {
  let node: Node

  beforeAll(async () => {
    node = await startNode(defineApp({ name: 'dynamic', children: [] }), { log: silentLog })
  })
  afterAll(() => node.stop())

  async function startRooms(restart: Restart = 'permanent', maxChildren?: number): Promise<Rooms> {
    const rooms = dynamicSupervisor('rooms', {
      behavior: room,
      child: { restart },
      ...(maxChildren !== undefined && { maxChildren }),
    })
    return await node.start(rooms, [])
  }

  async function add(rooms: Rooms, id: string, plan: Plan): Promise<RoomPid> {
    return (await node.call(rooms, 'startChild', [id, plan])) as RoomPid
  }

  it('D1 [local]: starts children on demand, shows and counts them', async () => {
    const rooms = await startRooms()
    const plan = newPlan()
    const [a, b] = [await add(rooms, 'a', plan), await add(rooms, 'b', plan)]
    expect([await node.call(a, 'ping', []), await node.call(b, 'ping', [])]).toEqual(['a', 'b'])
    const children = await node.call(rooms, 'whichChildren', [])
    expect(children.map(({ pid, status, behavior }) => ({ pid, status, behavior }))).toEqual([
      { pid: a, status: 'running', behavior: 'room' },
      { pid: b, status: 'running', behavior: 'room' },
    ])
    expect(await node.call(rooms, 'countChildren', [])).toEqual({ specs: 2, active: 2, supervisors: 0, workers: 2 })
    node.exit(rooms, 'kill')
  })

  it('D1 [local]: refuses more children than it may have, without running them', async () => {
    const rooms = await startRooms('temporary', 1)
    const plan = newPlan()
    const first = await add(rooms, 'a', plan)
    await expect(add(rooms, 'b', plan)).rejects.toMatchObject({ code: 'ERR_MAX_CHILDREN', outcome: 'not-run' })
    await node.call(rooms, 'terminateChild', [first])
    expect(await node.call(await add(rooms, 'c', plan), 'ping', [])).toBe('c')
    node.exit(rooms, 'kill')
  })

  it('D1 [local]: a child whose init fails is told to the caller and forgotten', async () => {
    const rooms = await startRooms()
    await expect(add(rooms, 'a', newPlan({ failures: 1 }))).rejects.toMatchObject({
      code: 'ERR_START_FAILED',
      outcome: 'ran',
      cause: { message: expect.stringContaining('a can not start') as unknown },
    })
    expect(await node.call(rooms, 'countChildren', [])).toMatchObject({ specs: 0 })
    node.exit(rooms, 'kill')
  })

  it.each([
    ['permanent', 'normal', true],
    ['transient', 'normal', false],
    ['transient', 'boom', true],
    ['temporary', 'boom', false],
  ] as const)('D1 [local]: a %s child that ends %s: is it started again? %s', async (restart, reason, again) => {
    const rooms = await startRooms(restart)
    const plan = newPlan()
    const pid = await add(rooms, 'a', plan)
    const ended = node.watch(pid)
    await node.call(pid, 'end', [reason])
    const events = [await plan.seen.next(), await plan.seen.next()]
    expect(events).toEqual(['a starts', `a ends ${reason}`])
    // Its supervisor hears of it in the same turn.
    await ended
    if (again) expect(await plan.seen.next()).toBe('a starts')
    expect(await node.call(rooms, 'countChildren', [])).toMatchObject({ specs: again ? 1 : 0 })
    if (again) {
      const [info] = await node.call(rooms, 'whichChildren', [])
      expect(info?.pid).not.toEqual(pid)
      expect(await node.call(info?.pid as RoomPid, 'ping', [])).toBe('a')
    }
    node.exit(rooms, 'kill')
  })

  it('D1 [local]: a restart that fails is tried again, and others are answered', async () => {
    const rooms = await startRooms()
    const plan = newPlan()
    const pid = await add(rooms, 'a', plan)
    const restarts = told('skerry:supervisor.restart')
    plan.failures = 1
    await node.call(pid, 'crash', []).catch(() => undefined)
    const events = [await plan.seen.next(), await plan.seen.next(), await plan.seen.next(), await plan.seen.next()]
    expect(events).toEqual(['a starts', 'a ends by an error', 'a starts', 'a starts'])
    // Each counts, and is told.
    const restart = { supervisor: 'rooms', child: expect.stringMatching(/^room-/) as unknown }
    expect(restarts.map(({ event }) => event)).toMatchObject([restart, restart])
    expect(await node.call(rooms, 'countChildren', [])).toMatchObject({ specs: 1, active: 1 })
    node.exit(rooms, 'kill')
  })

  it('D1, S4 [local]: gives up with shutdown after too many restarts, and its children end', async () => {
    const rooms = await startRooms()
    const [plan, other] = [newPlan(), newPlan()]
    await add(rooms, 'other', other)
    const ended = node.watch(rooms)
    await add(rooms, 'a', plan)
    for (let crash = 0; crash < 4; crash += 1) {
      const children = await node.call(rooms, 'whichChildren', [])
      await node.call(children[1]?.pid as RoomPid, 'crash', []).catch(() => undefined)
    }
    expect(await ended).toBe('shutdown')
    expect([await other.seen.next(), await other.seen.next()]).toEqual(['other starts', 'other ends shutdown'])
  })

  it('D1 [local]: stops all children at once, not one after another', async () => {
    const parent = await startPuppet(node)
    const rooms = dynamicSupervisor('rooms', { behavior: room })
    const pid = await parent.do((ctx) => ctx.start(rooms, []))
    let release: () => void = () => undefined
    const before = new Promise<void>((resolve) => {
      release = resolve
    })
    const plan = newPlan({ before })
    for (const id of ['a', 'b', 'c']) await add(pid, id, plan)
    for (let start = 0; start < 3; start += 1) await plan.seen.next()
    const ended = node.watch(pid)
    node.exit(parent.pid, 'boom')
    // None has ended when the last is told to.
    const told = [await plan.seen.next(), await plan.seen.next(), await plan.seen.next()]
    expect(told.toSorted()).toEqual(['a ends shutdown', 'b ends shutdown', 'c ends shutdown'])
    release()
    expect(await ended).toBe('boom')
  })

  it('D1 [local]: terminateChild stops a child for good, and says whether there was one', async () => {
    const rooms = await startRooms()
    const plan = newPlan()
    const pid = await add(rooms, 'a', plan)
    expect(await node.call(rooms, 'terminateChild', [pid])).toBe(true)
    expect(await node.call(rooms, 'terminateChild', [pid])).toBe(false)
    expect([await plan.seen.next(), await plan.seen.next()]).toEqual(['a starts', 'a ends shutdown'])
    expect(await node.call(rooms, 'whichChildren', [])).toEqual([])
    node.exit(rooms, 'kill')
  })

  it('tells a caller whose child is being started that it ended, and leaves no orphan', async () => {
    const rooms = await startRooms()
    const plan = newPlan({ hang: true })
    const starting = add(rooms, 'a', plan)
    const refused = expect(starting).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', reason: 'killed' })
    await plan.seen.next()
    const before = node.counters().crashes
    node.exit(rooms, 'kill')
    await refused
    expect(node.counters().crashes).toBe(before)
  })

  it('D1 [thread]: its children may each have a thread of its own, killed and restarted alone', async () => {
    const workers = dynamicSupervisor('workers', { behavior: worker, child: { thread: 'own' } })
    const name = actorName<ProtocolOf<typeof workers>>('pool')
    const app = defineApp({
      name: 'threaded',
      children: [child('workers', workers, [], { register: name, shutdownMs: Infinity })],
    })
    const threaded = await startNode(app, { log: silentLog })
    const [first, second] = [
      await threaded.call(name, 'startChild', [{}]),
      await threaded.call(name, 'startChild', [{}]),
    ]
    expect(first.thread).not.toBe(second.thread)
    expect(await threaded.call(second, 'add', [2])).toBe(2)
    const ended = threaded.watch(first)
    threaded.exit(first, 'kill')
    await ended
    await expect
      .poll(async () => (await threaded.call(name, 'whichChildren', [])).map(({ status }) => status))
      .toEqual(['running', 'running'])
    expect(await threaded.call(second, 'add', [1])).toBe(3)
    await threaded.stop()
  })

  it('is refused when it is defined wrong', () => {
    const wrong = { code: 'ERR_BAD_SPEC' }
    expect(() => dynamicSupervisor('rooms', { behavior: room, maxChildren: 0 })).toThrow(expect.objectContaining(wrong))
    expect(() => dynamicSupervisor('rooms', { behavior: room, intensity: { maxRestarts: -1, withinMs: 1 } })).toThrow(
      expect.objectContaining(wrong),
    )
    expect(() => dynamicSupervisor('rooms', { behavior: room, child: { thread: 'own' } })).toThrow(
      expect.objectContaining(wrong),
    )
  })
})
