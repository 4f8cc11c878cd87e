import {
  type BackoffOptions,
  child,
  type ChildInfo,
  dynamicSupervisor,
  genServer,
  type Intensity,
  type Pid,
  type Strategy,
  supervisorBehavior,
  type SupervisorProtocol,
} from '@skerry/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkedBackoff, nextWait } from '../../src/otp/restart-backoff.ts'
import { type ManualNode, startManualNode } from '../fixtures/manual-node.ts'

const backoff: BackoffOptions = { firstMs: 100, maxMs: 400, jitter: 0 }
const often: Intensity = { maxRestarts: 50, withinMs: 1_000_000 }

describe('the wait before a restart', () => {
  it('grows up to the most', () => {
    expect([0, 1, 2, 3, 99].map((waits) => nextWait(waits, 0, backoff, 0).delayMs)).toEqual([100, 200, 400, 400, 400])
    expect(nextWait(3, 0, backoff, 0).waits).toBe(4)
  })

  it('begins anew for a child that ran for as long as the longest wait', () => {
    expect(nextWait(3, 399, backoff, 0)).toEqual({ delayMs: 400, waits: 4 })
    expect(nextWait(3, 400, backoff, 0)).toEqual({ delayMs: 100, waits: 1 })
  })

  it('leaves half to chance unless it is told otherwise', () => {
    const { firstMs, maxMs } = backoff
    expect([0, 0.5].map((chance) => nextWait(0, 0, { firstMs, maxMs }, chance).delayMs)).toEqual([50, 75])
  })

  it('is refused when it can not be', () => {
    for (const wrong of [
      { firstMs: 0, maxMs: 1 },
      { firstMs: NaN, maxMs: 1 },
      { firstMs: 2, maxMs: 1 },
      { firstMs: 1, maxMs: Infinity },
      { firstMs: 1, maxMs: 1, jitter: 1.1 },
      { firstMs: 1, maxMs: 1, jitter: -0.1 },
    ]) {
      const refusal = expect.objectContaining({
        code: 'ERR_BAD_SPEC',
        message: expect.stringContaining('"it"'),
      }) as Error
      expect(() => checkedBackoff('it', wrong)).toThrow(refusal)
      expect(() => supervisorBehavior('it', { children: [], backoff: wrong })).toThrow(refusal)
      expect(() => dynamicSupervisor('it', { behavior: fragile, backoff: wrong })).toThrow(refusal)
    }
    expect(checkedBackoff('it', undefined)).toBeUndefined()
    expect(checkedBackoff('it', { firstMs: 1, maxMs: 1, jitter: 1 })).toBeDefined()
  })
})

interface Diary {
  readonly events: string[]
  /** How many of the next inits of an id fail. */
  readonly failures: Record<string, number>
}

const fragile = genServer({
  name: 'fragile',
  trapExit: true,
  init: (_ctx, id: string, diary: Diary) => {
    diary.events.push(`${id} starts`)
    const failures = diary.failures[id] ?? 0
    diary.failures[id] = failures - 1
    if (failures > 0) throw new Error(`${id} can not start`)
    return { id, diary }
  },
  call: { ping: (ctx) => ctx.state.id },
  terminate: (ctx, reason) => void ctx.state.diary.events.push(`${ctx.state.id} ends ${reason as string}`),
})

type Tested = Pid<SupervisorProtocol>

