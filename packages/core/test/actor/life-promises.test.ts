import { describe, expect, it } from 'vitest'
import { neverSettles, whileAlive } from '../../src/actor/life-promises.ts'
import { deferred } from '../../src/base/deferred.ts'

/** What a promise has come to. */
function watch(promise: Promise<unknown>): unknown[] {
  const seen: unknown[] = []
  promise.then(
    (value) => seen.push(['resolved', value]),
    (error: unknown) => seen.push(['rejected', error]),
  )
  return seen
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('a promise of a verb', () => {
  it('settles as what the verb waits for does, while the actor lives', async () => {
    const owner = { alive: true }
    const good = watch(whileAlive(owner, Promise.resolve(1)))
    const bad = watch(whileAlive(owner, Promise.reject(new Error('no'))))
    await settled()
    expect([good, bad]).toEqual([[['resolved', 1]], [['rejected', new Error('no')]]])
  })

  it('never settles once the actor has ended, however what it waits for ends, and nothing is unhandled', async () => {
    const owner = { alive: true }
    const [good, bad] = [deferred<number>(), deferred<number>()]
    const seen = [watch(whileAlive(owner, good.promise)), watch(whileAlive(owner, bad.promise)), watch(neverSettles())]
    owner.alive = false
    good.resolve(1)
    bad.reject(new Error('no'))
    await settled()
    expect(seen).toEqual([[], [], []])
  })
})
