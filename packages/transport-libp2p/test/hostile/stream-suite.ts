import { streamProcedure } from '@skerry/core'
import { describe, expect, it, vi } from 'vitest'
import type { Pid } from '../../../core/src/actor/pid.ts'
import type { SpawnRequest, StreamRequest } from '../../../core/src/actor/signal.ts'
import { streamLimits } from '../../../core/src/actor/stream-limits.ts'
import { encodeSealed } from '../../../core/src/mesh/mesh-message.ts'
import { sealRecord } from '../../../core/src/mesh/node-record.ts'
import { nodeRecord } from '../../../core/test/fixtures/node-record.ts'
import { frameLane } from '../../../core/src/mesh/link-message.ts'
import {
  codec,
  expectBounded,
  grew,
  heldMax,
  here,
  type HostileMesh,
  type HostilePeer,
  mebi,
  rssMax,
  startHostile,
  startMember,
  startVictim,
  type Victim,
} from './hostile-world.ts'

// Each starts a process and floods it: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000 })

/** What waits for a peer that reads nothing: on its lane, and in streams behind it. */
export const unreadHeldMax: number = (8 + 32) * mebi
const most = { items: streamLimits.windowItems.most, bytes: streamLimits.windowBytes.most }

/** What a member may try with streams. */
export function hostileStreams(mesh: () => HostileMesh): void {
  describe('a member that turns hostile with streams', () => {
    it('opens thousands and says nothing: so many run as one peer may have, each as long as it said that its caller may be silent', async () => {
      const victim = await startVictim({ mesh: mesh(), load: { perPeerMax: 500 } })
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const hostile = await startHostile(victim)
      const streams = streamsOf(victim, hostile)
      for (let serial = 1; serial <= 100; serial += 1) await streams.open('victim.unread', serial, { silentMs: 2_000 })
      await expect.poll(() => streams.failures('ERR_STREAM_SILENT'), { timeout: 20_000 }).toBe(100)
      for (let serial = 1; serial <= 2_500; serial += 1) await streams.open('victim.unread', 1_000 + serial)
      await hostile.heard()
      expect(await callVictim()).toBe('here')
      const after = await victim.report()
      expect(after.counters['overloads']).toBe(2_000)
      expectBounded(before, after)
      hostile.link.close('enough')
      await expect.poll(async () => grew(before, await victim.report()).held).toBeLessThan(4 * mebi)
    })

    it('sends items without credit, behind the end, or of no stream, and credit without end: its streams end, counted, and those of others go on', async () => {
      const victim = await startVictim({ mesh: mesh() })
      const { node, callVictim } = await startMember(victim)
      const hostile = await startHostile(victim)
      const streams = streamsOf(victim, hostile)
      const items = node.stream({ node: victim.id }, echo, undefined, { incoming: ['a', 'b', 'c'] })
      expect((await items.next()).value).toBe('a')
      const [each, window] = [50, { items: 4, bytes: 4_096 }]
      for (let serial = 1; serial <= 4 * each; serial += 1) await streams.open('victim.unread', serial, window)
      await expect.poll(() => streams.ends.size).toBe(4 * each)
      const before = await victim.report()
      for (let serial = 1; serial <= each; serial += 1) {
        for (let seq = 0; seq < 1_000; seq += 1) await streams.item(serial, seq, 10)
      }
      for (let serial = each + 1; serial <= 2 * each; serial += 1) await streams.item(serial, 1, 10)
      for (let serial = 2 * each + 1; serial <= 3 * each; serial += 1) {
        await streams.credit(serial, { items: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER })
      }
      for (let serial = 3 * each + 1; serial <= 4 * each; serial += 1) {
        await hostile.send({ type: 'itemsEnd', from: streams.call(serial), to: streams.ends.get(serial) as Pid })
        for (let seq = 0; seq < 10; seq += 1) await streams.item(serial, seq, 1_000)
      }
      const nowhere = { ...here(victim), serial: 123_456_789 }
      for (let seq = 0; seq < 1_000; seq += 1) {
        await hostile.send({ type: 'item', from: streams.call(1), to: nowhere, seq, item: new Uint8Array(1_000) })
        await hostile.send({ type: 'credit', from: streams.call(1), to: nowhere, items: 9, bytes: 9 })
      }
      await hostile.heard()
      const after = await victim.report()
      expect(after.counters['streamBreaches']).toBe(3 * each)
      expect(streams.failures('ERR_NOT_DECODABLE')).toBe(3 * each)
      // Four had credit, and the fifth ended it.
      expect(after.counters['lateReplies']).toBe(each * (1_000 - 5) + each * 10 + 1_000)
      expectBounded(before, after)
      expect([(await items.next()).value, (await items.next()).value, (await items.next()).done]).toEqual([
        'b',
        'c',
        true,
      ])
      expect(await callVictim()).toBe('here')
    })

    it('fills hundreds that nobody reads as far as it has credit: they hold no more together than one peer may', async () => {
      const perPeerBytesMax = 16 * mebi
      const victim = await startVictim({ mesh: mesh(), load: { perPeerBytesMax } })
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const hostile = await startHostile(victim)
      const streams = streamsOf(victim, hostile)
      for (let serial = 1; serial <= 500; serial += 1) await streams.open('victim.unread', serial, most)
      await expect.poll(() => streams.ends.size).toBe(500)
      let sent = 0
      for (const [serial, { items, bytes }] of streams.credits) {
        for (let seq = 0, left = bytes; seq < items && left > 0 && sent < 4 * perPeerBytesMax; seq += 1) {
          const size = Math.min(left, 256 * 1024)
          await streams.item(serial, seq, size)
          left -= size
          sent += size
        }
      }
      await hostile.heard()
      expect(await callVictim()).toBe('here')
      const after = await victim.report()
      expect(sent).toBeGreaterThan(perPeerBytesMax / 2)
      expect(grew(before, after).held).toBeLessThan(perPeerBytesMax + heldMax)
      expect(grew(before, after).rss).toBeLessThan(perPeerBytesMax + rssMax)
      hostile.link.close('enough')
      await expect.poll(async () => grew(before, await victim.report()).held).toBeLessThan(4 * mebi)
    })

    it('gives a caller items out of turn or from a place that is not its process, or more credit than there is: the caller is told', async () => {
      const victim = await startVictim({ mesh: mesh() })
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const hostile = await startHostile(victim)
      const streams = streamsOf(victim, hostile)
      const record = nodeRecord(hostile.id, {
        procedures: [{ name: 'member.items', version: 1, compatible: [], schema: undefined }],
      })
      for (const chunk of encodeSealed('records', [sealRecord(record, hostile.transport)], 60_000).chunks) {
        hostile.control(chunk)
      }
      await expect.poll(async () => (await victim.report()).nodes.length).toBe(3)
      for (let asked = 1; asked <= 3; asked += 1) {
        victim.stream(hostile.id)
        await expect.poll(() => streams.asked.length).toBe(asked)
      }
      const [greedy, skips, other] = streams.asked as [Pid, Pid, Pid]
      const from = { node: hostile.id, life: 1, thread: 0, serial: 77 }
      const item = codec.encode('item')
      for (const to of [greedy, skips, other]) await hostile.send({ type: 'credit', from, to, items: 1, bytes: 1_024 })
      await hostile.send({ type: 'credit', from, to: greedy, ...most })
      await hostile.send({ type: 'item', from, to: skips, seq: 0, item })
      await hostile.send({ type: 'item', from, to: skips, seq: 2, item })
      for (let seq = 0; seq < 1_000; seq += 1) {
        await hostile.send({ type: 'item', from: { ...from, serial: 78 }, to: other, seq, item })
      }
      await hostile.heard()
      const outcomes = async (): Promise<unknown> =>
        (await victim.report()).outcomes.map(String).toSorted((one, other) => (one < other ? -1 : 1))
      await expect.poll(outcomes).toEqual(['ERR_NOT_DECODABLE', 'ERR_NOT_DECODABLE', 'item'])
      const after = await victim.report()
      expect(after.counters['streamBreaches']).toBe(2)
      expect(after.counters['refusedSignals']).toBe((before.counters['refusedSignals'] ?? 0) + 1_000)
      expectBounded(before, after)
      expect(await callVictim()).toBe('here')
    })
  })
}

