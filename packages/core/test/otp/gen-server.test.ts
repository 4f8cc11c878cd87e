import {
  actorName,
  child,
  type Context,
  type DeferredReply,
  defineApp,
  Exit,
  genServer,
  type Message,
  type Node,
  type Pid,
  type ServerContext,
  silentLog,
  startNode,
} from '@skerry/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exitMessage, startPuppet } from '../fixtures/puppet.ts'
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

/** OTP's rules for GenServers. */
describe('a GenServer', () => {
  let node: Node

  beforeAll(async () => {
    node = await startNode(defineApp({ name: 'lone', children: [] }), { log: silentLog })
  })
  afterAll(() => node.stop())

  async function start(options: { trapExit?: boolean } = {}): Promise<{ pid: ServerPid; events: Sightings<unknown> }> {
    const events = new Sightings<unknown>()
    return { pid: (await node.start(server, [events, options])) as ServerPid, events }
  }

  /** A call that the server holds until the test lets it go on. */
  function hold(
    pid: ServerPid,
    options?: { timeoutMs: number },
  ): { call: Promise<unknown>; release(value: unknown): void } {
    let release: (value: unknown) => void = () => undefined
    const held = new Promise((resolve) => {
      release = resolve
    })
    return { call: node.call(pid, 'perform', [() => held], options), release }
  }

  it('G1: a call that gets no answer in time is told, and the server finishes anyway', async () => {
    const { pid, events } = await start()
    const { call, release } = hold(pid, { timeoutMs: 10 })
    await expect(call).rejects.toMatchObject({ name: 'CallError', code: 'ERR_CALL_TIMEOUT', outcome: 'unknown' })
    node.cast(pid, 'perform', [(ctx) => ctx.state.events.add('went on')])
    release('late')
    expect(await events.next()).toBe('went on')
  })

  it('G2: a late answer reaches nobody and is counted', async () => {
    const { pid } = await start()
    const { call, release } = hold(pid, { timeoutMs: 10 })
    await expect(call).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT' })
    const before = node.counters().lateReplies
    release('late')
    await node.call(pid, 'add', [0])
    expect(node.counters().lateReplies).toBe(before + 1)
  })

  it('G2: a late answer does not reach the mailbox of the actor that asked', async () => {
    const { pid } = await start()
    const caller = await startPuppet(node)
    let release: (value: unknown) => void = () => undefined
    const held = new Promise((resolve) => {
      release = resolve
    })
    const call = (ctx: Context): Promise<unknown> =>
      ctx.call(pid, 'perform', [() => held], { timeoutMs: 10 }).catch((error: { code: string }) => error.code)
    expect(await caller.do(call)).toBe('ERR_CALL_TIMEOUT')
    release('late')
    await node.call(pid, 'add', [0])
    await caller.settled()
    expect(caller.waiting).toBe(0)
  })

  it('G3: a call to a dead actor, or to a name that nobody has, is not run', async () => {
    const { pid } = await start()
    const ended = node.watch(pid)
    node.exit(pid, 'kill')
    await ended
    const noproc = { code: 'ERR_NOPROC', outcome: 'not-run', reason: 'noproc' }
    await expect(node.call(pid, 'add', [1])).rejects.toMatchObject(noproc)
    const nobody = actorName<{ call: { add(by: number): number }; cast: object }>('nobody')
    await expect(node.call(nobody, 'add', [1])).rejects.toMatchObject(noproc)
  })

  it.each([
    ['killed', 'kill'],
    ['normal', 'normal'],
    ['boom', 'boom'],
  ])('G3: the end of the callee in mid-call, by %s, ends the call with that reason', async (seen, sent) => {
    const { pid } = await start()
    const { call } = hold(pid)
    const waiting = node.call(pid, 'add', [1])
    await node.whichChildren()
    // Nobody but the actor itself can end it with normal.
    if (sent === 'normal') node.exit(pid, { type: 'normal' })
    else node.exit(pid, sent)
    const reason = sent === 'normal' ? { type: 'normal' } : seen
    await expect(call).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', outcome: 'ran', reason })
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', outcome: 'not-run', reason })
  })

  it('G3: an actor that calls itself is told at once', async () => {
    const { pid } = await start()
    const code = node.call(pid, 'perform', [
      (ctx) => ctx.call(pid, 'add', [1]).catch((error: { code: string }) => error.code),
    ])
    expect(await code).toBe('ERR_CALLING_SELF')
  })

  it.each(['sync', 'async'])(
    'G4: a %s handler that throws ends the server, and its caller gets the error',
    async (kind) => {
      const { pid, events } = await start()
      const ended = node.watch(pid)
      const error = Object.assign(new RangeError('bad input'), { code: 'ERR_BAD' })
      const call = node.call(pid, 'perform', [
        () => {
          if (kind === 'async') return Promise.reject(error)
          throw error
        },
      ])
      await expect(call).rejects.toMatchObject({
        code: 'ERR_CALLEE_EXITED',
        outcome: 'ran',
        cause: { name: 'RangeError', message: 'bad input', code: 'ERR_BAD' },
      })
      expect(await ended).toMatchObject({ name: 'RangeError' })
      expect(await events.next()).toMatchObject({ terminated: { name: 'RangeError' } })
    },
  )

  it('G5: stop with a reply answers, then ends', async () => {
    const { pid, events } = await start()
    const ended = node.watch(pid)
    expect(await node.call(pid, 'perform', [(ctx) => ctx.stop('normal', 'bye')])).toBe('bye')
    expect(await ended).toBe('normal')
    expect(await events.next()).toEqual({ terminated: 'normal', count: 0 })
  })

  it('G5: stop without a reply ends, and the caller gets the reason', async () => {
    const { pid } = await start()
    const reason = { type: 'shutdown', because: 'done' }
    const call = node.call(pid, 'perform', [(ctx) => ctx.stop(reason)])
    await expect(call).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', outcome: 'ran', reason })
  })

  it('G5: a cast or a message may stop it as well', async () => {
    const { pid } = await start()
    const ended = node.watch(pid)
    node.cast(pid, 'perform', [(ctx) => Promise.resolve(ctx.stop('normal'))])
    expect(await ended).toBe('normal')
  })

  it.each([
    ['throws', () => Promise.reject(new RangeError('no disk')), { name: 'RangeError', message: 'no disk' }],
    [
      'throws at once',
      () => {
        throw new RangeError('no disk')
      },
      { name: 'RangeError', message: 'no disk' },
    ],
    [
      'exits',
      () => {
        throw new Exit('not today')
      },
      'not today',
    ],
  ])('G6: an init that %s fails the start, and leaves neither actor nor name', async (_how, init, reason) => {
    const name = actorName('stillborn')
    const failing = genServer({ name: 'failing', init })
    await expect(node.start(failing, [], { register: name })).rejects.toMatchObject({
      name: 'ActorError',
      code: 'ERR_START_FAILED',
      reason,
    })
    expect(node.whereis(name)).toBeUndefined()
    const { pid } = await startPuppet(node)
    expect(await node.start(server, [new Sightings(), {}], { register: name })).toBeDefined()
    node.exit(name, 'kill')
    expect(await node.call(pid, 'perform', [(ctx) => ctx.whereis(name)])).toBeUndefined()
  })

  it('G6: init may stop, which is a start that failed with that reason', async () => {
    const stopping = genServer({ name: 'stopping', init: (ctx) => ctx.stop('ignore') })
    await expect(node.start(stopping, [])).rejects.toMatchObject({ code: 'ERR_START_FAILED', reason: 'ignore' })
  })

  it('G6: a failed start is an EXIT to a starter that traps, and a rejection', async () => {
    const failing = genServer({
      name: 'failing',
      init: () => {
        throw new Exit('not today')
      },
    })
    const starter = await startPuppet(node, { trapExit: true })
    const code = await starter.do((ctx) => ctx.start(failing, []).catch((error: { code: string }) => error.code))
    expect(code).toBe('ERR_START_FAILED')
    expect(await starter.next()).toMatchObject({ type: 'EXIT', reason: 'not today' })
  })

  it('G6: a failed start ends a starter that does not trap', async () => {
    const failing = genServer({
      name: 'failing',
      init: () => {
        throw new Exit('not today')
      },
    })
    const starter = await startPuppet(node)
    const ended = node.watch(starter.pid)
    node.cast(starter.pid, 'perform', [(ctx) => ctx.start(failing, [])])
    expect(await ended).toBe('not today')
  })

  it('G6: a name that is taken refuses the start, before init', async () => {
    const name = actorName('taken')
    const { pid } = await start()
    await node.call(pid, 'perform', [(ctx) => ctx.register(name)])
    let begun = false
    const second = genServer({ name: 'second', init: () => void (begun = true) })
    await expect(node.start(second, [], { register: name })).rejects.toMatchObject({ code: 'ERR_NAME_TAKEN' })
    const starter = await startPuppet(node)
    const code = starter.do((ctx) =>
      ctx.start(second, [], { register: name }).catch((error: { code: string }) => error.code),
    )
    expect(await code).toBe('ERR_NAME_TAKEN')
    expect(begun).toBe(false)
    expect(node.whereis(name)).toEqual(pid)
  })

  it('G6: an init that takes too long is killed by its supervisor, and the start has failed', async () => {
    const stuck = genServer({ name: 'stuck', init: () => new Promise<void>(() => undefined) })
    const app = defineApp({ name: 'stuck', children: [child('stuck', stuck, [], { startMs: 10 })] })
    await expect(startNode(app, { log: silentLog })).rejects.toMatchObject({ code: 'ERR_APP_START' })
  })

  it('G7: terminate runs at a stop, an error and the end of the parent of one that traps', async () => {
    const parent = await startPuppet(node)
    const events = new Sightings<unknown>()
    await parent.do((ctx) => ctx.start(server, [events, { trapExit: true }]))
    node.exit(parent.pid, 'shutdown')
    expect(await events.next()).toEqual({ terminated: 'shutdown', count: 0 })
  })

  it('G7: terminate does not run at a kill, nor at an exit signal that is not trapped', async () => {
    for (const reason of ['kill', 'shutdown']) {
      const { pid, events } = await start()
      const ended = node.watch(pid)
      node.exit(pid, reason)
      await ended
      expect(events.waiting).toBe(0)
    }
  })

  it("G7: a stranger's shutdown is a message to a server that traps, which stays", async () => {
    const { pid, events } = await start({ trapExit: true })
    const stranger = await startPuppet(node)
    await stranger.do((ctx) => ctx.exit(pid, 'shutdown'))
    expect(await events.next()).toEqual(exitMessage(stranger.pid, 'shutdown'))
    expect(await node.call(pid, 'add', [1])).toBe(1)
  })

  it('G7: an error in terminate is the reason, and a kill cuts terminate short', async () => {
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

  it('G8: unknown messages do not end a server, with an info handler or without', async () => {
    const silent = genServer({ name: 'silent', init: () => 0, call: { ping: () => 'pong' } })
    const pid = await node.start(silent, [])
    node.send(pid, { anything: 1 } satisfies Message)
    node.cast(pid as Pid<{ call: object; cast: { unknown(): void } }>, 'unknown', [])
    expect(await node.call(pid, 'ping', [])).toBe('pong')
  })

  it.each(['nothing', 'constructor', '__proto__', 'toString', 'hasOwnProperty', ''])(
    'an unknown handler %j is a coded refusal',
    async (name) => {
      const { pid } = await start()
      const any = pid as Pid as Pid<{ call: Record<string, () => unknown>; cast: Record<string, () => void> }>
      await expect(node.call(any, name, [])).rejects.toMatchObject({ code: 'ERR_NO_HANDLER', outcome: 'not-run' })
      node.cast(any, name, [])
      expect(await node.call(pid, 'add', [1])).toBe(1)
    },
  )

  it('answers later where a handler deferred it, from any other handler, once', async () => {
    const { pid } = await start()
    let deferred: DeferredReply<string> | undefined
    const call = node.call(pid, 'perform', [(ctx) => (deferred = ctx.defer<string>())])
    expect(await node.call(pid, 'add', [1])).toBe(1)
    const before = node.counters().lateReplies
    await node.call(pid, 'perform', [() => (deferred?.reply('first'), deferred?.reply('second'), undefined)])
    expect(await call).toBe('first')
    expect(node.counters().lateReplies).toBe(before + 1)
  })

  it('tells those whose answer it deferred when it ends', async () => {
    const { pid } = await start()
    const call = node.call(pid, 'perform', [(ctx) => ctx.defer<string>()])
    node.cast(pid, 'perform', [(ctx) => ctx.stop('normal')])
    await expect(call).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', outcome: 'ran', reason: 'normal' })
  })

  it('counts an answer that it deferred and gives after its end', async () => {
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
