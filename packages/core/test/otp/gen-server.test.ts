import {
  actorName,
  type CallError,
  child,
  type DeferredReply,
  defineApp,
  type ExitReason,
  genServer,
  type InitContext,
  type Node,
  type Pid,
  type Placement,
  type ServerContext,
  silentLog,
  startNode,
} from '@skerry/core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { systemTurnQueue } from '../../src/platform/turn-queue.ts'
import { startManualNode } from '../fixtures/manual-node.ts'
import { type Player, type PlayerContext, type PlayerPid, type PlayerProtocol, usePlaces } from '../fixtures/places.ts'
import { downMessage, exitMessage } from '../fixtures/puppet.ts'
import { Sightings } from '../fixtures/sightings.ts'

/** A server that does in its handlers what the test hands it, and notes its terminate. */
const server = genServer({
  name: 'server',
  init: (ctx, events: Sightings<unknown>, options: { trapExit?: boolean } = {}) => {
    ctx.trapExit = options.trapExit ?? false
    return { events, count: 0 }
  },
  call: {
    perform: (ctx, act: (ctx: Handling) => unknown): unknown => act(ctx),
    add: (ctx, by: number) => (ctx.state.count += by),
  },
  cast: { perform: (ctx, act: (ctx: Handling) => unknown): unknown => act(ctx) },
  info: (ctx, message) => ctx.state.events.add(message),
  terminate: (ctx, reason) => ctx.state.events.add({ terminated: reason, count: ctx.state.count }),
})

type Handling = ServerContext<{ events: Sightings<unknown>; count: number }>
type ServerPid = Pid<{
  call: { perform(act: (ctx: Handling) => unknown): unknown; add(by: number): number }
  cast: { perform(act: (ctx: Handling) => unknown): void }
}>

let gates = 0
/** A gate that no other test has. */
function newGate(): string {
  gates += 1
  return `gate ${gates}`
}

