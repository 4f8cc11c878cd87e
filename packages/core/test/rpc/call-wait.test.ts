import { virtualClock } from '@skerry/testing'
import { expect, it } from 'vitest'
import { timedOut } from '../../src/rpc/call-failures.ts'
import { CallWait } from '../../src/rpc/call-wait.ts'

it('a call that waits no more listens to no table, and its time does not come', async () => {
  const clock = virtualClock()
  const seen: string[] = []
  const stopListening = (): void => void seen.push('stopped')
  const timer = clock.after(10, () => seen.push('time'))
  const [both, table] = [new CallWait(timedOut, stopListening, timer), new CallWait(timedOut, stopListening, undefined)]
  both.stop()
  table.stop()
  await clock.advance(20)
  expect([seen, both.failure]).toEqual([['stopped', 'stopped'], timedOut])
})
