import { createHook } from 'node:async_hooks'
import { afterEach, describe, expect, it } from 'vitest'
import { catchUncaught } from '../../src/kernel/catch-uncaught.ts'
import { createDrain, type Drain, soundDrain } from '../../src/kernel/drain.ts'

const undo: (() => void)[] = []
afterEach(() => {
  while (undo.length > 0) undo.pop()?.()
})

describe.each(['tick', 'nextTick'] as const)('the %s drain', (kind) => {
  const drain = createDrain(kind)

  it('passes its own test', async () => {
    await expect(drain.selfTest()).resolves.toBeUndefined()
  })

  it('lets no timer and no I/O in', async () => {
    let ran = false
    await inMacrotask(async () => {
      setImmediate(() => (ran = true))
      await settle(drain)
      expect(ran).toBe(false)
    })
  })

  it('settles one event before the next begins', async () => {
    const order: string[] = []
    // A macrotask for each: after the first await of a loop in one, we would stand inside a microtask.
    for (const event of ['a', 'b', 'c']) {
      await inMacrotask(() => {
        void handle(event, order)
        return settle(drain)
      })
    }
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })

  it('fails with ERR_NOT_SETTLED when ticks and promises take turns without end', async () => {
    undo.push(
      drain.limit(1_000),
      catchUncaught(() => undefined),
    )
    await inMacrotask(async () => {
      const again = (): void => void Promise.resolve().then(() => process.nextTick(again))
      again()
      await expect(settle(drain)).rejects.toMatchObject({ code: 'ERR_NOT_SETTLED' })
      await expect(settle(drain)).resolves.toBeUndefined()
    })
  })

  it('fails with ERR_NOT_SETTLED when microtasks queue microtasks without end', async () => {
    undo.push(
      drain.limit(1_000),
      catchUncaught(() => undefined),
    )
    await inMacrotask(async () => {
      const again = (): void => queueMicrotask(again)
      again()
      await expect(settle(drain)).rejects.toMatchObject({ code: 'ERR_NOT_SETTLED' })
    })
  })

  it('counts the ticks of each event alone', async () => {
    undo.push(drain.limit(50))
    await inMacrotask(async () => {
      for (let event = 0; event < 10; event += 1) {
        for (let tick = 0; tick < 30; tick += 1) process.nextTick(() => undefined)
        await settle(drain)
      }
    })
  })

  it('puts back what the limit replaced', () => {
    const before = describeTicks()
    const end = drain.limit()
    expect(describeTicks()).not.toEqual(before)
    end()
    expect(describeTicks()).toEqual(before)
  })
})

describe('the tick drain', () => {
  const drain = createDrain('tick')

  it('settles many events within one macrotask', async () => {
    const order: string[] = []
    await inMacrotask(() => {
      for (const event of ['a', 'b', 'c']) {
        void handle(event, order)
        drain.sync?.()
      }
    })
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })

  it.each([true, false])(
    'reports what nobody caught during the event that caused it (async hook: %s)',
    async (hooked) => {
      const hook = createHook({ init: () => undefined })
      if (hooked) hook.enable()
      undo.push(() => hook.disable())
      let event = 0
      const caught: string[] = []
      const release = catchUncaught((error, origin) => caught.push(`${event} ${(error as Error).message} ${origin}`))
      undo.push(release)
      await inMacrotask(() => {
        const causes = [throwInTick, throwInMicrotask, rejectAfterAwait, () => undefined, throwInTick]
        for (const cause of causes) {
          event += 1
          cause()
          drain.sync?.()
        }
      })
      expect(caught).toEqual([
        '1 in a tick uncaughtException',
        '2 in a microtask uncaughtException',
        '3 after an await unhandledRejection',
        '5 in a tick uncaughtException',
      ])
    },
  )

  it('goes on with the ticks after one that threw', async () => {
    undo.push(catchUncaught(() => undefined))
    let ran = false
    await inMacrotask(() => {
      throwInTick()
      process.nextTick(() => (ran = true))
      drain.sync?.()
      expect(ran).toBe(true)
    })
  })

  it('is what this version of Node gets', async () => {
    await expect(soundDrain()).resolves.toBe('tick')
  })
})

describe('catchUncaught', () => {
  it('keeps listeners of others silent, then puts them back in their order', async () => {
    const heard: string[] = []
    const first = (): void => void heard.push('first')
    const second = (): void => void heard.push('second')
    const before = process.rawListeners('unhandledRejection')
    process.on('unhandledRejection', first)
    process.once('unhandledRejection', second)
    undo.push(() => process.off('unhandledRejection', first).off('unhandledRejection', second))
    const listeners = process.rawListeners('unhandledRejection')
    const release = catchUncaught(() => heard.push('ours'))
    await inMacrotask(() => {
      rejectAfterAwait()
      createDrain('tick').sync?.()
    })
    release()
    expect(heard).toEqual(['ours'])
    expect(process.rawListeners('unhandledRejection')).toEqual(listeners)
    process.off('unhandledRejection', first).off('unhandledRejection', second)
    expect(process.rawListeners('unhandledRejection')).toEqual(before)
  })
})

async function settle(drain: Drain): Promise<void> {
  if (drain.sync === undefined) await drain.async()
  else drain.sync()
}

function inMacrotask(run: () => void | Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      const start = async (): Promise<void> => run()
      start().then(resolve, reject)
    })
  })
}

async function handle(event: string, order: string[]): Promise<void> {
  order.push(`${event} begins`)
  for (let done = 0; done < 20; done += 1) {
    await Promise.resolve()
    await new Promise<void>((resolve) => process.nextTick(resolve))
  }
  order.push(`${event} ends`)
}

function throwInTick(): void {
  process.nextTick(() => {
    throw new Error('in a tick')
  })
}

function throwInMicrotask(): void {
  queueMicrotask(() => {
    throw new Error('in a microtask')
  })
}

function rejectAfterAwait(): void {
  void (async () => {
    await Promise.resolve()
    throw new Error('after an await')
  })()
}

function describeTicks(): unknown {
  return [
    Object.getOwnPropertyDescriptor(process, 'nextTick'),
    Object.getOwnPropertyDescriptor(globalThis, 'queueMicrotask'),
  ]
}