/** The rows G1 to G8 of OTP's rules for GenServers, at every place. */
describe('a GenServer', () => {
  const { row } = usePlaces()

  row(
    'G1, G2',
    'a call without an answer in time is told so; the server goes on, and its late answer reaches nobody',
    async (pair) => {
      const [caller, server, opener] = [await pair.near(), await pair.far(), await pair.far()]
      const gate = newGate()
      const call = caller.do(
        (ctx, pid, name) => ctx.call(pid, 'hold', [name], { timeoutMs: 10 }).catch(ctx.state.kit.told),
        server.pid,
        gate,
      )
      expect(await call).toEqual({ code: 'ERR_CALL_TIMEOUT', outcome: 'unknown', reason: 'timeout' })
      const before = await pair.counted('lateReplies')
      await opener.do((ctx, name) => ctx.state.kit.gate(name).open(), gate)
      expect(await server.next()).toBe(`${gate} went on`)
      // Behind the late answer.
      expect(await server.waitingAfter(caller)).toBe(0)
      expect([await caller.waiting(), await pair.counted('lateReplies')]).toEqual([0, before + 1])
    },
  )

  row('G3', 'a call to a dead actor is not run', async ({ near, dead }) => {
    const [caller, pid] = [await near(), await dead()]
    const call = caller.do((ctx, gone) => ctx.call(gone, 'waiting', []).catch(ctx.state.kit.told), pid)
    expect(await call).toEqual({ code: 'ERR_NOPROC', outcome: 'not-run', reason: 'noproc' })
  })

  row(
    'G3',
    'a call to a name that nobody has is not run',
    async ({ far }) => {
      const caller = await far()
      const call = caller.do((ctx) =>
        ctx.call(ctx.state.kit.actorName<PlayerProtocol>('nobody'), 'waiting', []).catch(ctx.state.kit.told),
      )
      expect(await call).toEqual({ code: 'ERR_NOPROC', outcome: 'not-run', reason: 'noproc' })
    },
    ['local', 'thread'],
  )

  for (const [sent, seen] of [
    ['kill', 'killed'],
    ['boom', 'boom'],
  ] as const) {
    row(
      'G3',
      `the end of the callee in mid-call, by ${sent}, ends the calls to it with that reason`,
      async ({ near, far }) => {
        const [server, spy, ender] = [await far(), await far(), await near()]
        const gate = newGate()
        const callers = [await near(), await near()]
        const calls = callers.map((caller) =>
          caller.do(
            (ctx, pid, name) => ctx.call(pid, 'hold', [name], { timeoutMs: 20_000 }).catch(ctx.state.kit.told),
            server.pid,
            gate,
          ),
        )
        await spy.do(
          async (ctx, pid, name) => {
            await ctx.state.kit.held(name)
            await ctx.state.kit.queuedAt(ctx, pid, 1)
          },
          server.pid,
          gate,
        )
        await ender.exit(server, sent)
        const ended = { code: 'ERR_CALLEE_EXITED', reason: seen }
        const all = await Promise.all(calls)
        expect(all).toContainEqual({ ...ended, outcome: 'ran' })
        expect(all).toContainEqual({ ...ended, outcome: 'not-run' })
      },
    )
  }

  row('G3', 'the normal end of the callee in mid-call ends the call with that reason', async ({ near, far }) => {
    const [caller, server] = [await near(), await far()]
    const act = (ctx: PlayerContext): never => {
      throw new ctx.state.kit.Exit('normal')
    }
    expect(await failedCall(caller, server, act)).toEqual({
      code: 'ERR_CALLEE_EXITED',
      outcome: 'ran',
      reason: 'normal',
    })
  })

  row(
    'G3',
    'an actor that calls itself is told at once',
    async ({ far }) => {
      const server = await far()
      const call = server.do((ctx) => ctx.call(ctx.self as PlayerPid, 'waiting', []).catch(ctx.state.kit.told))
      expect(await call).toEqual({ code: 'ERR_CALLING_SELF', outcome: 'not-run' })
    },
    ['local', 'thread'],
  )

  for (const kind of ['sync', 'async'] as const) {
    row(
      'G4',
      `a ${kind} handler that throws ends the server, after terminate, and its caller gets the error`,
      async (pair) => {
        const [caller, reader] = [await pair.near(), await pair.near()]
        const server = await pair.far({ reportTo: reader.pid })
        const monitor = await caller.monitor(server)
        const act =
          kind === 'sync'
            ? () => {
                throw Object.assign(new RangeError('bad input'), { code: 'ERR_BAD' })
              }
            : () => Promise.reject(Object.assign(new RangeError('bad input'), { code: 'ERR_BAD' }))
        const reason = { type: 'error', name: 'RangeError', message: 'bad input', code: 'ERR_BAD' }
        expect(await failedCall(caller, server, act)).toMatchObject({
          code: 'ERR_CALLEE_EXITED',
          outcome: 'ran',
          reason,
        })
        expect(await caller.next()).toMatchObject(downMessage(monitor, reason))
        expect(await reader.next()).toMatchObject({ terminated: reason })
      },
    )
  }

  row('G4', 'a call that has no handler is refused, and the server goes on', async ({ near, far }) => {
    const [caller, server] = [await near(), await far()]
    for (const name of ['nothing', 'constructor', '__proto__', '']) {
      const call = caller.do(
        (ctx, pid, handler) => ctx.call(pid, handler as 'waiting', []).catch(ctx.state.kit.told),
        server.pid,
        name,
      )
      expect(await call).toEqual({ code: 'ERR_NO_HANDLER', outcome: 'not-run' })
    }
    expect(await server.waitingAfter(caller)).toBe(0)
  })

  row('G5', 'stop with a reply answers, then terminates and ends', async ({ near, far }) => {
    const [caller, reader] = [await near(), await near()]
    const server = await far({ reportTo: reader.pid })
    const monitor = await caller.monitor(server)
    const answer = caller.do(
      (ctx, pid, text) => ctx.call(pid, 'perform', [text, []]),
      server.pid,
      String((ctx: PlayerContext) => ctx.stop('normal', { said: 'bye' })),
    )
    expect(await answer).toEqual({ said: 'bye' })
    expect(await caller.next()).toEqual(downMessage(monitor, 'normal'))
    expect(await reader.next()).toEqual({ terminated: 'normal' })
  })

  row('G5', 'stop without a reply ends, and the caller gets the reason', async ({ near, far }) => {
    const [caller, server] = [await near(), await far()]
    const act = (ctx: PlayerContext): unknown => ctx.stop({ type: 'shutdown', because: 'done' } as ExitReason)
    const reason = { type: 'shutdown', because: 'done' }
    expect(await failedCall(caller, server, act)).toEqual({ code: 'ERR_CALLEE_EXITED', outcome: 'ran', reason })
  })

  row('G5', 'a cast or a message may stop it as well', async ({ near, far }) => {
    const [watcher, byCast, byMessage] = [await near(), await far(), await far()]
    for (const server of [byCast, byMessage]) {
      const monitor = await watcher.monitor(server)
      if (server === byCast) server.begin((ctx) => Promise.resolve(ctx.stop('normal')))
      else {
        await server.react((ctx) => ctx.stop('normal'))
        await watcher.do((ctx, pid) => ctx.send(pid, 'stop'), server.pid)
      }
      expect(await watcher.next()).toEqual(downMessage(monitor, 'normal'))
    }
  })

  row('G5', 'a deferred reply is given later, once', async ({ near, far, counted }) => {
    const [caller, server] = [await near(), await far()]
    const call = caller.do((ctx, pid) => ctx.call(pid, 'later', []), server.pid)
    await vi.waitFor(async () => expect(await server.do((ctx) => 'deferred' in ctx.state.notes)).toBe(true))
    const before = await counted('lateReplies')
    await server.do((ctx) => {
      const deferred = ctx.state.notes['deferred'] as DeferredReply<unknown>
      deferred.reply({ first: true })
      deferred.reply({ second: true })
    })
    expect(await call).toEqual({ first: true })
    expect([await caller.waiting(), await counted('lateReplies')]).toEqual([0, before + 1])
  })

  row('G5', 'those whose answer was deferred are told of the end', async ({ near, far }) => {
    const [caller, server] = [await near(), await far()]
    const call = caller.do((ctx, pid) => ctx.call(pid, 'later', []).catch(ctx.state.kit.told), server.pid)
    await vi.waitFor(async () => expect(await server.do((ctx) => 'deferred' in ctx.state.notes)).toBe(true))
    server.begin((ctx) => ctx.stop('shutdown'))
    expect(await call).toEqual({ code: 'ERR_CALLEE_EXITED', outcome: 'ran', reason: 'shutdown' })
  })

  /** What an init does, and what the start says then. */
  const inits: readonly [string, (ctx: PlayerContext) => unknown, object][] = [
    [
      'throws',
      () => {
        throw new RangeError('no disk')
      },
      { code: 'ERR_START_FAILED', reason: { name: 'RangeError', message: 'no disk' } },
    ],
    [
      'rejects',
      () => Promise.reject(new RangeError('no disk')),
      { code: 'ERR_START_FAILED', reason: { name: 'RangeError', message: 'no disk' } },
    ],
    [
      'exits',
      (ctx) => {
        throw new ctx.state.kit.Exit('not today')
      },
      { code: 'ERR_START_FAILED', reason: 'not today' },
    ],
    ['stops', (ctx) => ctx.stop('not today'), { code: 'ERR_START_FAILED', reason: 'not today' }],
    [
      'ignores its start',
      (ctx) => (ctx as unknown as InitContext).ignore(),
      { code: 'ERR_START_IGNORED', reason: 'normal' },
    ],
    [
      'ignores its start later',
      (ctx) => Promise.resolve((ctx as unknown as InitContext).ignore()),
      { code: 'ERR_START_IGNORED', reason: 'normal' },
    ],
  ]

  for (const [how, init, failure] of inits) {
    row(
      'G6',
      `an init that ${how} leaves neither actor nor name: its starter is told, and gets an EXIT if it traps`,
      async ({ near, there, actors }) => {
        const starter = await near({ trapExit: true })
        const options = { init: String(init) }
        const before = await actors()
        const start = (): Promise<unknown> =>
          starter.do(
            (ctx, { thread, args }) =>
              ctx
                .start(ctx.state.kit.player, [args], { thread, register: ctx.state.kit.actorName('stillborn') })
                .catch(ctx.state.kit.told),
            { thread: there.thread, args: options },
          )
        expect(await start()).toMatchObject(failure)
        expect(await starter.next()).toMatchObject({ type: 'EXIT', reason: (failure as { reason: unknown }).reason })
        // Two threads of the pool have told each other by now; main has read what they posted to it once they have answered it.
        expect(await actors()).toBe(before)
        expect(there.node.whereis(actorName('stillborn'))).toBeUndefined()
        // The name is free for the next one.
        expect(await start()).toMatchObject(failure)
        expect(await starter.next()).toMatchObject({ type: 'EXIT' })
        expect(await starter.waiting()).toBe(0)
      },
      ['local', 'thread'],
    )

    row(
      'G6',
      `an init that ${how} leaves nothing with a dynamic supervisor of another node, whose caller is told`,
      async ({ near, far, actors }) => {
        const [caller, owner] = [await near(), await far()]
        const crowd = await owner.do((ctx) => ctx.start(ctx.state.kit.crowd, []))
        const before = await actors()
        const start = caller.do(
          (ctx, pid, text) =>
            ctx.call(pid, 'startChild', [{ init: text }]).catch((error: CallError) => ({
              code: error.code,
              outcome: error.outcome,
              cause: (error.cause as Error).message,
            })),
          crowd,
          String(init),
        )
        const { code, reason } = failure as { code: string; reason: string | { message: string } }
        const cause = expect.stringContaining(
          typeof reason === 'string' && code === 'ERR_START_FAILED'
            ? reason
            : code === 'ERR_START_IGNORED'
              ? 'ignore'
              : (reason as { message: string }).message,
        ) as unknown
        expect(await start).toEqual({ code, outcome: 'ran', cause })
        const counts = await caller.do((ctx, pid) => ctx.call(pid, 'countChildren', []), crowd)
        expect(counts).toMatchObject({ specs: 0, active: 0 })
        expect(await actors()).toBe(before)
        // It goes on: the next one starts.
        const next = await caller.do((ctx, pid) => ctx.call(pid, 'startChild', [{}]), crowd)
        expect(await caller.do((ctx, pid) => ctx.call(pid, 'waiting', []), next)).toBe(0)
      },
      ['node'],
    )
  }

  row(
    'G6',
    'a failed start ends a starter that does not trap, an ignored one does not',
    async ({ near, there }) => {
      const starter = await near()
      const { ended } = starter
      const start = (ctx: PlayerContext, { thread, init }: { thread: Placement; init: string }): Promise<unknown> =>
        ctx.start(ctx.state.kit.player, [{ init }], { thread }).catch(ctx.state.kit.told)
      const ignoring = (ctx: InitContext): unknown => ctx.ignore()
      const ignored = await starter.do(start, { thread: there.thread, init: String(ignoring) })
      expect(ignored).toMatchObject({ code: 'ERR_START_IGNORED' })
      expect(await starter.waiting()).toBe(0)
      const failing = (ctx: PlayerContext): never => {
        throw new ctx.state.kit.Exit('not today')
      }
      starter.begin(start, { thread: there.thread, init: String(failing) })
      expect(await ended).toBe('not today')
    },
    ['local', 'thread'],
  )

  row(
    'G6',
    'a name that is taken refuses the start, before init, and leaves no actor',
    async ({ near, far, there, actors }) => {
      const [holder, starter, reader] = [await far(), await near({ trapExit: true }), await near()]
      await holder.do((ctx) => ctx.register(ctx.state.kit.actorName('taken')))
      const before = await actors()
      const begun = (ctx: PlayerContext): void => ctx.send(ctx.state.reportTo as Pid, 'begun')
      const start = starter.do(
        (ctx, { thread, args }) =>
          ctx
            .start(ctx.state.kit.player, [args], { thread, register: ctx.state.kit.actorName('taken') })
            .catch(ctx.state.kit.told),
        { thread: there.thread, args: { reportTo: reader.pid, init: String(begun) } },
      )
      expect(await start).toMatchObject({ code: 'ERR_NAME_TAKEN' })
      expect(there.node.whereis(actorName('taken'))).toEqual(holder.pid)
      expect([await actors(), await reader.waiting()]).toEqual([before, 0])
      holder.begin((ctx) => ctx.exit(ctx.self, 'normal'))
      await vi.waitFor(() => expect(there.node.whereis(actorName('taken'))).toBeUndefined())
    },
    ['local', 'thread'],
  )

  row(
    'G6',
    'a name that is taken on one node is free on the others',
    async ({ near, far, here, there }) => {
      const [first, second] = [await near(), await far()]
      const register = (ctx: PlayerContext): Promise<void> => ctx.register(ctx.state.kit.actorName('both'))
      await Promise.all([first.do(register), second.do(register)])
      expect([here.node.whereis(actorName('both')), there.node.whereis(actorName('both'))]).toEqual([
        first.pid,
        second.pid,
      ])
      const ends = [first.ended, second.ended]
      for (const one of [first, second]) one.begin((ctx) => ctx.exit(ctx.self, 'normal'))
      await Promise.all(ends)
    },
    ['node'],
  )

  row('G7', 'terminate runs at a stop and at an error, with the reason', async ({ near, far }) => {
    const [reader, caller] = [await near(), await near()]
    for (const reason of ['shutdown', 'boom']) {
      const server = await far({ reportTo: reader.pid })
      const act = (ctx: PlayerContext, why: string): unknown => ctx.stop(why)
      await caller.do((ctx, { pid, text, why }) => ctx.cast(pid, 'perform', [text, [why]]), {
        pid: server.pid,
        text: String(act),
        why: reason,
      })
      expect(await reader.next()).toEqual({ terminated: reason })
    }
  })

  row(
    'G7',
    'terminate runs at the end of the parent of one that traps, also a normal one',
    async ({ near, there }) => {
      const reader = await near()
      for (const reason of ['shutdown', 'normal']) {
        const parent = await near()
        await parent.do((ctx, { thread, args }) => ctx.start(ctx.state.kit.player, [args], { thread }), {
          thread: there.thread,
          args: { trapExit: true, reportTo: reader.pid },
        })
        parent.begin((ctx, why) => ctx.exit(ctx.self, why), reason)
        expect(await reader.next()).toEqual({ terminated: reason })
      }
    },
    ['local', 'thread'],
  )

  row('G7', 'terminate does not run at a kill, nor at an exit signal that is not trapped', async ({ near, far }) => {
    const [reader, ender] = [await near(), await near()]
    for (const [sent, seen] of [
      ['kill', 'killed'],
      ['shutdown', 'shutdown'],
    ] as const) {
      const server = await far({ reportTo: reader.pid, trapExit: sent === 'kill' })
      const monitor = await reader.monitor(server)
      await ender.exit(server, sent)
      // Behind all that it would have sent.
      expect(await reader.next()).toEqual(downMessage(monitor, seen))
    }
    expect(await reader.waiting()).toBe(0)
  })

  row('G7', "a stranger's shutdown is a message to a server that traps, which stays", async ({ near, far }) => {
    const [stranger, reader] = [await near(), await near()]
    const server = await far({ trapExit: true, reportTo: reader.pid })
    await stranger.exit(server, 'shutdown')
    expect(await server.next()).toEqual(exitMessage(stranger.pid, 'shutdown'))
    expect([await server.waitingAfter(stranger), await reader.waitingAfter(server)]).toEqual([0, 0])
  })

  row('G8', 'unknown messages and casts do not end a server; a cast to anything is no error', async (pair) => {
    const [sender, server, pid] = [await pair.near(), await pair.far(), await pair.dead()]
    await sender.do(
      (ctx, one, gone) => {
        ctx.send(one, { anything: 1 })
        ctx.cast(one, 'nothing' as 'note', [1])
        ctx.cast(one, 'constructor' as 'note', [1])
        ctx.cast(gone, 'note', [1])
        ctx.cast(ctx.state.kit.actorName<PlayerProtocol>('nobody'), 'note', [1])
      },
      server.pid,
      pid,
    )
    expect(await server.waitingAfter(sender)).toBe(1)
    expect(await server.next()).toEqual({ anything: 1 })
  })
})

