import { defineApp, type Node, silentLog, startNode } from '@skerry/core'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { worker } from '../fixtures/thread-actors.mjs'

async function run(program: string) {
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err, [, signal]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { out, err, signal: signal as string | null }
}

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

describe('a thread of the pool', () => {
  it('[thread] whose heap is full is lost with all its actors; the node and the next thread live', async () => {
    const [hungry, other] = [
      await node.start(worker, [{}], { thread: 'pool' }),
      await node.start(worker, [{}], { thread: 'pool' }),
    ]
    const ends = [node.watch(hungry), node.watch(other)]
    const call = node.call(hungry, 'fillHeap', [], { timeoutMs: 60_000 })
    await expect(call).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', outcome: 'unknown' })
    expect(await Promise.all(ends)).toEqual(['threadlost', 'threadlost'])
    expect(await node.call(await node.start(worker, [{}], { thread: 'pool' }), 'add', [1])).toBe(1)
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

  it('[thread] a native call runs to its end before the thread ends', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'skerry-native-')), 'done')
    const pid = await node.start(worker, [{}], { thread: 'own' })
    const call = node.call(pid, 'callNative', [file], { timeoutMs: 60_000 })
    const ended = node.watch(pid)
    await expect.poll(() => existsSync(file)).toBe(true)
    node.exit(pid, 'kill')
    await expect(call).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', outcome: 'unknown', reason: 'killed' })
    expect(await ended).toBe('killed')
    expect(readFileSync(file, 'utf8')).toBe('done')
    rmSync(dirname(file), { recursive: true })
  })

  it('[thread] one allocation that is larger than the limit by itself ends the process', async () => {
    const program = fileURLToPath(new URL('../fixtures/allocates-at-once.mjs', import.meta.url))
    const { out, err, signal } = await run(program)
    expect(out).toContain('started')
    expect(out).not.toContain('the node lives')
    expect(err).toContain('heap out of memory')
    expect(signal).toBe('SIGABRT')
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
