import { actorName, child, defineApp, genServer, type Pid, supervisor } from '@skerry/core'
import type { Platform, ThreadEvents, ThreadHandle, Threads, Turn } from '@skerry/core/platform'
import { type Behavior, type MainPort, runThread, type ThreadBoot } from '@skerry/core/simulation'
import type { ManualPlatform } from '@skerry/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { type ManualNode, startManualNode } from '../fixtures/manual-node.ts'
import { downMessage, exitMessage, startPuppet } from '../fixtures/puppet.ts'

const module = { url: 'file:///no/such/module.mjs' }

const worker = genServer({
  module,
  name: 'worker',
  init: (ctx, trapExit: boolean) => {
    ctx.trapExit = trapExit
    return { list: [0] }
  },
  call: {
    push: (ctx, item: number) => (ctx.state.list.push(item), ctx.state.list),
    take: (_ctx, given: { list: number[] }) => given.list.push(99),
    whereis: (ctx, name: string) => ctx.whereis(actorName(name)),
    save: async (ctx, text: string) => {
      await ctx.files.write('saved', new TextEncoder().encode(text))
      ctx.log.warn({ text }, 'saved')
    },
    never: () => new Promise(() => undefined),
    link: (ctx, pid: Pid) => ctx.link(pid),
    crash: () => {
      throw new RangeError('on a thread')
    },
    unclonable: () => () => 1,
  },
})
const broken = genServer({
  module,
  name: 'broken',
  init: () => {
    throw new RangeError('no disk')
  },
})
const homeless = genServer({ name: 'homeless', init: () => undefined })

/** Kernels beside that of the node, with messages cloned at the border. A thread that is terminated runs no turn any more. */
function threadsInProcess(main: ManualPlatform): Threads {
  const lent = new Map<string, Behavior>()
  const none = (): never => {
    throw new Error('These tests have one thread at a time')
  }
  return {
    parallelism: 1,
    openPort: none,
    adoptPort: none,
    lend: (behavior) => lent.set((behavior as Behavior).name, behavior as Behavior),
    start(boot: unknown, events: ThreadEvents): ThreadHandle {
      const copy = structuredClone(boot) as ThreadBoot
      let alive = true
      let listener: ((message: unknown) => void) | undefined
      const early: unknown[] = []
      const later = (run: () => void): void => main.turns.enqueue({ runTurn: run })
      const own: Platform = {
        ...main,
        turns: { enqueue: (turn: Turn) => later(() => (alive ? turn.runTurn() : undefined)) },
      }
      const port: MainPort = {
        drain: () => undefined,
        post(batch) {
          const sent: unknown = structuredClone(batch)
          later(() => events.message(sent))
        },
        onMessage(on) {
          listener = on as (message: unknown) => void
          for (const message of early.splice(0)) listener(message)
        },
      }
      runThread(copy, port, own, (_module, name) => Promise.resolve(lent.get(name) as Behavior))
      return {
        drain: () => undefined,
        close: () => undefined,
        post(message) {
          const sent: unknown = structuredClone(message)
          later(() => {
            if (!alive) return
            if (listener === undefined) early.push(sent)
            else listener(sent)
          })
        },
        terminate() {
          if (!alive) return
          alive = false
          later(() => events.ended({ exitCode: 1 }))
        },
      }
    },
  }
}

let manual: ManualNode

beforeEach(async () => {
  manual = await startManualNode((platform) => ({ threads: threadsInProcess(platform) }))
})

const start = () => manual.settled(manual.node.start(worker, [false], { thread: 'own' }))

