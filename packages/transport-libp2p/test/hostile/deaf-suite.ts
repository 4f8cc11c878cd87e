import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { laneProtocol } from '../../src/lane-preamble.ts'
import { frames, muxerOf } from './frame-suite.ts'
import {
  grew,
  heldMax,
  type HostileMesh,
  mebi,
  startHostile,
  startMember,
  startVictim,
  type Victim,
} from './hostile-world.ts'
import { credited, unreadHeldMax } from './stream-suite.ts'

// Each starts a process and floods it: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000 })

// 8 MiB of them, by what they count, which may be half as much again, and 256 streams.
const answersHeldMax = 24 * mebi

/** What a member may have wait for its socket, and never read. */
export function unreadRoom(mesh: () => HostileMesh): void {
  describe('a member that reads nothing from its socket', () => {
    it('gives a gigabyte of room on its lanes again and again, and all credit to a hundred streams and more: what waits for it is bounded, and others are served', async () => {
      const victim = await startVictim({ mesh: mesh() })
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const { hostile, way, muxer } = await deafPeer(victim)
      await hostile.heard()
      const lanes = muxer.streams.filter(({ protocol }) => protocol === laneProtocol)
      way.block()
      for (let serial = 1; serial <= 100; serial += 1) await credited(victim, hostile, serial, 64 * 1024)
      let most = 0
      for (let round = 0; round < 20; round += 1) {
        // Those before may have ended: more was called forth than may wait.
        for (let nth = 1; nth <= 8; nth += 1) {
          await credited(victim, hostile, 1_000 * round + nth, 64 * 1024, { items: 16, bytes: mebi })
        }
        for (const { id } of lanes) {
          muxer.sendFrame({ type: frames.windowUpdate, flag: 0, streamID: Number(id), length: 1_024 * mebi })
        }
        expect(await callVictim()).toBe('here')
        most = Math.max(most, grew(before, await victim.report()).held)
      }
      expect(lanes).toHaveLength(3)
      expect(most).toBeLessThan(unreadHeldMax + heldMax)
      hostile.link.close('enough')
      await expect.poll(async () => grew(before, await victim.report()).held).toBeLessThan(4 * mebi)
    })
  })
}

/** What is answered to it without an end. */
export function unreadAnswers(mesh: () => HostileMesh): void {
  describe('a member that reads nothing from its socket', () => {
    it('floods pings, and streams beyond its number: the answers that wait for it are bounded, and others are served', async () => {
      const victim = await startVictim({ mesh: mesh() })
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const { hostile, way, muxer } = await deafPeer(victim)
      way.block()
      let [most, sent] = [0, 0]
      for (let round = 0; round < 12; round += 1) {
        while (muxer.source.readableLength < mebi / 4) {
          muxer.sendFrame({ type: frames.ping, flag: frames.syn, streamID: 0, length: sent })
          muxer.sendFrame({ type: frames.windowUpdate, flag: frames.syn, streamID: 100_001 + sent, length: 0 })
          sent += 2
        }
        expect(await callVictim()).toBe('here')
        most = Math.max(most, grew(before, await victim.report()).held)
      }
      expect(most).toBeLessThan(answersHeldMax)
      hostile.link.close('enough')
      await expect.poll(async () => grew(before, await victim.report()).held).toBeLessThan(8 * mebi)
    })
  })
}

/** A hostile peer that can be made to read nothing more. */
async function deafPeer(victim: Victim) {
  const way = await wayTo(victim.port)
  const address = victim.address.replace(`/tcp/${victim.port}`, `/tcp/${way.port}`)
  const hostile = await startHostile({ ...victim, address })
  return { hostile, way, muxer: muxerOf(hostile) }
}

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