/** In virtual time. */
describe('a supervisor with a back-off', () => {
  let manual: ManualNode
  let diary: Diary
  /** What the node's chance gives. */
  let chance: number

  beforeEach(async () => {
    chance = 0
    manual = await startManualNode((platform) => ({ random: { ...platform.random, float: () => chance } }))
    diary = { events: [], failures: {} }
  })
  afterEach(() => manual.settled(manual.node.stop()))

  async function start(
    strategy: Strategy = 'oneForOne',
    options: { intensity?: Intensity; backoff?: BackoffOptions } = {},
  ): Promise<Tested> {
    const children = ['a', 'b', 'c'].map((id) => child(id, fragile, [id, diary]))
    const spec = { strategy, children, intensity: often, backoff, ...options }
    return await manual.settled(manual.node.start(supervisorBehavior('tested', spec), []))
  }

  async function shown(pid: Tested): Promise<ChildInfo[]> {
    return await manual.settled(manual.node.call(pid, 'whichChildren', []))
  }

  async function statuses(pid: Tested): Promise<string> {
    return (await shown(pid)).map(({ status }) => status).join(' ')
  }

  async function kill(pid: Tested, id: string): Promise<void> {
    const victim = (await shown(pid)).find((one) => one.id === id)?.pid as Pid
    manual.node.exit(victim, 'kill')
    await manual.platform.settle()
  }

  it('S4 [local]: shows a child that waits as restarting, answers meanwhile, and starts it after the wait', async () => {
    const pid = await start()
    await kill(pid, 'b')
    await manual.platform.advance(99)
    expect(await shown(pid)).toMatchObject([
      { id: 'a', status: 'running' },
      { id: 'b', status: 'restarting', pid: undefined },
      { id: 'c', status: 'running' },
    ])
    expect(await manual.settled(manual.node.call(pid, 'countChildren', []))).toMatchObject({ specs: 3, active: 2 })
    const restarting = { code: 'ERR_CHILD_RESTARTING', outcome: 'not-run' }
    for (const verb of ['restartChild', 'deleteChild'] as const) {
      await expect(manual.settled(manual.node.call(pid, verb, ['b']))).rejects.toMatchObject(restarting)
    }
    await manual.platform.advance(1)
    expect(await statuses(pid)).toBe('running running running')
    expect(diary.events.slice(3)).toEqual(['b starts'])
  })

  it('S4 [local]: each wait is longer, until the child has run for the longest one', async () => {
    const pid = await start()
    for (const waitMs of [100, 200, 400, 400]) {
      await kill(pid, 'b')
      await manual.platform.advance(waitMs - 1)
      expect(await statuses(pid)).toBe('running restarting running')
      await manual.platform.advance(1)
      expect(await statuses(pid)).toBe('running running running')
    }
    await manual.platform.advance(400)
    await kill(pid, 'b')
    await manual.platform.advance(100)
    expect(await statuses(pid)).toBe('running running running')
  })

  it('S4 [local]: chance shortens the wait by up to its share', async () => {
    for (const [drawn, waitMs] of [
      [0, 50],
      [0.5, 75],
    ] as const) {
      chance = drawn
      const pid = await start('oneForOne', { backoff: { firstMs: 100, maxMs: 400 } })
      await kill(pid, 'b')
      await manual.platform.advance(waitMs - 1)
      expect(await statuses(pid)).toBe('running restarting running')
      await manual.platform.advance(1)
      expect(await statuses(pid)).toBe('running running running')
    }
  })

  it('S5 [local]: a restart that fails waits again, longer, and each try counts', async () => {
    const pid = await start('oneForOne', { intensity: { maxRestarts: 2, withinMs: 1_000 } })
    const ended = manual.node.watch(pid)
    diary.failures['b'] = 100
    await kill(pid, 'b')
    await manual.platform.advance(100)
    expect(await statuses(pid)).toBe('running restarting running')
    expect(diary.events.slice(3)).toEqual(['b starts'])
    await manual.platform.advance(199)
    expect(diary.events.slice(3)).toEqual(['b starts'])
    await manual.platform.advance(1)
    expect(await manual.settled(ended)).toBe('shutdown')
    expect(diary.events.slice(3)).toEqual(['b starts', 'b starts', 'c ends shutdown', 'a ends shutdown'])
  })

  it('S4 [local]: a failed start is no recovery, however long the child had run before', async () => {
    const pid = await start()
    await manual.platform.advance(1_000)
    diary.failures['b'] = 2
    await kill(pid, 'b')
    await manual.platform.advance(100 + 200 + 399)
    expect(await statuses(pid)).toBe('running restarting running')
    await manual.platform.advance(1)
    expect(await statuses(pid)).toBe('running running running')
  })

  it.each<[Strategy, string[], string]>([
    ['oneForAll', ['c ends shutdown', 'a ends shutdown'], 'restarting restarting restarting'],
    ['restForOne', ['c ends shutdown'], 'running restarting restarting'],
  ])('S2 [local]: with %s the others end at once, and all start after the wait', async (strategy, ended, waiting) => {
    const pid = await start(strategy)
    await kill(pid, 'b')
    expect(diary.events.slice(3)).toEqual(ended)
    expect(await statuses(pid)).toBe(waiting)
    await manual.platform.advance(100)
    expect(await statuses(pid)).toBe('running running running')
    const started = strategy === 'oneForAll' ? ['a', 'b', 'c'] : ['b', 'c']
    expect(diary.events.slice(3 + ended.length)).toEqual(started.map((id) => `${id} starts`))
  })

  it('S2 [local]: with restForOne a wait gives way to that of a child before it', async () => {
    const pid = await start('restForOne')
    await kill(pid, 'c')
    await manual.platform.advance(60)
    const pending = manual.platform.clock.pending
    await kill(pid, 'a')
    expect(manual.platform.clock.pending).toBe(pending)
    await manual.platform.advance(99)
    expect(await statuses(pid)).toBe('restarting restarting restarting')
    await manual.platform.advance(1)
    expect(diary.events.slice(3)).toEqual(['b ends shutdown', 'a starts', 'b starts', 'c starts'])
    await manual.platform.advance(1_000)
    expect(diary.events).toHaveLength(7)
  })

  it('S7 [local]: its end cancels the waits', async () => {
    const pid = await start()
    await shown(pid)
    const before = manual.platform.clock.pending
    await kill(pid, 'a')
    await kill(pid, 'b')
    const ended = manual.node.watch(pid)
    // In order, as it does when it gives up, and by a kill.
    manual.node.exit(pid, 'kill')
    expect(await manual.settled(ended)).toBe('killed')
    await manual.platform.advance(1_000)
    expect(diary.events.slice(3)).toEqual(['c ends killed'])

    const other = await start('oneForOne', { intensity: { maxRestarts: 1, withinMs: 1_000 } })
    const otherEnded = manual.node.watch(other)
    await kill(other, 'a')
    await kill(other, 'b')
    expect(await manual.settled(otherEnded)).toBe('shutdown')
    expect(manual.platform.clock.pending).toBe(before)
    await manual.platform.advance(1_000)
    expect(diary.events.slice(4)).toEqual(['a starts', 'b starts', 'c starts', 'c ends shutdown'])
  })

  describe('that is dynamic', () => {
    async function startRooms(intensity: Intensity = often): Promise<Pid<RoomsProtocol>> {
      const rooms = dynamicSupervisor('rooms', { behavior: fragile, intensity, backoff })
      return (await manual.settled(manual.node.start(rooms, []))) as Pid as Pid<RoomsProtocol>
    }

    async function add(rooms: Pid<RoomsProtocol>, id: string): Promise<Pid> {
      return await manual.settled(manual.node.call(rooms, 'startChild', [id, diary]))
    }

    async function crash(pid: Pid): Promise<void> {
      manual.node.exit(pid, 'kill')
      await manual.platform.settle()
    }

    it('D1 [local]: restarts a child after its wait, apart from the others', async () => {
      const rooms = await startRooms()
      const [a, b] = [await add(rooms, 'a'), await add(rooms, 'b')]
      await crash(a)
      await manual.platform.advance(50)
      await crash(b)
      expect(await statuses(rooms as Pid as Tested)).toBe('restarting restarting')
      expect(await manual.settled(manual.node.call(rooms, 'countChildren', []))).toMatchObject({ specs: 2, active: 0 })
      await manual.platform.advance(50)
      expect(await statuses(rooms as Pid as Tested)).toBe('running restarting')
      await manual.platform.advance(50)
      expect(await statuses(rooms as Pid as Tested)).toBe('running running')
      expect(diary.events).toEqual(['a starts', 'b starts', 'a starts', 'b starts'])
    })

    it('D1 [local]: a restart that fails waits longer and counts, and giving up cancels the other waits', async () => {
      const rooms = await startRooms({ maxRestarts: 3, withinMs: 1_000 })
      const [a, b] = [await add(rooms, 'a'), await add(rooms, 'b')]
      const ended = manual.node.watch(rooms)
      diary.failures['a'] = 100
      // No recovery for a start that fails later.
      await manual.platform.advance(1_000)
      await crash(a)
      await manual.platform.advance(100)
      expect(await statuses(rooms as Pid as Tested)).toBe('restarting running')
      await manual.platform.advance(199)
      expect(diary.events).toHaveLength(3)
      await crash(b)
      await manual.platform.advance(1)
      expect(await manual.settled(ended)).toBe('shutdown')
      await manual.platform.advance(1_000)
      expect(diary.events).toEqual(['a starts', 'b starts', 'a starts', 'a starts'])
    })

    it('D1 [local]: a child that waits is stopped for good by the Pid it had', async () => {
      const rooms = await startRooms()
      const a = await add(rooms, 'a')
      const before = manual.platform.clock.pending
      diary.failures['a'] = 1
      await crash(a)
      await manual.platform.advance(100)
      expect(await manual.settled(manual.node.call(rooms, 'terminateChild', [a]))).toBe(true)
      expect(await manual.settled(manual.node.call(rooms, 'terminateChild', [a]))).toBe(false)
      expect(await shown(rooms as Pid as Tested)).toEqual([])
      expect(manual.platform.clock.pending).toBe(before)
      await manual.platform.advance(1_000)
      expect(diary.events).toEqual(['a starts', 'a starts'])
    })

    it('D1 [local]: the Pid that a child had before its restart is nobody any more', async () => {
      const rooms = await startRooms()
      const a = await add(rooms, 'a')
      await crash(a)
      await manual.platform.advance(100)
      expect(await manual.settled(manual.node.call(rooms, 'terminateChild', [a]))).toBe(false)
      expect(await statuses(rooms as Pid as Tested)).toBe('running')
    })
  })
})

interface RoomsProtocol {
  call: {
    startChild(id: string, diary: Diary): Pid
    terminateChild(pid: Pid): boolean
    whichChildren(): ChildInfo[]
    countChildren(): object
  }
  cast: Record<never, never>
}
