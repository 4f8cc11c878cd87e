import { type ManualPlatform, manualPlatform } from '@skerry/testing'
import { describe, expect, it } from 'vitest'

describe('manualPlatform', () => {
  it('settles turns, ticks and microtasks that lead to one another, while time stands still', async () => {
    const platform = manualPlatform()
    let steps = 0
    const step = (): void => {
      steps += 1
      if (steps === 300) return
      if (steps % 3 === 0) platform.turns.enqueue({ runTurn: step })
      else if (steps % 3 === 1) process.nextTick(step)
      else void Promise.resolve().then(step)
    }
    platform.turns.enqueue({ runTurn: step })
    platform.clock.after(0, () => (steps += 1_000))
    await platform.settle()
    expect(steps).toBe(300)
    expect(platform.clock.monotonic()).toBe(0)
  })

  it('settles all that follows from one turn before the next one', async () => {
    const platform = manualPlatform()
    const ran: string[] = []
    platform.turns.enqueue({
      runTurn() {
        ran.push('first')
        void Promise.resolve().then(() => ran.push('after the first'))
      },
    })
    platform.turns.enqueue({ runTurn: () => ran.push('second') })
    await platform.settle()
    expect(ran).toEqual(['first', 'after the first', 'second'])
  })

  it('runs the turns that a timer causes before the next timer', async () => {
    const platform = manualPlatform()
    const ran: string[] = []
    platform.clock.after(10, () => platform.turns.enqueue({ runTurn: () => ran.push('turn') }))
    platform.clock.after(10, () => ran.push('timer'))
    await platform.advance(10)
    expect(ran).toEqual(['turn', 'timer'])
  })

  it('rejects with ERR_TOO_MANY_TURNS when turns never end', async () => {
    const platform = manualPlatform()
    const again = { runTurn: (): void => platform.turns.enqueue(again) }
    platform.turns.enqueue(again)
    await expect(platform.settle()).rejects.toMatchObject({ code: 'ERR_TOO_MANY_TURNS' })
  })

  it('does the same thing every time for a seed, and mixes turns of several actors for another', async () => {
    const run = async (seed: number): Promise<string> => {
      const platform = manualPlatform({ seed, order: 'seeded' })
      const said: string[] = []
      for (const name of ['a', 'b', 'c']) talk(platform, name, said)
      await platform.advance(100)
      return said.join(' ')
    }
    expect(await run(1)).toBe(await run(1))
    expect(await run(1)).not.toBe(await run(2))
    for (const name of ['a', 'b', 'c']) expect(inOrderOf(await run(1), name)).toEqual([0, 1, 2, 3, 4])
  })

  it('moves nodes that stand beside each other together, each with chance, log and exit code of its own', async () => {
    const first = manualPlatform({ seed: 1, environment: { MY_REGION: 'syd' } })
    const second = manualPlatform({ seed: 2, beside: first })
    let ran = ''
    second.clock.after(10, () => second.turns.enqueue({ runTurn: () => (ran = `at ${first.clock.monotonic()}`) }))
    await first.advance(10)
    expect(ran).toBe('at 10')
    expect(first.random.id()).not.toBe(second.random.id())
    second.log.warn({ port: 1 }, 'low')
    second.setExitCode(3)
    expect([first.log.entries, first.exitCode]).toEqual([[], undefined])
    expect([second.log.entries, second.exitCode]).toEqual([[{ level: 'warn', message: 'low', fields: { port: 1 } }], 3])
    expect([first.environment['MY_REGION'], second.environment['MY_REGION']]).toEqual(['syd', undefined])
  })

  it('hands log entries on, and keeps the latest 10,000', () => {
    const written: string[] = []
    const write = (_fields: object, message: string): void => void written.push(message)
    const { log } = manualPlatform({ log: { debug: write, info: write, warn: write, error: write } })
    for (let number = 0; number < 10_002; number += 1) log.info({}, String(number))
    expect(written).toHaveLength(10_002)
    expect([log.entries.length, log.entries[0]?.message, log.forgotten]).toEqual([10_000, '2', 2])
  })

  it('has no threads, and says so with ERR_NO_THREADS', () => {
    const start = (): unknown => manualPlatform().threads.start({}, { message() {}, ended() {} })
    expect(start).toThrow(expect.objectContaining({ code: 'ERR_NO_THREADS' }))
  })

  it('is idle', () => {
    expect(manualPlatform().load()).toBe(0)
  })
})

/** Says `name` and a number five times, each in a turn of its own. */
function talk(platform: ManualPlatform, name: string, said: string[]): void {
  let number = 0
  const turn = {
    runTurn(): void {
      said.push(`${name}${number}`)
      number += 1
      if (number < 5) platform.turns.enqueue(turn)
    },
  }
  platform.turns.enqueue(turn)
}

function inOrderOf(said: string, name: string): number[] {
  return said
    .split(' ')
    .filter((word) => word.startsWith(name))
    .map((word) => Number(word.slice(1)))
}
