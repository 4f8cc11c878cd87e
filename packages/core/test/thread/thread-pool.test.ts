import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  actorName,
  type Behavior,
  child,
  defineApp,
  genServer,
  type Node,
  type Pid,
  type Placement,
  silentLog,
  startNode,
  systemPlatform,
} from '@skerry/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { killGraceMs } from '../../src/thread/pool-watch.ts'
import { downMessage, exitMessage, startPuppet } from '../fixtures/puppet.ts'
import { spinner } from '../fixtures/slow-to-load.mjs'
import { worker } from '../fixtures/thread-actors.mjs'

type ProtocolOf<B> = B extends Behavior<infer _Args, infer Protocol> ? Protocol : never
type WorkerPid = Pid<ProtocolOf<typeof worker>>
const workerName = (name: string) => actorName<ProtocolOf<typeof worker>>(name)

const blockedMs = 300
/** Where no thread is stuck: one that is only slow, on a busy machine, is not taken for it. */
const hourMs = 3_600_000

let node: Node

/** A worker on the first or the second thread of the pool, or where else it should be. */
function startWorker(thread: Placement = 'pool'): Promise<WorkerPid> {
  return node.start(worker, [{}], { thread }) as Promise<WorkerPid>
}

/** Two that are not on the same thread. */
async function startTwo(): Promise<[WorkerPid, WorkerPid]> {
  const two = [await startWorker(), await startWorker()] as [WorkerPid, WorkerPid]
  expect(two[0].thread).not.toBe(two[1].thread)
  return two
}

function answers(pid: WorkerPid): Promise<boolean> {
  return node.call(pid, 'add', [1], { timeoutMs: 50 }).then(
    () => true,
    () => false,
  )
}

async function startPooled(blockedAfterMs: number): Promise<void> {
  const threadPool = { size: 2, blockedMs: blockedAfterMs }
  node = await startNode(defineApp({ name: 'pooled', children: [] }), { log: silentLog, region: 'syd', threadPool })
}
afterEach(() => node.stop())

