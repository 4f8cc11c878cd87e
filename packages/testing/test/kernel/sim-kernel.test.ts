import { describe, expect, it } from 'vitest'
import { catchUncaught } from '../../src/kernel/catch-uncaught.ts'
import { SimKernel } from '../../src/kernel/sim-kernel.ts'
import { SimUnit } from '../../src/kernel/sim-unit.ts'
import { seededRandom } from '../../src/platform/seeded-random.ts'

const drains = ['tick', 'nextTick'] as const

describe.each(drains)('a kernel with the %s drain', (drain) => {
  function newKernel(options: Partial<ConstructorParameters<typeof SimKernel>[0]> = {}): SimKernel {
    return new SimKernel({ seed: 1, drain, ...options })
  }

  it('runs events by time, and those of one time in the order in which they were scheduled', async () => {
    const kernel = newKernel()
    const random = seededRandom(1)
    const ran: number[][] = []
    for (let seq = 0; seq < 300; seq += 1) {
      const atUs = random.int(50)
      kernel.schedule(kernel.self, atUs, 'step', () => ran.push([atUs, seq, kernel.nowUs]))
    }
    expect(await kernel.run(1_000)).toBe('idle')
    expect(ran).toHaveLength(300)
    expect(ran).toEqual([...ran].sort(([a = 0, m = 0], [b = 0, n = 0]) => a - b || m - n))
    expect(ran.every(([atUs, , nowUs]) => atUs === nowUs)).toBe(true)
  })

  it('rounds up to whole microseconds, and takes the past for now', async () => {
    const kernel = newKernel()
    const at: number[] = []
    kernel.schedule(kernel.self, 10.2, 'step', () => {
      at.push(kernel.nowUs)
      kernel.schedule(kernel.self, 3, 'step', () => at.push(kernel.nowUs))
    })
    await kernel.run(100)
    expect(at).toEqual([11, 11])
  })

  it('refuses a time that is no number', () => {
    const kernel = newKernel()
    expect(() => kernel.schedule(kernel.self, Number.NaN, 'step', () => undefined)).toThrow('Assertion failed')
  })

  it('does not run what was cancelled', async () => {
    const kernel = newKernel()
    const ran: string[] = []
    const cancelled = kernel.schedule(kernel.self, 5, 'step', () => ran.push('cancelled'))
    const done = kernel.schedule(kernel.self, 6, 'step', () => ran.push('done'))
    cancelled.cancel()
    cancelled.cancel()
    await kernel.run(100)
    done.cancel()
    expect(ran).toEqual(['done'])
    expect(kernel.ran).toBe(1)
  })

  it('ends when there is nothing left, when time is up, when it is told to, and at its bound', async () => {
    const kernel = newKernel({ eventsMax: 6 })
    const again = (): void => void kernel.schedule(kernel.self, kernel.nowUs + 10, 'step', again)
    expect(await kernel.run(1_000)).toBe('idle')
    again()
    expect(await kernel.run(35)).toBe('time')
    expect([kernel.nowUs, kernel.ran]).toEqual([35, 3])
    kernel.schedule(kernel.self, 40, 'step', () => kernel.stop())
    // The event that was scheduled first is the first of that time.
    expect(await kernel.run(1_000)).toBe('stopped')
    expect([kernel.nowUs, kernel.ran]).toEqual([40, 5])
    expect(await kernel.run(1_000)).toBe('eventsMax')
    expect(kernel.ran).toBe(6)
  })

  it('settles all that an event leads to before the next one', async () => {
    const kernel = newKernel()
    const order: string[] = []
    const handle = async (name: string): Promise<void> => {
      order.push(`${name} begins`)
      for (let step = 0; step < 50; step += 1) await Promise.resolve()
      await new Promise<void>((resolve) => process.nextTick(resolve))
      await new Promise<void>((resolve) => queueMicrotask(resolve))
      order.push(`${name} ends`)
    }
    for (const name of ['a', 'b', 'c']) kernel.schedule(kernel.self, 1, 'step', () => void handle(name))
    await kernel.run(100)
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })

  it('knows in every continuation of fifty interleaved actors whose it is', async () => {
    const kernel = newKernel()
    const units = Array.from({ length: 50 }, (_, index) => new SimUnit(`n-${index}`, index + 1))
    const random = seededRandom(3)
    let right = 0
    const wrong: string[] = []
    const look = (unit: SimUnit): void => {
      if (kernel.current === unit && kernel.inside) right += 1
      else wrong.push(`${unit.node} was taken for "${kernel.current.node}"`)
    }
    const live = async (unit: SimUnit): Promise<void> => {
      for (let turn = 0; turn < 20; turn += 1) {
        await new Promise<void>((resolve) => {
          kernel.schedule(unit, kernel.nowUs + random.int(5), 'timer', resolve)
        })
        look(unit)
        await Promise.resolve()
        look(unit)
        await new Promise<void>((resolve) => process.nextTick(resolve))
        look(unit)
      }
    }
    for (const unit of units) kernel.schedule(unit, 0, 'boot', () => void live(unit))
    expect(await kernel.run(1_000)).toBe('idle')
    expect(wrong).toEqual([])
    expect(right).toBe(50 * 20 * 3)
    expect(kernel.current).toBe(kernel.self)
    expect(kernel.inside).toBe(false)
  })

  it('names for each event the one that scheduled it, also across awaits', async () => {
    const kernel = newKernel({ trace: true })
    kernel.schedule(kernel.self, 1, 'step', () => {
      void (async () => {
        await Promise.resolve()
        kernel.schedule(kernel.self, 20, 'timer', () => kernel.note(kernel.self, 'log'))
      })()
    })
    kernel.schedule(kernel.self, 2, 'boot', () => {
      kernel.schedule(kernel.self, 10, 'recv', () => undefined, { cause: 0, peer: 'lax-1', msg: () => 'hello' })
    })
    await kernel.run(100)
    expect(kernel.log.trace()).toEqual([
      { i: 0, t: 1, node: '', kind: 'step', cause: -1 },
      { i: 1, t: 2, node: '', kind: 'boot', cause: -1 },
      { i: 2, t: 10, node: '', kind: 'recv', cause: 0, peer: 'lax-1', msg: 'hello' },
      { i: 3, t: 20, node: '', kind: 'timer', cause: 0 },
      { i: 4, t: 20, node: '', kind: 'log', cause: 3 },
    ])
  })

  it('hands on what an event throws and goes on', async () => {
    const kernel = newKernel()
    const thrown: unknown[] = []
    kernel.onThrow = (error) => thrown.push(error)
    kernel.schedule(kernel.self, 1, 'step', () => {
      throw new Error('a bug')
    })
    kernel.schedule(kernel.self, 2, 'step', () => thrown.push('next'))
    await kernel.run(10)
    expect(thrown).toEqual([new Error('a bug'), 'next'])
  })

  it('hands on that an event would never settle', async () => {
    const kernel = newKernel()
    const codes: unknown[] = []
    kernel.onThrow = (error) => codes.push((error as { code?: unknown }).code)
    const release = catchUncaught((error) => codes.push((error as { code?: unknown }).code))
    try {
      const again = (): void => process.nextTick(again)
      kernel.schedule(kernel.self, 1, 'step', again)
      kernel.schedule(kernel.self, 2, 'step', () => codes.push('next'))
      await kernel.run(10)
    } finally {
      release()
    }
    expect(codes).toContain('ERR_NOT_SETTLED')
    expect(codes.at(-1)).toBe('next')
  })

  it('asks after each event, when it has settled', async () => {
    const kernel = newKernel()
    const seen: string[] = []
    let state = ''
    kernel.afterEvent = () => seen.push(state)
    for (const name of ['a', 'b']) {
      kernel.schedule(kernel.self, 1, 'step', () => {
        void Promise.resolve().then(() => (state = name))
      })
    }
    await kernel.run(10)
    expect(seen).toEqual(['a', 'b'])
  })
})

