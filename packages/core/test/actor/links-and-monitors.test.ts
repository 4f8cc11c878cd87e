import {
  actor,
  type ActorName,
  actorName,
  defineApp,
  Exit,
  genServer,
  memoryTransport,
  type Node,
  type Pid,
  silentLog,
  startNode,
} from '@skerry/core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { collected } from '../fixtures/collected.ts'
import { downMessage, exitMessage, startPuppet } from '../fixtures/puppet.ts'
import { Sightings } from '../fixtures/sightings.ts'
import { makeTransport, newMeshName } from '../rpc/two-nodes.ts'

/** The rows L1 to L14 of OTP's rules for exits, links and monitors, on one node. */
describe('exits, links and monitors', () => {
  let node: Node

  beforeAll(async () => {
    node = await startNode(defineApp({ name: 'lone', children: [] }), { log: silentLog })
  })
  afterAll(() => node.stop())

  async function deadPid(): Promise<Pid> {
    const { pid } = await startPuppet(node)
    const ended = node.watch(pid)
    node.exit(pid, 'kill')
    await ended
    return pid
  }

  it('L1: a normal exit signal is ignored by an actor that does not trap', async () => {
    const [sender, target] = [await startPuppet(node), await startPuppet(node)]
    await sender.do((ctx) => ctx.exit(target.pid, 'normal'))
    await target.settled()
    expect(target.waiting).toBe(0)
  })

  it('L1: a normal exit signal is a message to an actor that traps', async () => {
    const [sender, target] = [await startPuppet(node), await startPuppet(node, { trapExit: true })]
    await sender.do((ctx) => ctx.exit(target.pid, 'normal'))
    expect(await target.next()).toEqual(exitMessage(sender.pid, 'normal'))
  })

  it('L1: a normal exit signal to itself ends an actor', async () => {
    const actor = await startPuppet(node)
    const ended = node.watch(actor.pid)
    node.cast(actor.pid, 'perform', [(ctx) => ctx.exit(ctx.self, 'normal')])
    expect(await ended).toBe('normal')
  })

  it('L2: kill ends an actor that traps, and links and monitors see killed', async () => {
    const [linked, watcher] = [await startPuppet(node, { trapExit: true }), await startPuppet(node)]
    const victim = await startPuppet(node, { trapExit: true })
    await linked.do((ctx) => ctx.link(victim.pid))
    const monitor = await watcher.do((ctx) => ctx.monitor(victim.pid))
    await watcher.do((ctx) => ctx.exit(victim.pid, 'kill'))
    expect(await linked.next()).toEqual(exitMessage(victim.pid, 'killed'))
    expect(await watcher.next()).toEqual(downMessage(monitor, 'killed'))
    expect(victim.waiting).toBe(0)
  })

  it('L2: the one linked to a killed actor ends with killed', async () => {
    const [linked, victim] = [await startPuppet(node), await startPuppet(node)]
    await linked.do((ctx) => ctx.link(victim.pid))
    const ended = node.watch(linked.pid)
    node.exit(victim.pid, 'kill')
    expect(await ended).toBe('killed')
  })

  it('L3: an actor that exits with kill by itself sends a kill that can be trapped', async () => {
    const [trapping, other] = [await startPuppet(node, { trapExit: true }), await startPuppet(node)]
    const victim = await startPuppet(node)
    await trapping.do((ctx) => ctx.link(victim.pid))
    await other.do((ctx) => ctx.link(victim.pid))
    const ended = node.watch(other.pid)
    node.cast(victim.pid, 'perform', [
      () => {
        throw new Exit('kill')
      },
    ])
    expect(await trapping.next()).toEqual(exitMessage(victim.pid, 'kill'))
    expect(await ended).toBe('kill')
  })

  it('L4: any other reason ends an actor with that reason, and is a message to one that traps', async () => {
    const reason = { type: 'stale', age: 3 }
    const [plain, trapping] = [await startPuppet(node), await startPuppet(node, { trapExit: true })]
    const ended = node.watch(plain.pid)
    node.exit(plain.pid, reason)
    expect(await ended).toEqual(reason)
    const sender = await startPuppet(node)
    await sender.do((ctx) => ctx.exit(trapping.pid, reason))
    expect(await trapping.next()).toEqual(exitMessage(sender.pid, reason))
  })

  it('L5: the normal end of a linked actor leaves the other one alone', async () => {
    const parent = await startPuppet(node)
    const child = await startPuppet(node)
    await parent.do((ctx) => ctx.link(child.pid))
    const ended = node.watch(parent.pid)
    node.cast(parent.pid, 'perform', [(ctx) => ctx.exit(ctx.self, 'normal')])
    expect(await ended).toBe('normal')
    await child.settled()
  })

  it('L5: a child survives the normal end of a parent that does not supervise, not its shutdown', async () => {
    for (const [reason, survives] of [
      ['normal', true],
      ['shutdown', false],
    ] as const) {
      const parent = await startPuppet(node)
      const inbox = new Sightings<never>()
      const child = await parent.do((ctx) => ctx.start(bystander, [inbox]))
      const [parentEnded, childEnded] = [node.watch(parent.pid), node.watch(child)]
      node.cast(parent.pid, 'perform', [
        () => {
          throw new Exit(reason)
        },
      ])
      await parentEnded
      if (survives) expect(await node.call(child, 'ping', [])).toBe('pong')
      else expect(await childEnded).toBe('shutdown')
    }
  })

  it('L6: an uncaught error is the reason, with name, message, code and stack', async () => {
    const actor = await startPuppet(node)
    const ended = node.watch(actor.pid)
    const error = Object.assign(new RangeError('too far'), { code: 'ERR_FAR' })
    node.cast(actor.pid, 'perform', [() => Promise.reject(error)])
    expect(await ended).toEqual({
      type: 'error',
      name: 'RangeError',
      message: 'too far',
      code: 'ERR_FAR',
      stack: expect.stringContaining('links-and-monitors.test.ts') as unknown,
    })
  })

  it('L6: a thrown value that is no error is kept in print', async () => {
    const actor = await startPuppet(node)
    const ended = node.watch(actor.pid)
    node.cast(actor.pid, 'perform', [
      () => {
        // Programs do this.
        throw { ball: 1 } as unknown as Error
      },
    ])
    expect(await ended).toMatchObject({ type: 'error', name: 'NonError', message: '{"ball":1}' })
  })

  it('L7: two links and one unlink make no link', async () => {
    const [left, right] = [await startPuppet(node), await startPuppet(node)]
    await left.do((ctx) => (ctx.link(right.pid), ctx.link(right.pid)))
    await right.do((ctx) => ctx.link(left.pid))
    await left.do((ctx) => ctx.unlink(right.pid))
    const ended = node.watch(right.pid)
    node.exit(right.pid, 'boom')
    await ended
    await left.settled()
  })

  it('L7: either side of a link can take it back', async () => {
    const [left, right] = [await startPuppet(node), await startPuppet(node)]
    await left.do((ctx) => ctx.link(right.pid))
    await right.do((ctx) => ctx.unlink(left.pid))
    const ended = node.watch(left.pid)
    node.exit(left.pid, 'boom')
    await ended
    await right.settled()
  })

  it('L7: unlink leaves an EXIT that is already queued', async () => {
    const [trapping, victim] = [await startPuppet(node, { trapExit: true }), await startPuppet(node)]
    await trapping.do((ctx) => {
      ctx.link(victim.pid)
      ctx.exit(victim.pid, 'boom')
      ctx.unlink(victim.pid)
    })
    expect(await trapping.next()).toEqual(exitMessage(victim.pid, 'boom'))
  })

  it('L8: a link to a dead actor is an EXIT noproc, or the end', async () => {
    const dead = await deadPid()
    const [trapping, plain] = [await startPuppet(node, { trapExit: true }), await startPuppet(node)]
    await trapping.do((ctx) => ctx.link(dead))
    expect(await trapping.next()).toEqual(exitMessage(dead, 'noproc'))
    const ended = node.watch(plain.pid)
    node.cast(plain.pid, 'perform', [(ctx) => ctx.link(dead)])
    expect(await ended).toBe('noproc')
  })

  it('L10: a monitor of a dead actor, or of a name that nobody has, fires at once with noproc', async () => {
    const dead = await deadPid()
    const watcher = await startPuppet(node)
    const ofPid = await watcher.do((ctx) => ctx.monitor(dead))
    expect(await watcher.next()).toEqual(downMessage(ofPid, 'noproc'))
    const ofName = await watcher.do((ctx) => ctx.monitor(actorName('nobody')))
    expect(await watcher.next()).toEqual(downMessage(ofName, 'noproc'))
  })

  it('L10: a monitor of an actor on a node that is not reachable fires at once with noconnection', async () => {
    const watcher = await startPuppet(node)
    const far = { node: 'far away', life: 1, thread: 0, serial: 1 }
    const monitor = await watcher.do((ctx) => ctx.monitor(far))
    expect(await watcher.next()).toEqual(downMessage(monitor, 'noconnection'))
    expect(await node.watch(far)).toBe('noconnection')
  })

  it('L11: as many monitors as were set fire, and never end their watcher', async () => {
    const [watcher, victim] = [await startPuppet(node), await startPuppet(node)]
    const monitors = await watcher.do((ctx) => [1, 2, 3].map(() => ctx.monitor(victim.pid)))
    node.exit(victim.pid, 'kill')
    for (const monitor of monitors) expect(await watcher.next()).toEqual(downMessage(monitor, 'killed'))
    await watcher.settled()
    expect(watcher.waiting).toBe(0)
  })

  it('L11: demonitor stops one monitor and leaves a DOWN that is already queued', async () => {
    const [watcher, victim] = [await startPuppet(node), await startPuppet(node)]
    const [queued] = await watcher.do((ctx) => {
      const [first, second] = [ctx.monitor(victim.pid), ctx.monitor(victim.pid)]
      ctx.demonitor(second)
      ctx.exit(victim.pid, 'kill')
      ctx.demonitor(first)
      return [first]
    })
    expect(await watcher.next()).toEqual(downMessage(queued as { ref: number; pid: Pid }, 'killed'))
    await watcher.settled()
    expect(watcher.waiting).toBe(0)
  })

  it('L11: demonitor with flush takes out a DOWN that is already queued, and nothing else', async () => {
    const [watcher, victim] = [await startPuppet(node), await startPuppet(node)]
    const kept = await watcher.do((ctx) => {
      const [first, second] = [ctx.monitor(victim.pid), ctx.monitor(victim.pid)]
      ctx.send(ctx.self, 'before')
      ctx.exit(victim.pid, 'kill')
      ctx.send(ctx.self, 'after')
      ctx.demonitor(first, { flush: true })
      return second
    })
    const seen = [await watcher.next(), await watcher.next(), await watcher.next()]
    expect(seen).toEqual(['before', downMessage(kept, 'killed'), 'after'])
    await watcher.settled()
    expect(watcher.waiting).toBe(0)
  })

  it('L11: an actor that receives its messages itself can flush as well', async () => {
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

  it('L12: a message or cast to a dead actor does nothing but count', async () => {
    const dead = (await deadPid()) as Pid<{ call: object; cast: { anything(): void } }>
    const sender = await startPuppet(node)
    const before = node.counters().deadLetters
    await sender.do((ctx) => (ctx.send(dead, 'hello'), ctx.cast(dead, 'anything', [])))
    node.send(dead, 'hello')
    expect(node.counters().deadLetters).toBe(before + 3)
  })

  it('L12: a message to a name that nobody has throws, a cast does not', async () => {
    const nobody = actorName<{ call: object; cast: { anything(): void } }>('nobody')
    expect(() => node.send(nobody, 'hello')).toThrow(expect.objectContaining({ code: 'ERR_NOPROC' }))
    const sender = await startPuppet(node)
    const thrown = await sender.do((ctx) => {
      ctx.cast(nobody, 'anything', [])
      try {
        ctx.send(nobody, 'hello')
      } catch (error) {
        return error
      }
      return undefined
    })
    expect(thrown).toMatchObject({ code: 'ERR_NOPROC' })
  })

  it('L13: the names of an actor are free when its DOWN and its EXIT arrive', async () => {
    const name = actorName('thirteen')
    const victim = await startPuppet(node)
    await victim.do((ctx) => ctx.register(name))
    const found = new Sightings<unknown>()
    const watcher = await node.start(onDown, [found, name, victim.pid])
    node.exit(victim.pid, 'kill')
    expect([await found.next(), await found.next()]).toEqual([watcher, watcher])
    expect(node.whereis(name)).toEqual(watcher)
  })

  it('L14: what one actor says to another arrives in order, whatever it is', async () => {
    const [sender, target] = [await startPuppet(node), await startPuppet(node)]
    const heard: number[] = []
    await sender.do(async (ctx) => {
      for (let number = 0; number < 300; number += 3) {
        ctx.send(target.pid, number)
        ctx.cast(target.pid, 'perform', [() => void heard.push(number + 1)])
        if (number % 50 === 0) await ctx.call(target.pid, 'perform', [() => undefined])
        ctx.send(target.pid, number + 2)
      }
    })
    const messages = await Promise.all(Array.from({ length: 200 }, () => target.next()))
    expect(messages).toEqual(messages.toSorted((left, right) => Number(left) - Number(right)))
    expect(heard).toEqual(Array.from({ length: 100 }, (_, index) => index * 3 + 1))
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

describe('exits, links and monitors between nodes', () => {
  it('L9: the loss of the connection fires noconnection at both ends, and ends both that do not trap', async () => {
    const { here, there, cut } = await pairOfNodes()
    const [plainHere, trappingHere] = [await startPuppet(here), await startPuppet(here, { trapExit: true })]
    const [plainThere, trappingThere] = [await startPuppet(there), await startPuppet(there, { trapExit: true })]
    await plainHere.do((ctx) => ctx.link(plainThere.pid))
    await trappingHere.do((ctx) => ctx.link(trappingThere.pid))
    const monitor = await trappingHere.do((ctx) => ctx.monitor(trappingThere.pid))
    // Answered, so the links and the monitor before it have arrived.
    await trappingHere.do((ctx) => ctx.monitor({ ...trappingThere.pid, serial: 999_999 }))
    expect(await trappingHere.next()).toMatchObject({ type: 'DOWN', reason: 'noproc' })
    const ends = [here.watch(plainHere.pid), there.watch(plainThere.pid)]
    await cut()
    expect(await Promise.all(ends)).toEqual(['noconnection', 'noconnection'])
    const fired = [await trappingHere.next(), await trappingHere.next()]
    expect(fired).toContainEqual(downMessage(monitor, 'noconnection'))
    expect(fired).toContainEqual(exitMessage(trappingThere.pid, 'noconnection'))
    expect(await trappingThere.next()).toEqual(exitMessage(trappingHere.pid, 'noconnection'))
    await Promise.all([trappingHere.settled(), trappingThere.settled()])
    expect([trappingHere.waiting, trappingThere.waiting]).toEqual([0, 0])
  })

  it('L2, L4, L7, L11: links, monitors and exits work as on one node', async () => {
    const { here, there } = await pairOfNodes()
    const [near, far] = [await startPuppet(here, { trapExit: true }), await startPuppet(there)]
    const reason = { type: 'stale', age: 3 }
    const monitor = await near.do((ctx) => (ctx.link(far.pid), ctx.monitor(far.pid)))
    await near.do((ctx) => ctx.exit(far.pid, reason))
    const fired = [await near.next(), await near.next()]
    expect(fired).toContainEqual(exitMessage(far.pid, reason))
    expect(fired).toContainEqual(downMessage(monitor, reason))
    expect(await here.watch(far.pid)).toBe('noproc')
  })

  it('L14: messages between two actors arrive in order', async () => {
    const { here, there } = await pairOfNodes()
    const [near, far] = [await startPuppet(here), await startPuppet(there)]
    const numbers = Array.from({ length: 500 }, (_, index) => index)
    await near.do((ctx) => {
      for (const number of numbers) ctx.send(far.pid, number)
    })
    expect(await Promise.all(numbers.map(() => far.next()))).toEqual(numbers)
  })

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

/** Links to and monitors an actor; takes its name as soon as it hears of the end, both times. */
const onDown = genServer({
  name: 'onDown',
  init: (ctx, found: Sightings<unknown>, name: ActorName, target: Pid) => {
    ctx.trapExit = true
    ctx.link(target)
    ctx.monitor(target)
    return { found, name }
  },
  async info(ctx) {
    await ctx.register(ctx.state.name)
    ctx.state.found.add(ctx.whereis(ctx.state.name))
  },
})

async function pairOfNodes(): Promise<{ here: Node; there: Node; cut(): Promise<void> }> {
  const hub = newMeshName()
  const transport = await makeTransport(memoryTransport({ hub }))
  const app = defineApp({ name: 'two', children: [] })
  const here = await startNode(app, { region: 'syd', transport: memoryTransport({ hub }), log: silentLog })
  const there = await startNode(app, { region: 'lax', transport: () => transport, cluster: 'two', log: silentLog })
  onTestFinished(async () => {
    await Promise.all([here.stop(), there.stop()])
  })
  await Promise.all([here.waitForRegion('lax'), there.waitForRegion('syd')])
  return { here, there, cut: () => transport.stop() }
}
