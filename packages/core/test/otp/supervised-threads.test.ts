import {
  defineApp,
  dynamicSupervisor,
  type DynamicSupervisorProtocol,
  type ExitReason,
  genServer,
  type Intensity,
  type Node,
  type Pid,
  type Placement,
  type Restart,
  silentLog,
  startNode,
  type Strategy,
  type SupervisorProtocol,
} from '@skerry/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPuppet } from '../fixtures/puppet.ts'
import { Sightings } from '../fixtures/sightings.ts'
import { type ChildPlan, diarist, directory, keeper, type Rules, taskOwner } from '../fixtures/supervised-threads.mjs'
import { worker } from '../fixtures/thread-actors.mjs'
import { startTwoNodes } from '../fixtures/two-nodes.ts'

type Tree = Pid<SupervisorProtocol>
type Diarist = Pid<{
  call: { end(reason: ExitReason): string; unlink(pid: Pid): void; thread(): number }
  cast: { spin(): void; wait(): void; backtrack(): void }
}>

/** Writes down, on main, what the children say in their inits and ends. */
class Diary {
  readonly seen = new Sightings<string>()
  /** Ids whose next inits fail, and how often. */
  readonly failures = new Map<string, number>()

  next = (count: number): Promise<string[]> => Promise.all(Array.from({ length: count }, () => this.seen.next()))

  verdict(id: string): 'up' | 'fails' {
    this.seen.add(`${id} starts`)
    const failures = this.failures.get(id) ?? 0
    this.failures.set(id, failures - 1)
    return failures > 0 ? 'fails' : 'up'
  }
}

const diaryKeeper = genServer({
  name: 'diary',
  init: (_ctx, diary: Diary) => diary,
  call: {
    starts: (ctx, id: string) => ctx.state.verdict(id),
    ends: (ctx, id: string, reason: ExitReason) => ctx.state.seen.add(`${id} ends ${reason as string}`),
  },
})

let node: Node
beforeAll(async () => {
  // A thread that is stuck is not found by its silence here: only a kill ends it.
  const threadPool = { size: 2, blockedMs: 3_600_000 }
  node = await startNode(defineApp({ name: 'threads', children: [] }), { log: silentLog, threadPool })
})
afterAll(() => node.stop())

const often: Intensity = { maxRestarts: 100, withinMs: 60_000 }

interface Started {
  readonly tree: Tree
  readonly parent: Pid<{ call: { end(reason: ExitReason): string }; cast: object }>
  readonly diary: Diary
}

/** Has a supervisor started: `home` is its thread. */
async function plant(
  home: Placement,
  children: readonly ChildPlan[],
  rules: Rules = {},
  diary = new Diary(),
): Promise<Started> {
  const parent = await node.start(keeper, [], { thread: home })
  const pen = await node.start(diaryKeeper, [diary])
  const tree = (await node.call(parent, 'start', [pen, children, { intensity: often, ...rules }])) as Tree
  return { tree, parent, diary }
}

async function childPid(tree: Tree, id: string): Promise<Diarist> {
  const infos = await node.call(tree, 'whichChildren', [])
  return infos.find((info) => info.id === id)?.pid as Diarist
}

const statusesOf = async (tree: Tree): Promise<string[]> =>
  (await node.call(tree, 'whichChildren', [])).map(({ id, status }) => `${id} ${status}`)

