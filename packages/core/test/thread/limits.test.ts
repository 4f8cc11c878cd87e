import { defineApp, type Node, silentLog, startNode } from '@skerry/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { worker } from '../fixtures/thread-actors.mjs'

let node: Node
beforeEach(async () => {
  const threadPool = { size: 1 }
  node = await startNode(defineApp({ name: 'limits', children: [] }), { log: silentLog, threadHeapMb: 32, threadPool })
})
afterEach(() => node.stop())

describe('the end of a thread', () => {
  it.each(['backtrack', 'wait', 'spin', 'spinLater'] as const)('[thread] comes at a kill, also in %s', async (how) => {
    const pid = await node.start(worker, [{}], { thread: 'own' })
    const call = node.call(pid, how, [], { timeoutMs: 60_000 })
    call.catch(() => undefined)
    const answers = () => node.call(pid, 'add', [1], { timeoutMs: 50 }).then(Boolean, () => false)
    await expect.poll(answers).toBe(false)
    const ended = node.watch(pid)
    node.exit(pid, 'kill')
    expect(await ended).toBe('killed')
    await expect(call).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', outcome: 'unknown', reason: 'killed' })
  })
})

describe('what a thread does not contain', () => {
  it('[thread] memory outside of the heap does not count against threadHeapMb', async () => {
    const pid = await node.start(worker, [{}], { thread: 'own' })
    // Twice the limit.
    for (let count = 1; count <= 8; count += 1)
      expect(await node.call(pid, 'allocateOutside', [8 * 2 ** 20])).toBe(count)
    node.exit(pid, 'kill')
  })

  it('[thread] a global that a handler damages is damaged for its thread, also for its successor, and for no other', async () => {
    const [first, second] = [
      await node.start(worker, [{}], { thread: 'pool' }),
      await node.start(worker, [{}], { thread: 'pool' }),
    ]
    expect(second.thread).toBe(first.thread)
    await node.call(first, 'damage', [])
    const ended = node.watch(first)
    node.exit(first, 'kill')
    await ended
    const successor = await node.start(worker, [{}], { thread: 'pool' })
    expect(await node.call(successor, 'isDamaged', [])).toBe(true)
    expect(await node.call(second, 'isDamaged', [])).toBe(true)
    for (const thread of ['main', 'own'] as const) {
      expect(await node.call(await node.start(worker, [{}], { thread }), 'isDamaged', [])).toBe(false)
    }
  })
})
