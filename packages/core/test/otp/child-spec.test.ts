import { describe, expect, it } from 'vitest'
import { actorName } from '../../src/actor/pid.ts'
import { child } from '../../src/otp/child-spec.ts'
import { genServer } from '../../src/otp/gen-server.ts'
import { supervisor, supervisorBehavior } from '../../src/otp/supervisor.ts'

const hits = genServer({ name: 'hits', init: (_ctx, start: number) => ({ count: start }) })
const movable = genServer({ module: import.meta, name: 'movable', init: () => 0 })
const badSpec = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'ERR_BAD_SPEC', message: expect.stringMatching(message) })

describe('a child spec', () => {
  it('is plain data with every default filled in', () => {
    expect(child('hits', hits, [1])).toEqual({
      id: 'hits',
      behavior: hits,
      args: [1],
      type: 'worker',
      restart: 'permanent',
      shutdownMs: 5_000,
      startMs: 30_000,
      register: undefined,
      thread: 'same',
      significant: false,
    })
  })

  it('keeps what it is told', () => {
    const options = { restart: 'temporary', shutdownMs: 'kill', startMs: 1, thread: 'own' } as const
    const spec = child('m', movable, [], { ...options, register: actorName('name') })
    expect(spec).toMatchObject({ ...options, register: 'name' })
    for (const shutdownMs of [0, 1, Infinity]) {
      expect(child('h', hits, [0], { shutdownMs }).shutdownMs).toBe(shutdownMs)
    }
  })

  it('waits without end for a supervisor, whose children have times of their own', () => {
    expect(supervisor('jobs', { children: [] })).toMatchObject({ id: 'jobs', type: 'supervisor', shutdownMs: Infinity })
    expect(supervisor('jobs', { children: [] }, { shutdownMs: 10 }).shutdownMs).toBe(10)
  })

  it('refuses an empty id', () => {
    expect(() => child('', hits, [0])).toThrow(badSpec(/id/))
  })

  it('refuses times that can not be, and names the child', () => {
    for (const shutdownMs of [-1, NaN]) {
      expect(() => child('h', hits, [0], { shutdownMs })).toThrow(badSpec(/"h".*shutdownMs/))
    }
    for (const startMs of [0, -1, NaN]) {
      expect(() => child('h', hits, [0], { startMs })).toThrow(badSpec(/"h".*startMs/))
    }
  })

  it('refuses a thread of its own for a behavior that no other thread can load', () => {
    expect(() => child('h', hits, [0], { thread: 'own' })).toThrow(badSpec(/"h".*import\.meta/))
    expect(child('m', movable, [], { thread: 'own' }).thread).toBe('own')
  })
})

describe('a supervisor', () => {
  it('refuses two children of one id', () => {
    const children = [child('a', hits, [0]), child('b', hits, [0]), child('a', hits, [1])]
    expect(() => supervisorBehavior('root', { children })).toThrow(badSpec(/"root".*"a"/))
    expect(() => supervisor('jobs', { children })).toThrow(badSpec(/"jobs".*"a"/))
  })

  it('refuses an intensity that can not be', () => {
    for (const intensity of [
      { maxRestarts: -1, withinMs: 1 },
      { maxRestarts: NaN, withinMs: 1 },
      { maxRestarts: 1, withinMs: 0 },
      { maxRestarts: 1, withinMs: NaN },
    ]) {
      expect(() => supervisorBehavior('root', { children: [], intensity })).toThrow(badSpec(/"root".*intensity/))
    }
    expect(() => supervisorBehavior('root', { children: [], intensity: { maxRestarts: 0, withinMs: 1 } })).not.toThrow()
  })
})
