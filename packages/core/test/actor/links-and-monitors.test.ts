import {
  actor,
  type ActorError,
  actorName,
  type CallError,
  defineApp,
  genServer,
  memoryTransport,
  type Node,
  type Pid,
  silentLog,
  startNode,
} from '@skerry/core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { collected } from '../fixtures/collected.ts'
import {
  pairOf,
  Player,
  type PlayerContext,
  type PlayerPid,
  type PlayerProtocol,
  startPlayer,
  startTwoNodes,
  usePlaces,
} from '../fixtures/places.ts'
import { downMessage, exitMessage, startPuppet } from '../fixtures/puppet.ts'
import { Sightings } from '../fixtures/sightings.ts'
import { makeTransport, newMeshName } from '../rpc/two-nodes.ts'

/** The rows L1 to L14 of OTP's rules for exits, links and monitors, at every place; L15 is in alias.test.ts. */
describe('exits, links and monitors', () => {
  const { row } = usePlaces()

  row('L1', 'a normal exit signal is ignored by an actor that does not trap', async ({ near, far }) => {
    const [sender, target] = [await near(), await far()]
    await sender.exit(target, 'normal')
    expect(await target.waitingAfter(sender)).toBe(0)
  })

  row('L1', 'a normal exit signal is a message to an actor that traps', async ({ near, far }) => {
    const [sender, target] = [await near(), await far({ trapExit: true })]
    await sender.exit(target, 'normal')
    expect(await target.next()).toEqual(exitMessage(sender.pid, 'normal'))
  })

  row('L1', 'a normal exit signal to itself ends an actor', async ({ near, far }) => {
    const [watcher, target] = [await near(), await far()]
    const monitor = await watcher.monitor(target)
    target.begin((ctx) => ctx.exit(ctx.self, 'normal'))
    expect(await watcher.next()).toEqual(downMessage(monitor, 'normal'))
  })

  row('L2', 'kill ends an actor that traps, and links and monitors see killed', async ({ near, far }) => {
    const [linked, watcher] = [await near({ trapExit: true }), await near()]
    const victim = await far({ trapExit: true })
    await linked.link(victim)
    const monitor = await watcher.monitor(victim)
    await watcher.exit(victim, 'kill')
    expect(await linked.next()).toEqual(exitMessage(victim.pid, 'killed'))
    expect(await watcher.next()).toEqual(downMessage(monitor, 'killed'))
  })

  row('L2', 'the one linked to a killed actor ends with killed', async ({ near, far }) => {
    const [linked, victim, killer] = [await near(), await far(), await near()]
    await linked.link(victim)
    const { ended } = linked
    await killer.exit(victim, 'kill')
    expect(await ended).toBe('killed')
  })

  row('L3', 'an actor that exits with kill by itself sends a kill that can be trapped', async ({ near, far }) => {
    const [trapping, other, watcher] = [await near({ trapExit: true }), await near(), await near()]
    const victim = await far()
    await trapping.link(victim)
    await other.link(victim)
    const monitor = await watcher.monitor(victim)
    const { ended } = other
    victim.begin((ctx) => {
      throw new ctx.state.kit.Exit('kill')
    })
    expect(await trapping.next()).toEqual(exitMessage(victim.pid, 'kill'))
    expect(await watcher.next()).toEqual(downMessage(monitor, 'kill'))
    expect(await ended).toBe('kill')
  })

  row('L4', 'any other reason ends an actor that does not trap, and those linked to it', async ({ near, far }) => {
    const reason = { type: 'stale', age: 3 }
    const [sender, watcher, linked] = [await near(), await near(), await near()]
    const [plain, trapping] = [await far(), await far({ trapExit: true })]
    await linked.link(plain)
    await trapping.link(linked)
    const monitor = await watcher.monitor(plain)
    const { ended } = linked
    await sender.exit(plain, reason)
    expect(await watcher.next()).toEqual(downMessage(monitor, reason))
    expect(await ended).toEqual(reason)
    expect(await trapping.next()).toEqual(exitMessage(linked.pid, reason))
  })

  row('L4', 'any other reason is a message to an actor that traps', async ({ near, far }) => {
    const reason = { type: 'stale', age: 3 }
    const [sender, trapping] = [await near(), await far({ trapExit: true })]
    await sender.exit(trapping, reason)
    expect(await trapping.next()).toEqual(exitMessage(sender.pid, reason))
  })

  row('L5', 'the normal end of a linked actor leaves the other one alone', async ({ near, far }) => {
    const [plain, trapping, partner] = [await near(), await near({ trapExit: true }), await far()]
    await plain.link(partner)
    await trapping.link(partner)
    partner.begin((ctx) => ctx.exit(ctx.self, 'normal'))
    expect(await trapping.next()).toEqual(exitMessage(partner.pid, 'normal'))
    expect(await plain.waiting()).toBe(0)
  })

  row(
    'L5',
    'a child survives the normal end of a parent that does not supervise, not its shutdown',
    async ({ near, far, there }) => {
      const neighbour = await far()
      for (const [reason, survives] of [
        ['normal', true],
        ['shutdown', false],
      ] as const) {
        const parent = await near()
        const pid = await parent.do((ctx, thread) => ctx.start(ctx.state.kit.player, [{}], { thread }), there.thread)
        const child = new Player(there.node, pid)
        const monitor = await neighbour.monitor(child)
        const parentEnded = parent.ended
        parent.begin((ctx, why) => {
          throw new ctx.state.kit.Exit(why)
        }, reason)
        expect(await parentEnded).toBe(reason)
        if (survives) expect(await child.waiting()).toBe(0)
        else expect(await neighbour.next()).toEqual(downMessage(monitor, 'shutdown'))
      }
    },
    ['local', 'thread'],
  )

  row('L6', 'an uncaught error is the reason: class name, message, code, stack and causes', async ({ near, far }) => {
    const [linked, watcher, caller, victim] = [await near({ trapExit: true }), await near(), await near(), await far()]
    await linked.link(victim)
    const monitor = await watcher.monitor(victim)
    const failed = await caller.do((ctx, pid) => {
      const act = (): never => {
        class TooFar extends RangeError {
          readonly code = 'ERR_FAR'
        }
        const innermost = Object.assign(new Error('no road'), { code: 'ENOENT' })
        throw new TooFar('too far', { cause: new TypeError('no map', { cause: innermost }) })
      }
      return ctx.call(pid, 'perform', [String(act), []]).catch((error: CallError) => ({
        code: error.code,
        outcome: error.outcome,
        reason: error.reason,
        cause: { isError: error.cause instanceof Error, name: (error.cause as Error).name },
        stack: (error.cause as Error).stack,
      }))
    }, victim.pid)
    const text = expect.stringContaining('player.mjs') as unknown
    const reason = {
      type: 'error',
      name: 'TooFar',
      message: 'too far',
      code: 'ERR_FAR',
      stack: text,
      cause: {
        type: 'error',
        name: 'TypeError',
        message: 'no map',
        stack: text,
        cause: { type: 'error', name: 'Error', message: 'no road', code: 'ENOENT', stack: text },
      },
    }
    expect(await linked.next()).toEqual(exitMessage(victim.pid, reason))
    expect(await watcher.next()).toEqual(downMessage(monitor, reason))
    const cause = { isError: true, name: 'TooFar' }
    expect(failed).toEqual({ code: 'ERR_CALLEE_EXITED', outcome: 'ran', reason, cause, stack: text })
  })

  row('L6', 'a thrown value that is no error is kept in print', async ({ near, far }) => {
    const [watcher, victim] = [await near(), await far()]
    const monitor = await watcher.monitor(victim)
    victim.begin(() => {
      // Programs do this.
      throw { ball: 1 } as unknown as Error
    })
    expect(await watcher.next()).toEqual(
      downMessage(monitor, { type: 'error', name: 'NonError', message: '{"ball":1}' }),
    )
  })

  row('L7', 'two links and one unlink make no link', async ({ near, far }) => {
    const [left, right] = [await near(), await far()]
    await left.link(right)
    await left.link(right)
    await right.link(left)
    await left.do((ctx, pid) => ctx.unlink(pid), right.pid)
    expect(await right.waitingAfter(left)).toBe(0)
    const watching = await left.monitor(right)
    right.begin((ctx) => ctx.exit(ctx.self, 'boom'))
    // Behind an EXIT, if there were one.
    expect(await left.next()).toEqual(downMessage(watching, 'boom'))
    expect(await left.waiting()).toBe(0)
  })

  row('L7', 'either side of a link can take it back', async ({ near, far }) => {
    const [left, right] = [await near(), await far({ trapExit: true })]
    await left.link(right)
    await right.do((ctx, pid) => ctx.unlink(pid), left.pid)
    await left.waitingAfter(right)
    const monitor = await right.monitor(left)
    left.begin((ctx) => ctx.exit(ctx.self, 'boom'))
    expect(await right.next()).toEqual(downMessage(monitor, 'boom'))
    expect(await right.waiting()).toBe(0)
  })

  row('L7', 'unlink leaves an EXIT that is already queued', async ({ near, far }) => {
    const [trapping, victim] = [await near({ trapExit: true }), await far()]
    await trapping.link(victim)
    await trapping.do(async (ctx, pid) => {
      ctx.exit(pid, 'boom')
      await ctx.state.queued(1)
      ctx.unlink(pid)
    }, victim.pid)
    expect(await trapping.next()).toEqual(exitMessage(victim.pid, 'boom'))
  })

  row('L8', 'a link to a dead actor is an EXIT noproc, or the end', async ({ near, dead }) => {
    const pid = await dead()
    const [trapping, plain] = [await near({ trapExit: true }), await near()]
    await trapping.do((ctx, gone) => ctx.link(gone), pid)
    expect(await trapping.next()).toEqual(exitMessage(pid, 'noproc'))
    const { ended } = plain
    plain.begin((ctx, gone) => ctx.link(gone), pid)
    expect(await ended).toBe('noproc')
  })

  row(
    '',
    'one that is ended by whoever is told of its beginning is an EXIT of its starter, and leaves its name free',
    async ({ near, far, there }) => {
      const [starter, told] = [await near({ trapExit: true }), await far()]
      for (const name of [undefined, 'ended at once']) {
        await told.do((ctx, label) => {
          const channels = process.getBuiltinModule('node:diagnostics_channel')
          const on = (event: unknown): void => {
            const { label: its, system: _, ...pid } = event as Pid & { label: string; system: boolean }
            if (its !== label) return
            channels.unsubscribe('skerry:actor.spawn', on)
            ctx.exit(pid, 'kill')
          }
          channels.subscribe('skerry:actor.spawn', on)
        }, name ?? 'player')
        const failed = await starter.do(
          async (ctx, thread, its) => {
            const { player: behavior, actorName: named, told: data } = ctx.state.kit
            const register = its === undefined ? {} : { register: named<PlayerProtocol>(its) }
            return ctx.start(behavior, [{}], { thread, ...register }).catch(data)
          },
          there.thread,
          name,
        )
        expect(failed).toMatchObject({ code: 'ERR_START_FAILED' })
        expect(await starter.next()).toMatchObject({ type: 'EXIT' })
        if (name !== undefined) await vi.waitFor(() => expect(there.node.whereis(actorName(name))).toBeUndefined())
      }
      expect(await starter.waiting()).toBe(0)
    },
    ['local', 'thread'],
  )

  row('L10', 'a monitor of a dead actor fires at once with noproc', async ({ near, dead }) => {
    const pid = await dead()
    const watcher = await near()
    const monitor = await watcher.do((ctx, gone) => ctx.monitor(gone), pid)
    expect(await watcher.next()).toEqual(downMessage(monitor, 'noproc'))
  })

  row(
    'L10',
    'a monitor of a name that nobody has fires at once with noproc',
    async ({ far }) => {
      const watcher = await far()
      const monitor = await watcher.do((ctx) => ctx.monitor(ctx.state.kit.actorName('nobody')))
      expect(await watcher.next()).toEqual(downMessage(monitor, 'noproc'))
    },
    ['local', 'thread'],
  )

  row(
    'L10',
    'a link, monitor or call of an actor on a node that is not reachable says noconnection',
    async ({ near, here }) => {
      const stranger: PlayerPid = { node: 'far away', life: 1, thread: 0, serial: 1 }
      const [watcher, linked] = [await near(), await near({ trapExit: true })]
      const monitor = await watcher.do((ctx, pid) => ctx.monitor(pid), stranger)
      expect(await watcher.next()).toEqual(downMessage(monitor, 'noconnection'))
      await linked.do((ctx, pid) => ctx.link(pid), stranger)
      expect(await linked.next()).toEqual(exitMessage(stranger, 'noconnection'))
      const call = linked.do(
        (ctx, pid) => ctx.call(pid, 'waiting', []).catch(({ code, outcome }: CallError) => ({ code, outcome })),
        stranger,
      )
      expect(await call).toEqual({ code: 'ERR_NOCONNECTION', outcome: 'not-run' })
      expect(await here.node.watch(stranger)).toBe('noconnection')
    },
    ['node'],
  )

  row('L11', 'as many monitors as were set fire, and never end their watcher', async ({ near, far }) => {
    const [watcher, victim] = [await near(), await far()]
    const monitors = [await watcher.monitor(victim), await watcher.monitor(victim), await watcher.monitor(victim)]
    victim.begin((ctx) => ctx.exit(ctx.self, 'boom'))
    for (const monitor of monitors) expect(await watcher.next()).toEqual(downMessage(monitor, 'boom'))
    expect(await watcher.waiting()).toBe(0)
  })

  row('L11', 'demonitor stops one monitor and leaves a DOWN that is already queued', async ({ near, far }) => {
    const [watcher, victim] = [await near(), await far()]
    const [first, second] = [await watcher.monitor(victim), await watcher.monitor(victim)]
    await watcher.do(
      async (ctx, { pid, stopped, queued }) => {
        ctx.demonitor(stopped)
        // The victim knows when it answers.
        await ctx.call(pid, 'waiting', [])
        ctx.exit(pid, 'boom')
        await ctx.state.queued(1)
        ctx.demonitor(queued)
      },
      { pid: victim.pid, stopped: second, queued: first },
    )
    expect(await watcher.next()).toEqual(downMessage(first, 'boom'))
    expect(await watcher.waiting()).toBe(0)
  })

  row('L11', 'demonitor with flush takes out a DOWN that is already queued, and nothing else', async (pair) => {
    const [watcher, victim] = [await pair.near(), await pair.far()]
    const [flushed, kept] = [await watcher.monitor(victim), await watcher.monitor(victim)]
    await watcher.do(
      async (ctx, { pid, monitor }) => {
        ctx.send(ctx.self, 'before')
        ctx.exit(pid, 'boom')
        await ctx.state.queued(3)
        ctx.send(ctx.self, 'after')
        ctx.demonitor(monitor, { flush: true })
      },
      { pid: victim.pid, monitor: flushed },
    )
    const seen = [await watcher.next(), await watcher.next(), await watcher.next()]
    expect(seen).toEqual(['before', downMessage(kept, 'boom'), 'after'])
    expect(await watcher.waiting()).toBe(0)
  })

  row(
    'L12',
    'a message, cast or exit signal to a dead actor does nothing but count',
    async ({ near, dead, counted }) => {
      const pid = await dead()
      const sender = await near()
      const before = await counted('deadLetters')
      const code = await sender.do((ctx, gone) => {
        ctx.send(gone, 'hello')
        ctx.cast(gone, 'note', ['hello'])
        ctx.exit(gone, 'boom')
        // Behind them on the same way.
        return ctx.call(gone, 'waiting', []).catch((error: CallError) => error.code)
      }, pid)
      expect(code).toBe('ERR_NOPROC')
      expect(await counted('deadLetters')).toBe(before + 2)
      expect(await sender.waiting()).toBe(0)
    },
  )

  row(
    'L12',
    'a message to a name that nobody has throws, a cast does not',
    async ({ far }) => {
      const sender = await far()
      const thrown = await sender.do((ctx) => {
        const nobody = ctx.state.kit.actorName<PlayerProtocol>('nobody')
        ctx.cast(nobody, 'note', ['hello'])
        try {
          ctx.send(nobody, 'hello')
        } catch (error) {
          return (error as ActorError).code
        }
        return 'sent'
      })
      expect(thrown).toBe('ERR_NOPROC')
    },
    ['local', 'thread'],
  )

  row(
    'L12',
    'a message or cast to a node that is not reachable does nothing but count',
    async ({ near, counted }) => {
      const sender = await near()
      const stranger: PlayerPid = { node: 'far away', life: 1, thread: 0, serial: 1 }
      const before = await counted('unsent')
      await sender.do((ctx, pid) => {
        ctx.send(pid, 'hello')
        ctx.cast(pid, 'note', ['hello'])
        // Answered on the way that they took.
        return ctx.call(pid, 'waiting', []).catch((error: CallError) => error.code)
      }, stranger)
      expect(await counted('unsent')).toBe(before + 2)
    },
    ['node'],
  )

  row('L13', 'the names of an actor are free when its DOWN and its EXIT arrive', async ({ near, far }) => {
    const [victim, successor, watcher] = [await far(), await far(), await near({ trapExit: true })]
    await victim.do((ctx) => ctx.register(ctx.state.kit.actorName('thirteen')))
    await watcher.link(victim)
    await watcher.monitor(victim)
    // As soon as it hears of the end it has the name taken again, on the victim's node: refused if not free.
    const takeOver = (ctx: PlayerContext): Promise<void> => ctx.register(ctx.state.kit.actorName('thirteen'))
    await watcher.do(
      (ctx, { pid, text }) => {
        ctx.state.react = async (self) => {
          const code = await self.call(pid, 'perform', [text, []]).catch((error: CallError) => error.code)
          await self.call(pid, 'note', [code ?? 'registered'])
        }
      },
      { pid: successor.pid, text: String(takeOver) },
    )
    victim.begin((ctx) => ctx.exit(ctx.self, 'shutdown'))
    // For DOWN, and then for EXIT.
    expect([await successor.next(), await successor.next()]).toEqual(['registered', 'registered'])
    const { ended } = successor
    successor.begin((ctx) => ctx.exit(ctx.self, 'normal'))
    await ended
  })

  row('L14', 'what one actor says to another arrives in order, whatever it is', async ({ near, far }) => {
    const [sender, target] = [await near(), await far()]
    await sender.do(async (ctx, pid) => {
      for (let number = 0; number < 300; number += 3) {
        ctx.send(pid, number)
        ctx.cast(pid, 'note', [number + 1])
        if (number % 50 === 0) await ctx.call(pid, 'waiting', [])
        if (number % 7 === 0) void ctx.call(pid, 'note', [number + 2])
        else ctx.send(pid, number + 2)
      }
      await ctx.call(pid, 'waiting', [])
    }, target.pid)
    const seen = await target.do((ctx) => ctx.state.seen)
    expect(seen).toEqual(Array.from({ length: 300 }, (_, index) => index))
  })

  row('L14', 'DOWN and EXIT come behind everything that the ended actor had sent', async ({ near, far }) => {
    const [reader, writer] = [await near({ trapExit: true }), await far()]
    await reader.link(writer)
    const monitor = await reader.monitor(writer)
    writer.begin((ctx, pid) => {
      for (let number = 0; number < 200; number += 1) ctx.send(pid, number)
      ctx.exit(ctx.self, 'shutdown')
    }, reader.pid)
    for (let number = 0; number < 200; number += 1) expect(await reader.next()).toBe(number)
    const last = [await reader.next(), await reader.next()]
    expect(last).toContainEqual(downMessage(monitor, 'shutdown'))
    expect(last).toContainEqual(exitMessage(writer.pid, 'shutdown'))
  })
})

