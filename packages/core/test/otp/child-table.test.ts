import {
  actorName,
  child,
  type ChildSpec,
  defineApp,
  genServer,
  type Node,
  type Pid,
  silentLog,
  startNode,
  type Strategy,
  supervisorBehavior,
  type SupervisorProtocol,
  type SupervisorSpec,
} from '@skerry/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { childrenMax, newChild, whyNotAdd } from '../../src/otp/child-table.ts'
import { startManualNode } from '../fixtures/manual-node.ts'
import { startPuppet } from '../fixtures/puppet.ts'
import { Sightings } from '../fixtures/sightings.ts'
import { worker } from '../fixtures/thread-actors.mjs'

interface Plan {
  readonly seen: Sightings<string>
  fails?: boolean
  /** Never settles: the init hangs until it is killed. */
  hangs?: boolean
}

const member = genServer({
  name: 'member',
  trapExit: true,
  init: async (_ctx, id: string, plan: Plan) => {
    plan.seen.add(`${id} starts`)
    if (plan.hangs === true) await new Promise(() => undefined)
    if (plan.fails === true) throw new RangeError(`${id} can not start`)
    return { id, plan }
  },
  call: { ping: (ctx) => ctx.state.id },
  terminate: (ctx, reason) => ctx.state.plan.seen.add(`${ctx.state.id} ends ${reason as string}`),
})

type Member = Pid<{ call: { ping(): string }; cast: object }>

