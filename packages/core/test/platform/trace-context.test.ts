import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  activeTrace,
  carriedTrace,
  installTraceScope,
  isTraceFollowed,
  runInTrace,
  type TraceContext,
  tracing,
} from '../../src/platform/trace-context.ts'
import { systemTurnQueue } from '../../src/platform/turn-queue.ts'

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

describe('a place in a trace', () => {
  it('is none where nobody follows the code', () => {
    expect(isTraceFollowed()).toBe(false)
    expect(tracing.isOn).toBe(false)
    expect(runInTrace({ traceparent }, activeTrace)).toBeUndefined()
  })

  it('is that of the code which is followed, over awaits', async () => {
    const remove = follow()
    expect(isTraceFollowed()).toBe(true)
    const seen = await runInTrace({ traceparent }, async () => {
      await Promise.resolve()
      return activeTrace()
    })
    expect(seen).toStrictEqual({ traceparent })
    expect(activeTrace()).toBeUndefined()
    remove()
    expect(isTraceFollowed()).toBe(false)
    // What was traced meanwhile may still be under way.
    expect(tracing.isOn).toBe(true)
  })

  it('of whoever enqueued a turn is not that of the turn', async () => {
    follow()
    const queue = systemTurnQueue()
    const seen = await new Promise<unknown>((resolve) => {
      runInTrace({ traceparent }, () => queue.enqueue({ runTurn: () => resolve(activeTrace()) }))
    })
    expect(seen).toBeUndefined()
  })

  it.each([
    [
      { traceparent, tracestate: 'x'.repeat(512) },
      { traceparent, tracestate: 'x'.repeat(512) },
    ],
    [{ traceparent, tracestate: 'x'.repeat(513) }, { traceparent }],
    [{ traceparent, tracestate: '' }, { traceparent }],
    [
      { traceparent, baggage: 'x'.repeat(8_192) },
      { traceparent, baggage: 'x'.repeat(8_192) },
    ],
    [
      { traceparent, tracestate: 'v=1', baggage: 'x'.repeat(8_193) },
      { traceparent, tracestate: 'v=1' },
    ],
    [{ traceparent, baggage: 'größe=1' }, { traceparent }],
    [{ traceparent: 'x'.repeat(128) }, { traceparent: 'x'.repeat(128) }],
    [{ traceparent: 'x'.repeat(129) }, undefined],
    [{ traceparent: 'a\nb' }, undefined],
    [{ traceparent: '' }, undefined],
    [undefined, undefined],
  ])('%# is carried as far as it fits', (trace, carried) => {
    expect(carriedTrace(trace)).toStrictEqual(carried)
  })
})

function follow(): () => void {
  const storage = new AsyncLocalStorage<TraceContext | undefined>()
  const remove = installTraceScope({
    active: () => storage.getStore(),
    run: (trace, work) => storage.run(trace, work),
  })
  onTestFinished(remove)
  return remove
}
