import {
  type AutoShutdown,
  child,
  type ChildSpec,
  type ExitReason,
  genServer,
  type Node,
  type Pid,
  type Restart,
  silentLog,
  startNode,
  defineApp,
  supervisor,
  supervisorBehavior,
  type SupervisorProtocol,
} from '@skerry/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endsSupervisor } from '../../src/otp/auto-shutdown.ts'
import { Sightings } from '../fixtures/sightings.ts'

const ender = genServer({
  name: 'ender',
  trapExit: true,
  init: (_ctx, id: string, seen: Sightings<string>) => ({ id, seen }),
  call: { end: (ctx, reason: ExitReason) => ctx.stop(reason, 'ending') },
  terminate: (ctx, reason) => ctx.state.seen.add(`${ctx.state.id} ends ${reason as string}`),
})

type Ender = Pid<{ call: { end(reason: ExitReason): string }; cast: object }>

const significance = (restart: Restart, significant = true, status: 'running' | 'restarting' | 'stopped' = 'stopped') =>
  ({ spec: { id: 'it', restart, significant }, status }) as const

describe('whether the end of a child ends its supervisor', () => {
  it.each<[AutoShutdown, Restart, ExitReason, boolean]>([
    ['never', 'transient', 'normal', false],
    ['anySignificant', 'transient', 'normal', true],
    ['anySignificant', 'transient', 'shutdown', true],
    ['anySignificant', 'transient', { type: 'shutdown' }, true],
    ['anySignificant', 'transient', 'boom', false],
    ['anySignificant', 'temporary', 'normal', true],
    ['anySignificant', 'temporary', 'boom', true],
    ['anySignificant', 'permanent', 'normal', false],
  ])('S8 [local]: with %s, of a significant %s child that ends %j: %s', (autoShutdown, restart, reason, ends) => {
    const ended = significance(restart)
    expect(endsSupervisor(autoShutdown, ended, reason, [ended])).toBe(ends)
    expect(endsSupervisor(autoShutdown, significance(restart, false), reason, [])).toBe(false)
  })

  it('S8 [local]: with allSignificant when no other significant one is left, of which one that restarts is', () => {
    const ended = significance('temporary')
    const others = (status: 'running' | 'restarting' | 'stopped') => [
      ended,
      significance('transient', false, 'running'),
      significance('transient', true, status),
    ]
    expect(endsSupervisor('allSignificant', ended, 'boom', others('running'))).toBe(false)
    expect(endsSupervisor('allSignificant', ended, 'boom', others('restarting'))).toBe(false)
    expect(endsSupervisor('allSignificant', ended, 'boom', others('stopped'))).toBe(true)
    expect(endsSupervisor('anySignificant', ended, 'boom', others('running'))).toBe(true)
  })
})