describe('exits, links and monitors when what carries them is lost', () => {
  for (const spot of ['main', 'pool'] as const) {
    it(`L9 [node]: the loss of the connection fires noconnection at both ends, and ends both that do not trap (${spot} to ${spot})`, async () => {
      const mesh = await startTwoNodes()
      onTestFinished(() => mesh.stop())
      const { near, far } = pairOf(mesh, 'node', spot, spot)
      const [plainHere, trappingHere] = [await near(), await near({ trapExit: true })]
      const [plainThere, trappingThere] = [await far(), await far({ trapExit: true })]
      await plainHere.link(plainThere)
      await trappingHere.link(trappingThere)
      const monitor = await trappingHere.monitor(trappingThere)
      const waiting = trappingHere.do(
        (ctx, pid) => ctx.call(pid, 'hold', ['never']).catch(({ code, outcome }: CallError) => ({ code, outcome })),
        (await far()).pid,
      )
      const ends = [plainHere.ended, plainThere.ended]
      await trappingThere.waiting()
      await mesh.cut()
      expect(await Promise.all(ends)).toEqual(['noconnection', 'noconnection'])
      expect(await waiting).toEqual({ code: 'ERR_NOCONNECTION', outcome: 'unknown' })
      const fired = [await trappingHere.next(), await trappingHere.next()]
      expect(fired).toContainEqual(downMessage(monitor, 'noconnection'))
      expect(fired).toContainEqual(exitMessage(trappingThere.pid, 'noconnection'))
      expect(await trappingThere.next()).toEqual(exitMessage(trappingHere.pid, 'noconnection'))
      expect(await Promise.all([trappingHere.waiting(), trappingThere.waiting()])).toEqual([0, 0])
    })
  }

  for (const spot of ['main', 'pool'] as const) {
    it(`L9 [thread]: the loss of a thread fires threadlost for each of its actors that is not to blame (${spot} to own)`, async () => {
      const mesh = await startTwoNodes()
      onTestFinished(() => mesh.stop())
      const { near } = pairOf(mesh, 'local', spot, spot)
      const [plain, trapping] = [await near(), await near({ trapExit: true })]
      const first = await startPlayer({ name: 'own', node: mesh.home, thread: 'own' })
      const bystanders = await Promise.all(
        [1, 2].map(() => first.do((ctx) => ctx.start(ctx.state.kit.player, [{}], { link: false }))),
      )
      const [one, other] = bystanders.map((pid) => new Player(mesh.home, pid)) as [Player, Player]
      await plain.link(one)
      await trapping.link(other)
      const monitor = await trapping.monitor(other)
      const { ended } = plain
      mesh.home.exit(first.pid, 'kill')
      expect(await ended).toBe('threadlost')
      const fired = [await trapping.next(), await trapping.next()]
      expect(fired).toContainEqual(downMessage(monitor, 'threadlost'))
      expect(fired).toContainEqual(exitMessage(other.pid, 'threadlost'))
      expect(await trapping.waiting()).toBe(0)
    })
  }
})

