import { defineApp, genServer, type Node, type Placement, silentLog, startNode, systemPlatform } from '@skerry/core'
import type { ThreadEvents, Threads } from '@skerry/core/platform'
import { describe, expect, it } from 'vitest'
import { systemThreads } from '../../src/platform/threads.ts'
import { startManualNode } from '../fixtures/manual-node.ts'
import { worker } from '../fixtures/thread-actors.mjs'
import { typed } from '../fixtures/typescript-actors.ts'

interface Logged {
  readonly fields: object
  readonly message: string
}

/** A node whose threads run another module than they should. */
async function startWith(entry: URL): Promise<{ node: Node; errors: Logged[] }> {
  const errors: Logged[] = []
  const log = { ...silentLog, error: (fields: object, message: string) => void errors.push({ fields, message }) }
  const threads = systemThreads({ entry, filesRoot: '.', heapMb: undefined, spares: 1 })
  const node = await startNode(defineApp({ name: 'threadless', children: [] }), {
    platform: { ...systemPlatform({ log }), threads },
    threadPool: { size: 1 },
  })
  return { node, errors }
}

describe('a thread that does not come up', () => {
  it.each([
    ['can not be started at all', 'http://example.org/no-worker.mjs', 'URL'],
    ['throws as it boots', 'data:text/javascript,throw new RangeError("no boot")', 'no boot'],
    ['has no module', 'file:///no/such/entry.mjs', 'entry.mjs'],
    ['exits as it boots', 'data:text/javascript,process.exit(3)', 'threadlost'],
  ])('[thread] because it %s: the start fails, why is in the log, the node lives', async (_how, entry, cause) => {
    const { node, errors } = await startWith(new URL(entry))
    const main = await node.start(worker, [{}])
    for (const thread of ['own', 'pool', 'own'] as const) {
      await expect(node.start(worker, [{}], { thread })).rejects.toMatchObject({
        code: 'ERR_START_FAILED',
        reason: 'threadlost',
      })
      const [last] = errors.splice(0)
      expect(last?.message).toBe('a thread was lost')
      expect(JSON.stringify(last?.fields)).toContain(cause)
    }
    expect(await node.call(main, 'add', [1])).toBe(1)
    expect((await node.threads()).map(({ kind }) => kind)).toEqual(['main'])
    await node.stop()
  })

  it('[thread] is not started again and again: each wait for the next one is longer, and all who start wait for it', async () => {
    let started = 0
    const { node, settled, platform } = await startManualNode((main) => {
      const none = (): never => {
        throw new Error('There are no ways between these threads')
      }
      const threads: Threads = {
        parallelism: 2,
        openPort: none,
        adoptPort: none,
        start(_boot: unknown, events: ThreadEvents) {
          started += 1
          main.turns.enqueue({ runTurn: () => events.ended({ exitCode: 1 }) })
          const nothing = (): void => undefined
          return { post: nothing, drain: nothing, close: nothing, terminate: nothing }
        },
      }
      return { threads }
    })
    const module = { url: 'file:///no/such/module.mjs' }
    const stillborn = genServer({ module, name: 'stillborn', init: () => undefined })
    const failed: unknown[] = []
    for (let second = 0; second < 60; second += 1) {
      for (let one = 0; one < 50; one += 1) {
        node.start(stillborn, [], { thread: { pool: 'one' } }).catch((error: unknown) => failed.push(error))
      }
      await platform.advance(1_000)
    }
    // 0.1 s to 25.6 s, each by chance half as long.
    expect(started).toBeGreaterThan(5)
    expect(started).toBeLessThan(13)
    expect(failed.length).toBeGreaterThan(50)
    for (const error of failed) expect(error).toMatchObject({ code: 'ERR_START_FAILED', reason: 'threadlost' })
    await settled(node.stop())
  })
})

const loadsTypeScript = (process.features as { typescript?: unknown }).typescript === 'strip'

it.each<Placement>(['own', 'pool'])(
  '[thread] a TypeScript module runs where Node loads it; else the start fails and names the file and the cure: on %s',
  async (thread) => {
    const node = await startNode(defineApp({ name: 'typed', children: [] }), { log: silentLog })
    const starting = node.start(typed, [7], { thread })
    if (loadsTypeScript) {
      expect(await node.call(await starting, 'count', [])).toBe(7)
    } else {
      const error: unknown = await starting.catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ name: 'ActorError', code: 'ERR_MODULE_LOAD' })
      const { message } = error as Error
      for (const part of ['typescript-actors.ts', 'Build it to JavaScript', 'Node 22.18'])
        expect(message).toContain(part)
    }
    await node.stop()
  },
)
