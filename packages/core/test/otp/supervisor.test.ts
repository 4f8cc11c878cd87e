import {
  actorName,
  child,
  type ChildInfo,
  type ChildSpec,
  defineApp,
  Exit,
  type ExitReason,
  genServer,
  type Message,
  type Node,
  type Pid,
  type Restart,
  silentLog,
  startNode,
  type Strategy,
  supervisor,
  supervisorBehavior,
  type SupervisorProtocol,
  type SupervisorSpec,
} from '@skerry/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPuppet } from '../fixtures/puppet.ts'
import { Sightings } from '../fixtures/sightings.ts'

/** What the children of a test did, and what they are told to do next. */
class Diary {
  readonly events: string[] = []
  readonly #waiting: { count: number; resolve: () => void }[] = []
  /** Ids whose next inits fail, and how often. */
  readonly failures = new Map<string, number>()
  /** Ids whose inits wait, and for what. */
  readonly holds = new Map<string, Promise<unknown>>()

  note(event: string): void {
    this.events.push(event)
    for (const { count, resolve } of this.#waiting) if (this.events.length >= count) resolve()
  }

  /** Resolves when there are as many events. */
  async reaches(count: number): Promise<void> {
    if (this.events.length >= count) return
    await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }))
  }
}

const diarist = genServer({
  name: 'diarist',
  trapExit: true,
  init: async (_ctx, id: string, diary: Diary) => {
    diary.note(`${id} starts`)
    await diary.holds.get(id)
    const failures = diary.failures.get(id) ?? 0
    diary.failures.set(id, failures - 1)
    if (failures > 0) throw new Error(`${id} can not start`)
    return { id, diary }
  },
  call: {
    crash: (): never => {
      throw new Error('crash')
    },
    end: (ctx, reason: ExitReason) => ctx.stop(reason, 'ending'),
    unlink: (ctx, pid: Pid) => ctx.unlink(pid),
    ping: () => 'pong',
  },
  terminate: (ctx, reason) => ctx.state.diary.note(`${ctx.state.id} ends ${reason as string}`),
})

type DiaristPid = Pid<{
  call: { crash(): never; end(reason: ExitReason): string; unlink(pid: Pid): void; ping(): string }
  cast: object
}>

