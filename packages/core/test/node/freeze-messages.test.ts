import {
  child,
  defineApp,
  genServer,
  type Node,
  type NodeOptions,
  type Pid,
  silentLog,
  startNode,
  supervisorBehavior,
} from '@skerry/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freezesMessages } from '../../src/node/node-config.ts'
import { startPlayer } from '../fixtures/places.ts'
import { startPuppet } from '../fixtures/puppet.ts'

interface Box {
  items: number[]
}

const keeper = genServer({
  name: 'keeper',
  init: () => ({ box: { items: [] } as Box }),
  call: {
    put: (ctx, box: Box) => void (ctx.state.box = box),
    get: (ctx) => ctx.state.box,
    defer: (ctx) => {
      const deferred = ctx.defer<Box>()
      deferred.reply(ctx.state.box)
      return deferred
    },
  },
  cast: { put: (ctx, box: Box) => void (ctx.state.box = box) },
  info: (ctx, message) => void (ctx.state.box = message as Box),
})

async function start(options: NodeOptions = {}): Promise<Node> {
  const node = await startNode(defineApp({ name: 'frozen', children: [] }), { log: silentLog, ...options })
  onTestFinished(() => node.stop())
  return node
}

describe('messages are frozen', () => {
  it('where NODE_ENV says development or test, unless an option says otherwise', () => {
    const kinds = [undefined, '', 'production', 'staging', 'development', 'test']
    expect(kinds.map((NODE_ENV) => freezesMessages(undefined, { NODE_ENV }))).toEqual([
      false,
      false,
      false,
      false,
      true,
      true,
    ])
    expect(freezesMessages(false, { NODE_ENV: 'test' })).toBe(false)
    expect(freezesMessages(true, { NODE_ENV: 'production' })).toBe(true)
  })

  it('as they are handed over: what plain code and actors send, cast, call and answer', async () => {
    // As where these tests run.
    const node = await start()
    const pid = await node.start(keeper, [])
    const sender = await startPuppet(node)
    const stored = (): Promise<Box> => node.call(pid, 'get', [])
    for (const give of [
      (box: Box) => node.call(pid, 'put', [box]),
      async (box: Box) => node.cast(pid, 'put', [box]),
      async (box: Box) => node.send(pid, box),
      (box: Box) => sender.do((ctx) => ctx.call(pid, 'put', [box])),
      (box: Box) => sender.do((ctx) => ctx.cast(pid, 'put', [box])),
      (box: Box) => sender.do((ctx) => ctx.send(pid, box)),
    ]) {
      const box: Box = { items: [1] }
      await give(box)
      expect(await stored()).toBe(box)
      expect(() => box.items.push(2)).toThrow(TypeError)
    }
    const fresh = await node.start(keeper, [])
    const answers = [await node.call(fresh, 'get', []), await node.call(fresh, 'defer', [])]
    for (const answer of answers) expect(() => answer.items.push(1)).toThrow(TypeError)
  })

  it('and an actor that goes on changing what it sent ends by a TypeError at that line', async () => {
    const node = await start()
    const [sender, target] = [await startPuppet(node), await startPuppet(node)]
    const ended = node.watch(sender.pid)
    node.cast(sender.pid, 'perform', [
      (ctx) => {
        const box: Box = { items: [] }
        ctx.send(target.pid, box)
        box.items.push(1)
      },
    ])
    expect(await ended).toMatchObject({ type: 'error', name: 'TypeError' })
    expect(await target.next()).toEqual({ items: [] })
  })

  it('on other threads too, as main is told', async () => {
    for (const freezeMessages of [true, false]) {
      const node = await start({ freezeMessages, threadPool: { size: 1 } })
      const player = await startPlayer({ name: 'pool', node, thread: 'pool' })
      const isFrozen = player.do((ctx) => {
        const box = { items: [1] }
        ctx.send(ctx.self, box)
        return Object.isFrozen(box) && Object.isFrozen(box.items)
      })
      expect(await isFrozen).toBe(freezeMessages)
    }
  })

  it('but not what goes to a supervisor, which may hold code, nor the arguments of a start', async () => {
    const node = await start()
    const tree = await node.start(supervisorBehavior('tree', { children: [] }), [])
    const holder = genServer({
      name: 'holder',
      init: (_ctx, box: Box) => box,
      call: { push: (ctx) => ctx.state.items.push(2) },
    })
    const spec = child('holder', holder, [{ items: [1] }])
    const pid = (await node.call(tree, 'startChild', [spec])) as Pid<{ call: { push(): number } }>
    expect(await node.call(pid, 'push', [])).toBe(2)
    expect([spec, spec.args].some((one) => Object.isFrozen(one))).toBe(false)
  })

  it('and in production nothing is done: the very object arrives, and may be changed', async () => {
    const node = await start({ freezeMessages: false })
    const pid: Pid<{ call: { put(box: Box): void; get(): Box }; cast: object }> = await node.start(keeper, [])
    const box: Box = { items: [] }
    await node.call(pid, 'put', [box])
    box.items.push(1)
    expect(await node.call(pid, 'get', [])).toBe(box)
  })
})
