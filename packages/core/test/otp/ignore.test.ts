import {
  child,
  type ChildInfo,
  defineApp,
  dynamicSupervisor,
  genServer,
  type Node,
  type Pid,
  type Restart,
  silentLog,
  startNode,
  supervisorBehavior,
  type SupervisorProtocol,
  type SupervisorSpec,
} from '@skerry/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { player } from '../fixtures/player.mjs'

/** Shared with the test on purpose: an instance of a class, which is not frozen when it is handed over. */
class Switch {
  on: boolean
  inits = 0

  constructor(on: boolean) {
    this.on = on
  }
}

/** Starts while its switch is on, and gives up while it is off. */
const fickle = genServer({
  name: 'fickle',
  init: (ctx, state: Switch) => {
    state.inits += 1
    return state.on ? state : ctx.ignore()
  },
  call: {
    end: (ctx, reason: string) => ctx.stop(reason, 'ending'),
    inits: (ctx) => ctx.state.inits,
  },
})

const steady = genServer({ name: 'steady', init: () => undefined })

// The rest of G6 is in gen-server.test.ts.
describe('an init that ignores its start', () => {
  let node: Node
  beforeAll(async () => {
    node = await startNode(defineApp({ name: 'lone', children: [] }), { log: silentLog, threadPool: { size: 1 } })
  })
  afterAll(() => node.stop())

  const off = (): Switch => new Switch(false)
  const start = (spec: SupervisorSpec): Promise<Pid<SupervisorProtocol>> =>
    node.start(supervisorBehavior('tested', spec), [])
  const shown = async (pid: Pid<SupervisorProtocol>): Promise<unknown[]> =>
    (await node.call(pid, 'whichChildren', [])).map((one: ChildInfo) => [one.id, one.status, one.pid !== undefined])
  const fickleChild = (state: Switch, restart: Restart = 'permanent') => child('fickle', fickle, [state], { restart })
  const ignored = { name: 'CallError', code: 'ERR_START_IGNORED', outcome: 'ran' }

  it('G6 [local]: does not end its supervisor, which keeps it, stopped, and starts the next ones', async () => {
    const state = off()
    const pid = await start({ children: [fickleChild(state), child('steady', steady, [])] })
    expect(await shown(pid)).toEqual([
      ['fickle', 'stopped', false],
      ['steady', 'running', true],
    ])
    expect(await node.call(pid, 'countChildren', [])).toMatchObject({ specs: 2, active: 1 })
    await expect(node.call(pid, 'restartChild', ['fickle'])).rejects.toMatchObject(ignored)
    state.on = true
    const started = (await node.call(pid, 'restartChild', ['fickle'])) as Pid<{ call: { inits(): number } }>
    expect(await node.call(started, 'inits', [])).toBe(3)
  })

  it('G6 [local]: is forgotten where the child is temporary', async () => {
    const pid = await start({ children: [fickleChild(off(), 'temporary'), child('steady', steady, [])] })
    expect(await shown(pid)).toEqual([['steady', 'running', true]])
    await expect(node.call(pid, 'startChild', [fickleChild(off(), 'temporary')])).rejects.toMatchObject(ignored)
    expect(await shown(pid)).toEqual([['steady', 'running', true]])
  })

  it('G6 [local]: as a child that is added, keeps its place', async () => {
    const pid = await start({ children: [] })
    await expect(node.call(pid, 'startChild', [fickleChild(off())])).rejects.toMatchObject(ignored)
    expect(await shown(pid)).toEqual([['fickle', 'stopped', false]])
    await node.call(pid, 'deleteChild', ['fickle'])
    expect(await shown(pid)).toEqual([])
  })

  for (const backoff of [undefined, { firstMs: 1, maxMs: 1 }]) {
    const how = backoff === undefined ? 'at once' : 'after a wait'
    it(`G6 [local]: at a restart ${how} is not tried again, and its siblings are started`, async () => {
      const state = new Switch(true)
      const pid = await start({
        strategy: 'oneForAll',
        children: [fickleChild(state), child('steady', steady, [])],
        ...(backoff !== undefined && { backoff }),
      })
      const [first, second] = await node.call(pid, 'whichChildren', [])
      state.on = false
      const ended = node.watch(second?.pid as Pid)
      await node.call(first?.pid as Pid<{ call: { end(reason: string): string } }>, 'end', ['boom'])
      await ended
      await expect
        .poll(() => shown(pid))
        .toEqual([
          ['fickle', 'stopped', false],
          ['steady', 'running', true],
        ])
      expect(state.inits).toBe(2)
    })
  }

  it('G6 [local]: leaves nothing with a dynamic supervisor, neither at its start nor at a restart', async () => {
    const state = off()
    const pid = await node.start(dynamicSupervisor('tested', { behavior: fickle }), [])
    await expect(node.call(pid, 'startChild', [state])).rejects.toMatchObject(ignored)
    expect(await node.call(pid, 'countChildren', [])).toMatchObject({ specs: 0, active: 0 })
    state.on = true
    const started = await node.call(pid, 'startChild', [state])
    state.on = false
    await node.call(started, 'end', ['boom'])
    await expect.poll(() => node.call(pid, 'countChildren', [])).toMatchObject({ specs: 0, active: 0 })
    expect(state.inits).toBe(3)
  })

  it('G6 [thread]: does not end its supervisor, which keeps it, stopped', async () => {
    const ignoring = { init: '(ctx) => ctx.ignore()' }
    const pid = await start({
      children: [child('away', player, [ignoring], { thread: 'pool' }), child('steady', steady, [])],
    })
    expect(await shown(pid)).toEqual([
      ['away', 'stopped', false],
      ['steady', 'running', true],
    ])
    await expect(node.call(pid, 'restartChild', ['away'])).rejects.toMatchObject(ignored)
  })

  it('G6 [local]: does not end the app', async () => {
    const app = defineApp({ name: 'optional', children: [fickleChild(off())] })
    const other = await startNode(app, { log: silentLog })
    expect(await other.whichChildren()).toMatchObject([{ id: 'fickle', status: 'stopped', pid: undefined }])
    await other.stop()
  })
})
