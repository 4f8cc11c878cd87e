import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { frameLane } from '../../../core/src/mesh/link-message.ts'
import type { Lane } from '../../src/lane.ts'
import { grew, heldMax, mebi, overLibp2p, startHostile, startMember, startVictim } from './hostile-world.ts'
import { credited, hostileStreams, unreadHeldMax, unreadStreams } from './stream-suite.ts'

const mesh = () => overLibp2p('@skerry/transport-libp2p')
hostileStreams(mesh)
unreadStreams(mesh)

describe('a member that reads nothing from its socket', () => {
  it('gives a gigabyte of room on its lanes, and all credit to two hundred streams: what waits for it is bounded, and others are served', async () => {
    const victim = await startVictim({ mesh: mesh() })
    const { callVictim } = await startMember(victim)
    const before = await victim.report()
    const way = await wayTo(victim.port)
    const address = victim.address.replace(`/tcp/${victim.port}`, `/tcp/${way.port}`)
    const hostile = await startHostile({ ...victim, address })
    const lane = hostile.link.lane(frameLane) as Lane
    lane.setWindow(1_024 * mebi)
    await hostile.heard()
    way.block()
    for (let serial = 1; serial <= 200; serial += 1) await credited(victim, hostile, serial, 64 * 1024)
    let most = 0
    for (let round = 0; round < 20; round += 1) {
      expect(await callVictim()).toBe('here')
      most = Math.max(most, grew(before, await victim.report()).held)
    }
    expect(most).toBeLessThan(unreadHeldMax + heldMax)
    hostile.link.close('enough')
    await expect.poll(async () => grew(before, await victim.report()).held).toBeLessThan(4 * mebi)
  })
})

/** A proxy before a port, over which nothing comes back once it is blocked. */
async function wayTo(to: number): Promise<{ port: number; block(): void }> {
  const sockets: Socket[] = []
  let block = (): void => undefined
  const server = createServer((client) => {
    const there = connect(to, '127.0.0.1')
    sockets.push(client, there)
    for (const [from, into] of [
      [client, there],
      [there, client],
    ] as const) {
      from.on('error', () => into.destroy())
      from.on('close', () => into.destroy())
      from.pipe(into)
    }
    block = () => {
      there.unpipe(client)
      there.pause()
    }
  })
  await new Promise<void>((listening) => void server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, block: () => block() }
}
