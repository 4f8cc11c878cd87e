import { type Context, Exit, Task } from '@skerry/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ManualNode, startManualNode } from '../fixtures/manual-node.ts'
import { type Puppet, startPuppet } from '../fixtures/puppet.ts'

const never = (): Promise<never> => new Promise(() => undefined)

/** Elixir's rules for tasks, in virtual time. */
describe('a task', () => {
  let manual: ManualNode

  beforeEach(async () => {
    manual = await startManualNode()
  })
  afterEach(() => manual.settled(manual.node.stop()))

  const puppet = (trapExit = false): Promise<Puppet> => manual.settled(startPuppet(manual.node, { trapExit }))
  const run = <T>(owner: Puppet, act: (ctx: Context) => T | Promise<T>): Promise<T> => manual.settled(owner.do(act))

  it('D3 [local]: gives its value, and runs in an actor of its own', async () => {
    const owner = await puppet()
    const result = await run(owner, async (ctx) => {
      const task = Task.async(ctx, (own) => Promise.resolve(own.self))
      return [await Task.await(ctx, task), task.pid, task.owner]
    })
    expect(result[0]).toEqual(result[1])
    expect(result[2]).toEqual(owner.pid)
    expect(result[0]).not.toEqual(owner.pid)
  })

  it('D3 [local]: async: its crash ends an owner that does not trap exits, and no line of that runs on', async () => {
    const owner = await puppet()
    const lines: string[] = []
    const ended = manual.node.watch(owner.pid)
    owner
      .do(async (ctx) => {
        const task = Task.async(ctx, () => {
          throw new Exit('boom')
        })
        await Task.await(ctx, task).finally(() => lines.push('went on'))
      })
      .catch(() => undefined)
    expect(await manual.settled(ended)).toBe('boom')
    await manual.platform.advance(10_000)
    expect(lines).toEqual([])
  })

  it('D3 [local]: async: an owner that traps exits gets the EXIT, and await rejects', async () => {
    const owner = await puppet(true)
    const error = await run(owner, async (ctx) => {
      const task = Task.async(ctx, () => Promise.reject(new RangeError('no')))
      return await Task.await(ctx, task).catch((thrown: unknown) => thrown)
    })
    expect(error).toMatchObject({ code: 'ERR_TASK_FAILED', cause: { name: 'RangeError', message: 'no' } })
    expect(await owner.next()).toMatchObject({ type: 'EXIT', reason: { message: 'no' } })
  })

  it('D3 [local]: asyncNolink: its crash is told by await and yield only', async () => {
    const owner = await puppet()
    const [error, outcome] = await run(owner, async (ctx) => {
      const task = Task.asyncNolink(ctx, () => {
        throw new Exit('boom')
      })
      return [await Task.await(ctx, task).catch((thrown: unknown) => thrown), await Task.yield(ctx, task)]
    })
    expect(error).toMatchObject({ code: 'ERR_TASK_FAILED', reason: 'boom' })
    expect(outcome).toEqual({ ok: false, reason: 'boom' })
  })

  it.each([
    ['async', 'normal'],
    ['asyncNolink', 'normal'],
    ['asyncNolink', 'boom'],
  ] as const)('D3 [local]: %s: it ends with its owner, also by %s', async (kind, reason) => {
    const owner = await puppet()
    const task = await run(owner, (ctx) => ({ pid: Task[kind](ctx, never).pid }))
    const ended = manual.node.watch(task.pid)
    await run(owner, () => {
      throw new Exit(reason)
    }).catch(() => undefined)
    expect(await manual.settled(ended)).toBe('shutdown')
  })

  it('D4 [local]: only its owner can wait for it or stop it', async () => {
    const [owner, other] = [await puppet(), await puppet()]
    const { task } = await run(owner, (ctx) => ({ task: Task.async(ctx, never) }))
    const codes = await run(other, (ctx) =>
      Promise.all(
        (['await', 'yield', 'shutdown'] as const).map((verb) =>
          Promise.resolve<unknown>(Task[verb](ctx, task)).catch((error: unknown) => (error as { code: string }).code),
        ),
      ),
    )
    expect(codes).toEqual(['ERR_NOT_OWNER', 'ERR_NOT_OWNER', 'ERR_NOT_OWNER'])
  })

  it('D4 [local]: await waits 5 s unless it is told otherwise, and then kills the task and not the owner', async () => {
    const owner = await puppet()
    const seen: string[] = []
    const { task } = await run(owner, (ctx) => ({ task: Task.async(ctx, never) }))
    const ended = manual.node.watch(task.pid)
    manual.node.cast(owner.pid, 'perform', [
      (ctx) => Task.await(ctx, task).catch((error: unknown) => void seen.push((error as { code: string }).code)),
    ])
    await manual.platform.advance(4_999)
    expect(seen).toEqual([])
    await manual.platform.advance(1)
    expect(seen).toEqual(['ERR_TASK_TIMEOUT'])
    expect(await manual.settled(ended)).toBe('killed')
    await manual.settled(owner.settled())
  })

  it('D4 [local]: yield gives nothing while it runs, and may be asked again', async () => {
    const owner = await puppet()
    const outcomes: unknown[] = []
    const asking = owner.do(async (ctx) => {
      const task = Task.async(ctx, async (own) => {
        await own.receive()
        return 'done'
      })
      outcomes.push(await Task.yield(ctx, task, 100))
      ctx.send(task.pid, 'go on')
      outcomes.push(await Task.yield(ctx, task, 100))
      outcomes.push(await Task.yield(ctx, task, 100))
    })
    await manual.platform.advance(100)
    await manual.settled(asking)
    expect(outcomes).toEqual([undefined, { ok: true, value: 'done' }, { ok: true, value: 'done' }])
  })

  it('D4 [local]: shutdown stops it, by a kill where shutdown is trapped, and spares the owner', async () => {
    const owner = await puppet()
    const trapping = (own: Context): Promise<never> => {
      own.trapExit = true
      return never()
    }
    const { tasks } = await run(owner, (ctx) => ({
      tasks: [Task.async(ctx, never), Task.async(ctx, trapping), Task.async(ctx, trapping)],
    }))
    const ended = tasks.map(({ pid }) => manual.node.watch(pid))
    const outcomes: unknown[] = []
    const stopping = owner.do(async (ctx) => {
      outcomes.push(await Task.shutdown(ctx, tasks[0] as Task<never>))
      outcomes.push(await Task.shutdown(ctx, tasks[1] as Task<never>, 100))
      outcomes.push(await Task.shutdown(ctx, tasks[2] as Task<never>, 'kill'))
    })
    await manual.platform.advance(200)
    await manual.settled(stopping)
    expect(outcomes).toEqual([undefined, undefined, undefined])
    expect(await manual.settled(Promise.all(ended))).toEqual(['shutdown', 'killed', 'killed'])
    await manual.settled(owner.settled())
  })

  it('D4 [local]: shutdown of one that has ended gives what became of it', async () => {
    const owner = await puppet()
    const outcomes = await run(owner, async (ctx) => {
      const [good, bad] = [
        Task.asyncNolink(ctx, () => 1),
        Task.asyncNolink(ctx, () => {
          throw new Exit('boom')
        }),
      ]
      await Task.yield(ctx, good)
      await Task.yield(ctx, bad)
      return [await Task.shutdown(ctx, good), await Task.shutdown(ctx, bad)]
    })
    expect(outcomes).toEqual([
      { ok: true, value: 1 },
      { ok: false, reason: 'boom' },
    ])
  })
})
