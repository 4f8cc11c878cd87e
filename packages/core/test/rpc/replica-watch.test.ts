import { manualPlatform } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { type ReplicaAnswer, ReplicaWatch } from '../../src/rpc/replica-watch.ts'

/** A replica whose answers come when the test lets them, as those of a query do. */
function startReplica({ waitersMax = 100, leave }: { waitersMax?: number; leave?: () => void } = {}) {
  const platform = manualPlatform()
  const asked: { token: string; answer: (reached: boolean) => void; fail: (error: Error) => void }[] = []
  const listeners = new Set<() => void>()
  const order: string[] = []
  const threw: unknown[] = []
  const watch = new ReplicaWatch(
    {
      reached(token) {
        order.push(`asked for ${token}`)
        return new Promise((answer, fail) => asked.push({ token, answer, fail }))
      },
      onProgress(listener) {
        order.push('listened to')
        listeners.add(listener)
        return () => {
          listeners.delete(listener)
          leave?.()
        }
      },
    },
    platform.clock,
    { waitersMax, threw: (thrown) => threw.push(thrown) },
  )
  const answers: ReplicaAnswer[] = []
  const wait = (token: string, timeoutMs = 1_000): (() => void) =>
    watch.wait(token, timeoutMs, (answer) => answers.push(answer))
  const progress = (): void => {
    for (const listener of listeners) listener()
  }
  return { platform, asked, listeners, order, threw, watch, answers, wait, progress }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('those who wait for a replica', () => {
  it('O18 [local] hear of progress that comes while it is asked for the first time', async () => {
    const { asked, answers, wait, progress } = startReplica()
    wait('17')
    // The query has read the state from before; the write arrives, and is announced, before its answer.
    progress()
    asked.shift()?.answer(false)
    await settled()
    expect(answers).toEqual([])
    asked.shift()?.answer(true)
    await settled()
    expect(answers).toEqual(['reached'])
    expect(asked).toEqual([])
  })

  it('and have left are asked for no more, neither again nor when their turn comes', async () => {
    const { asked, order, wait, progress } = startReplica()
    const leaveFirst = wait('first')
    progress()
    leaveFirst()
    const others = Array.from({ length: 100 }, (_, at) => wait(`other ${at}`))
    for (const leave of others.slice(0, -1)) leave()
    while (asked.length > 1) {
      asked.shift()?.answer(false)
      await settled()
    }
    expect(asked.map(({ token }) => token)).toEqual(['other 99'])
    expect(order).not.toContain('asked for other 50')
    others.at(-1)?.()
    asked.shift()?.answer(false)
    await settled()
    expect(asked).toEqual([])
  })

  it('O18 [local] listen before they ask, as what comes in between would wake nobody', () => {
    const { order, wait } = startReplica()
    wait('17')
    expect(order).toEqual(['listened to', 'asked for 17'])
  })

  it('are asked for once a token, at the start and after each progress', async () => {
    const { asked, answers, wait, progress } = startReplica()
    wait('17')
    wait('17')
    wait('18')
    await settled()
    // The second of one token may have come after the query read: it is asked again.
    expect(asked.splice(0).map(({ token, answer }) => (answer(false), token))).toEqual(['17', '18'])
    await settled()
    expect(asked.splice(0).map(({ token, answer }) => (answer(false), token))).toEqual(['17'])
    await settled()
    progress()
    await settled()
    expect(asked.map(({ token, answer }) => (answer(true), token))).toEqual(['17', '18'])
    await settled()
    expect(answers).toEqual(['reached', 'reached', 'reached'])
  })

  it('are told when it is late, and are forgotten then', async () => {
    const { asked, answers, wait, watch, platform, listeners } = startReplica()
    wait('17', 200)
    asked.shift()?.answer(false)
    await settled()
    await platform.advance(199)
    expect(answers).toEqual([])
    await platform.advance(1)
    expect(answers).toEqual(['late'])
    expect(watch.waiting).toBe(0)
    expect(listeners.size).toBe(0)
  })

  it('may leave, and are told nothing more', async () => {
    const { asked, answers, wait, watch, platform, listeners } = startReplica()
    const leave = wait('17')
    wait('17')
    leave()
    leave()
    expect(watch.waiting).toBe(1)
    asked.shift()?.answer(true)
    await settled()
    expect(answers).toEqual(['reached'])
    wait('18')()
    expect([watch.waiting, listeners.size]).toEqual([0, 0])
    await platform.advance(1_000)
    expect(answers).toEqual(['reached'])
  })

  it('are told of a query that hangs, which keeps no place for ever', async () => {
    const { asked, answers, wait, platform } = startReplica()
    for (let token = 0; token < 17; token += 1) wait(`${token}`, 60_000)
    expect(asked.splice(0)).toHaveLength(16)
    await platform.advance(30_000)
    await settled()
    expect(answers).toHaveLength(16)
    for (const answer of answers) expect(answer).toMatchObject({ failed: { message: 'No answer within 30000 ms' } })
    expect(asked.map(({ token }) => token)).toEqual(['16'])
  })

  it('are not concerned by a replica that throws when nobody listens any more', async () => {
    const error = new Error('closed')
    const { asked, answers, threw, wait } = startReplica({
      leave: () => {
        throw error
      },
    })
    wait('17')
    asked.shift()?.answer(true)
    await settled()
    expect(answers).toEqual(['reached'])
    expect(threw).toEqual([error])
  })

  it('are told what asking threw', async () => {
    const { asked, answers, wait, listeners } = startReplica()
    wait('17')
    asked.shift()?.fail(new RangeError('no such table'))
    await settled()
    expect(answers).toEqual([{ failed: expect.objectContaining({ message: 'no such table' }) as unknown }])
    expect(listeners.size).toBe(0)
  })

  it('are at most as many as the bound, and ask for at most 16 tokens at once', async () => {
    const { asked, answers, wait } = startReplica({ waitersMax: 20 })
    for (let token = 0; token < 21; token += 1) wait(`${token}`)
    expect(answers).toEqual(['full'])
    expect(asked).toHaveLength(16)
    for (const { answer } of asked.splice(0)) answer(true)
    await settled()
    expect(asked).toHaveLength(4)
  })

  it('of a replica that does not tell of progress have it asked every 50 ms', async () => {
    const platform = manualPlatform()
    let position = 0
    let asked = 0
    const reached = (token: string): boolean => {
      asked += 1
      return position >= Number(token)
    }
    const watch = new ReplicaWatch({ reached }, platform.clock)
    const answers: ReplicaAnswer[] = []
    watch.wait('2', 1_000, (answer) => answers.push(answer))
    await settled()
    position = 2
    expect(answers).toEqual([])
    await platform.advance(50)
    await settled()
    expect([answers, asked]).toEqual([['reached'], 2])
    // Nobody waits: it is left in peace.
    await platform.advance(500)
    expect(asked).toBe(2)
  })
})
