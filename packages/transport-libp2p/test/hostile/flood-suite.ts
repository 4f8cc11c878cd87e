import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Node } from '@skerry/core'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Accusation, openAccusation, peekAccusation, sealAccusation } from '../../../core/src/mesh/accusation.ts'
import { encodeNotice } from '../../../core/src/mesh/frame.ts'
import { encodeLinkMessage, frameLane } from '../../../core/src/mesh/link-message.ts'
import { encodeDigest, encodeSealed } from '../../../core/src/mesh/mesh-message.ts'
import { peekRecord, sealRecord } from '../../../core/src/mesh/node-record.ts'
import { threadDownsRate } from '../../../core/src/mesh/notice-rates.ts'
import { calledForthRate } from '../../../core/src/mesh/own-news-pace.ts'
import { wordsRate } from '../../../core/src/mesh/peer-budgets.ts'
import { checksRate, forgedCost } from '../../../core/src/mesh/record-rate.ts'
import type { Rate } from '../../../core/src/mesh/token-bucket.ts'
import { nodeRecord } from '../../../core/test/fixtures/node-record.ts'
import {
  expectBounded,
  type HostilePeer,
  overLibp2p,
  startHostile,
  startMember,
  startVictim as startVictimOf,
  type Victim,
} from './hostile-world.ts'

// Each starts a process and floods it: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 60_000 })

/** What a member can make the mesh of a node do, over this transport. */
export function floodsOfTheMesh(module: string): void {
  const startVictim = (): Promise<Victim> => startVictimOf({ mesh: overLibp2p(module) })

  describe('a member that floods the mesh', () => {
    it('with accusations of the victim has few of them checked and refuted, and calls go on', async () => {
      const victim = await startVictim()
      const { node, callVictim } = await startMember(victim)
      const hostile = await startHostile(victim)
      const known = await recordOfVictim(hostile, victim)
      const before = await victim.report()
      const since = Date.now()
      const downs = countDowns(node)
      const accuse = (version: number, signer: HostilePeer): Uint8Array =>
        sealAccusation({ subject: victim.id, life: victim.life, version, accuser: hostile.id }, signer.transport)
      const forger = { ...hostile, transport: { ...hostile.transport, sign: () => new Uint8Array(64) } }
      // Each as far ahead of the one before as may be, each ahead of the record as it is, and forged ones.
      const ascending = await made(400, (at) => accuse(known.version + 900 * (at + 1), hostile))
      const near = await made(400, (at) => accuse(known.version + 2 * at, hostile))
      const forged = await made(2_000, (at) => accuse(known.version + 1 + (at % 900), forger))
      for (const accusations of [ascending, near, forged]) {
        for (const chunk of encodeSealed('accusations', accusations, 900_000).chunks) hostile.control(chunk)
        expect(await callVictim()).toBe('here')
      }
      const after = await victim.report()
      expect(checksOf(after) - checksOf(before)).toBeLessThan(checksRate.burst / forgedCost + 300)
      const seconds = Math.ceil((Date.now() - since) / 1_000) + 1
      expect(refutations(hostile, victim, known.version)).toBeLessThanOrEqual(allowed(calledForthRate, seconds))
      expect(downs()).toBe(0)
      expectBounded(before, after)
      // What it said last is above all that was said against it and could be believed, and the member knows.
      await expect.poll(() => refutations(hostile, victim, known.version)).toBeGreaterThan(0)
      expect(await callVictim()).toBe('here')
    })

    it('with accusations of others is heard as often as one may accuse, and no more is checked than a peer may have checked', async () => {
      const victim = await startVictim()
      const { node, callVictim } = await startMember(victim)
      const hostile = await startHostile(victim)
      const version = await versionOf(hostile, node.id)
      const before = await victim.report()
      const accusations = await made(600, (at) =>
        sealAccusation(
          { subject: node.id, life: node.life, version: version + at, accuser: hostile.id },
          hostile.transport,
        ),
      )
      for (const chunk of encodeSealed('accusations', accusations, 900_000).chunks) hostile.control(chunk)
      expect(await callVictim()).toBe('here')
      const after = await victim.report()
      expect(checksOf(after) - checksOf(before)).toBeLessThanOrEqual(checksRate.burst)
      expect(after.nodes.map(({ id }) => id)).toContain(node.id)
      expect(await callVictim()).toBe('here')
      expectBounded(before, after)
    })

    it('with digests is answered so often, and a node whose link ends meanwhile is known to be gone', async () => {
      const victim = await startVictim()
      const { callVictim } = await startMember(victim)
      const lawful = await introduced(victim, 7)
      const hostile = await introduced(victim, 8)
      const before = await victim.report()
      let calls = 0
      let isOver = false
      const digest = encodeDigest(new Uint32Array(64).fill(1), false)
      const flood = hostile.flood(
        () => digest,
        () => isOver,
      )
      for (; calls < 5; calls += 1) expect(await callVictim()).toBe('here')
      lawful.link.close('it leaves during the flood')
      await expect
        .poll(async () => (await victim.report()).nodes.some(({ id }) => id === lawful.id), { timeout: 20_000 })
        .toBe(false)
      expect(await callVictim()).toBe('here')
      isOver = true
      const sent = await flood
      const after = await victim.report()
      expect(after.counters['mailboxDrops']).toBe(before.counters['mailboxDrops'])
      expect(after.counters['meshDrops']).toBeGreaterThan(sent / 100)
      expectBounded(before, after)

      // What is said of a node that is gone is contradicted so often, whoever signed it.
      const since = Date.now()
      const gone = sealRecord(nodeRecord(lawful.id, { version: 1 }), hostile.transport)
      const mention = encodeSealed(
        'records',
        Array.from({ length: 50 }, () => gone),
        60_000,
      ).chunks[0] as Uint8Array
      await hostile.flood(
        () => mention,
        (told) => told >= 1_000,
      )
      expect(await callVictim()).toBe('here')
      await expect.poll(() => ownWords(hostile, victim, lawful.id)).toBeGreaterThan(0)
      const seconds = Math.ceil((Date.now() - since) / 1_000) + 1
      expect(ownWords(hostile, victim, lawful.id)).toBeLessThanOrEqual(allowed(wordsRate, seconds))
      hostile.link.close('enough')
      await expect
        .poll(async () => (await victim.report()).nodes.map(({ region }) => region).sort(), { timeout: 20_000 })
        .toEqual(['lax', 'syd'])
    })

    it('with messages that hold nothing is read more slowly, and with lost threads not at all, and the others as ever', async () => {
      const victim = await startVictim()
      const { node, callVictim } = await startMember(victim)
      const hostile = await introduced(victim, 9)
      const before = await victim.report()
      const downs = countDowns(node)
      // A quarter of a million lengths of nothing.
      const empty = new Uint8Array(1_000_001).fill(0)
      empty[0] = 1
      let isOver = false
      const flood = hostile.flood(
        () => empty,
        (sent) => isOver || sent >= 40,
      )
      for (let calls = 0; calls < 5; calls += 1) expect(await callVictim()).toBe('here')
      isOver = true
      await flood
      // No node has lost so many threads: it is no link any more.
      const lost = encodeNotice({ type: 'threadDown', thread: 3 })
      for (let at = 0; at <= threadDownsRate.burst * 2; at += 1) {
        hostile.link.lane(frameLane).send(encodeLinkMessage({ kind: 'frame', bytes: lost }))
      }
      expect(await hostile.link.closed).toMatchObject({ local: false })
      expect(downs()).toBe(0)
      expectBounded(before, await victim.report())
      expect(await callVictim()).toBe('here')
    })
  })
}

