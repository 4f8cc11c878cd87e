import * as crypto from 'node:crypto'
import * as timers from 'node:timers'
import * as sleeps from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { installVirtualGlobals } from '../../src/escape/virtual-globals.ts'
import { trappedModules } from '../../src/escape/trapped-names.ts'
import { FakeWorld, startMs } from './fake-world.ts'

let world: FakeWorld
let restore: () => void
beforeEach(() => {
  world = new FakeWorld()
  restore = installVirtualGlobals(world)
})
afterEach(() => restore())

describe('time inside an event', () => {
  it("is the node's in every form of Date", async () => {
    world.nowMs = 5
    const seen = await world.run(() => [Date.now(), new Date().getTime(), Date.parse(Date()), new Date(7).getTime()])
    expect(seen).toEqual([startMs + 5, startMs + 5, startMs, 7])
  })

  it('keeps what Date is otherwise', async () => {
    class Birthday extends Date {}
    const seen = await world.run(() => [
      new Date() instanceof Date,
      new Birthday() instanceof Birthday && new Birthday() instanceof Date,
      new Birthday().getTime(),
      Date.UTC(2020, 0, 1),
      Date.length,
      Date.name,
      new Date().constructor === Date,
      structuredClone(new Date()).getTime(),
    ])
    expect(seen).toEqual([true, true, startMs, 1_577_836_800_000, 7, 'Date', true, startMs])
  })

  it("is the node's in every monotonic clock", async () => {
    world.nowMs = 1_234.5
    const seen = await world.run(() => [
      performance.now(),
      performance.timeOrigin,
      process.hrtime(),
      process.hrtime([0, 900_000_000]),
      process.hrtime.bigint(),
      process.uptime(),
    ])
    expect(seen).toEqual([1_234.5, startMs, [1, 234_500_000], [0, 334_500_000], 1_234_500_000n, 1.2345])
  })

  it('is real outside of an event', () => {
    world.nowMs = 1e15
    expect(Date.now()).toBeLessThan(startMs + 1e15)
    expect(performance.now()).toBeLessThan(1e15)
    expect(new Date().getTime()).toBeLessThan(startMs + 1e15)
  })
})

describe('chance inside an event', () => {
  const draws: Record<string, () => unknown> = {
    'Math.random': () => Math.random(),
    'crypto.randomUUID': () => globalThis.crypto.randomUUID(),
    'crypto.getRandomValues': () => [...globalThis.crypto.getRandomValues(new Uint16Array(5))],
    'node:crypto randomUUID': () => crypto.randomUUID(),
    'node:crypto getRandomValues': () => [...crypto.getRandomValues(new Uint8Array(5))],
    'node:crypto randomBytes': () => crypto.randomBytes(9).toString('hex'),
    'node:crypto randomBytes, later': () => promisify(crypto.randomBytes)(9),
    'node:crypto randomInt': () => [crypto.randomInt(2 ** 40), crypto.randomInt(5, 900_000)],
    'node:crypto randomInt, later': () =>
      new Promise((resolve) => crypto.randomInt(2 ** 40, (_error, drawn) => resolve(drawn))),
    'node:crypto randomFillSync': () => crypto.randomFillSync(Buffer.alloc(9), 3).toString('hex'),
    'node:crypto randomFill': () => promisify(crypto.randomFill)(new Uint32Array(4)),
  }

  it.each(Object.entries(draws))("%s is the seed's", async (_name, draw) => {
    const first = await world.run(draw)
    world.random = new FakeWorld(1).random
    expect(await world.run(draw)).toEqual(first)
    world.random = new FakeWorld(2).random
    expect(await world.run(draw)).not.toEqual(first)
    expect(world.escapes).toEqual([])
  })

  it.each(Object.entries(draws))('%s is real outside of an event', async (_name, draw) => {
    const first: unknown = await draw()
    world.random = new FakeWorld(1).random
    expect(await draw()).not.toEqual(first)
  })

  it('fills only the part that was asked for', async () => {
    const bytes = await world.run(() => crypto.randomFillSync(new Uint16Array(6), 2, 3))
    expect([...bytes].map((each) => each !== 0)).toEqual([false, false, true, true, true, false])
  })

  it('stays within the bounds of randomInt', async () => {
    const drawn = await world.run(() => Array.from({ length: 300 }, () => crypto.randomInt(-2, 3)))
    expect(new Set(drawn)).toEqual(new Set([-2, -1, 0, 1, 2]))
  })

  it('draws all bits of a large randomInt', async () => {
    const drawn = await world.run(() => Array.from({ length: 50 }, () => crypto.randomInt(2 ** 47)))
    expect(new Set(drawn.map((each) => each % 2))).toEqual(new Set([0, 1]))
  })

  it('checks arguments as Node does', async () => {
    await expect(world.run(() => crypto.randomBytes(-1))).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    await expect(world.run(() => crypto.randomInt(5, 5))).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
    await expect(
      world.run(() => globalThis.crypto.getRandomValues(new Float64Array(1) as never)),
    ).rejects.toMatchObject({
      name: 'TypeMismatchError',
    })
  })
})

