import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import {
  actorName,
  type Behavior,
  child,
  defineApp,
  genServer,
  type Node,
  type Pid,
  silentLog,
  startNode,
  supervisorBehavior,
  type SupervisorProtocol,
  systemPlatform,
} from '@skerry/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { orphanGraceMs } from '../../src/thread/orphan.ts'
import { downMessage, exitMessage, startPuppet } from '../fixtures/puppet.ts'
import { Sightings } from '../fixtures/sightings.ts'
import { hiddenBehavior, mirror, worker } from '../fixtures/thread-actors.mjs'
import { shy } from '../fixtures/throws-on-threads.mjs'

type WorkerPid = Awaited<ReturnType<typeof startWorker>>

interface WorkerOptions {
  trapExit?: boolean
  reportTo?: Pid
  failInit?: boolean
}

let node: Node
let threadsStarted = 0

async function startWorker(options: WorkerOptions = {}) {
  return await node.start(worker, [options], { thread: 'own' })
}

type ProtocolOf<B> = B extends Behavior<infer _Args, infer Protocol> ? Protocol : never
const supervisedName = actorName<ProtocolOf<typeof worker>>('supervised')

describe('an actor on a thread of its own', () => {
  beforeAll(async () => {
    const platform = systemPlatform({ log: silentLog })
    const threads: typeof platform.threads = {
      ...platform.threads,
      start(boot, events) {
        threadsStarted += 1
        return platform.threads.start(boot, events)
      },
    }
    const app = defineApp({
      name: 'threads',
      intensity: { maxRestarts: 100, withinMs: 1_000 },
      children: [child('supervised', worker, [{}], { thread: 'own', register: supervisedName, shutdownMs: 100 })],
    })
    node = await startNode(app, { region: 'syd', platform: { ...platform, threads } })
  })
  afterAll(() => node.stop())

  describe('takes part like any other', () => {
    it('[thread] is called and cast to, and gets copies', async () => {
      const pid = await startWorker()
      node.cast(pid, 'add', [1])
      expect(await node.call(pid, 'add', [2])).toBe(3)
      const list = [1]
      expect(await node.call(pid, 'push', [list])).toEqual([1, 2])
      expect(list).toEqual([1])
      node.exit(pid, 'kill')
    })

    it('[thread] runs elsewhere, and reads the region table there', async () => {
      const pid = await startWorker()
      const where = await node.call(pid, 'where', [])
      expect(where).toEqual({ isMainThread: false, thread: pid.thread, regions: ['syd'], region: 'syd' })
      expect(pid.thread).toBeGreaterThan(0)
      node.exit(pid, 'kill')
    })

    it('[thread] never gets the thread number of an earlier one', async () => {
      const first = await startWorker()
      const ended = node.watch(first)
      node.exit(first, 'kill')
      await ended
      const second = await startWorker()
      expect(second.thread).toBeGreaterThan(first.thread)
      await expect(node.call(first, 'add', [1])).rejects.toMatchObject({ code: 'ERR_NOPROC', outcome: 'not-run' })
      node.exit(second, 'kill')
    })

    it('[thread] logs what JSON does not know without harm', async () => {
      const pid = await startWorker()
      await node.call(pid, 'logOddly', [])
      expect(await node.call(pid, 'add', [1])).toBe(1)
      node.exit(pid, 'kill')
    })

    it('[thread] answers an unknown handler, and what can not be copied, with a coded refusal', async () => {
      const pid = await startWorker()
      const any = pid as Pid as Pid<{ call: { toString(): string }; cast: object }>
      await expect(node.call(any, 'toString', [])).rejects.toMatchObject({ code: 'ERR_NO_HANDLER' })
      const unencodable = { name: 'CallError', code: 'ERR_NOT_ENCODABLE' }
      await expect(node.call(pid, 'unclonable', [])).rejects.toMatchObject({ ...unencodable, outcome: 'ran' })
      const odd = (() => 1) as never as number
      await expect(node.call(pid, 'add', [odd])).rejects.toMatchObject({ ...unencodable, outcome: 'not-run' })
      expect(await node.call(pid, 'add', [1])).toBe(1)
      node.exit(pid, 'kill')
    })

    it('[thread] calls actors of the main thread and of other threads', async () => {
      const [first, second] = await Promise.all([startWorker(), startWorker()])
      const main = await node.start(adder, [])
      expect(await node.call(first, 'callOther', [second, 5])).toBe(5)
      expect(await node.call(first, 'callOther', [main, 7])).toBe(7)
      for (const pid of [first, second]) node.exit(pid, 'kill')
    })

    it('[thread] gets what was sent to it before it was up', async () => {
      const reader = await startPuppet(node)
      await reader.do((ctx) => {
        const pid = ctx.spawn(mirror, [ctx.self], { thread: 'own', link: true })
        for (const number of [1, 2, 3]) ctx.send(pid, number)
      })
      expect([await reader.next(), await reader.next(), await reader.next()]).toEqual([1, 2, 3])
      const ended = node.watch(reader.pid)
      node.exit(reader.pid, 'shutdown')
      await ended
    })

    it('L14 [thread]: messages between two actors arrive in order', async () => {
      const pid = await startWorker()
      const reader = await startPuppet(node)
      await node.call(pid, 'sendNumbers', [reader.pid, 500])
      const numbers = Array.from({ length: 500 }, (_, index) => index)
      expect(await Promise.all(numbers.map(() => reader.next()))).toEqual(numbers)
      node.exit(pid, 'kill')
    })
  })

  describe('names', () => {
    it('[thread] of the node are seen there, also those taken and freed later', async () => {
      const pid = await startWorker()
      expect(await node.call(pid, 'whereis', ['supervised'])).toEqual(node.whereis(supervisedName))
      const puppet = await startPuppet(node)
      await puppet.do((ctx) => ctx.register(actorName('later')))
      expect(await node.call(pid, 'whereis', ['later'])).toEqual(puppet.pid)
      const ended = node.watch(puppet.pid)
      node.exit(puppet.pid, 'kill')
      await ended
      expect(await node.call(pid, 'whereis', ['later'])).toBeUndefined()
      node.exit(pid, 'kill')
    })

    it('[thread] taken there are seen by all, refused where taken, and free before DOWN', async () => {
      const [first, second] = await Promise.all([startWorker(), startWorker()])
      expect(await node.call(first, 'register', ['from-thread'])).toBe('registered')
      expect(node.whereis(actorName('from-thread'))).toEqual(first)
      expect(await node.call(second, 'whereis', ['from-thread'])).toEqual(first)
      expect(await node.call(second, 'register', ['from-thread'])).toBe('ERR_NAME_TAKEN')
      const watcher = await startPuppet(node)
      await watcher.do((ctx) => ctx.monitor(first))
      await node.call(first, 'exit', ['enough']).catch(() => undefined)
      await watcher.next()
      expect(node.whereis(actorName('from-thread'))).toBeUndefined()
      expect(await node.call(second, 'register', ['from-thread'])).toBe('registered')
      node.exit(second, 'kill')
    })

    it('[thread] given to an actor that is started there are seen by all, and refused where taken', async () => {
      const pid = await startWorker()
      const started = await node.call(pid, 'startNamed', ['started-there'])
      expect(node.whereis(actorName('started-there'))).toEqual(started)
      expect(await node.call(pid, 'startNamed', ['started-there'])).toBe('ERR_NAME_TAKEN')
      expect(await node.call(pid, 'startNamed', ['supervised'])).toBe('ERR_NAME_TAKEN')
      const ended = node.watch(pid)
      node.exit(pid, 'kill')
      await ended
      await expect.poll(() => node.whereis(actorName('started-there'))).toBeUndefined()
    })

    it('G6 [thread]: a name that is taken refuses the start before there is a thread', async () => {
      const before = threadsStarted
      await expect(node.start(worker, [{}], { thread: 'own', register: supervisedName })).rejects.toMatchObject({
        code: 'ERR_NAME_TAKEN',
      })
      const starter = await startPuppet(node)
      const code = starter.do((ctx) =>
        ctx
          .start(worker, [{}], { thread: 'own', register: supervisedName })
          .catch((error: { code: string }) => error.code),
      )
      expect(await code).toBe('ERR_NAME_TAKEN')
      expect(threadsStarted).toBe(before)
      expect(node.whereis(supervisedName)).toBeDefined()
    })
  })

  describe('ends', () => {
    it('L2 [thread]: by a kill, also in an endless loop, and links and monitors see killed', async () => {
      const pid = await startWorker()
      const [linked, watcher] = [await startPuppet(node, { trapExit: true }), await startPuppet(node)]
      await linked.do((ctx) => ctx.link(pid))
      const monitor = await watcher.do((ctx) => ctx.monitor(pid))
      const spinning = node.call(pid, 'spin', [], { timeoutMs: 60_000 })
      const refused = expect(spinning).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', reason: 'killed' })
      node.exit(pid, 'kill')
      expect(await linked.next()).toEqual(exitMessage(pid, 'killed'))
      expect(await watcher.next()).toEqual(downMessage(monitor, 'killed'))
      await refused
    })

    it('[thread] in an endless loop: its supervisor starts it again', async () => {
      const first = node.whereis(supervisedName) as WorkerPid
      node.cast(first, 'spin', [])
      await expect(node.call(first, 'add', [1], { timeoutMs: 50 })).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT' })
      node.exit(first, 'kill')
      await expect.poll(() => node.whereis(supervisedName)?.thread).toBeGreaterThan(first.thread)
      expect(await node.call(node.whereis(supervisedName) as WorkerPid, 'add', [1])).toBe(1)
    })

    it('L4, L6 [thread]: by an error or an exit, with that reason', async () => {
      const [crashing, exiting] = await Promise.all([startWorker(), startWorker()])
      const ends = [node.watch(crashing), node.watch(exiting)]
      await expect(node.call(crashing, 'crash', [])).rejects.toMatchObject({
        code: 'ERR_CALLEE_EXITED',
        outcome: 'ran',
        cause: { name: 'RangeError', code: 'ERR_ON_A_THREAD' },
      })
      await expect(node.call(exiting, 'exit', ['enough'])).rejects.toMatchObject({ reason: 'enough' })
      expect(await ends[0]).toMatchObject({ name: 'RangeError', message: 'on a thread', code: 'ERR_ON_A_THREAD' })
      expect(await ends[1]).toBe('enough')
    })

    it('L4, L5 [thread]: with the main-thread actor that it is linked to, unless that one ends normally', async () => {
      const pid = await startWorker()
      const [normal, abnormal] = [await startPuppet(node), await startPuppet(node)]
      await node.call(pid, 'link', [normal.pid])
      await node.call(pid, 'link', [abnormal.pid])
      const normalEnded = node.watch(normal.pid)
      node.cast(normal.pid, 'perform', [(ctx) => ctx.exit(ctx.self, 'normal')])
      await normalEnded
      expect(await node.call(pid, 'add', [1])).toBe(1)
      const ended = node.watch(pid)
      node.exit(abnormal.pid, 'boom')
      expect(await ended).toBe('boom')
    })

    it('L4 [thread]: traps exits, and monitors from there fire', async () => {
      const reader = await startPuppet(node)
      const pid = await startWorker({ trapExit: true, reportTo: reader.pid })
      expect(await reader.next()).toEqual({ isMainThread: false, thread: pid.thread })
      const victim = await startPuppet(node)
      await node.call(pid, 'link', [victim.pid])
      const monitor = await node.call(pid, 'monitor', [victim.pid])
      await node.call(pid, 'kill', [victim.pid])
      const fired = [await reader.next(), await reader.next()]
      expect(fired).toContainEqual(exitMessage(victim.pid, 'killed'))
      expect(fired).toContainEqual(downMessage(monitor, 'killed'))
      const dead = await node.call(pid, 'monitor', [victim.pid])
      expect(await reader.next()).toEqual(downMessage(dead, 'noproc'))
      node.exit(pid, 'kill')
    })

    it('[thread] and takes along the other actors of its thread, whose watchers see threadlost', async () => {
      const pid = await startWorker()
      const other = (await node.call(pid, 'startNamed', ['companion'])) as Pid
      const watcher = await startPuppet(node)
      const monitor = await watcher.do((ctx) => ctx.monitor(other))
      node.exit(pid, 'kill')
      expect(await watcher.next()).toEqual(downMessage(monitor, 'threadlost'))
    })

    it.each([
      ['throws', 'throwOutside', 'outside of any actor'],
      ['rejects unhandled', 'throwUnhandled', 'nobody awaits this'],
    ] as const)(
      '[thread] when its thread %s outside of any actor, with that error; nobody else is hurt',
      async (_how, verb, message) => {
        const [pid, other] = await Promise.all([startWorker(), startWorker()])
        const ended = node.watch(pid)
        // The one who rejects so may have answered before.
        const call = node.call(pid, verb, []).catch((error: unknown) => error)
        expect(await ended).toMatchObject({ type: 'error', name: 'RangeError', message })
        if (verb === 'throwOutside') expect(await call).toMatchObject({ code: 'ERR_CALLEE_EXITED', outcome: 'unknown' })
        expect(await node.call(other, 'add', [1])).toBe(1)
        node.exit(other, 'kill')
      },
    )

    it('[thread] when its thread calls process.exit, as a lost thread', async () => {
      const pid = await startWorker()
      const ended = node.watch(pid)
      const call = node.call(pid, 'exitProcess', [])
      await expect(call).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', outcome: 'unknown', reason: 'threadlost' })
      expect(await ended).toBe('threadlost')
    })

    it('[thread] in an endless loop, when its parent has ended and it does not read that', async () => {
      let due: (() => void)[] = []
      let catching = false
      const platform = systemPlatform({ log: silentLog })
      const later: typeof platform.clock = {
        ...platform.clock,
        // The grace is over when the test says so.
        after: (delayMs, run) => {
          if (!catching || delayMs !== orphanGraceMs) return platform.clock.after(delayMs, run)
          due.push(run)
          return { cancel: () => (due = due.filter((one) => one !== run)) }
        },
      }
      const other = await startNode(defineApp({ name: 'orphans', children: [] }), {
        platform: { ...platform, clock: later },
      })
      const parent = await startPuppet(other)
      const [spinning, reading] = await parent.do((ctx) =>
        Promise.all([ctx.start(worker, [{}], { thread: 'own' }), ctx.start(worker, [{}], { thread: 'own' })]),
      )
      other.cast(spinning, 'spin', [])
      // Behind the cast's batch, so that the exit signal is in another one, which is never read.
      await other.call(reading, 'add', [1])
      const [spinningEnded, readingEnded] = [other.watch(spinning), other.watch(reading)]
      catching = true
      other.exit(parent.pid, 'boom')
      expect(await readingEnded).toBe('boom')
      expect(due).toHaveLength(1)
      due[0]?.()
      expect(await spinningEnded).toBe('killed')
      await other.stop()
    })

    it('[thread] when its heap is full, with a code; the node lives and its supervisor starts it again', async () => {
      const name = actorName<ProtocolOf<typeof worker>>('hungry')
      const app = defineApp({
        name: 'hungry-app',
        children: [child('hungry', worker, [{}], { thread: 'own', register: name })],
      })
      const small = await startNode(app, { log: silentLog, threadHeapMb: 32 })
      const first = small.whereis(name) as WorkerPid
      const ended = small.watch(first)
      await expect(small.call(first, 'fillHeap', [], { timeoutMs: 60_000 })).rejects.toMatchObject({
        code: 'ERR_CALLEE_EXITED',
        outcome: 'unknown',
      })
      expect(await ended).toMatchObject({ type: 'error', code: 'ERR_WORKER_OUT_OF_MEMORY' })
      await expect.poll(() => small.whereis(name)?.thread).toBeGreaterThan(first.thread)
      expect(await small.call(name, 'add', [1])).toBe(1)
      await small.stop()
      await expect(startNode(app, { threadHeapMb: 8 })).rejects.toMatchObject({ code: 'ERR_BAD_CONFIG' })
    })

    it('[thread] with its node, also in an endless loop', async () => {
      const app = defineApp({
        name: 'spinner',
        children: [child('spinner', worker, [{}], { thread: 'own', shutdownMs: 5 })],
      })
      const spinner = await startNode(app, { log: silentLog })
      const [info] = await spinner.whichChildren()
      spinner.cast(info?.pid as WorkerPid, 'spin', [])
      const ended = spinner.watch(info?.pid as Pid)
      await spinner.stop()
      expect(await ended).toBe('killed')
    })
  })

  describe('fails to start', () => {
    it('G6 [thread]: when its init throws, with that reason, and leaves no name', async () => {
      const name = actorName('unborn')
      const start = node.start(worker, [{ failInit: true }], { thread: 'own', register: name })
      await expect(start).rejects.toMatchObject({
        code: 'ERR_START_FAILED',
        reason: { name: 'RangeError', message: 'no disk' },
      })
      await expect.poll(() => node.whereis(name)).toBeUndefined()
    })

    it('[thread] when its module has no such export, naming the file and the cure', async () => {
      const error: unknown = await node
        .start(hiddenBehavior(), [], { thread: 'own' })
        .catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ name: 'ActorError', code: 'ERR_MODULE_LOAD' })
      const { message } = error as Error
      for (const part of ['thread-actors.mjs', '"hidden"', 'mirror, worker', 'export it'])
        expect(message).toContain(part)
    })

    it('[thread] when its module throws as it loads, naming the file', async () => {
      const error: unknown = await node.start(shy, [], { thread: 'own' }).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'ERR_MODULE_LOAD' })
      expect((error as Error).message).toContain('throws-on-threads.mjs')
      expect((error as Error).message).toContain('does not like threads')
    })

    it('[thread] when its module is not there', async () => {
      const lost = genServer({ module: { url: 'file:///no/such/module.mjs' }, name: 'lost', init: () => undefined })
      await expect(node.start(lost, [], { thread: 'own' })).rejects.toMatchObject({
        code: 'ERR_MODULE_LOAD',
        message: expect.stringContaining('file:///no/such/module.mjs') as unknown,
      })
    })

    it('[thread] when it names no module', async () => {
      const start = node.start(adder, [], { thread: 'own' })
      await expect(start).rejects.toMatchObject({
        code: 'ERR_NO_MODULE',
        message: expect.stringContaining('module: import.meta') as unknown,
      })
    })

    it('[thread] when its arguments can not be copied', async () => {
      const options = { fn: () => 1 } as never as WorkerOptions
      await expect(node.start(worker, [options], { thread: 'own' })).rejects.toMatchObject({
        code: 'ERR_NOT_CLONEABLE',
      })
      const starter = await startPuppet(node, { trapExit: true })
      const start = starter.do((ctx) =>
        ctx.start(worker, [options], { thread: 'own' }).catch((error: { code: string }) => error.code),
      )
      expect(await start).toBe('ERR_NOT_CLONEABLE')
      expect(await starter.next()).toMatchObject({ type: 'EXIT', reason: { code: 'ERR_NOT_CLONEABLE' } })
    })

    it.each(['start', 'restart'])(
      '[thread] with a supervisor that is killed while it is at another %s',
      async (when) => {
        let held: Promise<void> | undefined
        let release = (): void => undefined
        const hold = (): void => {
          held = new Promise((resolve) => {
            release = resolve
          })
        }
        const inits = new Sightings<'held' | 'free'>()
        const ends = new Sightings<'ended'>()
        const slow = genServer({
          name: 'slow',
          // So that the end of its supervisor finds it starting, and does not end it.
          trapExit: true,
          init: () => {
            inits.add(held === undefined ? 'free' : 'held')
            return held
          },
          terminate: () => ends.add('ended'),
        })
        const children = [child('slow', slow, []), child('worker', worker, [{}], { thread: 'own' })]
        const name = actorName<SupervisorProtocol>('doomed')
        const tree = supervisorBehavior('doomed', { strategy: 'oneForAll', children })
        if (when === 'start') hold()
        const starting = node.start(tree, [], { register: name }).catch(() => undefined)
        if (when === 'restart') {
          expect(await inits.next()).toBe('free')
          await starting
          const [first, second] = await node.call(name, 'whichChildren', [])
          hold()
          const stopped = node.watch(second?.pid as Pid)
          node.exit(first?.pid as Pid, 'kill')
          await stopped
        }
        expect(await inits.next()).toBe('held')
        const before = threadsStarted
        node.exit(name, 'kill')
        await starting
        release()
        await ends.next()
        await node.whichChildren()
        expect(threadsStarted).toBe(before)
      },
    )

    it('[thread] as a child: the tree does not start, and says why', async () => {
      const app = defineApp({ name: 'bad', children: [child('hidden', hiddenBehavior(), [], { thread: 'own' })] })
      const error: unknown = await startNode(app, { log: silentLog }).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ name: 'NodeError', code: 'ERR_APP_START' })
      expect((error as Error).message).toContain('export it')
    })

    it('[thread] when its module starts a node as it loads: a coded error that names the cure', async () => {
      const program = fileURLToPath(new URL('../fixtures/one-file-program.mjs', import.meta.url))
      const { code, output } = await run(program)
      expect(code).toBe(1)
      expect(output).not.toContain('started')
      for (const part of [
        'ERR_APP_START',
        'ERR_NODE_IN_THREAD',
        'startNode was called on a thread',
        'one-file-program.mjs',
        'isMainThread',
      ]) {
        expect(output).toContain(part)
      }
    })
  })
})