/** What `caller` is told of a call in which the server does that. */
function failedCall(caller: Player, { pid }: Player, act: (ctx: PlayerContext) => unknown): Promise<unknown> {
  return caller.do(
    (ctx, server, text) => ctx.call(server, 'perform', [text, []]).catch(ctx.state.kit.told),
    pid,
    String(act),
  )
}

describe('a GenServer of the main thread', () => {
  let node: Node

  beforeAll(async () => {
    node = await startNode(defineApp({ name: 'lone', children: [] }), { log: silentLog })
  })
  afterAll(() => node.stop())

  async function start(options: { trapExit?: boolean } = {}): Promise<{ pid: ServerPid; events: Sightings<unknown> }> {
    const events = new Sightings<unknown>()
    return { pid: (await node.start(server, [events, options])) as ServerPid, events }
  }

  it('G1 [local]: a call waits for 5 s where nothing else is said', async () => {
    const manual = await startManualNode()
    const mute = genServer({ name: 'mute', init: () => undefined, call: { never: (ctx) => ctx.defer<string>() } })
    const pid = await manual.settled(manual.node.start(mute, []))
    const call = manual.node.call(pid, 'never', [])
    let code: string | undefined
    call.catch((error: CallError) => (code = error.code))
    await manual.platform.advance(4_999)
    expect(code).toBeUndefined()
    await manual.platform.advance(1)
    expect(code).toBe('ERR_CALL_TIMEOUT')
  })

  it('G1 [local]: the time of a call runs where it waits, in a handler, deferred, or in the mailbox before or behind the turn that waits', async () => {
    const manual = await startManualNode(() => ({ turns: systemTurnQueue() }))
    const slow = genServer({
      name: 'slow',
      init: () => undefined,
      call: {
        never: (ctx) => ctx.defer<string>(),
        waits: () => new Promise<string>(() => undefined),
        throws: (): string => {
          throw new Error('broken')
        },
        answers: () => 'answer',
      },
      // Its end waits too, so that who called it when it broke has only its time.
      terminate: () => new Promise<void>(() => undefined),
    })
    const [pid, broken] = [await manual.node.start(slow, []), await manual.node.start(slow, [])]
    const ended: string[] = []
    const call = (target: typeof pid, name: 'never' | 'waits' | 'throws' | 'answers', timeoutMs: number): void => {
      manual.node.call(target, name, [], { timeoutMs }).then(
        (answer) => ended.push(answer),
        (error: CallError) => ended.push(`${name} ${timeoutMs} ${error.code}`),
      )
    }
    call(pid, 'answers', 40)
    call(pid, 'never', 50)
    call(pid, 'waits', 60)
    call(pid, 'answers', 70)
    call(broken, 'throws', 80)
    call(broken, 'answers', 90)
    // All turns have run, also those that wait for the event loop.
    for (let rounds = 3; rounds > 0; rounds -= 1) await new Promise(setImmediate)
    expect(ended).toStrictEqual(['answer'])
    call(pid, 'answers', 100)
    await manual.platform.advance(49)
    expect(ended).toStrictEqual(['answer'])
    const seen: string[] = []
    for (let ms = 50; ms <= 100; ms += 10) {
      await manual.platform.advance(ms === 50 ? 1 : 10)
      seen.push(String(ended.at(-1)))
    }
    expect(seen).toStrictEqual([
      'never 50 ERR_CALL_TIMEOUT',
      'waits 60 ERR_CALL_TIMEOUT',
      'answers 70 ERR_CALL_TIMEOUT',
      'throws 80 ERR_CALL_TIMEOUT',
      'answers 90 ERR_CALL_TIMEOUT',
      'answers 100 ERR_CALL_TIMEOUT',
    ])
    expect(ended).toHaveLength(7)
  })

  it('G6 [local]: an init that takes too long is killed by its supervisor, and the start has failed', async () => {
    const stuck = genServer({ name: 'stuck', init: () => new Promise<void>(() => undefined) })
    const app = defineApp({ name: 'stuck', children: [child('stuck', stuck, [], { startMs: 10 })] })
    await expect(startNode(app, { log: silentLog })).rejects.toMatchObject({ code: 'ERR_APP_START' })
  })

  it('G7 [local]: an error in terminate is the reason, and a kill cuts terminate short', async () => {
    const failing = genServer({
      name: 'failing',
      init: () => undefined,
      cast: { end: (ctx) => ctx.stop('normal') },
      terminate: () => Promise.reject(new RangeError('could not flush')),
    })
    const pid = await node.start(failing, [])
    const ended = node.watch(pid)
    node.cast(pid, 'end', [])
    expect(await ended).toMatchObject({ name: 'RangeError', message: 'could not flush' })
    const stuck = genServer({
      name: 'stuck',
      init: () => undefined,
      call: { end: (ctx) => ctx.stop('normal', 'ending') },
      terminate: () => new Promise<void>(() => undefined),
    })
    const stuckPid = await node.start(stuck, [])
    const killed = node.watch(stuckPid)
    expect(await node.call(stuckPid, 'end', [])).toBe('ending')
    node.exit(stuckPid, 'kill')
    expect(await killed).toBe('killed')
  })

  it('G8 [local]: unknown messages do not end a server without an info handler', async () => {
    const silent = genServer({ name: 'silent', init: () => 0, call: { ping: () => 'pong' } })
    const pid = await node.start(silent, [])
    node.send(pid, { anything: 1 })
    node.cast(pid as Pid<{ call: object; cast: { unknown(): void } }>, 'unknown', [])
    expect(await node.call(pid, 'ping', [])).toBe('pong')
  })

  it('G2 [local]: counts an answer that it deferred and gives after its end', async () => {
    const { pid } = await start()
    let deferred: DeferredReply<string> | undefined
    const call = node.call(pid, 'perform', [(ctx) => (deferred = ctx.defer<string>())])
    await node.call(pid, 'add', [0])
    node.exit(pid, 'kill')
    await expect(call).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', outcome: 'ran', reason: 'killed' })
    const before = node.counters().lateReplies
    deferred?.reply('late')
    expect(node.counters().lateReplies).toBe(before + 1)
  })

  it('can not defer outside of a call', async () => {
    const { pid } = await start()
    const ended = node.watch(pid)
    node.cast(pid, 'perform', [(ctx) => ctx.defer()])
    expect(await ended).toMatchObject({ message: expect.stringContaining('call handlers') as unknown })
  })

  it('handles one message at a time, also while it awaits', async () => {
    const { pid } = await start()
    const order: string[] = []
    const slow = node.call(pid, 'perform', [
      async () => {
        order.push('slow begins')
        await new Promise((resolve) => setImmediate(resolve))
        order.push('slow ends')
      },
    ])
    const quick = node.call(pid, 'perform', [() => void order.push('quick')])
    await Promise.all([slow, quick])
    expect(order).toEqual(['slow begins', 'slow ends', 'quick'])
  })

  it('refuses calls and drops the rest, counted, when its mailbox is full', async () => {
    const small = genServer({
      name: 'small',
      mailbox: { max: 2 },
      init: () => undefined,
      call: { perform: (_ctx, act: () => unknown): unknown => act() },
    })
    const pid = await node.start(small, [])
    let release: (value?: unknown) => void = () => undefined
    const held = new Promise((resolve) => {
      release = resolve
    })
    const first = node.call(pid, 'perform', [() => held])
    await new Promise((resolve) => setImmediate(resolve))
    const queued = [1, 2].map((number) => node.call(pid, 'perform', [() => number]))
    const before = node.counters()
    await expect(node.call(pid, 'perform', [() => 3])).rejects.toMatchObject({
      code: 'ERR_MAILBOX_FULL',
      outcome: 'not-run',
    })
    node.send(pid, 'dropped')
    expect(node.counters()).toMatchObject({
      mailboxRefusals: before.mailboxRefusals + 1,
      mailboxDrops: before.mailboxDrops + 1,
    })
    release()
    await first
    expect(await Promise.all(queued)).toEqual([1, 2])
  })

  it('gives up the oldest when its spec says so: its caller is told, EXIT and DOWN stay, no sender is', async () => {
    const events = new Sightings<unknown>()
    const small = genServer({
      name: 'small',
      mailbox: { max: 2, policy: 'dropOldest' },
      init: () => undefined,
      call: { perform: (_ctx, act: () => unknown): unknown => act() },
      info: (_ctx, message) => events.add(message),
    })
    const pid = await node.start(small, [])
    let release: (value?: unknown) => void = () => undefined
    const held = new Promise((resolve) => {
      release = resolve
    })
    const first = node.call(pid, 'perform', [() => held])
    await new Promise((resolve) => setImmediate(resolve))
    const oldest = node.call(pid, 'perform', [() => 'oldest'])
    const before = node.counters()
    node.send(pid, 1)
    node.send(pid, 2)
    await expect(oldest).rejects.toMatchObject({ code: 'ERR_MAILBOX_FULL', outcome: 'not-run' })
    node.send(pid, 3)
    expect(node.counters()).toMatchObject({
      mailboxRefusals: before.mailboxRefusals + 1,
      mailboxDrops: before.mailboxDrops + 1,
    })
    release()
    await first
    expect([await events.next(), await events.next()]).toEqual([2, 3])
    expect(events.waiting).toBe(0)
  })

  it('takes any number when its spec says unbounded', async () => {
    let seen = 0
    const open = genServer({
      name: 'open',
      mailbox: 'unbounded',
      init: () => undefined,
      call: { seen: () => seen },
      info: () => void (seen += 1),
    })
    const pid = await node.start(open, [])
    const before = node.counters().mailboxDrops
    for (let sent = 0; sent < 70_000; sent += 1) node.send(pid, sent)
    expect(await node.call(pid, 'seen', [])).toBe(70_000)
    expect(node.counters().mailboxDrops).toBe(before)
  })

  it('refuses a mailbox without room', () => {
    for (const max of [0, -1, 1.5, NaN]) {
      expect(() => genServer({ name: 'none', mailbox: { max }, init: () => undefined })).toThrow(RangeError)
    }
  })
})
