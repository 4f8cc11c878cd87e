import { expect, it, onTestFinished } from 'vitest'
import { unwatchedNextTick, watchNextTick } from '../../src/platform/watch-next-tick.ts'

function watch(): { readonly calls: () => number; readonly end: () => void } {
  let calls = 0
  const end = watchNextTick(() => (calls += 1))
  onTestFinished(end)
  return { calls: () => calls, end }
}

function tick(through: (callback: () => void) => void = (callback) => process.nextTick(callback)): Promise<void> {
  return new Promise((resolve) => through(resolve))
}

it('sees each call, and none that asks not to be seen', async () => {
  const { calls } = watch()
  await tick()
  await tick()
  await tick(unwatchedNextTick)
  expect(calls()).toBe(2)
})

it('hands on the arguments, and what a watcher throws', async () => {
  const end = watchNextTick(() => undefined)
  const handed = new Promise((resolve) => process.nextTick((...args: unknown[]) => resolve(args), 1, 'two'))
  end()
  expect(await handed).toEqual([1, 'two'])
  const endThrowing = watchNextTick(() => {
    throw new Error('too many')
  })
  expect(() => process.nextTick(() => expect.unreachable())).toThrow('too many')
  endThrowing()
})

it('goes on when somebody puts back what was there before, as vitest does a tick after a report', async () => {
  const before = process.nextTick
  const { calls, end } = watch()
  process.nextTick = before
  await tick()
  expect(calls()).toBe(1)
  end()
  expect(process.nextTick === before).toBe(true)
})

it('takes no harm when it is itself put back after its end', async () => {
  const before = process.nextTick
  const first = watch()
  const ours = process.nextTick
  first.end()
  process.nextTick = ours
  await tick()
  expect(first.calls()).toBe(0)
  const second = watch()
  await tick()
  expect(second.calls()).toBe(1)
  second.end()
  expect(process.nextTick === before).toBe(true)
})

it('calls what somebody puts in its place behind the watchers, and leaves that there', async () => {
  const before = process.nextTick
  onTestFinished(() => {
    process.nextTick = before
  })
  const { calls, end } = watch()
  let replaced = 0
  const replacement = ((callback: () => void) => {
    replaced += 1
    before(callback)
  }) as typeof process.nextTick
  process.nextTick = replacement
  await tick()
  expect([calls(), replaced]).toEqual([1, 1])
  end()
  expect(process.nextTick === replacement).toBe(true)
})

it('may be asked for by several, who end in any order', async () => {
  const descriptor = Object.getOwnPropertyDescriptor(process, 'nextTick')
  const [first, second] = [watch(), watch()]
  await tick()
  first.end()
  first.end()
  await tick()
  second.end()
  await tick()
  expect([first.calls(), second.calls()]).toEqual([1, 2])
  expect(Object.getOwnPropertyDescriptor(process, 'nextTick')).toEqual(descriptor)
})
