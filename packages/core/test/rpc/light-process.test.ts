import { manualPlatform } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { Exit } from '../../src/actor/exit-reason.ts'
import { Kernel } from '../../src/actor/kernel.ts'
import type { Pid } from '../../src/actor/pid.ts'
import type { RemoteServices } from '../../src/actor/remote-verbs.ts'
import type { Signal, SpawnSignal } from '../../src/actor/signal.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import { InboundCall, ProcedureLoad } from '../../src/rpc/inbound-call.ts'
import { LightProcess } from '../../src/rpc/light-process.ts'
import { procedure } from '../../src/rpc/procedure.ts'
import type { ProcedureContext } from '../../src/rpc/procedure-context.ts'
import type { RemoteProcessCode } from '../../src/rpc/remote-process.ts'
import type { RunningWork } from '../../src/rpc/running-work.ts'

const caller: Pid = { node: 'a', life: 1, thread: 0, serial: 7 }
const here: Pid = { node: 'me', life: 9, thread: 0, serial: 0 }
const watcher: Pid = { node: 'a', life: 1, thread: 0, serial: 8 }

/** A remote process of a call from another node, whose turn has not come. */
function world(run: (ctx: ProcedureContext) => unknown) {
  const platform = manualPlatform()
  const events: string[] = []
  const onActor = (event: { type: string; reason?: unknown }): void => {
    events.push(event.type === 'exit' ? `exit: ${String(event.reason)}` : event.type)
  }
  const kernel = new Kernel({
    node: 'me',
    life: 9,
    thread: 0,
    platform: { ...platform, onActor },
    codec: msgpackCodec(),
  })
  kernel.remote = { primaryEpoch: 3, isPrimary: true } as RemoteServices
  const sent: Signal[] = []
  kernel.away = { route: (signal) => sent.push(signal) }
  const offered = procedure({ name: 'work', run })
  const request = {
    procedure: 'work',
    version: 1,
    timeLeftMs: 1_000,
    idempotencyKey: 'k',
    callerRegion: 'syd',
    input: 1,
  }
  const signal: SpawnSignal = { type: 'spawn', from: caller, to: here, request }
  const served = { procedure: offered, load: new ProcedureLoad(offered.limits) }
  const call = new InboundCall(signal, served, 0, () => undefined)
  let ended = 0
  let untold: unknown
  const keeper = {
    stop: (): void => undefined,
    end: (work: RunningWork, reason: string): void =>
      kernel.route({ type: 'exit', from: here, to: work.process, reason, viaLink: false }),
    ended: (work: RunningWork, reason: unknown): void => {
      work.hasEnded = true
      if (!work.call.hasBegun) untold = reason
      ended += 1
    },
  }
  const process = new LightProcess(keeper, kernel, here, call, offered.code as RemoteProcessCode)
  const outcome = (): unknown => ({ ended, actors: kernel.actorCount, edges: kernel.stats.edges, events })
  return { platform, kernel, process, keeper, sent, outcome, untold: () => untold }
}

const over = (reason: string): unknown => ({ ended: 1, actors: 0, edges: 0, events: ['spawn', `exit: ${reason}`] })