/** OTP's rules for changing the children of a supervisor that runs. */
describe('the children of a supervisor', () => {
  let node: Node

  beforeAll(async () => {
    node = await startNode(defineApp({ name: 'changing', children: [] }), { log: silentLog })
  })
  afterAll(() => node.stop())

  async function start(ids: readonly string[], spec: Partial<SupervisorSpec> = {}) {
    const plan: Plan = { seen: new Sightings<string>() }
    const children = ids.map((id) => child(id, member, [id, plan]))
    const pid = await node.start(supervisorBehavior('tested', { children, ...spec }), [])
    for (const id of ids) expect(await plan.seen.next()).toBe(`${id} starts`)
    return { pid, plan }
  }

  const memberSpec = (id: string, plan: Plan, restart?: ChildSpec['restart']): ChildSpec =>
    child(id, member, [id, plan], restart === undefined ? {} : { restart })

  async function shown(pid: Pid<SupervisorProtocol>): Promise<string[]> {
    return (await node.call(pid, 'whichChildren', [])).map(({ id, status }) => `${id} ${status}`)
  }

  const refused = (code: string, outcome: 'not-run'): unknown => expect.objectContaining({ code, outcome })

  it('S9 [local]: startChild adds one after the others and gives its Pid', async () => {
    const { pid, plan } = await start(['a'])
    const b = (await node.call(pid, 'startChild', [memberSpec('b', plan)])) as Member
    expect(await node.call(b, 'ping', [])).toBe('b')
    expect(await shown(pid)).toEqual(['a running', 'b running'])
    node.exit(pid, 'kill')
  })

  it.each<[Strategy, string[]]>([
    ['oneForOne', ['a starts']],
    ['restForOne', ['c ends shutdown', 'b ends shutdown', 'a starts', 'b starts', 'c starts']],
  ])('S9, S2 [local]: what was added belongs to the strategy %s', async (strategy, expected) => {
    const { pid, plan } = await start(['a'], { strategy })
    for (const id of ['b', 'c']) {
      await node.call(pid, 'startChild', [memberSpec(id, plan)])
      await plan.seen.next()
    }
    const [a] = await node.call(pid, 'whichChildren', [])
    node.exit(a?.pid as Pid, 'kill')
    for (const event of expected) expect(await plan.seen.next()).toBe(event)
    expect(await shown(pid)).toEqual(['a running', 'b running', 'c running'])
    node.exit(pid, 'kill')
  })

  it('S9 [local]: startChild refuses an id that it has: running, stopped', async () => {
    const { pid, plan } = await start(['a'])
    await expect(node.call(pid, 'startChild', [memberSpec('a', plan)])).rejects.toEqual(
      refused('ERR_ALREADY_STARTED', 'not-run'),
    )
    await node.call(pid, 'terminateChild', ['a'])
    await expect(node.call(pid, 'startChild', [memberSpec('a', plan)])).rejects.toEqual(
      refused('ERR_ALREADY_PRESENT', 'not-run'),
    )
    expect(await shown(pid)).toEqual(['a stopped'])
    node.exit(pid, 'kill')
  })

  it('S9 [local]: a child whose first start fails is forgotten, and the caller is told why', async () => {
    const { pid, plan } = await start(['a'])
    await expect(
      node.call(pid, 'startChild', [memberSpec('b', { seen: plan.seen, fails: true })]),
    ).rejects.toMatchObject({
      code: 'ERR_START_FAILED',
      outcome: 'ran',
      cause: { message: expect.stringContaining('b can not start') as unknown },
    })
    expect(await shown(pid)).toEqual(['a running'])
    node.exit(pid, 'kill')
  })

  it('S9 [local]: what is no child spec is refused, and so is one child too many', async () => {
    const { pid } = await start([])
    for (const wrong of [undefined, 'a', {}, { id: 'a' }, { id: 'a', behavior: {} }]) {
      await expect(node.call(pid, 'startChild', [wrong as ChildSpec])).rejects.toEqual(
        refused('ERR_BAD_SPEC', 'not-run'),
      )
    }
    const full = Array.from({ length: childrenMax }, (_, index) =>
      newChild({ id: `${index}` } as Parameters<typeof newChild>[0]),
    )
    expect(whyNotAdd(full, 'more')).toMatchObject({ code: 'ERR_MAX_CHILDREN', outcome: 'not-run' })
    expect(whyNotAdd(full.slice(1), 'more')).toBeUndefined()
    node.exit(pid, 'kill')
  })

  it('S9 [local]: terminateChild stops a child, which stays; restartChild starts it again', async () => {
    const { pid, plan } = await start(['a', 'b'])
    expect(await node.call(pid, 'terminateChild', ['a'])).toBeUndefined()
    expect(await plan.seen.next()).toBe('a ends shutdown')
    expect(await shown(pid)).toEqual(['a stopped', 'b running'])
    expect(await node.call(pid, 'terminateChild', ['a'])).toBeUndefined()
    const again = (await node.call(pid, 'restartChild', ['a'])) as Member
    expect(await node.call(again, 'ping', [])).toBe('a')
    expect(await shown(pid)).toEqual(['a running', 'b running'])
    await expect(node.call(pid, 'restartChild', ['a'])).rejects.toEqual(refused('ERR_CHILD_RUNNING', 'not-run'))
    node.exit(pid, 'kill')
  })

  it('S9 [local]: a temporary child that is stopped is forgotten', async () => {
    const { pid, plan } = await start([])
    await node.call(pid, 'startChild', [memberSpec('a', plan, 'temporary')])
    await node.call(pid, 'terminateChild', ['a'])
    expect(await shown(pid)).toEqual([])
    node.exit(pid, 'kill')
  })

  it('S9 [local]: a start by restartChild that fails leaves the child stopped', async () => {
    const { pid, plan } = await start(['a'])
    await node.call(pid, 'terminateChild', ['a'])
    plan.fails = true
    await expect(node.call(pid, 'restartChild', ['a'])).rejects.toMatchObject({ code: 'ERR_START_FAILED' })
    expect(await shown(pid)).toEqual(['a stopped'])
    node.exit(pid, 'kill')
  })

  it('S9 [local]: deleteChild forgets a stopped child, and only that', async () => {
    const { pid, plan } = await start(['a'])
    await expect(node.call(pid, 'deleteChild', ['a'])).rejects.toEqual(refused('ERR_CHILD_RUNNING', 'not-run'))
    await node.call(pid, 'terminateChild', ['a'])
    expect(await node.call(pid, 'deleteChild', ['a'])).toBeUndefined()
    expect(await shown(pid)).toEqual([])
    await node.call(pid, 'startChild', [memberSpec('a', plan)])
    expect(await shown(pid)).toEqual(['a running'])
    node.exit(pid, 'kill')
  })

  it('S9 [local]: an id that nobody has', async () => {
    const { pid } = await start(['a'])
    for (const name of ['terminateChild', 'restartChild', 'deleteChild'] as const) {
      await expect(node.call(pid, name, ['b'])).rejects.toEqual(refused('ERR_NO_CHILD', 'not-run'))
      await expect(node.call(pid, name, [{} as string])).rejects.toEqual(refused('ERR_NO_CHILD', 'not-run'))
    }
    node.exit(pid, 'kill')
  })

  it('S9 [local]: a change does not count for the intensity', async () => {
    const { pid } = await start(['a'], { intensity: { maxRestarts: 0, withinMs: 60_000 } })
    for (let round = 0; round < 3; round += 1) {
      await node.call(pid, 'terminateChild', ['a'])
      await node.call(pid, 'restartChild', ['a'])
    }
    expect(await shown(pid)).toEqual(['a running'])
    node.exit(pid, 'kill')
  })

  it('S9 [local]: who asked for a start is told when the supervisor ends meanwhile, and no orphan is left', async () => {
    const { pid, plan } = await start(['a'])
    const starting = node.call(pid, 'startChild', [memberSpec('b', { seen: plan.seen, hangs: true })])
    const told = expect(starting).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', outcome: 'ran', reason: 'killed' })
    expect(await plan.seen.next()).toBe('b starts')
    node.exit(pid, 'kill')
    await told
    expect(await plan.seen.next()).toBe('a ends killed')
  })

  it('S9 [local]: a child that waits for its restart: refused, stopped by hand, started by hand', async () => {
    const manual = await startManualNode()
    const plan: Plan = { seen: new Sightings<string>() }
    const children = [memberSpec('a', plan)]
    const backoff = { firstMs: 100, maxMs: 100, jitter: 0 }
    const pid = await manual.settled(manual.node.start(supervisorBehavior('tested', { children, backoff }), []))
    const call = async (name: 'terminateChild' | 'restartChild' | 'deleteChild'): Promise<unknown> =>
      await manual.settled(manual.node.call(pid, name, ['a']))
    const infos = async () => await manual.settled(manual.node.call(pid, 'whichChildren', []))
    manual.node.exit((await infos())[0]?.pid as Pid, 'kill')
    await manual.platform.settle()
    await expect(call('restartChild')).rejects.toEqual(refused('ERR_CHILD_RESTARTING', 'not-run'))
    await expect(call('deleteChild')).rejects.toEqual(refused('ERR_CHILD_RESTARTING', 'not-run'))
    await expect(manual.settled(manual.node.call(pid, 'startChild', [memberSpec('a', plan)]))).rejects.toEqual(
      refused('ERR_ALREADY_STARTED', 'not-run'),
    )
    await call('terminateChild')
    await manual.platform.advance(1_000)
    expect(await infos()).toMatchObject([{ id: 'a', status: 'stopped' }])
    await call('restartChild')
    expect(await infos()).toMatchObject([{ id: 'a', status: 'running' }])
    await manual.settled(manual.node.stop())
  })

  it('S9 [local]: actors can change it where what they hand over is copied, as in a simulation', async () => {
    const manual = await startManualNode(() => ({ handOver: structuredClone }))
    const pid = await manual.settled(manual.node.start(supervisorBehavior('tested', { children: [] }), []))
    const starter = genServer({
      name: 'starter',
      init: () => undefined,
      call: {
        start: async (ctx) => await ctx.call(pid, 'startChild', [child('quiet', quiet, [])]),
      },
    })
    const starterPid = await manual.settled(manual.node.start(starter, []))
    const started = await manual.settled(manual.node.call(starterPid, 'start', []))
    expect(started).toMatchObject({ node: manual.node.id })
    await manual.settled(manual.node.stop())
  })

  it('S9 [thread]: a child on a thread of its own is added, stopped and started again', async () => {
    const { pid } = await start([])
    const name = actorName<{ call: { add(by: number): number }; cast: object }>('added')
    const spec = child('added', worker, [{}], { thread: 'own', register: name })
    const first = await node.call(pid, 'startChild', [spec])
    expect(await node.call(name, 'add', [2])).toBe(2)
    await node.call(pid, 'terminateChild', ['added'])
    expect(node.whereis(name)).toBeUndefined()
    const second = await node.call(pid, 'restartChild', ['added'])
    expect(second.thread).not.toBe(first.thread)
    expect(await node.call(name, 'add', [3])).toBe(3)
    await node.call(pid, 'terminateChild', ['added'])
    await node.call(pid, 'deleteChild', ['added'])
    expect(await shown(pid)).toEqual([])
    node.exit(pid, 'kill')
  })

  it('S9 [thread]: a spec does not travel: who is on another thread is told so', async () => {
    const { pid } = await start([])
    const puppet = await startPuppet(node)
    const elsewhere = await node.start(worker, [{}], { thread: 'own' })
    expect(await puppet.do((ctx) => ctx.call(elsewhere, 'startChildOf', [pid]))).toBe('ERR_NOT_ENCODABLE')
    node.exit(elsewhere, 'kill')
    node.exit(pid, 'kill')
  })
})

const quiet = genServer({ name: 'quiet', init: () => undefined })