describe('a pool of threads', () => {
  beforeEach(() => startPooled(hourMs))

  it('[thread] runs actors away from main, the next where there are the fewest', async () => {
    const pids = [await startWorker(), await startWorker(), await startWorker(), await startWorker()]
    const threads = pids.map((pid) => pid.thread)
    expect(new Set(threads).size).toBe(2)
    expect(threads.filter((thread) => thread === threads[0])).toHaveLength(2)
    expect(await node.call(pids[0] as WorkerPid, 'where', [])).toEqual({
      isMainThread: false,
      thread: threads[0],
      regions: ['syd'],
      region: 'syd',
    })
    const ended = node.watch(pids[1] as WorkerPid)
    node.exit(pids[1] as WorkerPid, 'shutdown')
    await ended
    expect((await startWorker()).thread).toBe(threads[1])
  })

  it('[thread] leads a key to the same thread always, and different keys to both', async () => {
    const keys = ['a', 'b', 'c', 'd', 'e', 'f']
    const first = await Promise.all(keys.map((pool) => startWorker({ pool })))
    const second = await Promise.all(keys.map((pool) => startWorker({ pool })))
    expect(second.map((pid) => pid.thread)).toEqual(first.map((pid) => pid.thread))
    expect(new Set(first.map((pid) => pid.thread)).size).toBe(2)
  })

  it('[thread] has its actors call, cast and send to each other directly, in order', async () => {
    const [left, right] = await startTwo()
    expect(await node.call(left, 'callOther', [right, 5])).toBe(5)
    expect(await node.call(right, 'callOther', [left, 7])).toBe(7)
    const own = await startWorker('own')
    expect(await node.call(left, 'callOther', [own, 1])).toBe(1)
    expect(await node.call(own, 'callOther', [left, 1])).toBe(8)
    const reader = await startPuppet(node)
    const mirror = await node.call(left, 'spawnAndTell', ['pool', right, reader.pid])
    expect(new Set([await reader.next(), await reader.next()])).toEqual(new Set(['first', 'third']))
    await node.call(left, 'sendNumbers', [mirror, 300])
    const numbers = Array.from({ length: 300 }, (_, index) => index)
    expect(await Promise.all(numbers.map(() => reader.next()))).toEqual(numbers)
  })

  it.each(['same', 'main', 'pool', 'own', { pool: 'key' }] as const)(
    '[thread] starts actors from a thread of it: on %j',
    async (thread) => {
      const starter = await startWorker()
      const pid = (await node.call(starter, 'startOn', [thread, { name: 'started' }])) as WorkerPid
      expect(pid).toMatchObject({ node: node.id, life: node.life })
      if (thread === 'same') expect(pid.thread).toBe(starter.thread)
      else if (thread === 'main') expect(pid.thread).toBe(0)
      else expect(pid.thread).toBeGreaterThan(0)
      expect(await node.call(starter, 'callOther', [pid, 3])).toBe(3)
      expect(await node.call(pid, 'callOther', [starter, 4])).toBe(4)
      expect(node.whereis(workerName('started'))).toEqual(pid)
      expect(await node.call(starter, 'startOn', [thread, { name: 'started' }])).toBe('ERR_NAME_TAKEN')
      expect(await node.call(pid, 'add', [1])).toBe(4)
      const ended = node.watch(pid)
      node.exit(pid, 'shutdown')
      await ended
      expect(node.whereis(workerName('started'))).toBeUndefined()
      const args = { failInit: true }
      expect(await node.call(starter, 'startOn', [thread, { args }])).toBe('ERR_START_FAILED')
    },
  )

  it.each(['main', 'pool', 'own'] as const)(
    'L4 [thread]: links from a thread of it to one on %s work both ways',
    async (thread) => {
      for (const victim of [0, 1] as const) {
        const parent = await startWorker()
        const linked = (await node.call(parent, 'startOn', [thread, { link: true }])) as WorkerPid
        const pair = [parent, linked] as const
        const ended = node.watch(pair[1 - victim] as WorkerPid)
        // The exit takes another way to its thread: nothing else orders the two.
        await node.call(pair[1 - victim] as WorkerPid, 'add', [1])
        node.exit(pair[victim], 'boom')
        expect(await ended).toBe('boom')
      }
    },
  )

  it('L10 [thread]: a monitor of a dead actor, and of a thread that is gone, says noproc', async () => {
    const reader = await startPuppet(node)
    const watcher = await node.start(worker, [{ reportTo: reader.pid }], { thread: 'pool' })
    await reader.next()
    const [dead, gone] = [await startWorker(), await startWorker('own')]
    for (const pid of [dead, gone]) {
      const ended = node.watch(pid)
      node.exit(pid, 'kill')
      expect(await ended).toBe('killed')
      for (let round = 0; round < 2; round += 1) {
        const monitor = await node.call(watcher, 'monitor', [pid])
        expect(await reader.next()).toEqual(downMessage(monitor, 'noproc'))
        expect(await node.call(watcher, 'call', [pid, 'add', [1], 1_000])).toMatchObject({
          code: 'ERR_NOPROC',
          outcome: 'not-run',
        })
      }
    }
  })

  it('[thread] frees a name before its watcher on another thread hears of the end', async () => {
    const reader = await startPuppet(node)
    const [left, right] = await startTwo()
    const watcher = await node.start(worker, [{ reportTo: reader.pid }], { thread: 'pool' })
    await reader.next()
    for (let round = 0; round < 20; round += 1) {
      const other = watcher.thread === left.thread ? right : left
      const named = (await node.call(other, 'startOn', ['same', { name: 'contested' }])) as WorkerPid
      const monitor = await node.call(watcher, 'monitor', [named])
      await node.call(watcher, 'kill', [named])
      expect(await reader.next()).toEqual(downMessage(monitor, 'killed'))
      const successor = (await node.call(watcher, 'startOn', ['same', { name: 'contested' }])) as WorkerPid
      expect(successor).toMatchObject({ thread: watcher.thread })
      const ended = node.watch(successor)
      node.exit(successor, 'kill')
      await ended
    }
  })
})