/** On the main thread only. */
const adder = genServer({
  name: 'adder',
  init: () => ({ count: 0 }),
  call: { add: (ctx, by: number) => (ctx.state.count += by) },
})

describe('threads of their own', () => {
  it('[thread] are at most 128 a node: one more is refused, and runs nothing', async () => {
    const platform = systemPlatform({ log: silentLog })
    const begun: { end(): void }[] = []
    // Threads that never say a word: what is counted is who was let in.
    const start: typeof platform.threads.start = (_boot, events) => {
      const end = (): void => events.ended({ exitCode: 1 })
      begun.push({ end })
      return { post: () => undefined, drain: () => undefined, close: () => undefined, terminate: end }
    }
    const threads = { ...platform.threads, start }
    const crowded = await startNode(defineApp({ name: 'crowded', children: [] }), {
      platform: { ...platform, threads },
    })
    const starts = Array.from({ length: 128 }, () => crowded.start(worker, [{}], { thread: 'own' }))
    const ends = Promise.allSettled(starts)
    await expect(crowded.start(worker, [{}], { thread: 'own' })).rejects.toMatchObject({
      name: 'ActorError',
      code: 'ERR_TOO_MANY_THREADS',
    })
    expect(begun).toHaveLength(128)
    begun[0]?.end()
    void crowded.start(worker, [{}], { thread: 'own' }).catch(() => undefined)
    expect(begun).toHaveLength(129)
    await crowded.stop()
    await ends
  })
})

function run(program: string): Promise<{ code: number | undefined; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program], (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined
      resolve({ code, output: stdout + stderr })
    })
  })
}