/** Where the supervisor is, and where its children are. */
describe.each<[Placement, Placement]>([
  ['main', 'pool'],
  ['main', 'own'],
  ['own', 'pool'],
  ['pool', 'main'],
])('a supervisor on %s with its children on %s', (home, thread) => {
  const abc = (options: Partial<ChildPlan> = {}): ChildPlan[] =>
    ['a', 'b', 'c'].map((id) => ({ id, thread, ...options }))

  it('S1, S10 [thread]: starts them in order, and ends them when its parent ends, even normally: in the reverse one if its thread lives', async () => {
    const { tree, parent, diary } = await plant(home, abc())
    expect(await diary.next(3)).toEqual(['a starts', 'b starts', 'c starts'])
    const threads = await Promise.all(['a', 'b', 'c'].map(async (id) => (await childPid(tree, id)).thread))
    if (thread === 'main') expect(threads).toEqual([0, 0, 0])
    else expect(threads).not.toContain(tree.thread === 0 ? 0 : -1)
    if (thread === 'own') expect(new Set([tree.thread, ...threads]).size).toBe(4)
    const ended = node.watch(tree)
    await node.call(parent, 'end', ['normal'])
    const ends = await diary.next(3)
    if (home === 'own') {
      // The thread goes with its actor, and the supervisor with it: nobody is left to end the children one by one.
      expect(await ended).toBe('threadlost')
      expect(new Set(ends.map((end) => end[0]))).toEqual(new Set(['a', 'b', 'c']))
    } else {
      expect(await ended).toBe('normal')
      expect(ends).toEqual(['c ends shutdown', 'b ends shutdown', 'a ends shutdown'])
    }
  })

  it.each<[Strategy, string[]]>([
    ['oneForOne', ['b starts']],
    ['oneForAll', ['c ends shutdown', 'a ends shutdown', 'a starts', 'b starts', 'c starts']],
    ['restForOne', ['c ends shutdown', 'b starts', 'c starts']],
  ])('S2 [thread]: with %s, when b of a, b, c is killed', async (strategy, expected) => {
    const { tree, parent, diary } = await plant(home, abc(), { strategy })
    await diary.next(3)
    const before = await node.call(tree, 'whichChildren', [])
    node.exit(before[1]?.pid as Pid, 'kill')
    expect(await diary.next(expected.length)).toEqual(expected)
    await expect.poll(() => statusesOf(tree)).toEqual(['a running', 'b running', 'c running'])
    const after = await node.call(tree, 'whichChildren', [])
    const place = (pid: Pid | undefined) => `${pid?.thread}/${pid?.serial}`
    const changed = after.filter(({ pid }, index) => place(pid) !== place(before[index]?.pid)).map(({ id }) => id)
    expect(changed).toEqual(expected.filter((event) => event.endsWith('starts')).map((event) => event[0]))
    expect(diary.seen.waiting).toBe(0)
    node.exit(parent, 'kill')
  })

  it.each<[Restart, string, boolean]>([
    ['permanent', 'normal', true],
    ['transient', 'shutdown', false],
    ['transient', 'boom', true],
    ['temporary', 'boom', false],
  ])('S3 [thread]: a %s child that ends with %s restarts: %s', async (restart, reason, restarts) => {
    const { tree, parent, diary } = await plant(home, abc({ restart }))
    await diary.next(3)
    await node.call(await childPid(tree, 'b'), 'end', [reason])
    expect(await diary.next(1)).toEqual([`b ends ${reason}`])
    if (restarts) expect(await diary.next(1)).toEqual(['b starts'])
    const b = restarts ? ['b running'] : restart === 'transient' ? ['b stopped'] : []
    await expect.poll(() => statusesOf(tree)).toEqual(['a running', ...b, 'c running'])
    node.exit(parent, 'kill')
  })

  it('S4 [thread]: gives up at one crash too many of all children together, after ending them', async () => {
    const { tree, parent, diary } = await plant(home, abc(), { intensity: { maxRestarts: 1, withinMs: 60_000 } })
    await diary.next(3)
    const ended = node.watch(tree)
    node.exit(await childPid(tree, 'a'), 'kill')
    expect(await diary.next(1)).toEqual(['a starts'])
    node.exit(await childPid(tree, 'c'), 'kill')
    expect(await ended).toBe('shutdown')
    expect(await diary.next(2)).toEqual(['b ends shutdown', 'a ends shutdown'])
    node.exit(parent, 'kill')
  })

  it('S5 [thread]: a restart that fails is tried again, each try counts, and others are answered meanwhile', async () => {
    const { tree, parent, diary } = await plant(home, abc(), { intensity: { maxRestarts: 3, withinMs: 60_000 } })
    await diary.next(3)
    diary.failures.set('b', 2)
    node.exit(await childPid(tree, 'b'), 'kill')
    expect(await diary.next(3)).toEqual(['b starts', 'b starts', 'b starts'])
    await expect.poll(() => statusesOf(tree)).toEqual(['a running', 'b running', 'c running'])
    const ended = node.watch(tree)
    node.exit(await childPid(tree, 'b'), 'kill')
    expect(await ended).toBe('shutdown')
    node.exit(parent, 'kill')
  })

  it('S6 [thread]: a first start that fails ends those that were started, in reverse, and says which failed', async () => {
    const diary = new Diary()
    diary.failures.set('c', 1)
    const { tree, parent } = await plant(home, abc(), {}, diary)
    expect(tree).toMatchObject({
      code: 'ERR_START_FAILED',
      reason: {
        type: 'shutdown',
        failedChild: 'c',
        cause: { message: expect.stringContaining('c can not') as unknown },
      },
    })
    expect(await diary.next(5)).toEqual(['a starts', 'b starts', 'c starts', 'b ends shutdown', 'a ends shutdown'])
    node.exit(parent, 'kill')
  })

  // Main is never killed.
  it.each((['spin', 'wait', 'backtrack'] as const).filter(() => thread !== 'main'))(
    'S7 [thread]: a child that never yields, in "%s", is killed when its shutdown time is over',
    async (how) => {
      const { tree, parent, diary } = await plant(home, [{ id: 'stuck', thread, shutdownMs: 20 }])
      await diary.next(1)
      const stuck = await childPid(tree, 'stuck')
      node.cast(stuck, how, [])
      const answers = () => node.call(stuck, 'thread', [], { timeoutMs: 50 }).then(Boolean, () => false)
      await expect.poll(answers).toBe(false)
      const ended = node.watch(stuck)
      await node.call(tree, 'terminateChild', ['stuck'])
      expect(await ended).toBe('killed')
      expect(await statusesOf(tree)).toEqual(['stuck stopped'])
      // And it runs again, elsewhere.
      await node.call(tree, 'restartChild', ['stuck'])
      expect(await node.call(await childPid(tree, 'stuck'), 'thread', [])).not.toBe(stuck.thread)
      node.exit(parent, 'kill')
    },
  )

  it("S7 [thread]: 'kill' ends a child without its terminate", async () => {
    const { tree, parent, diary } = await plant(home, [{ id: 'a', thread, shutdownMs: 'kill' }])
    await diary.next(1)
    const ended = node.watch(await childPid(tree, 'a'))
    await node.call(tree, 'terminateChild', ['a'])
    expect(await ended).toBe('killed')
    expect(diary.seen.waiting).toBe(0)
    node.exit(parent, 'kill')
  })

  it('S7 [thread]: a child that unlinked itself does not hang its supervisor', async () => {
    const { tree, parent, diary } = await plant(home, [{ id: 'a', thread }])
    await diary.next(1)
    await node.call(await childPid(tree, 'a'), 'unlink', [tree])
    await node.call(tree, 'terminateChild', ['a'])
    expect(await statusesOf(tree)).toEqual(['a stopped'])
    node.exit(parent, 'kill')
  })

  it('S8 [thread]: anySignificant: ends with shutdown, its other children first, when one has ended', async () => {
    const children: ChildPlan[] = [
      { id: 'a', thread },
      { id: 'b', thread, restart: 'transient', significant: true },
    ]
    const { tree, parent, diary } = await plant(home, children, { autoShutdown: 'anySignificant' })
    await diary.next(2)
    const ended = node.watch(tree)
    await node.call(await childPid(tree, 'b'), 'end', ['normal'])
    expect(await ended).toBe('shutdown')
    expect(await diary.next(2)).toEqual(['b ends normal', 'a ends shutdown'])
    node.exit(parent, 'kill')
  })
})

