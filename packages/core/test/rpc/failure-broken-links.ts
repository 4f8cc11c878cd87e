import { startNode } from '@skerry/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import { decodeSignal, encodeSignal } from '../../src/mesh/frame.ts'
import {
  controlLane,
  decodeLinkMessage,
  encodeLinkMessage,
  frameLane,
  type Greeting,
  protocolVersion,
} from '../../src/mesh/link-message.ts'
import { seededRandom } from '@skerry/testing'
import { begun, echo, waits } from './failure-procedures.ts'
import { type Caller, callerName, type FailureWorld, type Hidden, hiddenName, serverApp } from './failure-world.ts'
import * as threads from '../fixtures/thread-procedures.mjs'
import { printReason } from '../../src/actor/exit-reason.ts'
import type { Signal } from '../../src/actor/signal.ts'
import { frameBytesMax, knows, makeTransport, quiet, startRawPeer } from './two-nodes.ts'
import { cuttable } from './cuttable-transport.ts'
import type { RawLink, Transport } from '@skerry/core/transport'
import type { Node, Pid } from '@skerry/core'

/** The link breaks, or its other end speaks nonsense. */
export function brokenLinks({ kind, pair, failure }: FailureWorld): void {
  describe('a node that is lost', () => {
    it('in the middle of a call rejects it as unknown, and ends the process there too', async () => {
      const { client, mesh } = pair()
      const spec = kind.spec(mesh, { seeds: [...client.addresses], maxFrameBytes: frameBytesMax })
      const transport = await makeTransport(spec)
      const options = { region: 'fra', primaryRegion: 'syd', cluster: 'tests', transport: () => transport }
      const victim = await startNode(serverApp, quiet(options))
      onTestFinished(() => victim.stop())
      await knows(client, victim, serverApp)
      const call = client.rpcRegion('fra', waits, undefined, { timeoutMs: 60_000 })
      const { aborted } = await begun.next()
      await transport.stop()
      const error = await failure(call, 'ERR_NODE_LOST', 'unknown')
      expect(error).toMatchObject({ node: victim.id, region: 'fra', reason: 'noconnection' })
      await aborted
    })
  })

  describe('a peer', () => {
    it.each([0, 1])('whose first frame on lane %d is garbage loses its link, and nobody else does', async (lane) => {
      const { server, client } = pair()
      const link = await rawLink()
      link.lane(lane).send(Uint8Array.of(255, 254, 253))
      expect(await link.closed).toMatchObject({ local: false })
      expect(await client.rpcRegion('syd', echo, 1)).toBe(1)
      expect(server.regions()).toEqual(['lax', 'syd'])
    })

    it.each([
      ['is of another cluster', { cluster: 'another' }, 'ERR_WRONG_CLUSTER'],
      [
        'speaks another version of the protocol',
        { protocolVersion: protocolVersion + 9, protocolVersionMin: protocolVersion + 9 },
        'ERR_PROTOCOL_VERSION',
      ],
    ])('that %s is told so, and not let in', async (_what, wrong, code) => {
      const { server } = pair()
      const link = await rawLink()
      const answer = new Promise<Uint8Array>((resolve) => link.lane(controlLane).onFrame((frame) => resolve(frame)))
      const greeting = { ...greetingOf(link.id), ...wrong }
      link.lane(controlLane).send(encodeLinkMessage({ kind: 'hello', greeting }))
      expect(decodeLinkMessage(await answer)).toMatchObject({ kind: 'refuse', code })
      expect(server.regionOf(link.id)).toBeUndefined()
    })

    it('that says it is in a region where the transport knows it not to be is told so, and not let in', async () => {
      const { client, mesh } = pair()
      const inner = cuttable(await makeTransport(kind.spec(mesh, { seeds: [...client.addresses] })))
      const picky: Transport = {
        ...inner,
        start: ({ accepted, found }, platform) =>
          inner.start({ accepted: (link) => accepted(inRegion('lax', link)), found }, platform),
      }
      const options = { region: 'fra', primaryRegion: 'syd', cluster: 'tests', transport: () => picky }
      const node = await startNode(serverApp, quiet(options))
      onTestFinished(() => node.stop())
      await knows(client, node, serverApp)
      const link = await rawLink(node)
      const answer = new Promise<Uint8Array>((resolve) => link.lane(controlLane).onFrame((frame) => resolve(frame)))
      link.lane(controlLane).send(encodeLinkMessage({ kind: 'hello', greeting: greetingOf(link.id) }))
      expect(decodeLinkMessage(await answer)).toMatchObject({ kind: 'refuse', code: 'ERR_WRONG_REGION' })
      expect(node.regionOf(link.id)).toBeUndefined()
    })

    it('that greets well and then sends garbage frames is counted, and harms nobody', async () => {
      const { server, client } = pair()
      const { link, hear } = await greetedLink()
      const random = seededRandom(1)
      const before = server.counters().undecodable
      for (let sent = 0; sent < 200; sent += 1) {
        const garbage = Uint8Array.from({ length: 1 + random.int(40) }, () => random.int(256))
        // Kinds that do not exist, so that each is certainly garbage.
        garbage[0] = 100 + random.int(100)
        sendFrame(link, garbage)
      }
      await hear()
      expect(server.counters().undecodable).toBe(before + 200)
      expect(await client.rpcRegion('syd', echo, 1)).toBe(1)
    })

    it('that sends bodies that are none ends no actor', async () => {
      const { server } = pair()
      const { link, hear } = await greetedLink()
      const pid = server.whereis(callerName) as Pid<Caller>
      const asked = await server.call(callerName, 'asked', [])
      const from = { node: 'x', life: 0, thread: 0, serial: 9 }
      const body = Uint8Array.of(0xc1)
      const noList = codec.encode(5)
      const frame = (signal: Parameters<typeof encodeSignal>[0]): void => sendFrame(link, encodeSignal(signal, codec))
      for (const encoded of [body, noList]) {
        frame({ type: 'message', to: pid, message: encoded, encoded: true })
        frame({ type: 'cast', to: pid, name: 'asked', args: encoded, encoded: true })
        frame({ type: 'call', to: pid, from, ref: 1, name: 'asked', args: encoded, encoded: true })
        frame({ type: 'call', to: pid, from, ref: 1, name: 'constructor', args: encoded, encoded: true })
        frame({ type: 'call', to: pid, from, ref: 1, name: '__proto__', args: encoded, encoded: true })
      }
      await hear()
      expect(await server.call(pid, 'asked', [])).toBe(asked)
    })

    it('whose request has an argument that is none is told that nothing was run', async () => {
      const { link, answers } = await greetedLink()
      const from = { node: 'x', life: 0, thread: 0, serial: 9 }
      const request = {
        procedure: echo.name,
        version: echo.version,
        timeLeftMs: 10_000,
        idempotencyKey: undefined,
        callerRegion: 'nowhere',
        input: Uint8Array.of(0xc1),
      }
      sendFrame(link, encodeSignal({ type: 'spawn', from, to: { ...from, serial: 0 }, request }, codec))
      const here = { node: 'x', life: 0 }
      const replies = (): unknown[] => answers.map((frame) => decodeSignal(frame.subarray(1), here, here, codec))
      await expect.poll(replies).toContainEqual(
        expect.objectContaining({
          type: 'reply',
          result: {
            ok: false,
            failure: expect.objectContaining({ code: 'ERR_NOT_DECODABLE', outcome: 'not-run' }) as unknown,
          },
        }),
      )
    })

    it("does not reach the node's own actors", async () => {
      const { server } = pair()
      const { link, hear } = await greetedLink()
      const before = server.counters().refusedSignals
      const system = await server.whichChildren('system')
      const from = { node: 'x', life: 0, thread: 0, serial: 9 }
      for (const { pid } of system) {
        sendFrame(link, encodeSignal({ type: 'exit', from, to: pid as Pid, reason: 'kill', viaLink: false }, codec))
      }
      await hear()
      expect(await server.whichChildren('system')).toEqual(system)
      expect(server.counters().refusedSignals).toBe(before + system.length)
    })

    it('reaches no actor whose Pid was sent to no node: to it none is there', async () => {
      const { server } = pair()
      const { link, hear, answers } = await greetedLink()
      const before = server.counters().refusedSignals
      const onMain = server.whereis(hiddenName) as Pid<Hidden>
      const thread = await server.start(threads.keeper, [], { thread: 'own' })
      const from = { node: 'x', life: 0, thread: 0, serial: 9 }
      for (const to of [onMain, thread] as Pid[]) {
        const args = codec.encode([])
        const signals: Signal[] = [
          { type: 'message', to, message: args, encoded: true },
          { type: 'cast', to, name: 'touch', args, encoded: true },
          { type: 'call', to, from, ref: 7, name: 'touch', args, encoded: true },
          { type: 'link', to, from },
          { type: 'monitor', to, from, ref: 8 },
          { type: 'exit', to, from, reason: 'bad', viaLink: false },
          { type: 'exit', to, from, reason: 'kill', viaLink: false },
        ]
        for (const signal of signals) sendFrame(link, encodeSignal(signal, codec))
      }
      await hear()
      expect(await server.call(onMain, 'touched', [])).toBe(0)
      expect(await server.call(thread, 'touched', [])).toBe(0)
      expect(server.counters().refusedSignals).toBe(before + 14)
      const asOfNobody = ['reply ERR_NOPROC', 'exit noproc', 'down noproc']
      // And of the one that `hear` asks for.
      const told = (): string[] => answers.map((frame) => describeAnswer(frame.subarray(1)))
      await expect.poll(told).toEqual([...asOfNobody, ...asOfNobody, 'down noproc'])
    })

    it('that answers a call of ours to another node is not heard', async () => {
      const { server, client } = pair()
      const { link, hear } = await greetedLink()
      const ofRegion = server.rpcRegion('lax', waits, undefined)
      const first = await begun.next()
      const ofActor = server.call(client.whereis(callerName) as Pid<Caller>, 'wait', [])
      const second = await begun.next()
      for (let number = 1; number < 2_000; number += 1) {
        const to = { node: 'x', life: 0, thread: 0, serial: number }
        const failed = { ok: false, failure: null as never } as const
        const wrong = { ok: true, value: codec.encode('the wrong one'), encoded: true } as const
        sendFrame(link, encodeSignal({ type: 'reply', to, ref: 0, result: failed }, codec))
        // A call to an actor is answered to the node, which has the serial 0.
        sendFrame(link, encodeSignal({ type: 'reply', to: { ...to, serial: 0 }, ref: number, result: wrong }, codec))
      }
      await hear()
      first.answer('the right one')
      second.answer('the right one')
      expect(await Promise.all([ofRegion, ofActor])).toEqual(['the right one', 'the right one'])
    })

    it('that says that a linked actor ended, where there is no link, ends nobody', async () => {
      const { server } = pair()
      const { link, hear } = await greetedLink()
      const pid = server.whereis(callerName) as Pid<Caller>
      const from = { node: 'x', life: 0, thread: 0, serial: 9 }
      sendFrame(link, encodeSignal({ type: 'exit', from, to: pid, reason: 'boom', viaLink: true }, codec))
      await hear()
      expect(await server.call(pid, 'asked', [])).toBeTypeOf('number')
    })

    it('with another secret is not let in, and each side goes on by itself', async () => {
      const { server, client, mesh } = pair()
      const wrong = { seeds: [...server.addresses], secret: 'another secret, of 32 characters' }
      const options = { region: 'lon', primaryRegion: 'lon', cluster: 'tests', transport: kind.spec(mesh, wrong) }
      const stranger = await startNode(serverApp, quiet(options))
      onTestFinished(() => stranger.stop())
      const raw = await startRawPeer(kind, mesh, wrong)
      onTestFinished(() => raw.stop())
      await expect(raw.dial(server.addresses[0] as string)).rejects.toMatchObject({ code: 'ERR_PEER_REFUSED' })
      await expect(stranger.waitForRegion('syd', { timeoutMs: 300 })).rejects.toMatchObject({
        code: 'ERR_REGION_TIMEOUT',
        message: expect.stringContaining('lon') as unknown,
      })
      expect(server.regionOf(stranger.id)).toBeUndefined()
      expect(await client.rpcRegion('syd', echo, 1)).toBe(1)
      expect(await stranger.rpcRegion('lon', echo, 2)).toBe(2)
    })
  })

  async function rawLink(to: Node = pair().server): Promise<RawLink & { id: string }> {
    const { mesh } = pair()
    rawPeers += 1
    // A small id: of two hellos that cross, the smaller one's wins.
    const raw = await startRawPeer(kind, mesh, { seeds: [], id: `!raw-${rawPeers}` })
    onTestFinished(() => raw.stop())
    return Object.assign(await raw.dial(to.addresses[0] as string), { id: raw.id })
  }

  /** A link whose other end has accepted us as a node, and a way to know that it has read all that was sent. */
  async function greetedLink(): Promise<{ link: RawLink; answers: readonly Uint8Array[]; hear(): Promise<void> }> {
    const link = await rawLink()
    const accepted = new Promise<void>((resolve) => link.lane(controlLane).onFrame(() => resolve()))
    link.lane(controlLane).send(encodeLinkMessage({ kind: 'hello', greeting: greetingOf(link.id) }))
    await accepted
    let heard: () => void = () => undefined
    const answers: Uint8Array[] = []
    link.lane(frameLane).onFrame((frame) => {
      answers.push(frame)
      heard()
    })
    const hear = async (): Promise<void> => {
      // A monitor of nobody is answered at once, after everything before it.
      const down = new Promise<void>((resolve) => {
        heard = () => {
          // The kind of a link's frame, then the kind of a DOWN.
          if (answers.some((frame) => frame[1] === 10)) resolve()
        }
      })
      const nobody = { node: 'x', life: 0, thread: 0, serial: 999_999 }
      sendFrame(link, encodeSignal({ type: 'monitor', from: nobody, to: nobody, ref: 1 }, codec))
      await down
    }
    return { link, answers, hear }
  }
}

const codec = msgpackCodec()
let rawPeers = 0

function greetingOf(node: string): Greeting {
  return {
    protocolVersion,
    protocolVersionMin: protocolVersion,
    cluster: 'tests',
    node,
    life: 1,
    region: 'nowhere',
    epoch: 1,
    addresses: [],
    frameBytesMax: 0,
    meshVersion: 1,
  }
}

/** The same link, by which its peer may be in this region only. */
function inRegion(region: string, link: RawLink): RawLink {
  return {
    peer: link.peer,
    regions: [region],
    lane: (number) => link.lane(number),
    close: (reason) => link.close(reason),
    closed: link.closed,
  }
}

function describeAnswer(frame: Uint8Array): string {
  const end = { node: 'x', life: 0 }
  const signal = decodeSignal(frame, end, end, codec)
  if (signal.type === 'reply' && !signal.result.ok) return `reply ${signal.result.failure.code}`
  return 'reason' in signal ? `${signal.type} ${printReason(signal.reason)}` : signal.type
}

function sendFrame(link: RawLink, bytes: Uint8Array): void {
  link.lane(frameLane).send(encodeLinkMessage({ kind: 'frame', bytes }))
}