describe('a unit', () => {
  const setUp = (): {
    kernel: SimKernel
    unit: SimUnit
    ran: [string, number][]
    at: (name: string, us: number) => void
  } => {
    const kernel = new SimKernel({ seed: 1, drain: 'tick' })
    const unit = new SimUnit('syd-1', 1)
    const ran: [string, number][] = []
    const at = (name: string, us: number): void => {
      kernel.schedule(unit, us, 'turn', () => ran.push([name, kernel.nowUs]))
    }
    return { kernel, unit, ran, at }
  }

  it('that is paused runs later what became due, in order', async () => {
    const { kernel, unit, ran, at } = setUp()
    for (const [name, us] of [
      ['a', 5],
      ['b', 10],
      ['c', 20],
      ['d', 20],
      ['e', 70],
    ] as const)
      at(name, us)
    kernel.schedule(kernel.self, 8, 'step', () => kernel.block(unit, 50))
    await kernel.run(100)
    expect(ran).toEqual([
      ['a', 5],
      ['b', 50],
      ['c', 50],
      ['d', 50],
      ['e', 70],
    ])
  })

  it('that is paused holds up nobody else', async () => {
    const { kernel, unit, ran, at } = setUp()
    kernel.block(unit, 50)
    at('a', 1)
    const other = new SimUnit('lax-1', 2)
    kernel.schedule(other, 2, 'turn', () => ran.push(['other', kernel.nowUs]))
    await kernel.run(100)
    expect(ran).toEqual([
      ['other', 2],
      ['a', 50],
    ])
  })

  it('that is paused again at its end waits for the later end, and a shorter pause shortens nothing', async () => {
    const { kernel, unit, ran, at } = setUp()
    at('a', 15)
    at('b', 16)
    kernel.schedule(kernel.self, 10, 'step', () => kernel.block(unit, 50))
    kernel.schedule(kernel.self, 12, 'step', () => kernel.block(unit, 30))
    kernel.schedule(kernel.self, 49, 'step', () => kernel.block(unit, 90))
    await kernel.run(100)
    expect(ran).toEqual([
      ['a', 90],
      ['b', 90],
    ])
  })

  it('may block itself: what waits behind it waits on', async () => {
    const { kernel, unit, ran, at } = setUp()
    kernel.schedule(unit, 10, 'turn', () => kernel.block(unit, 40))
    at('a', 10)
    at('b', 11)
    await kernel.run(100)
    expect(ran).toEqual([
      ['a', 40],
      ['b', 40],
    ])
  })

  it('that is unblocked goes on at once, or from then on', async () => {
    const { kernel, unit, ran, at } = setUp()
    at('a', 5)
    at('b', 6)
    at('c', 25)
    kernel.block(unit, 1_000)
    kernel.schedule(kernel.self, 10, 'step', () => kernel.unblock(unit))
    kernel.schedule(kernel.self, 20, 'step', () => kernel.block(unit, 1_000))
    kernel.schedule(kernel.self, 30, 'step', () => kernel.unblock(unit, 60))
    await kernel.run(2_000)
    expect(ran).toEqual([
      ['a', 10],
      ['b', 10],
      ['c', 60],
    ])
  })

  it('does not run what was cancelled while it waited', async () => {
    const { kernel, unit, ran, at } = setUp()
    kernel.block(unit, 50)
    const first = kernel.schedule(unit, 1, 'turn', () => ran.push(['cancelled', kernel.nowUs]))
    at('a', 2)
    kernel.schedule(kernel.self, 20, 'step', () => first.cancel())
    await kernel.run(100)
    expect(ran).toEqual([['a', 50]])
  })

  it('that is slow takes its time for each event', async () => {
    const { kernel, unit, ran, at } = setUp()
    unit.turnUs = 100
    for (const [name, us] of [
      ['a', 0],
      ['b', 0],
      ['c', 150],
      ['d', 1_000],
    ] as const)
      at(name, us)
    await kernel.run(5_000)
    expect(ran).toEqual([
      ['a', 0],
      ['b', 100],
      ['c', 200],
      ['d', 1_000],
    ])
  })

  it('that was slow and is not any more catches up at once', async () => {
    const { kernel, unit, ran, at } = setUp()
    unit.turnUs = 100
    for (const name of ['a', 'b', 'c', 'd']) at(name, 0)
    kernel.schedule(kernel.self, 150, 'step', () => (unit.turnUs = 0))
    await kernel.run(5_000)
    expect(ran).toEqual([
      ['a', 0],
      ['b', 100],
      ['c', 200],
      ['d', 200],
    ])
  })

  it('keeps none of the events that it has caught up with', async () => {
    const { kernel, unit, ran, at } = setUp()
    unit.turnUs = 10
    for (let us = 0; us < 1_000; us += 5) at('a', us)
    await kernel.run(100_000)
    expect(ran).toHaveLength(200)
    expect(unit.waiting).toEqual([])
  })

  it('keeps the order of its events through random pauses, whatever becomes of others', async () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const { kernel, unit, ran } = setUp()
      const random = seededRandom(seed)
      const due: [number, number][] = []
      unit.turnUs = random.int(2) * 7
      for (let n = 0; n < 200; n += 1) {
        const us = random.int(2_000)
        due.push([us, n])
        kernel.schedule(unit, us, 'turn', () => ran.push([String(n), kernel.nowUs]))
      }
      for (let n = 0; n < 20; n += 1) {
        const from = random.int(2_000)
        const until = from + random.int(300)
        kernel.schedule(kernel.self, from, 'step', () => kernel.block(unit, until))
        if (random.int(3) === 0) kernel.schedule(kernel.self, from + 20, 'step', () => kernel.unblock(unit))
      }
      expect(await kernel.run(1_000_000)).toBe('idle')
      const wanted = due.sort(([a, m], [b, n]) => a - b || m - n).map(([, n]) => String(n))
      expect(ran.map(([name]) => name)).toEqual(wanted)
    }
  })

  it('that is dead never runs again, neither what is due nor what waited', async () => {
    const { kernel, unit, ran, at } = setUp()
    at('before', 1)
    at('waits', 12)
    at('after', 80)
    kernel.schedule(kernel.self, 10, 'step', () => kernel.block(unit, 50))
    kernel.schedule(kernel.self, 20, 'step', () => unit.kill())
    kernel.schedule(kernel.self, 30, 'step', () => {
      kernel.unblock(unit)
      at('scheduled for the dead', 31)
    })
    expect(await kernel.run(1_000)).toBe('idle')
    expect(ran).toEqual([['before', 1]])
  })
})