describe('a supervisor whose children are on pool threads', () => {
  it.each<[Strategy, string[]]>([
    ['oneForOne', ['c', 'b']],
    ['restForOne', ['b', 'c']],
  ])('S2 [thread]: with %s, when the thread of b and c is lost', async (strategy) => {
    const together = { pool: 'together' }
    const children: ChildPlan[] = [
      { id: 'a', thread: 'main' },
      { id: 'b', thread: together },
      { id: 'c', thread: together },
    ]
    const { tree, parent, diary } = await plant('main', children, { strategy })
    await diary.next(3)
    const [b, c] = [await childPid(tree, 'b'), await childPid(tree, 'c')]
    expect(b.thread).toBe(c.thread)
    node.cast(b, 'spin', [])
    const answers = () => node.call(c, 'thread', [], { timeoutMs: 50 }).then(Boolean, () => false)
    await expect.poll(answers).toBe(false)
    const ends = [node.watch(b), node.watch(c)]
    node.exit(b, 'kill')
    expect(await Promise.all(ends)).toEqual(['killed', 'threadlost'])
    await expect.poll(() => statusesOf(tree)).toEqual(['a running', 'b running', 'c running'])
    for (const id of ['b', 'c']) expect((await childPid(tree, id)).thread).toBeGreaterThan(b.thread)
    node.exit(parent, 'kill')
  })
})