describe('a thread that is none', () => {
  it('runs the behavior that it is handed, whose module is never loaded', async () => {
    const pid = await start()
    expect(pid.thread).toBe(1)
    expect(await manual.settled(manual.node.call(pid, 'push', [1]))).toEqual([0, 1])
    expect(await manual.settled(manual.node.call(pid, 'push', [2]))).toEqual([0, 1, 2])
  })

  it('gets copies, as a real one does, and refuses what can not be copied', async () => {
    const { node, settled } = manual
    const pid = await start()
    const given = { list: [1] }
    await settled(node.call(pid, 'take', [given]))
    expect(given.list).toEqual([1])
    const list = await settled(node.call(pid, 'push', [1]))
    list.push(7)
    expect(await settled(node.call(pid, 'push', [2]))).toEqual([0, 1, 2])
    await expect(settled(node.call(pid, 'unclonable', []))).rejects.toMatchObject({ code: 'ERR_NOT_ENCODABLE' })
  })

  it('is linked and monitored', async () => {
    const { node, settled } = manual
    const pid = await start()
    const watcher = await settled(startPuppet(node, { trapExit: true }))
    const ref = await settled(
      watcher.do((ctx) => {
        ctx.link(pid)
        return ctx.monitor(pid)
      }),
    )
    await expect(settled(node.call(pid, 'crash', []))).rejects.toMatchObject({
      code: 'ERR_CALLEE_EXITED',
      outcome: 'ran',
    })
    const reason = expect.objectContaining({ name: 'RangeError', message: 'on a thread' })
    const said = [await watcher.next(), await watcher.next()]
    expect(said).toContainEqual(exitMessage(pid, reason))
    expect(said).toContainEqual(downMessage(ref, reason))
  })

  it('is killed while it waits, and says so to its link; its calls end as unknown', async () => {
    const { node, settled, platform } = manual
    const pid = await start()
    const watcher = await settled(startPuppet(node, { trapExit: true }))
    await settled(watcher.do((ctx) => ctx.link(pid)))
    const waiting = node.call(pid, 'never', [])
    waiting.catch(() => undefined)
    await platform.settle()
    node.exit(pid, 'kill')
    await expect(settled(waiting)).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', outcome: 'unknown' })
    expect(await watcher.next()).toEqual(exitMessage(pid, 'killed'))
    await expect(settled(node.call(pid, 'push', [1]))).rejects.toMatchObject({ code: 'ERR_NOPROC' })
  })

  it('has the names, the files and the log of its node', async () => {
    const { node, settled, platform } = manual
    const pid = await start()
    const puppet = await settled(startPuppet(node))
    await settled(puppet.do((ctx) => ctx.register(actorName('known'))))
    expect(await settled(node.call(pid, 'whereis', ['known']))).toEqual(puppet.pid)
    await settled(node.call(pid, 'save', ['tea']))
    expect(await platform.files.read('saved')).toEqual(new TextEncoder().encode('tea'))
    expect(platform.log.entries).toContainEqual({ level: 'warn', message: 'saved', fields: { thread: 1, text: 'tea' } })
  })

  it('reports an init that fails, and refuses a behavior that no real thread could load', async () => {
    const { node, settled } = manual
    await expect(settled(node.start(broken, [], { thread: 'own' }))).rejects.toMatchObject({ code: 'ERR_START_FAILED' })
    await expect(settled(node.start(homeless, [], { thread: 'own' }))).rejects.toMatchObject({ code: 'ERR_NO_MODULE' })
  })

  it('is started again by its supervisor', async () => {
    const name = actorName<{ call: { push(item: number): number[] }; cast: object }>('supervised')
    const children = [
      supervisor('top', { children: [child('worker', worker, [false], { thread: 'own', register: name })] }),
    ]
    const app = defineApp({ name: 'supervised-threads', children })
    const { node, settled, platform } = await startManualNode((its) => ({ threads: threadsInProcess(its) }), app)
    const first = node.whereis(name)
    await settled(node.call(name, 'push', [1]))
    node.exit(name, 'kill')
    await platform.settle()
    const second = node.whereis(name)
    expect([first?.thread, second?.thread]).toEqual([1, 2])
    expect(await settled(node.call(name, 'push', [5]))).toEqual([0, 5])
  })
})
