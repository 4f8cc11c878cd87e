import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import {
  defineApp,
  type Node,
  type OfferedProcedure,
  type Pid,
  procedure,
  silentLog,
  startNode,
  systemPlatform,
} from '@skerry/core'
import type { RawLink, Transport, TransportSpec } from '@skerry/core/transport'
import { libp2pTransport } from '@skerry/transport-libp2p'
import { expect, onTestFinished } from 'vitest'
import type { Signal } from '../../../core/src/actor/signal.ts'
import { msgpackCodec } from '../../../core/src/codec/msgpack-codec.ts'
import { decodeSignal, encodeSignal } from '../../../core/src/mesh/frame.ts'
import { decodeMeshMessage, type MeshMessage } from '../../../core/src/mesh/mesh-message.ts'
import {
  controlLane,
  decodeLinkMessage,
  encodeLinkMessage,
  frameLane,
  isFrameMessage,
  linkHeaderBytes,
  protocolVersion,
} from '../../../core/src/mesh/link-message.ts'
import { createLibp2pTransport, type Libp2pTransportOptions } from '../../src/index.ts'

export const cluster = 'abuse'
export const secret = 'the secret of these tests, 32 characters'
export const codec: ReturnType<typeof msgpackCodec> = msgpackCodec()
const script = fileURLToPath(new URL('../fixtures/victim.mjs', import.meta.url))
const quick = procedure({ name: 'victim.quick', run: async (_ctx, _input: undefined): Promise<string> => 'elsewhere' })

/** What the victim holds and counts. */
export interface Report {
  readonly rss: number
  /** Heap and what is outside of it, after a collection. */
  readonly held: number
  readonly counters: Readonly<Record<string, number>>
  readonly nodes: readonly { readonly id: string; readonly region: string }[]
  /** How many sockets it holds open over TCP, in the handshake or behind it. */
  readonly connections: number
  /** What its calls of `member.held` came to so far: values, and codes of failures. */
  readonly outcomes: readonly unknown[]
  /** Whether the actor `open` is the one that was there at the beginning. */
  readonly keeper: boolean
}

/** Of a node, in its own process, what a test says of what it may hold more than before: 32 MiB, and 160 MiB of resident memory. */
export function expectBounded(before: Report, after: Report): void {
  const { held, rss } = grew(before, after)
  expect(held).toBeLessThan(heldMax)
  expect(rss).toBeLessThan(rssMax)
}

export function grew(before: Report, after: Report): { held: number; rss: number } {
  return { held: after.held - before.held, rss: after.rss - before.rss }
}

export const mebi: number = 1024 * 1024
/** What a node may hold more than before under each of these, beside what a test says of its own. */
export const heldMax: number = 32 * mebi
export const rssMax: number = 160 * mebi
/** What the inputs of a peer's calls may count beside that, and its letters as much again: `perPeerBytesMax` of `load`. */
export const perPeerHeldMax: number = 64 * mebi

/** What victims, members and hostile peers meet over. */
export interface HostileMesh {
  /** Whose transport the victim uses, by what name, and its options beside the cluster and the secret. */
  readonly module: string
  readonly make: string
  readonly options: object
  member(victim: Victim): TransportSpec
  hostile(options: object): Transport
}

/** `module`: whose `libp2pTransport` the victims use. The others are of libp2p 2. */
export function overLibp2p(module = '@skerry/transport-libp2p'): HostileMesh {
  return {
    module,
    make: 'libp2pTransport',
    options: {},
    member: ({ address }) => libp2pTransport({ cluster, secrets: [secret], seeds: [address] }),
    hostile: (options) => createLibp2pTransport({ cluster, secrets: [secret], ...options }),
  }
}

export interface Victim {
  readonly mesh: HostileMesh
  readonly id: string
  readonly life: number
  readonly address: string
  readonly port: number
  /** An actor that takes signals of every member. */
  readonly open: Pid
  /** Another, whose handler never ends. */
  readonly stuck: Pid
  report(): Promise<Report>
  /** It calls `member.held` in the region of the lawful member. */
  call(): void
  /** It reads the stream `member.items` of that node. */
  stream(node: string): void
}