describe('a dynamic supervisor', () => {
  const crowd = dynamicSupervisor('crowd', { behavior: worker, child: { thread: 'pool' }, intensity: often })

  it.each(['own', 'pool'] as const)(
    'D1 [thread]: starts and stops children for an actor on a thread: %s',
    async (on) => {
      const rooms = await node.start(crowd, [])
      const asker = await node.start(worker, [{}], { thread: on })
      const ask = (name: string, args: unknown[]) => node.call(asker, 'call', [rooms, name, args, 5_000])
      const first = (await ask('startChild', [{}])) as typeof asker
      expect(await node.call(first, 'add', [2])).toBe(2)
      expect(await node.call(asker, 'callOther', [first, 1])).toBe(3)
      expect(await ask('startChild', [{ failInit: true }])).toMatchObject({ code: 'ERR_START_FAILED', outcome: 'ran' })
      expect(await ask('countChildren', [])).toEqual({ specs: 1, active: 1, supervisors: 0, workers: 1 })
      const ended = node.watch(first)
      expect(await ask('terminateChild', [first])).toBe(true)
      expect(await ended).toBe('shutdown')
      expect(await ask('terminateChild', [first])).toBe(false)
      for (const pid of [asker, rooms]) node.exit(pid, 'kill')
    },
  )

  it('D1 [thread]: restarts each of its children on the pool alone', async () => {
    const rooms = await node.start(crowd, [])
    const [first, second] = [await node.call(rooms, 'startChild', [{}]), await node.call(rooms, 'startChild', [{}])]
    expect(first.thread).not.toBe(second.thread)
    await node.call(second, 'add', [5])
    node.exit(first, 'kill')
    await expect
      .poll(async () => (await node.call(rooms, 'whichChildren', [])).map(({ pid }) => pid?.serial))
      .not.toContain(first.serial)
    await expect.poll(async () => (await node.call(rooms, 'countChildren', [])).active).toBe(2)
    expect(await node.call(second, 'add', [1])).toBe(6)
    node.exit(rooms, 'kill')
  })

  it('D1 [node]: starts, shows and stops children for an actor of another node, which may be linked to them', async () => {
    const { near, far, stop } = await startTwoNodes()
    const rooms = (await far.start(crowd, [])) as Pid<DynamicSupervisorProtocol<[object]>>
    const asker = await startPuppet(near, { trapExit: true })
    const child = await asker.do<Pid>((ctx) => ctx.call(rooms, 'startChild', [{}]))
    expect(child).toMatchObject({ node: far.id, life: far.life })
    await asker.do((ctx) => ctx.link(child))
    await expect(near.call(rooms, 'startChild', [{ failInit: true }])).rejects.toMatchObject({
      code: 'ERR_START_FAILED',
      outcome: 'ran',
    })
    const shown = await asker.do((ctx) => ctx.call(rooms, 'whichChildren', []))
    expect(shown).toMatchObject([{ pid: child, status: 'running', behavior: 'worker' }])
    expect(await asker.do((ctx) => ctx.call(rooms, 'terminateChild', [child]))).toBe(true)
    expect(await asker.next()).toEqual({ type: 'EXIT', from: child, reason: 'shutdown' })
    await stop()
  })
})

it('S9 [node]: a supervisor is looked at and changed by id from another node; a spec does not travel', async () => {
  const { near, far, stop } = await startTwoNodes()
  const pen = await far.start(diaryKeeper, [new Diary()])
  const parent = await far.start(keeper, [])
  const tree = (await far.call(parent, 'start', [pen, [{ id: 'a', thread: 'same' }], {}])) as Tree
  expect(await near.call(tree, 'countChildren', [])).toEqual({ specs: 1, active: 1, supervisors: 0, workers: 1 })
  const [first] = await near.call(tree, 'whichChildren', [])
  await near.call(tree, 'terminateChild', ['a'])
  expect(await near.call(tree, 'restartChild', ['a'])).not.toEqual(first?.pid)
  await expect(near.call(tree, 'restartChild', ['a'])).rejects.toMatchObject({ code: 'ERR_CHILD_RUNNING' })
  await expect(near.call(tree, 'deleteChild', ['b'])).rejects.toMatchObject({ code: 'ERR_NO_CHILD' })
  await near.call(tree, 'terminateChild', ['a'])
  await near.call(tree, 'deleteChild', ['a'])
  expect(await near.call(tree, 'whichChildren', [])).toEqual([])
  const spec = { id: 'x', behavior: diarist } as never
  await expect(near.call(tree, 'startChild', [spec])).rejects.toMatchObject({ code: 'ERR_NOT_ENCODABLE' })
  await stop()
})

