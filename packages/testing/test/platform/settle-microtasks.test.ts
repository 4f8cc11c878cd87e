import { Readable } from 'node:stream'
import { settleMicrotasks } from '@skerry/testing'
import { describe, expect, it } from 'vitest'

describe('settleMicrotasks', () => {
  it('waits for a chain of 1,000 awaits', async () => {
    let done = false
    void awaits(1_000).then(() => (done = true))
    await settleMicrotasks()
    expect(done).toBe(true)
  })

  it('waits for ticks and promises that take turns', async () => {
    let done = false
    void ticksAndPromises(40).then(() => (done = true))
    await settleMicrotasks()
    expect(done).toBe(true)
  })

  it('waits for what an earlier tick will start', async () => {
    let done = false
    process.nextTick(() => void awaits(1_000).then(() => (done = true)))
    await settleMicrotasks()
    expect(done).toBe(true)
  })

  it('waits for an async iterator over a stream', async () => {
    let read = 0
    const consume = async (): Promise<void> => {
      for await (const _chunk of Readable.from(['a', 'b', 'c'])) read += 1
    }
    void consume()
    await settleMicrotasks()
    expect(read).toBe(3)
  })

  it('lets no timer and no I/O in', async () => {
    let ran = false
    setImmediate(() => (ran = true))
    await settleMicrotasks()
    expect(ran).toBe(false)
  })

  it('can be asked for by several at a time', async () => {
    const done: boolean[] = []
    const settleAfter = async (count: number): Promise<void> => {
      let isDone = false
      void ticksAndPromises(count).then(() => (isDone = true))
      await settleMicrotasks()
      done.push(isDone)
    }
    await Promise.all([settleAfter(1), settleAfter(30), settleAfter(10)])
    expect(done).toEqual([true, true, true])
  })

  it('leaves process.nextTick as it was', async () => {
    const { nextTick } = process
    await Promise.all([settleMicrotasks(), settleMicrotasks()])
    expect(process.nextTick === nextTick).toBe(true)
  })

  it('rejects with ERR_NOT_SETTLED when ticks and promises take turns without end', async () => {
    let going = true
    const again = (): void => {
      if (going) void Promise.resolve().then(() => process.nextTick(again))
    }
    again()
    await expect(settleMicrotasks()).rejects.toMatchObject({ code: 'ERR_NOT_SETTLED' })
    going = false
  })
})

async function awaits(count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) await Promise.resolve()
}

async function ticksAndPromises(count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    await new Promise<void>((resolve) => process.nextTick(resolve))
    await awaits(3)
  }
}