export interface VictimOptions {
  /** Default: libp2p, by this package. */
  readonly mesh?: HostileMesh
  readonly load?: object
  readonly transport?: Partial<Libp2pTransportOptions>
}

/** A node in a process of its own, killed after the test. */
export async function startVictim({ mesh = overLibp2p(), load, transport }: VictimOptions = {}): Promise<Victim> {
  const { module, make, options } = mesh
  const own = { cluster, secret, module, make, load, transport: { ...options, ...transport } }
  const child = fork(script, [JSON.stringify(own)], {
    execArgv: ['--expose-gc'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit').then(([code]): never => {
    throw new Error(`The victim ended with ${String(code)} before it had started`)
  })
  const [started] = (await Promise.race([once(child, 'message'), ended])) as [
    Omit<Victim, 'report' | 'call' | 'stream' | 'port' | 'mesh'>,
  ]
  return {
    ...started,
    mesh,
    port: Number(/\/tcp\/(\d+)/.exec(started.address)?.[1]),
    call: () => void child.send('call'),
    stream: (node) => void child.send({ stream: node }),
    report: async () => {
      const answer = once(child, 'message')
      child.send('report')
      return ((await answer) as [Report])[0]
    },
  }
}

/** A lawful member beside it, which knows it. */
export async function startMember(
  victim: Victim,
  procedures: readonly OfferedProcedure[] = [],
): Promise<{ node: Node; callVictim(): Promise<string> }> {
  const node = await startNode(defineApp({ name: 'member', children: [], procedures }), {
    region: 'lax',
    primaryRegion: 'syd',
    log: silentLog,
    transport: victim.mesh.member(victim),
  })
  onTestFinished(() => node.stop())
  await node.waitFor(() => node.isRpcSupported(victim.id, quick), 'the victim and its procedures')
  return { node, callVictim: () => node.rpcRegion('syd', quick, undefined, { timeoutMs: 15_000 }) }
}

export interface HostilePeer {
  readonly transport: Transport
  readonly id: string
  readonly link: RawLink
  /** A signal on the lane of signals. */
  send(signal: Signal): Promise<void>
  /** The bytes of a control payload: what mesh actors tell each other. */
  control(bytes: Uint8Array): void
  /** The same, as fast as the victim reads, until `isEnough` says so. What it gives back: how many were sent. */
  flood(payload: () => Uint8Array, isEnough: (sent: number) => boolean): Promise<number>
  /** What the victim's mesh actor told. */
  readonly told: MeshMessage[]
  /** Resolves when the victim has read all that was sent. */
  heard(): Promise<void>
  /** The kinds of the link's messages that came on the lane of signals, and what came. */
  readonly answers: Uint8Array[]
  /** Hears every signal from now on, read. */
  onSignal(on: (signal: Signal) => void): void
}

/** A member that knows the secret and keeps to the protocol as far as it wants: it answers heartbeats. */
export async function startHostile(
  victim: Victim,
  options: Partial<Libp2pTransportOptions> = {},
): Promise<HostilePeer> {
  const transport = victim.mesh.hostile(options)
  onTestFinished(() => transport.stop())
  // It takes no links. The victim may have heard of it and dial it at the same time: that dial is to fail at once.
  const accepted = (unwanted: RawLink): void => unwanted.close('takes no links')
  const { id } = await transport.start({ accepted, found() {} }, systemPlatform({ log: silentLog }))
  const answers: Uint8Array[] = []
  const told: MeshMessage[] = []
  let onAnswer = (): void => undefined
  let onSignal: ((signal: Signal) => void) | undefined
  const link = await linkToVictim(victim, {
    transport,
    id,
    onControl: (bytes) => told.push(decodeMeshMessage(bytes) as MeshMessage),
  })
  const peer = { node: victim.id, life: victim.life, region: 'syd', roles: [], addresses: [] }
  const read = (frame: Uint8Array): Signal => decodeSignal(frame, peer, { node: id, life: 1 }, codec, linkHeaderBytes)
  link.lane(frameLane).onFrame((frame) => {
    answers.push(frame)
    onAnswer()
    if (onSignal !== undefined && isFrameMessage(frame)) onSignal(read(frame))
  })
  const over = link.closed.then(({ reason }): never => {
    throw new Error(`The link is closed: ${reason}`)
  })
  // Told to whoever waits for anything on the link; the end of a test ends it too.
  over.catch(() => undefined)
  let drained: (() => void) | undefined
  link.lane(frameLane).onDrain(() => drained?.())
  const send = async (signal: Signal): Promise<void> => {
    const message = encodeLinkMessage({ kind: 'frame', bytes: encodeSignal(signal, codec) })
    if (link.lane(frameLane).send(message)) return
    const room = new Promise<void>((resolve) => {
      drained = resolve
    })
    await Promise.race([room, over])
  }
  let refs = 0
  return {
    transport,
    id,
    link,
    answers,
    onSignal: (on) => void (onSignal = on),
    send,
    told,
    flood: async (payload, isEnough) => {
      const lane = link.lane(controlLane)
      let hasRoom: (() => void) | undefined
      lane.onDrain(() => hasRoom?.())
      let sent = 0
      while (!isEnough(sent)) {
        const isThere = lane.send(encodeLinkMessage({ kind: 'control', bytes: payload() }))
        sent += 1
        const room = new Promise<void>((resolve) => {
          hasRoom = resolve
        })
        // A victim that reads no more must not hold up the test; and what else is due has its turn.
        if (!isThere) await Promise.race([room, new Promise((resolve) => void setTimeout(resolve, 50))])
        else if (sent % 500 === 0) await new Promise((resolve) => void setImmediate(resolve))
      }
      return sent
    },
    control: (bytes) => void link.lane(controlLane).send(encodeLinkMessage({ kind: 'control', bytes })),
    heard: async () => {
      // A monitor of nobody is answered at once, behind all that came before it.
      const ref = (refs += 1)
      const nobody = { ...here(victim), serial: 999_999 }
      const down = new Promise<void>((resolve) => {
        onAnswer = () => {
          const last = answers.at(-1)
          if (last?.[1] === downKind && last.includes(ref)) resolve()
        }
      })
      await send({ type: 'monitor', from: nobody, to: nobody, ref })
      await Promise.race([down, over])
    },
  }
}

// Each costs a round trip, and the victim's own dial a few of them.
const dialsMax = 50

/** A link on which the victim has accepted the hello. One that was refused because the victim dials us too is dialled again. */
async function linkToVictim(
  victim: Victim,
  { transport, id, onControl }: { transport: Transport; id: string; onControl: (bytes: Uint8Array) => void },
): Promise<RawLink> {
  const greeting = {
    protocolVersion,
    protocolVersionMin: protocolVersion,
    cluster,
    node: id,
    life: 1,
    region: 'nowhere',
    addresses: [],
    frameBytesMax: 0,
    meshVersion: 2,
  }
  let why = ''
  for (let epoch = 1; epoch <= dialsMax; epoch += 1) {
    const link = await transport.dial(victim.address, victim.id, new AbortController().signal)
    const lane = link.lane(controlLane)
    const answer = new Promise<string>((resolve) => {
      lane.onFrame((frame) => {
        const message = decodeLinkMessage(frame)
        if (message.kind === 'accept') resolve('accept')
        if (message.kind === 'refuse') resolve(message.code)
        if (message.kind === 'control') onControl(message.bytes)
        if (message.kind === 'ping') lane.send(encodeLinkMessage({ ...message, kind: 'pong' }))
      })
    })
    lane.send(encodeLinkMessage({ kind: 'hello', greeting: { ...greeting, epoch } }))
    why = await Promise.race([answer, link.closed.then(({ reason }) => reason)])
    if (why === 'accept') return link
    link.close('refused')
    if (why !== 'ERR_DUPLICATE_LINK') break
  }
  throw new Error(`The victim did not accept: ${why}`)
}

const downKind = 10

/** Of the victim, as its signals name it: who sends or is meant is known by the link. */
export function here({ id, life }: Pick<Victim, 'id' | 'life'>): Pid {
  return { node: id, life, thread: 0, serial: 0 }
}
