import {
  actorName,
  child,
  defineApp,
  genServer,
  type Node,
  type Pid,
  procedure,
  type ProcedureContext,
  type ProcedureRef,
  type RpcError,
  type RpcOptions,
  startNode,
} from '@skerry/core'
import { type ManualPlatform, manualPlatform } from '@skerry/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import { encodeNotice, encodeSignal } from '../../src/mesh/frame.ts'
import { controlLane, encodeLinkMessage, frameLane, protocolVersion } from '../../src/mesh/link-message.ts'
import type { Transport } from '../../src/mesh/transport.ts'
import { createMemoryTransport } from '../../src/mesh/memory-transport.ts'
import { type CuttableTransport, cuttable } from './cuttable-transport.ts'
import { type HoldingTransport, holding } from './holding-transport.ts'
import { newMeshName } from './two-nodes.ts'

let onBegun: (process: Pid) => void = () => undefined
const forever = (ctx: ProcedureContext): Promise<string> => {
  onBegun(ctx.self)
  return new Promise(() => undefined)
}

const waits = procedure({ name: 'gone.waits', run: (ctx, _input: string) => forever(ctx) })
/** Goes on whatever `ctx.signal` says, and takes exits for messages that it doesn't look at. */
const ignores = procedure({
  name: 'gone.ignores',
  run: (ctx, _input: string) => {
    ctx.trapExit = true
    return forever(ctx)
  },
})
const echo = procedure({ name: 'gone.echo', run: (_ctx, value: string) => value })

const strays: unknown[] = []
const callerOf = (trapExit: boolean) =>
  genServer({
    name: 'gone.caller',
    trapExit,
    init: () => ({}),
    call: { ask: (ctx, what: Asked, options: RpcOptions) => told(ctx.rpcRegion('syd', what, 'late', options)) },
    info: (_ctx, message) => void strays.push(message),
  })
type Asked = ProcedureRef<string, string>
interface Caller {
  call: { ask(what: Asked, options: RpcOptions): string }
  cast: Record<never, never>
}
const plainActor = actorName<Caller>('gone.actor')
const trapping = actorName<Caller>('gone.trapping')

const app = defineApp({
  name: 'gone',
  children: [
    child('actor', callerOf(false), [], { register: plainActor }),
    child('trapping', callerOf(true), [], { register: trapping }),
  ],
  procedures: [waits, ignores, echo],
})

/** How a caller gives up a call that runs. The news of it reaches the other node at once: there is no way between them. */
const ways: Readonly<Record<string, (world: World, asked: Asked) => Promise<void>>> = {
  async 'its abort'(world, asked) {
    const controller = new AbortController()
    void told(world.client.rpcRegion('syd', asked, '', { signal: controller.signal, timeoutMs: 60_000 }))
    await world.platform.settle()
    controller.abort()
  },
  async 'its time-out'(world, asked) {
    void told(world.client.rpcRegion('syd', asked, '', { timeoutMs: 700 }))
    await world.platform.advance(699.999)
    expect(world.ended).toBeUndefined()
    await world.platform.advance(0.001)
  },
  async 'the end of the actor that made it'(world, asked) {
    world.client.call(plainActor, 'ask', [asked, { timeoutMs: 60_000 }]).catch(() => undefined)
    await world.platform.settle()
    world.client.exit(plainActor, 'kill')
  },
  async 'the loss of the connection to its node'(world, asked) {
    void told(world.client.rpcRegion('syd', asked, '', { timeoutMs: 60_000 }))
    await world.platform.settle()
    world.transport.cut()
  },
}

/** A thread of another node that has made a call, as this one sees it: by frames. Says more in its name. */
async function callByFrames(
  { platform, hub, server }: World,
  { name, version }: Asked,
  timeLeftMs: number,
): Promise<(frame: Uint8Array) => Promise<void>> {
  const codec = msgpackCodec()
  const raw = createMemoryTransport({ hub, id: '!raw' })
  const ignored = { accepted() {}, found() {} }
  await raw.start(ignored, manualPlatform({ seed: 3, beside: platform }))
  onTestFinished(() => raw.stop())
  const dialling = raw.dial(server.addresses[0] as string, undefined, new AbortController().signal)
  await platform.settle()
  const link = await dialling
  const versions = { protocolVersion, protocolVersionMin: protocolVersion, meshVersion: 1 }
  const who = { cluster: 'gone', node: '!raw', life: 1, region: 'lax', epoch: 1, addresses: [], frameBytesMax: 0 }
  link.lane(controlLane).send(encodeLinkMessage({ kind: 'hello', greeting: { ...versions, ...who } }))
  await platform.settle()
  const send = async (bytes: Uint8Array): Promise<void> => {
    link.lane(frameLane).send(encodeLinkMessage({ kind: 'frame', bytes }))
    await platform.settle()
  }
  const from = { node: '!raw', life: 1, thread: 7, serial: 5 }
  const to = { node: server.id, life: server.life, thread: 0, serial: 0 }
  const input = codec.encode('')
  const time = { timeLeftMs, idempotencyKey: undefined, callerRegion: 'lax' }
  await send(encodeSignal({ type: 'spawn', from, to, request: { procedure: name, version, input, ...time } }, codec))
  return send
}