describe('on one node', () => {
  let node: Node

  beforeAll(async () => {
    node = await startNode(defineApp({ name: 'lone', children: [] }), { log: silentLog })
  })
  afterAll(() => node.stop())

  it('L11 [local]: an actor that receives its messages itself can flush as well', async () => {
    const [other, victim] = [await startPuppet(node), await startPuppet(node)]
    const seen = new Promise<unknown[]>((resolve) => {
      const reader = actor({
        name: 'reader',
        async run(ctx) {
          const [first, second] = [ctx.monitor(victim.pid), ctx.monitor(victim.pid)]
          ctx.exit(victim.pid, 'kill')
          ctx.send(ctx.self, 'last')
          // The turn that hands on what has arrived is over when a call has been answered.
          await ctx.call(other.pid, 'perform', [() => undefined])
          ctx.demonitor(first, { flush: true })
          const [next, last] = [await ctx.receive(), await ctx.receive()]
          resolve([second, next, last])
        },
      })
      void node.start(reader, [])
    })
    const [second, next, last] = await seen
    expect(next).toEqual(downMessage(second as { ref: number; pid: Pid }, 'killed'))
    expect(last).toBe('last')
  })

  it('a Pid of an earlier life of the node reaches nobody', async () => {
    const actor = await startPuppet(node)
    const earlier = { ...actor.pid, life: actor.pid.life - 1 }
    expect(await node.watch(earlier)).toBe('noproc')
    await expect(node.call(earlier, 'perform', [null as never])).rejects.toMatchObject({
      code: 'ERR_NOPROC',
      outcome: 'not-run',
    })
    const before = node.counters().deadLetters
    node.send(earlier, 'hello')
    node.exit(earlier, 'kill')
    await actor.settled()
    expect(actor.waiting).toBe(0)
    expect(node.counters().deadLetters).toBe(before + 1)
  })

  it('what a dead actor still starts does not begin, and harms nobody', async () => {
    const actor = await startPuppet(node)
    const inbox = new Sightings<never>()
    const spawned: Pid[] = []
    let started = false
    await actor
      .do((ctx) => {
        ctx.exit(ctx.self, 'kill')
        spawned.push(ctx.spawn(bystander, [inbox]))
        void ctx.start(bystander, [inbox]).finally(() => (started = true))
      })
      .catch(() => undefined)
    expect(await node.watch(spawned[0] as Pid)).toBe('noproc')
    expect(started).toBe(false)
  })

  it('a reason that can not be carried, or is huge, is replaced by an error that says so', async () => {
    const [odd, huge] = [await startPuppet(node), await startPuppet(node)]
    const ends = [node.watch(odd.pid), node.watch(huge.pid)]
    node.exit(odd.pid, { type: 'odd', fn: () => 1 } as { type: string })
    node.cast(huge.pid, 'perform', [() => Promise.reject(new Error('x'.repeat(1_000_000)))])
    expect(await ends[0]).toMatchObject({ name: 'UnportableReason', message: expect.stringContaining('fn') as unknown })
    expect(JSON.stringify(await ends[1]).length).toBeLessThan(16_000)
  })
})