/** OTP's rules for supervisors. */
describe('a supervisor', () => {
  let node: Node

  beforeAll(async () => {
    node = await startNode(defineApp({ name: 'lone', children: [] }), { log: silentLog })
  })
  afterAll(() => node.stop())

  async function start(
    spec: Omit<SupervisorSpec, 'children'> & { children?: readonly ChildSpec[]; restart?: Restart },
    diary: Diary = new Diary(),
  ): Promise<{ pid: Pid<SupervisorProtocol>; diary: Diary }> {
    const { restart = 'permanent', ...rest } = spec
    const children = ['a', 'b', 'c'].map((id) => child(id, diarist, [id, diary], { restart }))
    const pid = await node.start(supervisorBehavior('tested', { children, ...rest }), [])
    return { pid, diary }
  }

  async function childOf(supervisorPid: Pid<SupervisorProtocol>, id: string): Promise<ChildInfo> {
    const children = await node.call(supervisorPid, 'whichChildren', [])
    return children.find((one) => one.id === id) as ChildInfo
  }

  async function pidOf(supervisorPid: Pid<SupervisorProtocol>, id: string): Promise<DiaristPid> {
    return (await childOf(supervisorPid, id)).pid as DiaristPid
  }

  /** Ends a supervisor in order, as its parent would. */
  async function stop(pid: Pid): Promise<ExitReason> {
    const ended = node.watch(pid)
    // An error of a linked actor that is not a child is ignored by a supervisor, so only its parent or a kill ends it.
    node.exit(pid, 'kill')
    return await ended
  }

  it('S1 [local]: starts its children in order, each when the one before it is up', async () => {
    const diary = new Diary()
    let release: () => void = () => undefined
    diary.holds.set(
      'a',
      new Promise<void>((resolve) => {
        release = resolve
      }),
    )
    const starting = start({}, diary)
    await diary.reaches(1)
    expect(diary.events).toEqual(['a starts'])
    release()
    await stop((await starting).pid)
    expect(diary.events.slice(0, 3)).toEqual(['a starts', 'b starts', 'c starts'])
  })

  it('S1, S10 [local]: ends them in the reverse order when its parent ends, even normally', async () => {
    for (const reason of ['normal', 'shutdown', 'boom']) {
      const diary = new Diary()
      const parent = await startPuppet(node)
      const children = ['a', 'b', 'c'].map((id) => child(id, diarist, [id, diary]))
      const pid = await parent.do((ctx) => ctx.start(supervisorBehavior('tested', { children }), []))
      const ended = node.watch(pid)
      node.cast(parent.pid, 'perform', [
        () => {
          throw new Exit(reason)
        },
      ])
      expect(await ended).toBe(reason)
      expect(diary.events.slice(3)).toEqual(['c ends shutdown', 'b ends shutdown', 'a ends shutdown'])
    }
  })

  it.each<[Strategy, string[]]>([
    ['oneForOne', ['b starts']],
    ['oneForAll', ['c ends shutdown', 'a ends shutdown', 'a starts', 'b starts', 'c starts']],
    ['restForOne', ['c ends shutdown', 'b starts', 'c starts']],
  ])('S2 [local]: with %s, when b of a, b, c is killed', async (strategy, expected) => {
    const { pid, diary } = await start({ strategy })
    const before = await node.call(pid, 'whichChildren', [])
    node.exit(await pidOf(pid, 'b'), 'kill')
    await diary.reaches(3 + expected.length)
    const after = await node.call(pid, 'whichChildren', [])
    expect(diary.events.slice(3)).toEqual(expected)
    expect(after.map(({ id, status }) => `${id} ${status}`)).toEqual(['a running', 'b running', 'c running'])
    const changed = after.filter((one, index) => one.pid?.serial !== before[index]?.pid?.serial).map(({ id }) => id)
    expect(changed).toEqual(expected.filter((event) => event.endsWith('starts')).map((event) => event[0]))
    await stop(pid)
  })

  it.each<[Restart, string, boolean]>([
    ['permanent', 'normal', true],
    ['permanent', 'boom', true],
    ['transient', 'normal', false],
    ['transient', 'shutdown', false],
    ['transient', 'boom', true],
    ['temporary', 'normal', false],
    ['temporary', 'boom', false],
  ])('S3 [local]: a %s child that ends with %s restarts: %s', async (restart, reason, restarts) => {
    const { pid, diary } = await start({ restart })
    const ended = await pidOf(pid, 'b')
    await node.call(ended, 'end', [reason])
    await diary.reaches(restarts ? 5 : 4)
    const left = await node.call(pid, 'whichChildren', [])
    const b = left.find(({ id }) => id === 'b')
    if (restarts) expect(b).toMatchObject({ status: 'running' })
    else if (restart === 'transient') expect(b).toMatchObject({ status: 'stopped', pid: undefined })
    else expect(b).toBeUndefined()
    await stop(pid)
  })

  it('S3 [local]: a shutdown with a payload is clean', async () => {
    const { pid, diary } = await start({ restart: 'transient' })
    const reason = { type: 'shutdown', because: 'done' }
    await node.call(await pidOf(pid, 'b'), 'end', [reason])
    await diary.reaches(4)
    expect(await childOf(pid, 'b')).toMatchObject({ status: 'stopped' })
    await stop(pid)
  })

  it('S3 [local]: temporary children that a sibling takes down are not started again', async () => {
    const diary = new Diary()
    const children = [
      child('a', diarist, ['a', diary], { restart: 'temporary' }),
      child('b', diarist, ['b', diary]),
      child('c', diarist, ['c', diary], { restart: 'temporary' }),
    ]
    const { pid } = await start({ strategy: 'oneForAll', children }, diary)
    node.exit(await pidOf(pid, 'b'), 'kill')
    await diary.reaches(6)
    expect(diary.events.slice(3)).toEqual(['c ends shutdown', 'a ends shutdown', 'b starts'])
    expect((await node.call(pid, 'whichChildren', [])).map(({ id }) => id)).toEqual(['b'])
    await stop(pid)
  })

  it.each([
    [0, 1],
    [1, 2],
    [3, 4],
  ])(
    'S4 [local]: with %d restarts allowed it gives up at crash %d, after ending its children',
    async (maxRestarts, crashes) => {
      const { pid, diary } = await start({ intensity: { maxRestarts, withinMs: 60_000 } })
      const ended = node.watch(pid)
      for (let crash = 1; crash <= crashes; crash += 1) {
        // The crashes of all children count together.
        const id = ['a', 'b', 'c'][crash % 3] as string
        const victim = await pidOf(pid, id)
        const gone = node.watch(victim)
        node.exit(victim, 'kill')
        await gone
        if (crash < crashes) await diary.reaches(3 + crash)
      }
      expect(await ended).toBe('shutdown')
      expect(diary.events.filter((event) => event.endsWith('ends shutdown'))).toHaveLength(2)
    },
  )

  it('S4 [local]: clean ends of transient children do not count', async () => {
    const { pid, diary } = await start({ restart: 'transient', intensity: { maxRestarts: 0, withinMs: 60_000 } })
    for (const id of ['a', 'b']) await node.call(await pidOf(pid, id), 'end', ['normal'])
    await diary.reaches(5)
    expect(await node.call(await pidOf(pid, 'c'), 'ping', [])).toBe('pong')
    await stop(pid)
  })

  it('S5 [local]: a restart that fails is tried again, each try counts, and others are answered meanwhile', async () => {
    const diary = new Diary()
    const { pid } = await start({ intensity: { maxRestarts: 5, withinMs: 60_000 } }, diary)
    diary.failures.set('b', 3)
    node.exit(await pidOf(pid, 'b'), 'kill')
    await diary.reaches(7)
    expect(diary.events.slice(3)).toEqual(['b starts', 'b starts', 'b starts', 'b starts'])
    expect(await node.call(await pidOf(pid, 'b'), 'ping', [])).toBe('pong')
    await stop(pid)
  })

  it('S5 [local]: it gives up when the restarts keep failing', async () => {
    const diary = new Diary()
    const { pid } = await start({ intensity: { maxRestarts: 3, withinMs: 60_000 } }, diary)
    const ended = node.watch(pid)
    diary.failures.set('b', 100)
    node.exit(await pidOf(pid, 'b'), 'kill')
    expect(await ended).toBe('shutdown')
    expect(diary.events.filter((event) => event === 'b starts')).toHaveLength(4)
  })

  it.each<[Strategy]>([['oneForAll'], ['restForOne']])(
    'S5 [local]: with %s a failed restart starts the rest later',
    async (strategy) => {
      const diary = new Diary()
      const { pid } = await start({ strategy, intensity: { maxRestarts: 5, withinMs: 60_000 } }, diary)
      diary.failures.set('b', 1)
      node.exit(await pidOf(pid, 'b'), 'kill')
      await expect
        .poll(async () => (await node.call(pid, 'whichChildren', [])).map(({ status }) => status))
        .toEqual(['running', 'running', 'running'])
      await stop(pid)
    },
  )

  it('S6 [local]: a first start that fails ends those that were started, in reverse, and says which failed', async () => {
    const diary = new Diary()
    diary.failures.set('c', 1)
    const error: unknown = await start({}, diary).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'ERR_START_FAILED',
      reason: {
        type: 'shutdown',
        failedChild: 'c',
        cause: { message: expect.stringContaining('c can not start') as unknown },
      },
    })
    expect(diary.events).toEqual(['a starts', 'b starts', 'c starts', 'b ends shutdown', 'a ends shutdown'])
  })

  it('S7 [local]: a child that does not end in its time is killed', async () => {
    const stuck = genServer({
      name: 'stuck',
      trapExit: true,
      init: () => undefined,
      terminate: () => new Promise<void>(() => undefined),
    })
    const parent = await startPuppet(node)
    const children = [child('stuck', stuck, [], { shutdownMs: 5 })]
    const pid = await parent.do((ctx) => ctx.start(supervisorBehavior('tested', { children }), []))
    const [stuckEnded, supervisorEnded] = [node.watch(await pidOf(pid, 'stuck')), node.watch(pid)]
    node.exit(parent.pid, 'shutdown')
    expect(await stuckEnded).toBe('killed')
    expect(await supervisorEnded).toBe('shutdown')
  })

  it("S7 [local]: 'kill' ends a child without its terminate", async () => {
    const diary = new Diary()
    const parent = await startPuppet(node)
    const children = [child('a', diarist, ['a', diary], { shutdownMs: 'kill' })]
    const pid = await parent.do((ctx) => ctx.start(supervisorBehavior('tested', { children }), []))
    const ended = node.watch(await pidOf(pid, 'a'))
    node.exit(parent.pid, 'shutdown')
    expect(await ended).toBe('killed')
    expect(diary.events).toEqual(['a starts'])
  })

  it('S7 [local]: a child that unlinked itself does not hang its supervisor', async () => {
    const diary = new Diary()
    const parent = await startPuppet(node)
    const children = [child('a', diarist, ['a', diary])]
    const pid = await parent.do((ctx) => ctx.start(supervisorBehavior('tested', { children }), []))
    await node.call(await pidOf(pid, 'a'), 'unlink', [pid])
    const ended = node.watch(pid)
    node.exit(parent.pid, 'shutdown')
    expect(await ended).toBe('shutdown')
  })

  it('S9 [local]: shows and counts its children', async () => {
    const diary = new Diary()
    const children = [
      child('a', diarist, ['a', diary], { restart: 'transient' }),
      supervisor('nested', { children: [child('b', diarist, ['b', diary])] }),
    ]
    const { pid } = await start({ children }, diary)
    await node.call(await pidOf(pid, 'a'), 'end', ['normal'])
    await diary.reaches(3)
    expect(await node.call(pid, 'whichChildren', [])).toEqual([
      { id: 'a', pid: undefined, type: 'worker', status: 'stopped', behavior: 'diarist' },
      { id: 'nested', pid: expect.anything() as unknown, type: 'supervisor', status: 'running', behavior: 'nested' },
    ])
    expect(await node.call(pid, 'countChildren', [])).toEqual({ specs: 2, active: 1, supervisors: 1, workers: 1 })
    expect((await node.whichChildren((await childOf(pid, 'nested')).pid as Pid)).map(({ id }) => id)).toEqual(['b'])
    await stop(pid)
  })

  it('S9 [local]: two children of one id are refused when the tree is defined', () => {
    const twins = [child('a', diarist, ['a', new Diary()]), child('a', diarist, ['a', new Diary()])]
    const refusal = expect.objectContaining({ code: 'ERR_BAD_SPEC' }) as Error
    expect(() => supervisorBehavior('tested', { children: twins })).toThrow(refusal)
    expect(() => defineApp({ name: 'twins', children: twins })).toThrow(refusal)
    expect(() => supervisor('tested', { children: twins })).toThrow(refusal)
  })

  it('S10 [local]: messages, strangers and their ends do not trouble it', async () => {
    const { pid, diary } = await start({})
    const stranger = await startPuppet(node)
    await stranger.do((ctx) => ctx.link(pid))
    node.exit(stranger.pid, 'boom')
    node.send(pid, { retryRestart: 'b' } satisfies Message)
    node.send(pid, null)
    await expect(
      node.call(pid as Pid as Pid<{ call: { toString(): string }; cast: object }>, 'toString', []),
    ).rejects.toMatchObject({ code: 'ERR_NO_HANDLER' })
    expect((await node.call(pid, 'countChildren', [])).active).toBe(3)
    expect(diary.events).toHaveLength(3)
    await stop(pid)
  })

  it('restarts a child under its registered name', async () => {
    const name = actorName('the-child')
    const diary = new Diary()
    const { pid } = await start({ children: [child('a', diarist, ['a', diary], { register: name })] }, diary)
    const first = node.whereis(name) as Pid
    node.exit(first, 'kill')
    await diary.reaches(2)
    expect(await childOf(pid, 'a')).toMatchObject({ status: 'running' })
    expect(node.whereis(name)).toEqual(await pidOf(pid, 'a'))
    expect(node.whereis(name)).not.toEqual(first)
    await stop(pid)
    await expect.poll(() => node.whereis(name)).toBeUndefined()
  })

  it('leaves no orphan when it is killed while it starts its children', async () => {
    const diary = new Diary()
    let release: () => void = () => undefined
    diary.holds.set(
      'a',
      new Promise<void>((resolve) => {
        release = resolve
      }),
    )
    const name = actorName('early')
    const children = ['a', 'b'].map((id) => child(id, diarist, [id, diary]))
    const starting = node.start(supervisorBehavior('tested', { children }), [], { register: name })
    await diary.reaches(1)
    node.exit(name, 'kill')
    await expect(starting).rejects.toMatchObject({ code: 'ERR_START_FAILED', reason: 'killed' })
    release()
    await diary.reaches(2)
    await node.whichChildren()
    expect(diary.events).toEqual(['a starts', 'a ends killed'])
  })

  it('leaves no orphan when it is killed while it restarts its children', async () => {
    const diary = new Diary()
    const { pid } = await start({ strategy: 'restForOne' }, diary)
    let release: () => void = () => undefined
    diary.holds.set(
      'b',
      new Promise<void>((resolve) => {
        release = resolve
      }),
    )
    node.exit(await pidOf(pid, 'b'), 'kill')
    await diary.reaches(5)
    expect(diary.events.slice(3)).toEqual(['c ends shutdown', 'b starts'])
    await stop(pid)
    release()
    await diary.reaches(7)
    await node.whichChildren()
    expect(diary.events.slice(5).toSorted()).toEqual(['a ends killed', 'b ends killed'])
  })
})

