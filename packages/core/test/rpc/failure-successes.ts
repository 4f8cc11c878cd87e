import { describe, expect, it } from 'vitest'
import * as threads from '../fixtures/thread-procedures.mjs'
import * as procedures from './failure-procedures.ts'
import { begun, echo, waits } from './failure-procedures.ts'
import type { FailureWorld } from './failure-world.ts'

/** What a call carries when nothing fails. */
export function successes({ pair }: FailureWorld): void {
  describe('a call', () => {
    it('carries its idempotency key and who makes it', async () => {
      const { client } = pair()
      const call = client.rpcPrimary(waits, undefined, { idempotencyKey: 'order-17' })
      const { idempotencyKey, caller, answer } = await begun.next()
      answer('done')
      expect(await call).toBe('done')
      expect({ idempotencyKey, caller }).toEqual({
        idempotencyKey: 'order-17',
        caller: { node: client.id, region: 'lax', roles: [] },
      })
    })

    it('runs on a thread of its own, which sees the regions', async () => {
      const seen = await pair().client.rpcRegion('syd', threads.whereAmI, undefined)
      expect(seen).toEqual({
        isMainThread: false,
        thread: expect.any(Number) as number,
        regions: ['lax', 'syd'],
        myRegion: 'syd',
      })
      expect(seen.thread).toBeGreaterThan(0)
    })

    it('may call back from a thread of its own', async () => {
      const sum = await pair().client.rpcRegion('syd', threads.addThere, { region: 'lax', left: 2, right: 3 })
      expect(sum).toBe(5)
    })

    it('may call its own region from a thread of its own', async () => {
      const sum = await pair().client.rpcRegion('syd', threads.addThere, { region: 'syd', left: 2, right: 3 })
      expect(sum).toBe(5)
    })

    it('to the own region copies what goes in and what comes out', async () => {
      const list = [1]
      const returned = await pair().server.rpcRegion('syd', procedures.mutates, list)
      expect(list).toEqual([1])
      expect(returned).toEqual([1, 99])
      returned.push(100)
      expect(procedures.kept).toEqual([1, 99])
    })

    it('to the own region fails like one to another', async () => {
      const { server } = pair()
      const call = server.rpcRegion('syd', procedures.throws, 'no tea')
      await expect(call).rejects.toMatchObject({ name: 'RpcError', code: 'ERR_REMOTE_ERROR', node: server.id })
      const slow = server.rpcRegion('syd', waits, undefined, { timeoutMs: 500 })
      const { aborted } = await begun.next()
      await expect(slow).rejects.toMatchObject({ code: 'ERR_RPC_TIMEOUT' })
      await aborted
    })

    it.each(['lax', 'syd'])('within a call has no more time than that one, to %s', async (region) => {
      const timeoutMs = 30_000
      const left = await pair().client.rpcRegion('syd', procedures.timeLeftWithin, region, { timeoutMs })
      expect(left).toBeGreaterThan(0)
      expect(left).toBeLessThanOrEqual(timeoutMs)
    })

    it.each(['lax', 'syd'])('within a call on a thread has no more time than that one, to %s', async (region) => {
      const timeoutMs = 30_000
      const asked = { region, wanted: { name: procedures.timeLeft.name, version: 1 } }
      const left = await pair().client.rpcRegion('syd', threads.timeLeftThere, asked, { timeoutMs })
      expect(left).toBeGreaterThan(0)
      expect(left).toBeLessThanOrEqual(timeoutMs)
    })

    it('of a hundred at a time gets its own answer', async () => {
      const { client } = pair()
      const numbers = Array.from({ length: 100 }, (_, index) => index)
      expect(await Promise.all(numbers.map((number) => client.rpcRegion('syd', echo, number)))).toEqual(numbers)
    })
  })
}
