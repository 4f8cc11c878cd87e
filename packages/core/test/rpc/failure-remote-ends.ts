import { describe, expect, it } from 'vitest'
import * as threads from '../fixtures/thread-procedures.mjs'
import * as procedures from './failure-procedures.ts'
import { begun, waits } from './failure-procedures.ts'
import { callerName, type FailureWorld, remoteProcesses } from './failure-world.ts'
import { frameBytesMax } from './two-nodes.ts'

/** How the remote process comes to its end without a result. */
export function remoteEnds({ pair, failure }: FailureWorld): void {
  describe('a remote process that throws', () => {
    it('rejects with the class, the message, the code, the causes and the remote stack', async () => {
      const call = pair().client.rpcRegion('syd', procedures.throws, 'no tea')
      const error = await failure(call, 'ERR_REMOTE_ERROR', 'ran')
      const cause = error.cause as Error & { cause: Error & { cause: Error } }
      expect(cause).toMatchObject({ name: 'StockError', message: 'no tea', code: 'ERR_OUT_OF_STOCK' })
      expect(cause.cause).toMatchObject({ name: 'RangeError', message: 'the shelf is empty' })
      expect(cause.cause.cause.message).toContain('rats')
      expect(error.remoteStack).toContain('failure-procedures.ts')
      expect(error).toMatchObject({ node: pair().server.id, region: 'syd', procedure: 'throws' })
      const attempt = { node: pair().server.id, region: 'syd', code: 'ERR_REMOTE_ERROR', outcome: 'ran' }
      expect(error.attempts).toEqual([attempt])
    })

    it('keeps a thrown value that is no error', async () => {
      const call = pair().client.rpcRegion('syd', procedures.throwsAValue, undefined)
      const error = await failure(call, 'ERR_REMOTE_ERROR', 'ran')
      expect((error.cause as Error).message).toContain('{"odd":1}')
    })

    it('is heard of also when its message is larger than a frame', async () => {
      const call = pair().client.rpcRegion('syd', procedures.throwsAtLength, 2 * frameBytesMax)
      const error = await failure(call, 'ERR_REMOTE_ERROR', 'ran')
      expect(error.cause).toMatchObject({ name: 'RangeError', message: expect.stringMatching(/^x{1000}/) as unknown })
    })

    it('leaves the calling actor alive, with its state', async () => {
      const before = await pair().client.call(callerName, 'asked', [])
      expect(await pair().client.call(callerName, 'tryThrows', ['no tea'])).toBe('ERR_REMOTE_ERROR')
      expect(await pair().client.call(callerName, 'asked', [])).toBe(before + 1)
    })

    it('on a thread of its own does so as well', async () => {
      const error = await failure(
        pair().client.rpcRegion('syd', threads.throwsInside, undefined),
        'ERR_REMOTE_ERROR',
        'ran',
      )
      expect(error.cause).toMatchObject({ name: 'RangeError', message: 'on a thread' })
    })
  })

  describe('a remote process that exits', () => {
    it.each(['enough', 'normal', 'kill'])('with %j is told to the caller at once', async (reason) => {
      const error = await failure(pair().client.rpcRegion('syd', procedures.exits, reason), 'ERR_REMOTE_EXIT', 'ran')
      expect(error).toMatchObject({ reason })
    })

    it('with a reason that can not be carried still ends the call', async () => {
      const call = pair().client.rpcRegion('syd', procedures.exitsOddly, undefined)
      const error = await failure(call, 'ERR_REMOTE_EXIT', 'ran')
      expect(error.reason).toMatchObject({ name: 'UnportableReason', message: expect.stringContaining('reason.fn') })
    })

    it('because it was killed ends the call with killed', async () => {
      const call = pair().client.rpcRegion('syd', waits, undefined)
      const { pid } = await begun.next()
      pair().server.exit(pid, 'kill')
      expect(await failure(call, 'ERR_REMOTE_EXIT', 'ran')).toMatchObject({ reason: 'killed' })
    })

    it('on a thread of its own does so as well', async () => {
      const call = pair().client.rpcRegion('syd', threads.endsItself, undefined)
      expect(await failure(call, 'ERR_REMOTE_EXIT', 'ran')).toMatchObject({ reason: { type: 'enough' } })
    })
  })

  describe('a thread of its own', () => {
    it('that ends its process is a lost thread, and only that', async () => {
      const call = pair().client.rpcRegion('syd', threads.exitsProcess, undefined)
      expect(await failure(call, 'ERR_REMOTE_EXIT', 'unknown')).toMatchObject({ reason: 'threadlost' })
    })

    it('that throws outside of any actor ends with that error', async () => {
      const call = pair().client.rpcRegion('syd', threads.throwsOutside, undefined)
      const error = await failure(call, 'ERR_REMOTE_EXIT', 'ran')
      expect(error.reason).toMatchObject({ name: 'RangeError', message: 'outside of any actor' })
      expect(error.cause).toMatchObject({ name: 'RangeError', message: 'outside of any actor' })
    })

    it('that does not find the procedure in its module did not run it', async () => {
      const call = pair().client.rpcRegion('syd', threads.hiddenProcedure(), undefined)
      const error = await failure(call, 'ERR_PROCESS_START', 'not-run')
      expect(error.cause).toMatchObject({ code: 'ERR_MODULE_LOAD' })
      expect(error.message).toContain('thread-procedures.mjs')
      expect(error.message).toContain('export it')
    })

    it('that never yields is killed at the deadline, also on the pool, whose other calls go on elsewhere', async () => {
      // Its thread has booted before: on a slow machine the deadline would otherwise pass first.
      await pair().client.rpcRegion('syd', threads.whereOnPool, undefined)
      const call = pair().client.rpcRegion('syd', threads.spinOnPool, undefined, { timeoutMs: 300 })
      await failure(call, 'ERR_RPC_TIMEOUT', 'unknown')
      await expect.poll(() => remoteProcesses(pair().server)).toEqual([])
      expect(pair().server.counters().stuckThreads).toBeGreaterThan(0)
      const seen = await pair().client.rpcRegion('syd', threads.whereOnPool, undefined)
      expect(seen).toMatchObject({ isMainThread: false, myRegion: 'syd' })
    })

    it('that never yields is killed at the deadline', async () => {
      const call = pair().client.rpcRegion('syd', threads.spinForever, undefined, { timeoutMs: 300 })
      await failure(call, 'ERR_RPC_TIMEOUT', 'unknown')
      await expect.poll(() => remoteProcesses(pair().server)).toEqual([])
    })
  })
}