describe('a thread of the pool that is stuck', () => {
  beforeEach(() => startPooled(blockedMs))

  it.each(['spin', 'wait'] as const)(
    '[thread] by an actor in "%s" is replaced: that one ends with a code, the others as lost, their supervisors restart them',
    async (how) => {
      const names = ['bad', 'good'].map(workerName)
      const pool = { pool: 'together' }
      const app = defineApp({
        name: 'stuck',
        children: names.map((register) => child(register.name, worker, [{}], { thread: pool, register })),
      })
      const other = await startNode(app, { log: silentLog, threadPool: { size: 2, blockedMs } })
      const [bad, good] = names.map((name) => other.whereis(name)) as [WorkerPid, WorkerPid]
      expect(bad.thread).toBe(good.thread)
      const ends = [other.watch(bad), other.watch(good)]
      await expect(other.call(bad, how, [], { timeoutMs: 60_000 })).rejects.toMatchObject({
        code: 'ERR_CALLEE_EXITED',
        outcome: 'unknown',
        reason: { code: 'ERR_THREAD_BLOCKED' },
      })
      expect(await ends[0]).toMatchObject({ type: 'error', code: 'ERR_THREAD_BLOCKED' })
      expect(await ends[1]).toBe('threadlost')
      await expect.poll(() => names.map((name) => other.whereis(name)?.thread)).not.toContain(undefined)
      const restarted = names.map((name) => other.whereis(name)) as WorkerPid[]
      for (const pid of restarted) expect(pid.thread).toBeGreaterThan(bad.thread)
      expect(await other.call(names[0] as (typeof names)[number], 'add', [1])).toBe(1)
      expect(other.counters().stuckThreads).toBe(1)
      await other.stop()
    },
  )

  it('[thread] by an actor that is killed is replaced without waiting for long', async () => {
    await node.stop()
    // It would take an hour by itself.
    const threadPool = { size: 1, blockedMs: hourMs }
    node = await startNode(defineApp({ name: 'killed', children: [] }), { log: silentLog, threadPool })
    const [bad, good] = [await startWorker(), await startWorker()]
    const ends = [node.watch(bad), node.watch(good)]
    const spinning = node.call(bad, 'spin', [], { timeoutMs: 60_000 })
    spinning.catch(() => undefined)
    await expect.poll(() => answers(good)).toBe(false)
    node.exit(bad, 'kill')
    expect(await Promise.all(ends)).toEqual(['killed', 'threadlost'])
    await expect(spinning).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', reason: 'killed' })
    expect(await node.call(await startWorker(), 'add', [1])).toBe(1)
  })

  it('[thread] is replaced also when the one who kills is on another thread', async () => {
    await node.stop()
    // It would take an hour by itself.
    const threadPool = { size: 2, blockedMs: hourMs }
    node = await startNode(defineApp({ name: 'killed', children: [] }), { log: silentLog, threadPool })
    const [bad, killer] = await startTwo()
    const ended = node.watch(bad)
    const seen = node.call(killer, 'call', [bad, 'spin', [], 60_000])
    seen.catch(() => undefined)
    const own = await startWorker('own')
    await expect.poll(() => answers(bad)).toBe(false)
    await node.call(own, 'kill', [bad])
    expect(await ended).toBe('killed')
    expect(await seen).toMatchObject({ code: 'ERR_CALLEE_EXITED', outcome: 'unknown', reason: 'killed' })
  })

  it('[thread] by an actor whose turn began behind a kill that was not read is replaced as well', async () => {
    await node.stop()
    const folder = mkdtempSync(join(tmpdir(), 'skerry-slow-'))
    process.env['SLOW_TO_LOAD'] = folder
    const due: (() => void)[] = []
    const platform = systemPlatform({ log: silentLog })
    const later: typeof platform.clock = {
      ...platform.clock,
      // A look is due when the test says so.
      after: (delayMs, run) => {
        if (delayMs !== killGraceMs) return platform.clock.after(delayMs, run)
        due.push(run)
        return { cancel: () => undefined }
      },
    }
    const app = defineApp({ name: 'killed', children: [] })
    const threadPool = { size: 1, blockedMs: hourMs }
    node = await startNode(app, { platform: { ...platform, clock: later }, threadPool })
    const look = (): void => due.shift()?.()
    const starter = await startPuppet(node)
    const pid = await starter.do((ctx) => ctx.spawn(spinner, [], { thread: 'pool' }))
    await expect.poll(() => existsSync(join(folder, 'loading')), { timeout: 10_000 }).toBe(true)
    const ended = node.watch(pid)
    node.exit(pid, 'kill')
    await expect.poll(() => due.length).toBe(1)
    look()
    writeFileSync(join(folder, 'go on'), '')
    await expect.poll(() => existsSync(join(folder, 'spinning')), { timeout: 10_000 }).toBe(true)
    for (const _ of [1, 2]) look()
    expect(await ended).toBe('killed')
    expect(node.counters().stuckThreads).toBe(1)
    rmSync(folder, { recursive: true })
  })

  it('[thread] in the first turn that it runs is replaced, and the start fails with the code', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'skerry-slow-'))
    process.env['SLOW_TO_LOAD'] = folder
    writeFileSync(join(folder, 'go on'), '')
    await expect(node.start(spinner, [], { thread: 'pool' })).rejects.toMatchObject({
      code: 'ERR_START_FAILED',
      reason: { code: 'ERR_THREAD_BLOCKED' },
    })
    rmSync(folder, { recursive: true })
  })

  it('[thread] by code after an await is replaced as well; nobody is blamed', async () => {
    const bad = await startWorker()
    const ended = node.watch(bad)
    await expect(node.call(bad, 'spinLater', [], { timeoutMs: 60_000 })).rejects.toMatchObject({ reason: 'threadlost' })
    expect(await ended).toBe('threadlost')
  })

  it('[thread] is not one whose actors are only busy, or killed while they wait', async () => {
    const [left] = await startTwo()
    const ended = node.watch(left)
    node.exit(left, 'kill')
    expect(await ended).toBe('killed')
    expect(node.counters().stuckThreads).toBe(0)
  })
})

