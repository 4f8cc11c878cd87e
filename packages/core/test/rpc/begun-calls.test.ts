import { describe, expect, it } from 'vitest'
import type { Failure } from '../../src/actor/signal.ts'
import { BegunCalls } from '../../src/rpc/begun-calls.ts'
import { InboundCall, ProcedureLoad } from '../../src/rpc/inbound-call.ts'
import { procedure } from '../../src/rpc/procedure.ts'

const offered = procedure({ name: 'work', run: () => 1 })
const served = { procedure: offered, load: new ProcedureLoad(offered.limits) }
const input = new Uint8Array()
const request = { procedure: 'work', version: 1, timeLeftMs: 100, idempotencyKey: undefined, callerRegion: '', input }

/** The calls 1, 2 and 3, and which of them were refused. */
function three(): { calls: BegunCalls; refused: number[] } {
  const refused: number[] = []
  const call = (serial: number): InboundCall => {
    const from = { node: 'a', life: 1, thread: 0, serial }
    const signal = { type: 'spawn', from, to: { ...from, node: 'me', serial: 0 }, request } as const
    return new InboundCall(signal, served, 0, () => refused.push(serial))
  }
  const calls = new BegunCalls(call(1))
  calls.join(call(2))
  calls.join(call(3))
  return { calls, refused }
}

const failure: Failure = { code: 'ERR_CALLEE_EXITED', outcome: 'not-run', message: 'gone' }

describe('the calls that reach RpcServer as one message', () => {
  it('are taken in the order in which they began, and none joins them from then on', () => {
    const { calls, refused } = three()
    expect(calls.isOpen).toBe(true)
    expect(calls.take()?.call.serial).toBe(1)
    expect(calls.isOpen).toBe(false)
    expect([calls.take()?.call.serial, calls.take()?.call.serial, calls.take()]).toEqual([2, 3, undefined])
    expect(refused).toEqual([])
  })

  it('are all refused if RpcServer ends before, and those that are left if it ends by one of them', () => {
    const before = three()
    before.calls.fail(failure)
    expect(before.refused).toEqual([1, 2, 3])
    expect(before.calls.isOpen).toBe(false)
    const amid = three()
    amid.calls.take()
    amid.calls.fail(failure)
    expect(amid.refused).toEqual([2, 3])
  })
})