async function callAndLoseThread(world: World, asked: Asked): Promise<void> {
  const send = await callByFrames(world, asked, 60_000)
  await send(encodeNotice({ type: 'threadDown', thread: 7 }))
}

describe('the process of a call whose caller says nothing any more, as its clock stands still or is late', () => {
  it.each([
    ['awaits something', waits, 0],
    ['ignores ctx.signal and exits: it is killed', ignores, 100],
  ])('[node] and that %s is gone at the deadline all the same', async (_what, { name, version }, afterMs) => {
    const world = await startWorld()
    await callByFrames(world, { name, version }, 700)
    const begunMs = world.platform.clock.monotonic()
    await world.platform.advance(699)
    expect([world.isBegun, world.ended]).toEqual([true, undefined])
    await world.platform.advance(1 + afterMs)
    expect(world.ended).toBe(begunMs + 700 + afterMs)
  })
})

describe.each(Object.entries({ ...ways, 'the loss of the thread that it was made on': callAndLoseThread }))(
  'the process of a call that is given up by %s',
  (_by, giveUp) => {
    it.each([
      ['awaits something', waits, 0],
      ['ignores ctx.signal and exits: it is killed', ignores, 100],
    ])('[node] and that %s is gone on time', async (_what, { name, version }, afterMs) => {
      const world = await startWorld()
      await giveUp(world, { name, version })
      expect(world.isBegun).toBe(true)
      const givenUpMs = world.platform.clock.monotonic()
      await world.platform.advance(250)
      expect(world.ended).toBe(givenUpMs + afterMs)
    })
  },
)

const callers: Readonly<Record<string, (node: Node, asked: Asked, options: RpcOptions) => Promise<string>>> = {
  'plain code': (node, asked, options) => told(node.rpcRegion('syd', asked, 'late', options)),
  'an actor': (node, asked, options) => node.call(plainActor, 'ask', [asked, options], { timeoutMs: 60_000 }),
  'an actor that traps exits': (node, asked, options) =>
    node.call(trapping, 'ask', [asked, options], { timeoutMs: 60_000 }),
}

describe.each(Object.entries(callers))('M10: the answer to a call of %s', (_who, ask) => {
  it('[node] that comes after the time-out reaches nobody, and is counted', async () => {
    const { client, transport, platform } = await startWorld()
    transport.hold()
    const outcome = ask(client, { name: echo.name, version: 1 }, { timeoutMs: 700 })
    await platform.advance(700)
    expect(await outcome).toBe('ERR_RPC_TIMEOUT unknown')
    const before = client.counters()
    transport.release()
    await platform.settle()
    expect(client.counters()).toEqual({ ...before, lateReplies: before.lateReplies + 1 })
    expect(strays).toEqual([])
    const next = ask(client, { name: echo.name, version: 1 }, { timeoutMs: 700 })
    await platform.settle()
    expect(await next).toBe('late')
  })
})

interface World {
  readonly hub: string
  readonly server: Node
  readonly client: Node
  readonly platform: ManualPlatform
  readonly transport: CuttableTransport & HoldingTransport
  readonly isBegun: boolean
  /** When the process that was begun last ended. */
  readonly ended: number | undefined
}

/** A client in `lax` and a server in `syd`, in virtual time, with no way between them: all that takes time is a timer. */
async function startWorld(): Promise<World> {
  const hub = newMeshName()
  const platform = manualPlatform({ seed: 1 })
  const other = manualPlatform({ seed: 2, beside: platform })
  const nodes: Node[] = []
  onTestFinished(async () => {
    const stopping = Promise.all(nodes.map((node) => node.stop()))
    await platform.advance(30_000)
    await stopping
  })
  const start = async (on: ManualPlatform, region: string, transport: () => Transport): Promise<Node> => {
    const starting = startNode(app, { platform: on, region, primaryRegion: 'syd', cluster: 'gone', transport })
    await platform.settle()
    const node = await starting
    nodes.push(node)
    return node
  }
  const server = await start(platform, 'syd', () => createMemoryTransport({ hub, id: 'server' }))
  const held = holding(createMemoryTransport({ hub, id: 'client' }))
  const cut = cuttable(held)
  const client = await start(other, 'lax', () => cut)
  await platform.advance(3_000)
  let ended: number | undefined
  let isBegun = false
  onBegun = (pid) => {
    isBegun = true
    ended = undefined
    void server.watch(pid).then(() => (ended = platform.clock.monotonic()))
  }
  const transport = Object.assign(cut, { hold: () => held.hold(), release: () => held.release() })
  return {
    hub,
    server,
    client,
    platform,
    transport,
    get isBegun() {
      return isBegun
    },
    get ended() {
      return ended
    },
  }
}

async function told(call: Promise<string>): Promise<string> {
  try {
    return await call
  } catch (error) {
    const { code, outcome } = error as RpcError
    return `${code} ${outcome}`
  }
}
