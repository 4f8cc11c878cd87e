import { manualPlatform } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { type ReplicaAnswer, ReplicaWatch } from '../../src/rpc/replica-watch.ts'

/** A replica whose answers come when the test lets them, as those of a query do. */
function startReplica(waitersMax?: number) {
  const platform = manualPlatform()
  const asked: { token: string; answer: (reached: boolean) => void; fail: (error: Error) => void }[] = []
  const listeners = new Set<() => void>()
  const watch = new ReplicaWatch(
    {
      reached: (token) => new Promise((answer, fail) => asked.push({ token, answer, fail })),
      onProgress(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    platform.clock,
    waitersMax,
  )
  const answers: ReplicaAnswer[] = []
  const wait = (token: string, timeoutMs = 1_000): void =>
    watch.wait(token, timeoutMs, (answer) => answers.push(answer))
  const progress = (): void => {
    for (const listener of listeners) listener()
  }
  return { platform, asked, listeners, watch, answers, wait, progress }
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

  it('are told what asking threw', async () => {
    const { asked, answers, wait, listeners } = startReplica()
    wait('17')
    asked.shift()?.fail(new RangeError('no such table'))
    await settled()
    expect(answers).toEqual([{ failed: expect.objectContaining({ message: 'no such table' }) as unknown }])
    expect(listeners.size).toBe(0)
  })

  it('are at most as many as the bound, and ask for at most 16 tokens at once', async () => {
    const { asked, answers, wait } = startReplica(20)
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
    const watch = new ReplicaWatch({ reached: (token) => position >= Number(token) }, platform.clock)
    const answers: ReplicaAnswer[] = []
    watch.wait('2', 1_000, (answer) => answers.push(answer))
    await settled()
    position = 2
    expect(answers).toEqual([])
    await platform.advance(50)
    await settled()
    expect(answers).toEqual(['reached'])
    watch.stop()
  })
})