describe('a remote process that gives its result in its turn', () => {
  it('answers and ends, without having been an actor', async () => {
    const { platform, kernel, process, sent, outcome } = world((ctx) => {
      isActor = kernel.actor(process.pid) !== undefined
      return [ctx.caller, ctx.idempotencyKey, ctx.primaryEpoch, ctx.timeLeftMs, ctx.node].length
    })
    let isActor = true
    expect([kernel.actorCount, isActor]).toEqual([1, true])
    await platform.settle()
    expect(isActor).toBe(false)
    expect(sent).toEqual([{ type: 'reply', to: caller, ref: 0, result: { ok: true, value: 5, encoded: false } }])
    expect(outcome()).toEqual(over('normal'))
  })

  it('answers with what it throws', async () => {
    const { platform, sent, outcome } = world(() => {
      throw new TypeError('no')
    })
    await platform.settle()
    const failure = { code: 'ERR_REMOTE_ERROR', outcome: 'ran' }
    expect(sent).toMatchObject([{ type: 'reply', to: caller, result: { ok: false, failure } }])
    expect(outcome()).toEqual(over('normal'))
  })

  it.each<[string, (ctx: ProcedureContext) => unknown]>([
    ['its address', (ctx) => ctx.self],
    ['its signal', (ctx) => ctx.signal],
    ['a link', (ctx) => ctx.link(watcher)],
    ['a monitor', (ctx) => ctx.monitor(watcher)],
    ['a message to be sent', (ctx) => ctx.send(ctx.self, 'note')],
    ['trapExit', (ctx) => (ctx.trapExit = true)],
    ['a message', (ctx) => void ctx.receive()],
    ['a timer', (ctx) => ctx.sendAfter(1, watcher, 'note')],
  ])('is an actor at its own address from when it asks for %s', async (_what, touch) => {
    const { platform, kernel, process, sent, outcome } = world((ctx) => {
      touch(ctx)
      isAlive = kernel.actor(process.pid)?.alive
      return 1
    })
    let isAlive: boolean | undefined
    await platform.settle()
    expect(isAlive).toBe(true)
    expect(sent).toContainEqual({ type: 'reply', to: caller, ref: 0, result: { ok: true, value: 1, encoded: false } })
    expect(sent).not.toContainEqual(expect.objectContaining({ type: 'exit', to: caller }))
    expect(outcome()).toEqual(over('normal'))
  })

  it('tells whoever was linked to it or watches it of its end', async () => {
    const { platform, kernel, process, sent } = world((ctx) => {
      ctx.link(watcher)
      kernel.deliver({ type: 'monitor', from: watcher, to: ctx.self, ref: 5 })
      return 1
    })
    await platform.settle()
    const from = process.pid
    expect(sent.slice(-2)).toEqual([
      { type: 'down', from, to: watcher, ref: 5, reason: 'normal' },
      { type: 'exit', from, to: watcher, reason: 'normal', viaLink: true },
    ])
  })

  it('that ends itself has not answered: its caller gets the exit of what it is linked to', async () => {
    const { platform, kernel, process, sent, outcome } = world((ctx) => {
      ctx.exit(ctx.self, 'kill')
      return 1
    })
    await platform.settle()
    expect(sent).toEqual([{ type: 'exit', from: process.pid, to: caller, reason: 'killed', viaLink: true }])
    expect(kernel.counters.afterExit).toBe(1)
    expect(outcome()).toEqual(over('killed'))
  })

  it('that throws an Exit has not answered either', async () => {
    const { platform, process, sent, outcome } = world(() => {
      throw new Exit('shutdown')
    })
    await platform.settle()
    expect(sent).toEqual([{ type: 'exit', from: process.pid, to: caller, reason: 'shutdown', viaLink: true }])
    expect(outcome()).toEqual(over('shutdown'))
  })

  it('leaves a context by which nothing has an effect', async () => {
    let kept: ProcedureContext | undefined
    const { platform, kernel, process, sent } = world((ctx) => {
      kept = ctx
      return 1
    })
    await platform.settle()
    const ctx = kept as ProcedureContext
    expect([ctx.self, ctx.signal.aborted]).toEqual([process.pid, true])
    ctx.send(watcher, 'late')
    expect([kernel.counters.afterExit, sent.length, kernel.actorCount]).toEqual([1, 1, 0])
  })
})

describe('a remote process that gives a promise', () => {
  it('is an actor by then, with what was sent to it meanwhile', async () => {
    let runs = 0
    const { platform, kernel, process, sent, outcome } = world(async (ctx) => {
      runs += 1
      return ctx.receive()
    })
    await platform.settle()
    expect([kernel.actorCount, kernel.stats.edges]).toEqual([1, 1])
    kernel.deliver({ type: 'message', to: process.pid, message: 'hello', encoded: false })
    await platform.settle()
    expect(sent).toMatchObject([{ type: 'reply', to: caller, result: { ok: true, value: 'hello' } }])
    expect([runs, outcome()]).toEqual([1, over('normal')])
  })
})

describe('before the turn of a remote process', () => {
  const never = (): never => {
    throw new Error('it ran')
  }

  it('its end is left to its keeper to tell, as not begun, and it never runs', async () => {
    const { platform, keeper, process, sent, outcome, untold } = world(never)
    keeper.end(process, 'timeout')
    await platform.settle()
    expect([sent, untold()]).toEqual([[], 'timeout'])
    expect(outcome()).toEqual(over('timeout'))
  })

  it('the loss of the node of its caller ends it, and it never runs', async () => {
    const { platform, kernel, process, outcome } = world(never)
    const lost = { node: 'a', life: 1 }
    kernel.peerLost(lost, () => 'noconnection')
    process.callerLost(lost)
    await platform.settle()
    expect(outcome()).toEqual(over('noconnection'))
  })

  it('who has its address reaches it, and it runs once', async () => {
    let runs = 0
    const { platform, kernel, process, sent, outcome } = world(async (ctx) => {
      runs += 1
      return [await ctx.receive(), ctx.self.serial]
    })
    kernel.deliver({ type: 'message', to: process.process, message: 'early', encoded: false })
    await platform.settle()
    expect(runs).toBe(1)
    expect(sent).toMatchObject([{ type: 'reply', to: caller, result: { ok: true, encoded: true } }])
    expect(outcome()).toEqual(over('normal'))
  })
})
