import { describe, expect, it } from 'vitest'
import { begun, echo, waits } from './failure-procedures.ts'
import { doomedCaller } from '../fixtures/thread-procedures.mjs'
import { callerName, type FailureWorld, remoteProcesses } from './failure-world.ts'

/** The caller gives up or is gone: the remote process is told and ends. */
export function callerEnds({ pair, failure }: FailureWorld): void {
  describe('a call that is given up', () => {
    it('at its time-out ends the remote process', async () => {
      const call = pair().client.rpcRegion('syd', waits, undefined, { timeoutMs: 50 })
      const { pid, aborted } = await begun.next()
      const ended = pair().server.watch(pid)
      const error = await failure(call, 'ERR_RPC_TIMEOUT', '(unknown|ran)' as 'unknown')
      expect(error.attempts).toHaveLength(1)
      await aborted
      expect(await ended).toBe('timeout')
      expect(await pair().server.watch(pid)).toBe('noproc')
    })

    it('by its signal ends the remote process, with the reason as cause', async () => {
      const controller = new AbortController()
      const call = pair().client.rpcRegion('syd', waits, undefined, { signal: controller.signal })
      const { pid, aborted } = await begun.next()
      const ended = pair().server.watch(pid)
      controller.abort(new RangeError('changed my mind'))
      const error = await failure(call, 'ERR_RPC_ABORTED', 'unknown')
      expect(error.cause).toMatchObject({ name: 'RangeError', message: 'changed my mind' })
      await aborted
      expect(await ended).toBe('cancelled')
    })

    it('before it was made is not run', async () => {
      const call = pair().client.rpcRegion('syd', waits, undefined, { signal: AbortSignal.abort() })
      await failure(call, 'ERR_RPC_ABORTED', 'not-run')
      expect(begun.waiting).toBe(0)
    })

    it('and aborted right after it was made still ends the remote process, if it began', async () => {
      const controller = new AbortController()
      const call = pair().client.rpcRegion('syd', waits, undefined, { signal: controller.signal })
      controller.abort()
      await failure(call, 'ERR_RPC_ABORTED', 'unknown')
      if (begun.waiting > 0) await (await begun.next()).aborted
    })

    it('by the end of the actor that made it ends the remote process', async () => {
      const { client, server } = pair()
      const call = client.call(callerName, 'wait', [])
      const { pid, aborted } = await begun.next()
      const ended = server.watch(pid)
      client.exit(callerName, 'kill')
      await expect(call).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', outcome: 'ran', reason: 'killed' })
      await aborted
      expect(await ended).toBe('killed')
      await expect.poll(() => client.whereis(callerName)).toBeDefined()
    })

    it('by the loss of the thread of the actor that made it ends the remote process on the other node', async () => {
      const { client, server } = pair()
      const gate = new SharedArrayBuffer(4)
      const actor = await client.start(doomedCaller, [gate], { thread: 'own' })
      const wanted = { name: waits.name, version: 1 }
      const call = client.call(actor, 'wait', ['syd', wanted], { timeoutMs: 60_000 })
      const { pid, aborted } = await begun.next()
      const ended = server.watch(pid)
      Atomics.store(new Int32Array(gate), 0, 1)
      Atomics.notify(new Int32Array(gate), 0)
      await expect(call).rejects.toMatchObject({ code: 'ERR_CALLEE_EXITED', outcome: 'unknown', reason: 'threadlost' })
      await aborted
      expect(await ended).toBe('threadlost')
      expect(await remoteProcesses(server)).toEqual([])
    }, 60_000)

    it('gets no late answer: what the ended process still gives is dropped and counted', async () => {
      const { client, server } = pair()
      const controller = new AbortController()
      const call = client.rpcRegion('syd', waits, undefined, { signal: controller.signal })
      const { pid, answer } = await begun.next()
      const ended = server.watch(pid)
      controller.abort()
      await failure(call, 'ERR_RPC_ABORTED', 'unknown')
      await ended
      const [clientBefore, serverBefore] = [client.counters(), server.counters()]
      answer('too late')
      expect(await client.rpcRegion('syd', echo, 1)).toBe(1)
      // The late answer needs some microtasks of its own to be noticed, and a call in memory is quick.
      await expect.poll(() => server.counters()).toEqual({ ...serverBefore, afterExit: serverBefore.afterExit + 1 })
      expect(client.counters()).toEqual(clientBefore)
    })
  })
}