describe('an actor that exits while its handler awaits', () => {
  it('is gone at once: its late sends are dropped and counted, its late calls never settle', async () => {
    const heard = new Sightings<string>()
    const settled: string[] = []
    const releases: (() => void)[] = []
    const name = actorName<{
      call: { serial(): number; wait(): void; hear(what: string): string }
      cast: { hear(what: string): void }
    }>('gone')
    const server = genServer({
      name: 'gone',
      init: () => undefined,
      call: {
        serial: (ctx) => ctx.self.serial,
        hear: (_ctx, what: string) => (heard.add(what), what),
        wait: async (ctx) => {
          const other = ctx.call(helperName, 'later', [])
          const settles = other.then(
            () => void settled.push('resolved'),
            () => void settled.push('rejected'),
          )
          await new Promise<void>((resolve) => releases.push(resolve))
          ctx.cast(name, 'hear', ['late cast'])
          ctx.send(helperName, 'late message')
          void ctx.call(name, 'hear', ['late call']).then(() => settled.push('late call'))
          ctx.exit(helperName, 'kill')
          ctx.sendAfter(0, helperName, 'late timer')
          await settles
          settled.push('handler')
        },
      },
      cast: { hear: (_ctx, what: string) => heard.add(what) },
    })
    let answerLater: DeferredAnswer | undefined
    const helperName = actorName<{ call: { later(): string; answer(): void; ping(): string }; cast: object }>('helper')
    const helper = genServer({
      name: 'helper',
      init: () => undefined,
      call: {
        later: (ctx) => (answerLater = ctx.defer<string>()),
        answer: () => answerLater?.reply('too late'),
        ping: () => 'pong',
      },
      info: (_ctx, message) => heard.add(JSON.stringify(message)),
    })
    const app = defineApp({
      name: 'gone-app',
      children: [child('helper', helper, [], { register: helperName }), child('gone', server, [], { register: name })],
    })
    const node = await startNode(app, { log: silentLog })
    try {
      const first = node.whereis(name) as Pid
      const call = node.call(name, 'wait', [])
      await expect.poll(() => releases.length).toBe(1)
      const watcher = await startPuppet(node)
      const ref = await watcher.do((ctx) => ctx.monitor(first))
      node.exit(first, 'kill')
      // At once: the links, the monitors, the name and the caller all know, though the handler still awaits.
      expect(await watcher.next()).toMatchObject({ type: 'DOWN', ref: ref.ref, reason: 'killed' })
      await expect(call).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', outcome: 'ran', reason: 'killed' })
      await expect.poll(() => node.whereis(name)).toBeDefined()
      const second = await node.call(name, 'serial', [])
      expect(second).not.toBe(first.serial)

      const before = node.counters().afterExit
      for (const release of releases) release()
      await node.call(helperName, 'answer', [])
      expect(await node.call(helperName, 'ping', [])).toBe('pong')
      expect(await node.call(name, 'hear', ['alive'])).toBe('alive')
      expect(await heard.next()).toBe('alive')
      expect(heard.waiting).toBe(0)
      expect(settled).toEqual([])
      expect(node.counters().afterExit).toBe(before + 5)
    } finally {
      await node.stop()
    }
  })
})

interface DeferredAnswer {
  reply(value: unknown): void
}
