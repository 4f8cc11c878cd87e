import {
  actorName,
  child,
  defineApp,
  genServer,
  memoryTransport,
  type Node,
  type Pid,
  procedure,
  samePid,
  startNode,
  streamProcedure,
} from '@skerry/core'
import { expect, it, onTestFinished } from 'vitest'
import type { Signal } from '../../src/actor/signal.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import { encodeSignal } from '../../src/mesh/frame.ts'
import { encodeLinkMessage } from '../../src/mesh/link-message.ts'
import { Sightings } from '../fixtures/sightings.ts'
import { doomedCaller } from '../fixtures/thread-procedures.mjs'
import { tampering } from './tampering-transport.ts'
import { knows, makeTransport, newMeshName, quiet } from './two-nodes.ts'

const codec = msgpackCodec()
const begun = new Sightings<(value: string) => void>()
/** Gives what the test says. */
const waits = procedure({ name: 'waits', run: () => new Promise<string>((resolve) => begun.add(resolve)) })
const items = streamProcedure({
  name: 'items',
  async *run() {
    yield await new Promise<string>((resolve) => begun.add(resolve))
  },
})
/** Watches another actor. Every member may send to it, and so knows its address. */
const watcher = genServer({
  name: 'watcher',
  remote: 'members',
  init: () => ({ told: 0 }),
  call: {
    watch: (ctx, pid: Pid) => ctx.monitor(pid).ref,
    told: (ctx) => ctx.state.told,
  },
  info: (ctx) => {
    ctx.state.told += 1
  },
})
interface Watcher {
  call: { watch(pid: Pid): number; told(): number }
  cast: Record<never, never>
}
const idle = genServer({ name: 'idle', init: () => 0 })
const watcherName = actorName<Watcher>('watcher')
const idleName = actorName('idle')
const app = defineApp({
  name: 'forged',
  children: [child('watcher', watcher, [], { register: watcherName }), child('idle', idle, [], { register: idleName })],
  procedures: [waits, items],
})

const serialsMax = 80
const refsMax = 20

it('[node] whatever a member says in the name of others, at every address of a node, ends and settles nothing there', async () => {
  const forged: Uint8Array[] = []
  const frameKind = encodeLinkMessage({ kind: 'frame', bytes: new Uint8Array(1) })[0]
  const server = await start('syd', (frame) => frame)
  const client = await start('lax', (frame) => (frame[0] === frameKind ? (forged.shift() ?? frame) : frame))
  await Promise.all([knows(client, server, app), knows(server, client, app)])
  const watching = server.whereis(watcherName) as Pid<Watcher>
  const idling = server.whereis(idleName) as Pid
  await server.call(watcherName, 'watch', [idling])
  const keyed = server.rpcRegion('syd', waits, undefined, { idempotencyKey: 'k' })
  const answerKeyed = await begun.next()
  const plain = server.rpcRegion('syd', waits, undefined)
  const answerPlain = await begun.next()
  const stream = server.stream('syd', items, undefined)
  const first = stream.next()
  const giveItem = await begun.next()
  const onThread = await server.start(doomedCaller, [new SharedArrayBuffer(4)], { thread: 'own' })
  const asked = server.call(onThread, 'wait', ['syd', { name: 'waits', version: 1 }], { timeoutMs: 30_000 })
  const answerThread = await begun.next()
  const before = await server.whichChildren('system')

  const from = { ...(client.whereis(watcherName) as Pid), serial: 1_000 }
  const addresses = Array.from({ length: serialsMax }, (_, serial) => [
    { ...watching, serial },
    { ...onThread, serial },
  ]).flat()
  for (const to of addresses) {
    for (const signal of forgeriesTo(to, from)) {
      // That is no forgery: it is open to all.
      if (samePid(to, watching) && signal.type === 'exit') continue
      forged.push(encodeLinkMessage({ kind: 'frame', bytes: encodeSignal(signal, codec) }))
    }
  }
  const nobody = { ...watching, serial: 1_000_000 } as Pid
  for (let left = forged.length; left > 0; left -= 1) client.send(nobody, undefined)
  // In order behind them all.
  expect(await client.call(watching, 'told', [])).toBe(0)

  expect(await server.whichChildren('system')).toEqual(before)
  answerKeyed('keyed')
  answerPlain('plain')
  giveItem('an item')
  answerThread('thread')
  const answers = await Promise.all([keyed, plain, asked, first])
  expect(answers).toEqual(['keyed', 'plain', 'thread', { done: false, value: 'an item' }])
  expect(await server.call(watcherName, 'told', [])).toBe(0)
  expect(server.counters().refusedSignals).toBeGreaterThan(serialsMax)
})

/** What no member may say to an actor that it knows nothing of, nor of an actor that is not its own. */
function* forgeriesTo(to: Pid, from: Pid): Generator<Signal> {
  const value = codec.encode('forged', 'value')
  yield { type: 'reply', to, ref: 0, result: { ok: true, value, encoded: true } }
  yield {
    type: 'reply',
    to,
    ref: 0,
    result: { ok: false, failure: { code: 'ERR_X', outcome: 'not-run', message: '' } },
  }
  yield { type: 'exit', from, to, viaLink: true, reason: 'forged' }
  yield { type: 'exit', from, to, viaLink: false, reason: 'kill' }
  yield { type: 'item', from, to, seq: 0, item: value }
  yield { type: 'itemsEnd', from, to }
  yield { type: 'credit', from, to, items: 1, bytes: 1 }
  yield { type: 'unlink', from, to }
  yield { type: 'cancel', from: { ...from, serial: to.serial }, to, reason: 'cancelled' }
  for (let ref = 0; ref < refsMax; ref += 1) {
    yield { type: 'down', from, to, ref, reason: 'forged' }
    yield { type: 'demonitor', from, to, ref }
    if (ref > 0) yield { type: 'reply', to, ref, result: { ok: true, value, encoded: true } }
  }
}

const hub = newMeshName()

async function start(region: string, tamper: (frame: Uint8Array) => Uint8Array): Promise<Node> {
  const transport = tampering(await makeTransport(memoryTransport({ hub })), tamper)
  const options = { region, primaryRegion: 'syd', cluster: 'tests', transport: () => transport }
  const node = await startNode(app, quiet(options))
  onTestFinished(() => node.stop())
  return node
}