/** Signatures take time, and the lawful member lives on this thread too. */
async function made(count: number, make: (at: number) => Uint8Array): Promise<Uint8Array[]> {
  const all: Uint8Array[] = []
  while (all.length < count) {
    all.push(make(all.length))
    if (all.length % 20 === 0) await new Promise((resolve) => void setImmediate(resolve))
  }
  return all
}

function allowed({ burst, perSecond }: Rate, seconds: number): number {
  return burst + perSecond * seconds
}

function checksOf({ counters }: { counters: Readonly<Record<string, number>> }): number {
  return counters['signatureChecks'] ?? 0
}

/** A hostile peer of whom the victim has a record. */
async function introduced(victim: Victim, version: number): Promise<HostilePeer> {
  const peer = await startHostile(victim)
  const record = sealRecord(nodeRecord(peer.id, { version }), peer.transport)
  peer.control(encodeSealed('records', [record], 60_000).chunks[0] as Uint8Array)
  await expect.poll(async () => (await victim.report()).nodes.some(({ id }) => id === peer.id)).toBe(true)
  return peer
}

function recordsTold({ told }: HostilePeer, node: string): number[] {
  return told
    .flatMap((message) => (message.kind === 'records' ? message.records : []))
    .map((sealed) => peekRecord(sealed))
    .flatMap((record) => (record?.node === node ? [record.version] : []))
}

async function versionOf(peer: HostilePeer, node: string): Promise<number> {
  await expect.poll(() => recordsTold(peer, node).length).toBeGreaterThan(0)
  return Math.max(...recordsTold(peer, node))
}

async function recordOfVictim(peer: HostilePeer, { id }: Victim): Promise<{ version: number }> {
  return { version: await versionOf(peer, id) }
}

function refutations(peer: HostilePeer, { id }: Victim, since: number): number {
  return new Set(recordsTold(peer, id).filter((version) => version > since)).size
}

/** What the victim itself says against a node. */
function ownWords({ told, transport }: HostilePeer, { id }: Victim, subject: string): number {
  const accusations = told.flatMap((message) => (message.kind === 'accusations' ? message.accusations : []))
  const isOwn = (claim: Accusation | undefined): boolean => claim?.accuser === id && claim.subject === subject
  return accusations.filter((sealed) => isOwn(peekAccusation(sealed)) && openAccusation(sealed, transport)).length
}

/** How often the links of that node ended, from now on. */
function countDowns({ id }: Node): () => number {
  let downs = 0
  const count = (message: unknown): void => {
    if ((message as { node: string }).node === id) downs += 1
  }
  subscribe('skerry:peer.down', count)
  onTestFinished(() => void unsubscribe('skerry:peer.down', count))
  return () => downs
}