describe.each(['own', 'pool'] as const)('a task of an actor on a thread: %s', (thread) => {
  const startOwner = (trapExit = false) => node.start(taskOwner, [trapExit], { thread })

  it('D3 [thread]: runs on its owner’s thread, and its crash ends an owner that does not trap exits', async () => {
    const owner = await startOwner()
    expect(await node.call(owner, 'where', [])).toBe(owner.thread)
    const ended = node.watch(owner)
    await expect(node.call(owner, 'failing', ['async', 'boom'])).rejects.toMatchObject({
      code: 'ERR_CALLEE_EXITED',
      reason: 'boom',
    })
    expect(await ended).toBe('boom')
  })

  it('D3 [thread]: asyncNolink: its crash is told by await only; so is that of a linked one to an owner that traps', async () => {
    const [owner, trapping] = [await startOwner(), await startOwner(true)]
    const failed = { code: 'ERR_TASK_FAILED', reason: 'boom' }
    expect(await node.call(owner, 'failing', ['asyncNolink', 'boom'])).toEqual(failed)
    expect(await node.call(trapping, 'failing', ['async', 'boom'])).toEqual(failed)
    for (const pid of [owner, trapping]) node.exit(pid, 'kill')
  })

  it.each(['async', 'asyncNolink'] as const)('D3 [thread]: %s: it ends with its owner', async (kind) => {
    const owner = await startOwner()
    const task = await node.call(owner, 'endless', [kind])
    expect(task.thread).toBe(owner.thread)
    const ended = node.watch(task)
    node.exit(owner, 'kill')
    expect(await ended).toBe(thread === 'own' ? 'threadlost' : 'shutdown')
  })

  it('D4 [thread]: yield gives nothing while it runs, await kills it after its time, shutdown stops it, a stream streams', async () => {
    const owner = await startOwner()
    const tasks = [await node.call(owner, 'endless', ['async'])]
    const ends = tasks.map((pid) => node.watch(pid))
    expect(await node.call(owner, 'yield', [1])).toBeUndefined()
    expect(await node.call(owner, 'await', [1])).toBe('ERR_TASK_TIMEOUT')
    expect(await ends[0]).toBe('killed')
    const second = node.watch(await node.call(owner, 'endless', ['async']))
    expect(await node.call(owner, 'shutdown', [])).toBeUndefined()
    expect(await second).toBe('shutdown')
    expect(await node.call(owner, 'stream', [[1, 2, 3]])).toEqual([2, 4, 6].map((value) => ({ ok: true, value })))
    node.exit(owner, 'kill')
  })
})

it('P2 [thread]: a registry on a thread, asked from others', async () => {
  const names = await node.start(directory, [], { thread: 'pool' })
  const [one, other] = [await startPuppet(node), await node.start(worker, [{}], { thread: 'own' })]
  expect(names.thread).not.toBe(0)
  expect(await node.call(names, 'register', ['lobby', one.pid, 'tea'])).toBe('registered')
  const taken = { alreadyRegistered: one.pid }
  expect(await node.call(other, 'call', [names, 'register', ['lobby', other, ''], 5_000])).toEqual(taken)
  node.exit(one.pid, 'kill')
  await expect.poll(() => node.call(names, 'count', [])).toBe(0)
  expect(await node.call(other, 'call', [names, 'register', ['lobby', other, ''], 5_000])).toBe('registered')
  expect(await node.call(names, 'lookup', ['lobby'])).toEqual([{ pid: other, value: '' }])
  node.exit(other, 'kill')
  await expect.poll(() => node.call(names, 'count', [])).toBe(0)
  node.exit(names, 'kill')
})