/** What reads nothing: how much of it waits is the transport's to say, too. */
export function unreadStreams(mesh: () => HostileMesh): void {
  describe('a member that reads none of its streams', () => {
    it('gives two hundred all the credit that there is, and reads nothing: what waits for it is bounded, and others are served', async () => {
      const victim = await startVictim({ mesh: mesh() })
      const { callVictim } = await startMember(victim)
      const before = await victim.report()
      const hostile = await startHostile(victim)
      const streams = streamsOf(victim, hostile)
      hostile.link.lane(frameLane).pause()
      for (let serial = 1; serial <= 200; serial += 1) {
        await streams.open(
          'victim.gives',
          serial,
          { ...most, hasIncoming: false },
          codec.encode(serial % 2 === 0 ? 10 : 4_000),
        )
      }
      for (let round = 0; round < 5; round += 1) expect(await callVictim()).toBe('here')
      // What was on its way out is freed some collections later; the most that it ever took shows in what is resident.
      await expect.poll(async () => grew(before, await victim.report()).held).toBeLessThan(unreadHeldMax + heldMax)
      expect(grew(before, await victim.report()).rss).toBeLessThan(unreadHeldMax + rssMax)
      hostile.link.close('enough')
      await expect.poll(async () => grew(before, await victim.report()).held).toBeLessThan(4 * mebi)
    })
  })
}