describe('the hash', () => {
  async function hashOf(drain: 'tick' | 'nextTick', seed: number, more = false): Promise<string> {
    const kernel = new SimKernel({ seed, drain })
    const units = [1, 2, 3].map((index) => new SimUnit(`n-${index}`, index))
    const purpose = kernel.purpose('test')
    let drawn = 0
    const step = (unit: SimUnit): void => {
      void (async () => {
        for (let awaits = drawn % 4; awaits > 0; awaits -= 1) await Promise.resolve()
        const draw = kernel.draw(purpose, drawn++)
        const digest = draw >>> 8
        kernel.schedule(unit, kernel.nowUs + (draw % 100), 'timer', () => step(unit), { digest })
        if (draw % 7 === 0) kernel.note(unit, 'log', { digest })
      })()
    }
    for (const unit of units) kernel.schedule(unit, 0, 'boot', () => step(unit))
    if (more) kernel.schedule(kernel.self, 5_000, 'step', () => undefined)
    await kernel.run(10_000)
    return kernel.log.hash
  }

  it('is one for both drains, and for each time', async () => {
    const hashes = await Promise.all([hashOf('tick', 1), hashOf('tick', 1)])
    expect(new Set([...hashes, await hashOf('nextTick', 1), await hashOf('tick', 1)]).size).toBe(1)
  })

  it('differs by seed and by one event more', async () => {
    const hashes = [
      await hashOf('tick', 1),
      await hashOf('tick', 2),
      await hashOf('tick', 2 ** 40),
      await hashOf('tick', 1, true),
    ]
    expect(new Set(hashes).size).toBe(4)
  })
})

