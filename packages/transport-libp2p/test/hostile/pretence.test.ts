import { createServer, connect as connectTo, type Socket } from 'node:net'
import { procedure, silentLog, systemPlatform } from '@skerry/core'
import type { RawLink } from '@skerry/core/transport'
import { createIdentity, createLibp2pTransport } from '@skerry/transport-libp2p'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { cluster, codec, expectBounded, here, secret, startHostile, startMember, startVictim } from './hostile-world.ts'

// Each starts a process and floods it: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000 })

describe('a member that says to be somebody else', () => {
  it('at a known address (the wrong identity behind it) gets no link, however often it is dialled there', async () => {
    const absent = await createIdentity()
    const accepted: RawLink[] = []
    const pretender = createLibp2pTransport({ cluster, secrets: [secret], listen: ['/ip4/127.0.0.1/tcp/0'] })
    onTestFinished(() => pretender.stop())
    const { addresses } = await pretender.start(
      { accepted: (link) => void accepted.push(link), found() {} },
      systemPlatform({ log: silentLog }),
    )
    const way = await countedWay(Number(/\/tcp\/(\d+)/.exec(addresses[0] ?? '')?.[1]))
    const seeds = [`/ip4/127.0.0.1/tcp/${way.port}/p2p/${absent.id}`]
    const victim = await startVictim({ transport: { seeds } })
    const { callVictim } = await startMember(victim)
    const before = await victim.report()
    const dialled = way.connections()
    await expect.poll(way.connections, { timeout: 20_000 }).toBeGreaterThan(dialled + 2)
    expect(accepted).toEqual([])
    expect(await callVictim()).toBe('here')
    const after = await victim.report()
    expect(after.nodes.map(({ region }) => region).sort()).toEqual(['lax', 'syd'])
    expectBounded(before, after)
  })

  it('and answers calls that were never made, or were made to another, is not heard', async () => {
    let answer: ((value: string) => void) | undefined
    const held = procedure({
      name: 'member.held',
      run: (_ctx, _input: undefined) =>
        new Promise<string>((resolve) => {
          answer = resolve
        }),
    })
    const victim = await startVictim()
    const { callVictim } = await startMember(victim, [held])
    const before = await victim.report()
    const hostile = await startHostile(victim)
    victim.call()
    await expect.poll(() => answer).toBeDefined()
    const wrong = { ok: true, value: codec.encode('the wrong one'), encoded: true } as const
    for (let number = 0; number < 5_000; number += 1) {
      // A call is answered to its own entity, or to the node, which has the serial 0.
      await hostile.send({ type: 'reply', to: { ...here(victim), serial: number }, ref: 0, result: wrong })
      await hostile.send({ type: 'reply', to: here(victim), ref: number, result: wrong })
    }
    await hostile.heard()
    expect((await victim.report()).outcomes).toEqual([])
    answer?.('the right one')
    await expect.poll(async () => (await victim.report()).outcomes).toEqual(['the right one'])
    expectBounded(before, await victim.report())
    expect(await callVictim()).toBe('here')
  })

  it('and forges links and ends of the actors of others ends nobody', async () => {
    const victim = await startVictim()
    const { node, callVictim } = await startMember(victim)
    const before = await victim.report()
    const hostile = await startHostile(victim)
    const foreign = [
      { node: node.id, life: node.life, thread: 0, serial: 1 },
      { ...here(victim), serial: 1 },
      { ...victim.open },
      { node: 'nobody', life: 7, thread: 3, serial: 9 },
    ]
    for (let round = 0; round < 1_000; round += 1) {
      for (const from of foreign) {
        await hostile.send({ type: 'exit', from, to: victim.open, reason: 'boom', viaLink: true })
        await hostile.send({ type: 'unlink', from, to: victim.open })
        await hostile.send({ type: 'down', from, to: victim.open, ref: round, reason: 'boom' })
      }
    }
    await hostile.heard()
    const after = await victim.report()
    expect(after.keeper).toBe(true)
    expect([after.counters['crashes'], after.counters['restarts']]).toEqual([
      before.counters['crashes'],
      before.counters['restarts'],
    ])
    expectBounded(before, after)
    expect(await callVictim()).toBe('here')
  })
})

/** A way to a port that counts who takes it. */
async function countedWay(to: number): Promise<{ port: number; connections(): number }> {
  let count = 0
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    count += 1
    const there = connectTo(to, '127.0.0.1')
    for (const [from, into] of [
      [client, there],
      [there, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => into.destroy())
      from.on('close', () => into.destroy())
      from.pipe(into)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as { port: number }).port, connections: () => count }
}
