import {
  actor,
  actorName,
  type Behavior,
  child,
  defineApp,
  genServer,
  memoryTransport,
  type Pid,
  type Placement,
  startNode,
} from '@skerry/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gated } from '../fixtures/gated-actor.mjs'
import { Sightings } from '../fixtures/sightings.ts'
import { knows, newMeshName, quiet } from '../rpc/two-nodes.ts'

type ProtocolOf<B> = B extends Behavior<infer _Args, infer Protocol> ? Protocol : never
const gatedName = actorName<ProtocolOf<typeof gated>>('gated')

/** A node with an actor that is held at a gate of another node, and may keep 10,000 bytes of letters for that. */
async function heldActor(thread: Placement) {
  const passing = new Sightings<() => void>()
  const gate = genServer({
    name: 'gate',
    init: () => undefined,
    call: { pass: () => new Promise<void>((resolve) => passing.add(resolve)) },
  })
  const hub = newMeshName()
  const own = (region: string) =>
    quiet({ region, primaryRegion: 'syd', cluster: 'tests', transport: memoryTransport({ hub }) })
  const spec = { thread, register: gatedName, remote: 'members' } as const
  const app = defineApp({ name: 'server', children: [child('gated', gated, [], spec)] })
  const server = await startNode(app, { ...own('syd'), load: { perPeerBytesMax: 10_000 } })
  onTestFinished(() => server.stop())
  const client = await startNode(defineApp({ name: 'client', children: [] }), own('lax'))
  onTestFinished(() => client.stop())
  await knows(client, server, app)
  const gatePid = await client.start(gate, [])
  const pid = (): Pid<ProtocolOf<typeof gated>> => server.whereis(gatedName) as Pid<ProtocolOf<typeof gated>>
  return {
    server,
    passing,
    hold: (bytes: number) => client.cast(pid(), 'hold', [gatePid, new Uint8Array(bytes)]),
    measure: (bytes: number) => client.call(pid(), 'measure', [new Uint8Array(bytes)], { timeoutMs: 30_000 }),
    pid,
  }
}

it('letters of another node that a bare actor has not received count until it does, or ends', async () => {
  const receive = new Sightings<() => void>()
  const sleeper = actor({
    name: 'sleeper',
    remote: 'members',
    run: async (ctx) => {
      for (;;) {
        await new Promise<void>((resolve) => receive.add(resolve))
        await ctx.receive()
      }
    },
  })
  const hub = newMeshName()
  const own = (region: string) =>
    quiet({ region, primaryRegion: 'syd', cluster: 'tests', transport: memoryTransport({ hub }) })
  const app = defineApp({ name: 'either', children: [] })
  const server = await startNode(app, { ...own('syd'), load: { perPeerBytesMax: 10_000 } })
  onTestFinished(() => server.stop())
  const client = await startNode(app, own('lax'))
  onTestFinished(() => client.stop())
  await knows(client, server, app)
  /** Sends letters of 4,000 bytes: how many of them were dropped, as a message behind them has come. */
  const dropped = async (pid: Pid, letters: number): Promise<number> => {
    const before = server.counters().mailboxDrops
    for (let more = 1; more <= letters; more += 1) client.send(pid as Pid<Uint8Array>, new Uint8Array(4_000))
    await expect(client.call(pid as never, 'x' as never, [] as never)).rejects.toMatchObject({ code: 'ERR_NO_HANDLER' })
    return server.counters().mailboxDrops - before
  }
  const first = await server.start(sleeper, [])
  expect(await dropped(first, 3)).toBe(1)
  ;(await receive.next())()
  await receive.next()
  expect(await dropped(first, 2)).toBe(1)
  server.exit(first, 'kill')
  const second = await server.start(sleeper, [])
  expect(await dropped(second, 3)).toBe(1)
})

describe.each(['main', 'pool', 'own'] as const)('letters of another node that wait for an actor on %s', (thread) => {
  it('have a bound in bytes: beyond it casts are dropped and counted, and calls told that they were not run', async () => {
    const { server, hold, measure, passing } = await heldActor(thread)
    hold(4_000)
    const begun = [await passing.next()]
    for (let more = 1; more <= 3; more += 1) hold(4_000)
    await expect(measure(4_000)).rejects.toMatchObject({ code: 'ERR_MAILBOX_FULL', outcome: 'not-run' })
    expect(server.counters()).toMatchObject({ mailboxDrops: 1, mailboxRefusals: 1 })
    // Small ones are bounded by their number.
    const small = measure(900)
    for (let left = 2; left > 0; left -= 1) {
      begun.shift()?.()
      begun.push(await passing.next())
    }
    begun.shift()?.()
    expect(await small).toBe(900)
    expect([await measure(9_900), await measure(64_000)]).toEqual([9_900, 64_000])
    expect(server.counters()).toMatchObject({ mailboxDrops: 1, mailboxRefusals: 1 })
  })

  it('give their room back when the actor ends before it took them', async () => {
    const { server, hold, measure, passing, pid } = await heldActor(thread)
    hold(4_000)
    await passing.next()
    for (let more = 1; more <= 2; more += 1) hold(4_000)
    await expect(measure(4_000)).rejects.toMatchObject({ code: 'ERR_MAILBOX_FULL' })
    const before = pid()
    server.exit(before, 'kill')
    await expect
      .poll(
        () =>
          pid()?.serial !== undefined &&
          pid() !== before &&
          (pid().serial !== before.serial || pid().thread !== before.thread),
      )
      .toBe(true)
    await expect.poll(() => measure(9_900).catch(({ code }: { code: string }) => code)).toBe(9_900)
  })
})