describe('timers inside an event', () => {
  it('run in virtual time, those of one moment in the order of their creation', async () => {
    const ran: string[] = []
    const note = (name: string): void => void ran.push(`${name}@${world.nowMs}`)
    await world.run(() => {
      setTimeout(note, 10, 'late')
      timers.setTimeout(note, 5, 'first')
      setTimeout(note, 5, 'second')
      setTimeout(note, 0, 'zero')
      setTimeout(note, 1.9, 'fraction')
      setTimeout(note, Number.NaN, 'nan')
      setImmediate(note, 'immediate')
      timers.setImmediate(note, 'immediate2')
    })
    expect(ran).toEqual([
      'immediate@0',
      'immediate2@0',
      'zero@1',
      'fraction@1',
      'nan@1',
      'first@5',
      'second@5',
      'late@10',
    ])
  })

  it('repeat until cleared', async () => {
    const ran: number[] = []
    await world.run(() => {
      const interval = setInterval(() => {
        ran.push(world.nowMs)
        if (ran.length === 3) clearInterval(interval)
      }, 7)
    })
    expect(ran).toEqual([7, 14, 21])
  })

  it('can be cleared by themselves, by number, by text, by close and from outside', async () => {
    const ran: string[] = []
    let outside: NodeJS.Timeout | undefined
    await world.run(() => {
      clearTimeout(setTimeout(() => ran.push('itself'), 1))
      clearTimeout(Number(setTimeout(() => ran.push('number'), 1)))
      clearInterval(String(Number(setInterval(() => ran.push('text'), 1))))
      clearImmediate(setImmediate(() => ran.push('immediate')))
      setTimeout(() => ran.push('closed'), 1).close()
      setTimeout(() => ran.push('stays'), 1)
      outside = setTimeout(() => ran.push('outside'), 1)
      clearTimeout(undefined)
    }, 0)
    clearTimeout(outside)
    await world.run(() => undefined)
    expect(ran).toEqual(['stays'])
  })

  it("have the methods of Node's", async () => {
    const ran: number[] = []
    const seen = await world.run(async () => {
      const timer = setTimeout(function (this: unknown) {
        ran.push(world.nowMs)
        if (this !== timer) ran.push(-1)
      }, 10)
      await sleeps.setTimeout(6)
      timer.refresh()
      await sleeps.setTimeout(20)
      timer.refresh()
      return [timer.hasRef(), timer.unref().hasRef(), timer.ref() === timer]
    })
    expect(seen).toEqual([true, false, true])
    expect(ran).toEqual([16, 36])
  })

  it('refuse what is no function', async () => {
    await expect(
      world.run(() => Reflect.apply(setTimeout, undefined, [undefined, 1]) as unknown),
    ).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
    })
  })

  it('can be waited for as promises', async () => {
    const seen = await world.run(async () => {
      const values: unknown[] = [
        await sleeps.setTimeout(5, 'a'),
        await sleeps.setImmediate('b'),
        await promisify(setTimeout)(5, 'c'),
        await promisify(setImmediate)('d'),
      ]
      await sleeps.scheduler.wait(5)
      await sleeps.scheduler.yield()
      for await (const tick of sleeps.setInterval(10, 'tick')) if (values.push(tick) === 7) break
      return [...values, world.nowMs]
    })
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'tick', 'tick', 'tick', 45])
  })

  it('end as promises when their signal is aborted', async () => {
    const seen = await world.run(async () => {
      const errors: unknown[] = []
      const signal = AbortSignal.timeout(5)
      const ticks = async (): Promise<void> => {
        for await (const _ of sleeps.setInterval(1_000, undefined, { signal })) errors.push('tick')
      }
      for (const wait of [
        () => sleeps.setTimeout(10, undefined, { signal }),
        ticks,
        () => sleeps.scheduler.wait(1, { signal }),
      ]) {
        await wait().catch((error: { code: string }) => errors.push(`${error.code}@${world.nowMs}`))
      }
      return errors
    })
    expect(seen).toEqual(['ABORT_ERR@5', 'ABORT_ERR@5', 'ABORT_ERR@5'])
  })

  it('abort a signal when its time is up', async () => {
    const seen = await world.run(async () => {
      const signal = AbortSignal.timeout(50)
      await sleeps.setTimeout(49)
      const before = signal.aborted
      await sleeps.setTimeout(2)
      return [before, signal.aborted, (signal.reason as Error).name]
    })
    expect(seen).toEqual([false, true, 'TimeoutError'])
    await expect(world.run(() => AbortSignal.timeout(-1))).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
  })

  it('are real outside of an event', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1))
    await sleeps.setImmediate()
    expect(world.nowMs).toBe(0)
  })
})

