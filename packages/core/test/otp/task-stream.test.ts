import { type Context, type StreamOptions, Task, type TaskOutcome } from '@skerry/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ManualNode, startManualNode } from '../fixtures/manual-node.ts'
import { type Puppet, startPuppet } from '../fixtures/puppet.ts'

const never = (): Promise<never> => new Promise(() => undefined)

describe('a stream of tasks', () => {
  let manual: ManualNode
  let owner: Puppet
  let most: number
  let running: number
  let taken: number

  beforeEach(async () => {
    manual = await startManualNode()
    owner = await manual.settled(startPuppet(manual.node))
    most = running = taken = 0
  })
  afterEach(() => manual.settled(manual.node.stop()))

  /** Says how often it was asked for an item. */
  function* items(count: number): Generator<number> {
    for (let item = 0; item < count; item += 1) {
      taken += 1
      yield item
    }
  }

  /** The later the item, the sooner it is done. */
  async function work(ctx: Context, item: number): Promise<number> {
    running += 1
    most = Math.max(most, running)
    await new Promise<void>((resolve) => ctx.clock.after(1_000 - item * 100, resolve))
    running -= 1
    return item
  }

  const stream = (options: StreamOptions, run = work, count = 6): Promise<TaskOutcome<number>[]> =>
    owner.do(async (ctx) => {
      const outcomes: TaskOutcome<number>[] = []
      for await (const outcome of Task.asyncStream(ctx, items(count), run, options)) outcomes.push(outcome)
      return outcomes
    })

  async function after<T>(ms: number, promise: Promise<T>): Promise<T> {
    promise.catch(() => undefined)
    await manual.platform.advance(ms)
    return await manual.settled(promise)
  }

  it('D4 [local]: gives the outcomes in the order of the items, and never runs more than it may', async () => {
    const outcomes = await after(10_000, stream({ maxConcurrency: 3 }))
    expect(outcomes).toEqual([0, 1, 2, 3, 4, 5].map((value) => ({ ok: true, value })))
    expect(most).toBe(3)
  })

  it('D4 [local]: gives them as they come where that is asked for', async () => {
    const outcomes = await after(10_000, stream({ maxConcurrency: 3, ordered: false }))
    expect(outcomes[0]).toEqual({ ok: true, value: 2 })
    expect(outcomes).toHaveLength(6)
  })

  it('D4 [local]: takes no item before there is room, also while nobody reads', async () => {
    const first = owner.do(async (ctx) => {
      const outcomes = Task.asyncStream(ctx, items(100), work, { maxConcurrency: 2 })
      await outcomes.next()
      await new Promise<void>((resolve) => ctx.clock.after(3_000, resolve))
      const takenMeanwhile = taken
      await outcomes.return()
      return takenMeanwhile
    })
    expect(await after(4_500, first)).toBe(2)
  })

  it('D4 [local]: a failed task is an outcome and ends nobody', async () => {
    const outcomes = await after(
      1_000,
      stream({}, (_ctx, item) => (item === 1 ? Promise.reject(new RangeError('no')) : Promise.resolve(item)), 3),
    )
    expect(outcomes).toMatchObject([{ ok: true }, { ok: false, reason: { name: 'RangeError' } }, { ok: true }])
  })

  it('D4 [local]: a task that takes too long ends the stream, and the others with it', async () => {
    const contexts: Context[] = []
    const run = (ctx: Context): Promise<number> => {
      contexts.push(ctx)
      return never()
    }
    await expect(after(2_000, stream({ timeoutMs: 1_000 }, run, 3))).rejects.toMatchObject({
      cause: { code: 'ERR_TASK_TIMEOUT' },
    })
    expect(contexts.map((ctx) => ctx.signal.aborted)).toEqual([true, true, true])
  })

  it('D4 [local]: or is killed alone, where that is asked for', async () => {
    const run = (_ctx: Context, item: number): Promise<number> => (item === 0 ? never() : Promise.resolve(item))
    const outcomes = await after(10_000, stream({ timeoutMs: 1_000, onTimeout: 'kill', maxConcurrency: 1 }, run, 2))
    expect(outcomes).toEqual([
      { ok: false, reason: 'timeout' },
      { ok: true, value: 1 },
    ])
  })

  it('D4 [local]: whoever leaves the loop takes the tasks along, and lets go of the items', async () => {
    const contexts: Context[] = []
    let letGo = false
    function* endless(): Generator<number> {
      try {
        for (let item = 0; ; item += 1) yield item
      } finally {
        letGo = true
      }
    }
    const left = owner.do(async (ctx) => {
      const run = (own: Context, item: number): Promise<number> => {
        contexts.push(own)
        return item === 0 ? work(own, item) : never()
      }
      for await (const _outcome of Task.asyncStream(ctx, endless(), run, { maxConcurrency: 3 })) break
    })
    await after(2_000, left)
    expect(letGo).toBe(true)
    expect(contexts.map((ctx) => ctx.signal.aborted)).toEqual(contexts.map(() => true))
    expect(contexts.length).toBe(3)
  })

  it('D4 [local]: is refused with no room at all', async () => {
    await expect(after(10, stream({ maxConcurrency: 0 }))).rejects.toMatchObject({ cause: { name: 'RangeError' } })
  })
})