describe('draws', () => {
  const kernel = new SimKernel({ seed: 9, drain: 'tick' })

  it('depend on seed, purpose and number only', () => {
    const again = new SimKernel({ seed: 9, drain: 'tick' })
    again.draw(again.purpose('something else'), 0)
    for (let n = 99; n >= 0; n -= 1) {
      expect(again.draw(again.purpose('latency'), n)).toBe(kernel.draw(kernel.purpose('latency'), n))
    }
  })

  it.each([10, -9, 9 + 2 ** 32, Number.MAX_SAFE_INTEGER])('are others with the seed %d', (seed) => {
    const other = new SimKernel({ seed, drain: 'tick' })
    const equal = Array.from({ length: 1_000 }, (_, n) => {
      return other.draw(other.purpose('latency'), n) === kernel.draw(kernel.purpose('latency'), n)
    })
    expect(equal.filter(Boolean)).toHaveLength(0)
  })

  it('of two purposes have nothing to do with each other', () => {
    const [one, other] = ['latency/syd-1/lax-1', 'latency/lax-1/syd-1'].map((name) => kernel.purpose(name)) as [
      number,
      number,
    ]
    let sameBits = 0
    for (let n = 0; n < 2_000; n += 1) {
      let differing = kernel.draw(one, n) ^ kernel.draw(other, n)
      for (let bit = 0; bit < 32; bit += 1, differing >>>= 1) sameBits += 1 - (differing & 1)
    }
    expect(Math.abs(sameBits / (2_000 * 32) - 0.5)).toBeLessThan(0.01)
  })

  it('spread evenly', () => {
    const purpose = kernel.purpose('even')
    const buckets = new Map<number, number>()
    for (let n = 0; n < 16_000; n += 1) {
      const bucket = kernel.draw(purpose, n) >>> 28
      buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1)
    }
    expect(buckets.size).toBe(16)
    expect(Math.min(...buckets.values())).toBeGreaterThan(850)
    expect(Math.max(...buckets.values())).toBeLessThan(1_150)
  })

  it('are whole numbers of 32 bits', () => {
    const draws = Array.from({ length: 1_000 }, (_, n) => kernel.draw(kernel.purpose('bits'), n))
    expect(draws.every((draw) => Number.isInteger(draw) && draw >= 0 && draw < 2 ** 32)).toBe(true)
  })
})

it('tells the number of events that have run, for a watchdog', async () => {
  const kernel = new SimKernel({ seed: 1, drain: 'nextTick' })
  const told: number[] = []
  kernel.onProgress = (events) => told.push(events)
  const again = (): void => void kernel.schedule(kernel.self, kernel.nowUs + 1, 'step', again)
  again()
  await kernel.run(5_000)
  expect(told).toEqual([1_024, 2_048, 3_072, 4_096])
})