describe('a thread of the pool that is lost', () => {
  beforeEach(() => startPooled(hourMs))

  it.each(['throwOutside', 'throwUnhandled', 'exitProcess'] as const)(
    '[thread] by %s: its actors end with threadlost on every thread, and others are started in its place',
    async (how) => {
      const reader = await startPuppet(node)
      const bad = await startWorker()
      const watcher = await node.start(worker, [{ reportTo: reader.pid }], { thread: 'pool' })
      expect(await reader.next()).toEqual({ isMainThread: false, thread: watcher.thread })
      expect(watcher.thread).not.toBe(bad.thread)
      const main = await startPuppet(node, { trapExit: true })
      await main.do((ctx) => ctx.link(bad))
      const monitor = await node.call(watcher, 'monitor', [bad])
      // Behind both, so that they have arrived.
      await Promise.all([node.call(watcher, 'callOther', [bad, 1]), node.call(bad, 'add', [1])])
      node.call(bad, how, []).catch(() => undefined)
      expect(await main.next()).toEqual(exitMessage(bad, 'threadlost'))
      expect(await reader.next()).toEqual(downMessage(monitor, 'threadlost'))
      expect(await node.call(watcher, 'add', [1])).toBe(1)
      const next = await startWorker()
      expect(next.thread).toBeGreaterThan(Math.max(bad.thread, watcher.thread))
      expect(await node.call(watcher, 'callOther', [next, 1])).toBe(1)
    },
  )

  it('[thread] once more and again: the next ones wait longer, and what is started waits for them', async () => {
    for (let round = 0; round < 3; round += 1) {
      const bad = await startWorker({ pool: 'one' })
      const ended = node.watch(bad)
      node.call(bad, 'exitProcess', []).catch(() => undefined)
      expect(await ended).toBe('threadlost')
    }
    expect(await node.call(await startWorker({ pool: 'one' }), 'add', [1])).toBe(1)
  })

  it('[thread] ends what was started from it on threads of their own', async () => {
    const parent = await startWorker()
    const orphan = (await node.call(parent, 'startOn', ['own', { link: true }])) as WorkerPid
    const ended = node.watch(orphan)
    node.call(parent, 'exitProcess', []).catch(() => undefined)
    expect(await ended).toBe('threadlost')
  })
})

describe('an actor of the pool that fails to start', () => {
  beforeEach(() => startPooled(hourMs))

  it('[thread] says so with the module and the cure', async () => {
    const url = new URL('../fixtures/thread-actors.mjs', import.meta.url)
    const lost = genServer({ module: { url: url.href }, name: 'nobody', init: () => undefined })
    const error: unknown = await node.start(lost, [], { thread: 'pool' }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_MODULE_LOAD' })
    expect((error as Error).message).toContain(fileURLToPath(url).split('/').at(-1))
    const unclonable = { reportTo: (() => 1) as never as Pid }
    await expect(node.start(worker, [unclonable], { thread: 'pool' })).rejects.toMatchObject({
      code: 'ERR_NOT_CLONEABLE',
    })
    await expect(node.start(worker, [{ failInit: true }], { thread: 'pool' })).rejects.toMatchObject({
      code: 'ERR_START_FAILED',
      reason: { name: 'RangeError', message: 'no disk' },
    })
  })
})
