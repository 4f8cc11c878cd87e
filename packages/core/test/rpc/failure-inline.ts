import {
  actorName,
  child,
  contract,
  defineApp,
  Exit,
  genServer,
  type Node,
  type Pid,
  procedure,
  type RpcError,
} from '@skerry/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { Sightings } from '../fixtures/sightings.ts'
import { onTold } from '../fixtures/told.ts'
import type { FailureWorld } from './failure-world.ts'

const push = procedure({
  name: 'inline.push',
  run: (ctx, list: unknown[]) => {
    list.push(ctx.idempotencyKey ?? 'no key')
    return list
  },
})
const where = procedure({
  name: 'inline.where',
  run: (ctx) => ({ serial: ctx.self.serial, caller: ctx.caller, left: ctx.timeLeftMs }),
})
const fails = procedure({
  name: 'inline.fails',
  run: (_ctx, how: string): string => {
    throw how === 'exit' ? new Exit('enough') : new RangeError(how)
  },
})
const started = new Sightings<(value: string) => void>()
const inlines = new Sightings<Pid>()
const hangs = procedure({
  name: 'inline.hangs',
  run: () => new Promise<string>((answer) => started.add(answer)),
})
const double = contract({
  name: 'inline.double',
  input: z.string().transform(Number),
  output: z.number(),
})
const doubleHere = double.implement({ run: (_ctx, number) => 2 * number })

const asker = genServer({
  name: 'asker',
  init: () => undefined,
  call: {
    where: (ctx) => ctx.rpcRegion('gru', where, undefined, { inline: true }),
    me: (ctx) => ctx.self.serial,
    fail: async (ctx, how: string) => {
      try {
        return await ctx.rpcRegion('gru', fails, how, { inline: true })
      } catch (error) {
        const { code, outcome, reason, cause } = error as RpcError
        return `${code} ${outcome} ${JSON.stringify(reason)} ${String((cause as Error | undefined)?.name)}`
      }
    },
  },
})
const askerName = actorName<{
  call: { where(): { serial: number; caller: unknown; left: number }; me(): number; fail(how: string): string }
}>('inline.asker')

const app = defineApp({
  name: 'inline',
  children: [child('asker', asker, [], { register: askerName })],
  procedures: [push, where, fails, hangs, doubleHere],
})

/** Calls that may run as a function call of their caller. */
export function inlineCalls({ pair }: FailureWorld): void {
  describe('an inline call', () => {
    it('is given the very object, and gives back the very object', async () => {
      const node = await join()
      const list = [1]
      expect(await node.rpcRegion('gru', push, list, { inline: true, idempotencyKey: 'k' })).toBe(list)
      expect(list).toEqual([1, 'k'])
      expect(await node.rpcRegion('gru', push, list)).not.toBe(list)
    })

    it('runs in the actor that makes it', async () => {
      const node = await join()
      const { serial, caller, left } = await node.call(askerName, 'where', [])
      expect(serial).toBe(await node.call(askerName, 'me', []))
      expect(caller).toEqual({ node: node.id, region: 'gru', roles: [] })
      expect(left).toBeGreaterThan(0)
    })

    it('fails as any other, and an Exit ends nobody', async () => {
      const node = await join()
      expect(await node.call(askerName, 'fail', ['no tea'])).toBe('ERR_REMOTE_ERROR ran undefined RangeError')
      expect(await node.call(askerName, 'fail', ['exit'])).toBe('ERR_REMOTE_EXIT ran "enough" undefined')
      await expect(node.rpcRegion('gru', fails, 'no tea', { inline: true })).rejects.toMatchObject({
        code: 'ERR_REMOTE_ERROR',
        node: node.id,
        region: 'gru',
        attempts: [{ node: node.id, region: 'gru', code: 'ERR_REMOTE_ERROR', outcome: 'ran' }],
      })
    })

    it('applies the schemas, found by the contract alone', async () => {
      const node = await join()
      expect(await node.rpcRegion('gru', double, '21', { inline: true })).toBe(42)
      const wrong = node.rpcRegion('gru', double, 21 as never, { inline: true })
      await expect(wrong).rejects.toMatchObject({ code: 'ERR_INVALID_INPUT', outcome: 'not-run' })
    })

    it('is waited for no longer than its deadline, or its signal', async () => {
      const node = await join()
      const late = node.rpcRegion('gru', hangs, undefined, { inline: true, timeoutMs: 30 })
      const answer = await started.next()
      await expect(late).rejects.toMatchObject({ code: 'ERR_RPC_TIMEOUT', outcome: 'unknown' })
      answer('nobody hears it')
      const controller = new AbortController()
      const call = node.rpcRegion('gru', hangs, undefined, { inline: true, signal: controller.signal })
      const answerAgain = await started.next()
      controller.abort()
      await expect(call).rejects.toMatchObject({ code: 'ERR_RPC_ABORTED', outcome: 'unknown' })
      answerAgain('nobody hears it')
    })

    it('of plain code fails at once when the actor that it runs in is ended', async () => {
      const node = await join()
      onTold('skerry:actor.spawn', ({ label, ...pid }) => {
        if (label === 'inline') inlines.add(pid as unknown as Pid)
      })
      const call = node.rpcRegion('gru', hangs, undefined, { inline: true, timeoutMs: 600_000 })
      const process = await inlines.next()
      const answer = await started.next()
      node.exit(process, 'enough')
      await expect(call).rejects.toMatchObject({ code: 'ERR_REMOTE_EXIT', outcome: 'unknown', reason: 'enough' })
      answer('nobody hears it')
      onTold('skerry:actor.spawn', ({ label, ...pid }) => {
        if (label === 'inline') node.exit(pid as unknown as Pid, 'kill')
      })
      const other = node.rpcRegion('gru', hangs, undefined, { inline: true, timeoutMs: 600_000 })
      await expect(other).rejects.toMatchObject({ code: 'ERR_REMOTE_EXIT', outcome: 'not-run' })
    })

    it('is a call as any other where the target leads elsewhere', async () => {
      const node = await join()
      const { client } = pair()
      await client.waitFor(() => client.isRpcSupported(node.id, push), 'the procedure')
      const list = [1]
      expect(await client.rpcRegion(['gru'], push, list, { inline: true })).toEqual([1, 'no key'])
      expect(list).toEqual([1])
    })
  })

  async function join(): Promise<Node> {
    const { client, join: joinPair } = pair()
    const node = await joinPair(app, 'gru')
    onTestFinished(async () => {
      await node.stop()
      await client.waitFor(() => client.regionOf(node.id) === undefined, 'its end')
    })
    await node.waitFor(() => node.isRpcSupported(node.id, push), 'its own procedures')
    return node
  }
}