describe('installVirtualGlobals', () => {
  it('puts every property back exactly', () => {
    restore()
    const before = describeAll()
    const named = [sleeps.setTimeout, crypto.randomUUID, timers.setTimeout]
    const again = installVirtualGlobals(world)
    expect(describeAll()).not.toEqual(before)
    expect(sleeps.setTimeout).not.toBe(named[0])
    again()
    const after = describeAll()
    for (const [owner, properties] of before) expect([owner, after.get(owner)]).toEqual([owner, properties])
    expect([sleeps.setTimeout, crypto.randomUUID, timers.setTimeout]).toEqual(named)
  })

  it('leaves nothing behind in globals that Node makes when they are first read', async () => {
    const classes = await world.run(() => [MessageChannel, BroadcastChannel, CompressionStream])
    restore()
    expect(classes.map((each) => each === undefined)).toEqual([false, false, false])
    expect(MessageChannel).toBe(process.getBuiltinModule('node:worker_threads').MessageChannel)
    expect(classes).not.toContain(MessageChannel)
    expect(classes).not.toContain(CompressionStream)
  })

  it('is refused while it is installed', () => {
    expect(() => installVirtualGlobals(world)).toThrow('one simulation at a time')
  })

  it('gives what was copied meanwhile its real meaning afterwards', async () => {
    const { setTimeout: copied } = globalThis
    restore()
    await new Promise((resolve) => copied(resolve, 1))
    expect(world.nowMs).toBe(0)
  })
})

/** Every property of everything that could be replaced. */
function describeAll(): Map<string, unknown> {
  const owners: Record<string, object> = {
    globalThis,
    process,
    hrtime: process.hrtime,
    Date,
    DatePrototype: Date.prototype,
    Math,
    Atomics,
    WebAssembly: (globalThis as unknown as { WebAssembly: object }).WebAssembly,
    AbortSignal,
    Performance: Object.getPrototypeOf(performance) as object,
    Crypto: Object.getPrototypeOf(crypto.webcrypto) as object,
    SubtleCrypto: Object.getPrototypeOf(crypto.webcrypto.subtle) as object,
    Scheduler: Object.getPrototypeOf(sleeps.scheduler) as object,
  }
  for (const name of ['timers', 'timers/promises', ...trappedModules.map(({ module }) => module)]) {
    const module = process.getBuiltinModule(`node:${name}`) as unknown as Record<string, unknown>
    owners[name] = module
    for (const each of ['Socket', 'Server', 'Deflate']) {
      const known = module[each]
      if (typeof known === 'function') owners[`${name}.${each}`] = known.prototype as object
    }
  }
  return new Map(Object.entries(owners).map(([name, owner]) => [name, Object.getOwnPropertyDescriptors(owner)]))
}