describe('between nodes', () => {
  // Lives do not tell their order, so one that was never met may be the present one: see node-router.test.ts for others.
  it('a Pid of a life that another node does not have reaches nobody', async () => {
    const { here, there } = await pairOfNodes()
    const far = await startPuppet(there)
    const earlier = { ...far.pid, life: far.pid.life - 1 }
    expect(await here.watch(earlier)).toBe('noconnection')
    const refusal = { outcome: 'not-run' }
    await expect(here.call(earlier, 'perform', [null as never])).rejects.toMatchObject(refusal)
  })

  it('what can not be encoded is an error for its sender, with the path', async () => {
    const { here, there } = await pairOfNodes()
    const [near, far] = [await startPuppet(here), await startPuppet(there)]
    const errors = await near.do((ctx) =>
      [
        () => ctx.send(far.pid, { fn: () => 1 }),
        () => ctx.cast(far.pid, 'perform', [() => 1]),
        () => ctx.exit(far.pid, { type: 'odd', fn: () => 1 } as { type: string }),
      ].map((act) => {
        try {
          act()
        } catch (error) {
          return error
        }
        return undefined
      }),
    )
    const expected = { code: 'ERR_NOT_ENCODABLE', path: expect.any(String) as unknown }
    expect(errors).toMatchObject([expected, expected, expected])
    const call = { name: 'CallError', code: 'ERR_NOT_ENCODABLE', outcome: 'not-run' }
    await expect(here.call(far.pid, 'perform', [() => 1])).rejects.toMatchObject(call)
    await near.settled()
  })

  it('a message that is sent later and can not be encoded ends its actor, and nothing else', async () => {
    const { here, there } = await pairOfNodes()
    const [near, far] = [await startPuppet(here), await startPuppet(there)]
    const ended = here.watch(near.pid)
    await near.do((ctx) => void ctx.sendAfter(1, far.pid, { fn: () => 1 }))
    expect(await ended).toMatchObject({ type: 'error', code: 'ERR_NOT_ENCODABLE' })
  })

  it('an actor that has cut its ties to another node is not kept for them', async () => {
    const { here, there } = await pairOfNodes()
    const far = await startPuppet(there)
    let dead: WeakRef<object> | undefined
    await (async () => {
      const near = await startPuppet(here)
      await near.do((ctx) => {
        ctx.demonitor(ctx.monitor(far.pid))
        ctx.link(far.pid)
        ctx.unlink(far.pid)
        dead = new WeakRef(ctx)
      })
      const ended = here.watch(near.pid)
      here.exit(near.pid, 'kill')
      await ended
    })()
    await collected(dead as unknown as WeakRef<object>)
  })
})

/** Answers pings and knows nothing else. */
const bystander = genServer({
  name: 'bystander',
  init: (_ctx, inbox: Sightings<never>) => inbox,
  call: { ping: () => 'pong' },
})

async function pairOfNodes(): Promise<{ here: Node; there: Node; cut(): Promise<void> }> {
  const hub = newMeshName()
  const transport = await makeTransport(memoryTransport({ hub }))
  const app = defineApp({ name: 'two', children: [] })
  const here = await startNode(app, {
    region: 'syd',
    remoteSignals: 'members',
    transport: memoryTransport({ hub }),
    log: silentLog,
  })
  const there = await startNode(app, {
    region: 'lax',
    remoteSignals: 'members',
    transport: () => transport,
    cluster: 'two',
    log: silentLog,
  })
  onTestFinished(async () => {
    await Promise.all([here.stop(), there.stop()])
  })
  await Promise.all([here.waitForRegion('lax'), there.waitForRegion('syd')])
  return { here, there, cut: () => transport.stop() }
}
