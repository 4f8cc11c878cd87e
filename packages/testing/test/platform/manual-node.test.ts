import { child, defineApp, genServer } from '@skerry/core'
import { manualNode } from '@skerry/testing'
import { describe, expect, it } from 'vitest'

const alarm = genServer({
  name: 'alarm',
  init: () => ({ rung: 0 }),
  call: {
    in: (ctx, ms: number) => {
      ctx.sendAfter(ms, ctx.self, 'ring')
      return ctx.clock.monotonic()
    },
    rung: (ctx) => ctx.state.rung,
  },
  cast: { fail: () => Promise.reject(new Error('as asked')) },
  info: (ctx) => {
    ctx.state.rung += 1
  },
})

describe('manualNode', () => {
  it('answers calls without time passing, and rings only when the test lets time pass', async () => {
    const manual = await manualNode()
    const pid = await manual.settled(manual.node.start(alarm, []))
    expect(await manual.settled(manual.node.call(pid, 'in', [60_000]))).toBe(0)
    await manual.advance(59_999)
    expect(await manual.settled(manual.node.call(pid, 'rung', []))).toBe(0)
    await manual.advance(1)
    expect(await manual.settled(manual.node.call(pid, 'rung', []))).toBe(1)
    await manual.stop()
  })

  it('has probes that are sent to, are linked and watch', async () => {
    const manual = await manualNode()
    const [linked, watching] = [await manual.probe(), await manual.probe()]
    const pid = await manual.settled(manual.node.start(alarm, []))
    linked.link(pid)
    watching.monitor(pid)
    watching.send(linked.pid, 'hello')
    await manual.platform.settle()
    expect(linked.take()).toBe('hello')
    manual.node.cast(pid, 'fail', [])
    await manual.platform.settle()
    expect(linked.messages).toEqual([expect.objectContaining({ type: 'EXIT', from: pid })])
    expect(watching.messages).toEqual([expect.objectContaining({ type: 'DOWN', pid })])
    await manual.stop()
  })

  it('runs an app, whose supervisor restarts what fails', async () => {
    const app = defineApp({ name: 'alarms', children: [child('alarm', alarm, [])] })
    const manual = await manualNode({ app })
    const children = async () => manual.settled(manual.node.whichChildren())
    const [before] = await children()
    manual.node.cast(before!.pid as never, 'fail' as never, [] as never)
    await manual.platform.settle()
    const [after] = await children()
    expect(after).toMatchObject({ id: 'alarm', status: 'running' })
    expect(after!.pid).not.toEqual(before!.pid)
    await manual.stop()
  })
})
