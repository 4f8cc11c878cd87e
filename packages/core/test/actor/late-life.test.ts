import { actorName, child, supervisorBehavior } from '@skerry/core'
import { describe, expect, vi } from 'vitest'
import { Player, type PlayerPid, type PlayerProtocol, usePlaces } from '../fixtures/places.ts'
import { player } from '../fixtures/player.mjs'
import { downMessage, exitMessage } from '../fixtures/puppet.ts'

describe('an actor that exits while its handler awaits', () => {
  const { row } = usePlaces()
  let lives = 0

  row('', 'is gone at once, and resumes late beside its successor without any effect', async (pair) => {
    const { node, thread } = pair.there
    lives += 1
    const key = `late ${lives}`
    const name = actorName<PlayerProtocol>(key)
    const sleeper = child('sleeper', player, [{}], { thread, register: name })
    const tree = await node.start(supervisorBehavior('late', { children: [sleeper] }), [])
    const first = new Player(node, node.whereis(name) as PlayerPid)

    const [linked, watcher, caller] = [await pair.near({ trapExit: true }), await pair.near(), await pair.near()]
    await linked.link(first)
    const monitor = await watcher.monitor(first)
    const sleep = first.do(
      async (ctx, other, late) => {
        const { board, gate, actorName: named } = ctx.state.kit
        ctx.signal.addEventListener('abort', () => board(late).push(ctx.signal.reason.code))
        board(late).push('asleep')
        await gate(late).opened
        const successor = named<PlayerProtocol>(late)
        ctx.cast(successor, 'note', ['late'])
        ctx.send(other, 'late')
        ctx.exit(other, 'kill')
        ctx.link(other)
        ctx.monitor(other)
        const verbs = {
          call: ctx.call(successor, 'waiting', []),
          register: ctx.register(named('spare')),
          start: ctx.start(ctx.state.kit.player, [{}]),
        }
        for (const [verb, promise] of Object.entries(verbs)) {
          const note = (): number => board(late).push(`${verb} settled`)
          promise.then(note, note)
        }
        ctx.spawn(ctx.state.kit.player, [{}])
        return 'late'
      },
      watcher.pid,
      key,
    )
    const sleepFails = expect(sleep).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', outcome: 'ran' })
    const spy = await pair.far()
    const board = (): Promise<unknown[]> => spy.do((ctx, late) => [...ctx.state.kit.board(late)], key)
    await vi.waitFor(async () => expect(await board()).toEqual(['asleep']))

    await caller.exit(first, 'kill')
    expect(await linked.next()).toEqual(exitMessage(first.pid, 'killed'))
    expect(await watcher.next()).toEqual(downMessage(monitor, 'killed'))
    await sleepFails
    expect(await board()).toEqual(['asleep', 'ERR_ACTOR_EXITED'])
    // The name is the successor's; the handler of the life before still waits.
    await vi.waitFor(() => expect(node.whereis(name) ?? first.pid).not.toEqual(first.pid))
    const successor = new Player(node, node.whereis(name) as PlayerPid)

    const [before, actors] = [await pair.counted('afterExit'), await pair.actors()]
    await successor.do((ctx, late) => ctx.state.kit.gate(late).open(), key)
    // Nine verbs of a life that is over.
    await vi.waitFor(async () => expect(await pair.counted('afterExit')).toBe(before + 9))
    expect(await successor.waiting()).toBe(0)
    expect(await watcher.waitingAfter(successor)).toBe(0)
    expect(node.whereis(actorName('spare'))).toBeUndefined()
    expect(await pair.actors()).toBe(actors)
    expect(await board()).toEqual(['asleep', 'ERR_ACTOR_EXITED'])

    // So that the next one counts no actors that come and go.
    const { ended } = successor
    node.exit(tree, 'kill')
    await ended
  })
})