const echo = streamProcedure({
  name: 'victim.echo',
  run: (_ctx, _input: undefined, incoming: AsyncIterable<string>) => incoming,
})

/** Opens a stream whose items are of so many bytes, by default with all the credit that there is. */
export async function credited(
  victim: Victim,
  hostile: HostilePeer,
  serial: number,
  bytes: number,
  credit: { items: number; bytes: number } = most,
): Promise<void> {
  const request = requestOf('victim.gives', { ...credit, hasIncoming: false }, codec.encode(bytes))
  await hostile.send({ type: 'spawn', from: { ...here(victim), serial }, to: here(victim), request })
}

/** The hostile end of streams: what it says, and what the victim answered. */
function streamsOf(victim: Victim, hostile: HostilePeer) {
  const call = (serial: number): Pid => ({ ...here(victim), serial })
  /** Where the victim's ends are, by the serial of the call. */
  const ends = new Map<number, Pid>()
  const credits = new Map<number, { items: number; bytes: number }>()
  const codes: string[] = []
  const asked: Pid[] = []
  hostile.onSignal((signal) => {
    if (signal.type === 'credit' && signal.items > 0) {
      ends.set(signal.to.serial, signal.from)
      const { items, bytes } = credits.get(signal.to.serial) ?? { items: 0, bytes: 0 }
      credits.set(signal.to.serial, { items: items + signal.items, bytes: bytes + signal.bytes })
    }
    if (signal.type === 'reply' && !signal.result.ok) codes.push(signal.result.failure.code)
    if (signal.type === 'spawn') asked.push(signal.from)
  })
  return {
    ends,
    credits,
    asked,
    call,
    failures: (code: string): number => codes.filter((one) => one === code).length,
    open: (procedure: string, serial: number, of: Partial<StreamRequest> = {}, input = codec.encode(undefined)) =>
      hostile.send({ type: 'spawn', from: call(serial), to: here(victim), request: requestOf(procedure, of, input) }),
    item: (serial: number, seq: number, bytes: number) =>
      hostile.send({ type: 'item', from: call(serial), to: ends.get(serial) as Pid, seq, item: new Uint8Array(bytes) }),
    credit: (serial: number, grant: { items: number; bytes: number }) =>
      hostile.send({ type: 'credit', from: call(serial), to: ends.get(serial) as Pid, ...grant }),
  }
}

function requestOf(procedure: string, of: Partial<StreamRequest>, input: Uint8Array): SpawnRequest {
  const stream: StreamRequest = { items: 256, bytes: mebi, silentMs: 3_600_000, hasIncoming: true, ...of }
  const timeLeftMs = 3_600_000
  return { procedure, version: 1, timeLeftMs, idempotencyKey: undefined, callerRegion: 'nowhere', input, stream }
}