describe('a supervisor with significant children', () => {
  let node: Node

  beforeAll(async () => {
    node = await startNode(defineApp({ name: 'significant', children: [] }), { log: silentLog })
  })
  afterAll(() => node.stop())

  async function start(autoShutdown: AutoShutdown, children: (seen: Sightings<string>) => readonly ChildSpec[]) {
    const seen = new Sightings<string>()
    const pid = await node.start(supervisorBehavior('tested', { autoShutdown, children: children(seen) }), [])
    return { pid, seen, ended: node.watch(pid) }
  }

  async function childOf(pid: Pid<SupervisorProtocol>, id: string): Promise<Ender> {
    return (await node.call(pid, 'whichChildren', [])).find((one) => one.id === id)?.pid as Ender
  }

  it('S8 [local]: anySignificant: ends with shutdown, its other children first, when one has ended', async () => {
    const { pid, seen, ended } = await start('anySignificant', (events) => [
      child('a', ender, ['a', events]),
      child('b', ender, ['b', events], { restart: 'transient', significant: true }),
      child('c', ender, ['c', events], { restart: 'temporary', significant: true }),
    ])
    await node.call(await childOf(pid, 'b'), 'end', ['normal'])
    expect(await ended).toBe('shutdown')
    expect([await seen.next(), await seen.next(), await seen.next()]).toEqual([
      'b ends normal',
      'c ends shutdown',
      'a ends shutdown',
    ])
  })

  it('S8 [local]: allSignificant: ends when the last of them has ended', async () => {
    const { pid, seen, ended } = await start('allSignificant', (events) => [
      child('a', ender, ['a', events]),
      child('b', ender, ['b', events], { restart: 'transient', significant: true }),
      child('c', ender, ['c', events], { restart: 'temporary', significant: true }),
    ])
    await node.call(await childOf(pid, 'c'), 'end', ['boom'])
    expect(await seen.next()).toBe('c ends boom')
    expect(await node.call(pid, 'countChildren', [])).toMatchObject({ specs: 2, active: 2 })
    await node.call(await childOf(pid, 'b'), 'end', ['normal'])
    expect(await ended).toBe('shutdown')
    expect([await seen.next(), await seen.next()]).toEqual(['b ends normal', 'a ends shutdown'])
  })

  it('S8 [local]: a transient one that crashes is restarted, and nothing ends', async () => {
    const { pid } = await start('anySignificant', (events) => [
      child('a', ender, ['a', events], { restart: 'transient', significant: true }),
    ])
    const first = await childOf(pid, 'a')
    await node.call(first, 'end', ['boom'])
    await expect.poll(async () => (await childOf(pid, 'a')).serial).not.toBe(first.serial)
    node.exit(pid, 'kill')
  })

  it('S8 [local]: one that is stopped on purpose does not end it', async () => {
    const { pid } = await start('anySignificant', (events) => [
      child('a', ender, ['a', events], { restart: 'temporary', significant: true }),
      child('b', ender, ['b', events], { restart: 'transient', significant: true }),
    ])
    await node.call(pid, 'terminateChild', ['a'])
    await node.call(pid, 'terminateChild', ['b'])
    expect(await node.call(pid, 'countChildren', [])).toMatchObject({ specs: 1, active: 0 })
    node.exit(pid, 'kill')
  })

  it('S8 [local]: one that a sibling takes down does not end it', async () => {
    const seen = new Sightings<string>()
    const children = [
      child('a', ender, ['a', seen]),
      child('b', ender, ['b', seen], { restart: 'temporary', significant: true }),
    ]
    const spec = { strategy: 'oneForAll', autoShutdown: 'anySignificant', children } as const
    const pid = await node.start(supervisorBehavior('tested', spec), [])
    node.exit(await childOf(pid, 'a'), 'kill')
    expect(await seen.next()).toBe('b ends shutdown')
    expect(await node.call(pid, 'countChildren', [])).toMatchObject({ specs: 1, active: 1 })
    node.exit(pid, 'kill')
  })

  it('S8 [local]: is refused for permanent children, and where the supervisor would not care', async () => {
    const seen = new Sightings<string>()
    const significant = (restart: Restart): ChildSpec => child('a', ender, ['a', seen], { restart, significant: true })
    const refusal = expect.objectContaining({ code: 'ERR_BAD_SPEC', message: expect.stringContaining('"a"') }) as Error
    const children = [significant('transient')]
    expect(() => supervisorBehavior('tested', { children })).toThrow(refusal)
    expect(() => supervisor('tested', { children, autoShutdown: 'never' })).toThrow(refusal)
    expect(() => defineApp({ name: 'tested', children })).toThrow(refusal)
    for (const autoShutdown of ['anySignificant', 'allSignificant'] as const) {
      const permanent = [significant('permanent')]
      expect(() => supervisorBehavior('tested', { children: permanent, autoShutdown })).toThrow(refusal)
      expect(() => supervisorBehavior('tested', { children, autoShutdown })).not.toThrow()
    }
    const { pid } = await start('never', () => [])
    await expect(node.call(pid, 'startChild', children as [ChildSpec])).rejects.toMatchObject({
      code: 'ERR_BAD_SPEC',
      outcome: 'not-run',
    })
    node.exit(pid, 'kill')
  })
})
