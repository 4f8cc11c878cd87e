import { setMaxListeners } from 'node:events'
import { child, defineApp, genServer, type Node, type OfferedProcedure, procedure, streamProcedure } from '@skerry/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import * as threads from '../fixtures/thread-procedures.mjs'
import type { FailureWorld } from './failure-world.ts'

const greet = procedure({ name: 'waits.greet', run: (ctx, name: string) => `${name}, from ${ctx.myRegion}` })
const greetTwice = streamProcedure({
  name: 'waits.greetTwice',
  async *run(ctx, name: string) {
    yield name
    yield `${name}, from ${ctx.myRegion}`
  },
})
const greeter = defineApp({ name: 'greeter', children: [], procedures: [greet, greetTwice, threads.add] })
const hold = procedure({
  name: 'waits.hold',
  run: (ctx) => new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve(), { once: true })),
})
const busy = defineApp({ name: 'busy', children: [], procedures: [greet, hold] })
const nobodys = defineApp({ name: 'nobody', children: [] })

/** Nobody can serve a call yet, or not any more. */
export function waitingCalls({ pair, failure }: FailureWorld): void {
  describe('a call that waits', () => {
    it('is made when a node that can serve it shows up', async () => {
      const call = pair().client.rpcRegion('gru', greet, 'tea', { wait: true, timeoutMs: 30_000 })
      // A node without the procedure is none that can.
      await join(nobodys, 'gru')
      await join(greeter, 'gru')
      expect(await call).toBe('tea, from gru')
    })

    it('may be a stream', async () => {
      const items = pair().client.stream('gru', greetTwice, 'tea', { wait: true, timeoutMs: 30_000 })
      const first = items.next()
      await join(greeter, 'gru')
      expect(await first).toEqual({ value: 'tea', done: false })
      expect(await items.next()).toEqual({ value: 'tea, from gru', done: false })
      expect(await items.next()).toEqual({ value: undefined, done: true })
    })

    it('may be made by a procedure on a thread of its own', async () => {
      const { client } = pair()
      const options = { timeoutMs: 30_000 }
      const sum = client.rpcRegion('syd', threads.addWhenThere, { region: 'gru', left: 2, right: 3 }, options)
      const regions = client.rpcRegion('syd', threads.regionsWith, 'gru', options)
      await join(greeter, 'gru')
      expect(await sum).toBe(5)
      expect(await regions).toEqual(['gru', 'lax', 'syd'])
    })

    it('is not run when nobody shows up in its time, and says who is known', async () => {
      const call = pair().client.rpcRegion('gru', greet, 'tea', { wait: true, timeoutMs: 50 })
      const error = await failure(call, 'ERR_NO_NODE_IN_REGION', 'not-run')
      expect(error.message).toMatch(/"gru".*lax, syd.*waited in vain/)
      expect(error.attempts).toEqual([])
    })

    it('is not run when it is given up', async () => {
      const controller = new AbortController()
      const call = pair().client.rpcRegion('gru', greet, 'tea', { wait: true, signal: controller.signal })
      controller.abort()
      await failure(call, 'ERR_RPC_ABORTED', 'not-run')
    })
  })

  describe('a procedure that a node does not have', () => {
    it('is never asked of it: a sibling in the region is', async () => {
      const { client } = pair()
      await join(nobodys, 'gru')
      const sibling = await join(greeter, 'gru')
      await client.waitFor(() => client.regionNodes('gru').length === 2, 'both')
      await client.waitFor(() => client.isRpcSupported(sibling.id, greet), 'the procedure')
      for (let round = 0; round < 20; round += 1) {
        const nodes: unknown[] = []
        await client.rpcRegion('gru', greet, 'tea', { explain: ({ attempts }) => nodes.push(...attempts) })
        expect(nodes).toEqual([expect.objectContaining({ node: sibling.id })])
      }
    })

    it('although it said so is refused there, and the call goes to a sibling', async () => {
      const { client } = pair()
      const boaster = await join(boasting(), 'gru')
      await client.waitFor(() => client.isRpcSupported(boaster.id, greet), 'the boast')
      await expect(client.rpcRegion('gru', greet, 'tea')).rejects.toMatchObject({ code: 'ERR_NO_PROCEDURE' })
      const sibling = await join(busy, 'gru')
      await client.waitFor(() => client.isRpcSupported(sibling.id, hold), 'the sibling')
      const held = new AbortController()
      // More calls on one signal than Node thinks likely.
      setMaxListeners(200, held.signal)
      const options = { signal: held.signal, timeoutMs: 30_000 }
      const busyWith = Promise.allSettled(
        Array.from({ length: 200 }, () => client.rpc(sibling.id, hold, undefined, options)),
      )
      onTestFinished(async () => {
        held.abort()
        await busyWith
      })
      const waitMs = ({ id }: Node): number | undefined =>
        client.explain('gru', greet).nodes.find(({ node }) => node === id)?.expectedWaitMs
      const isFirst = (): boolean => (waitMs(boaster) ?? Infinity) < (waitMs(sibling) ?? -Infinity)
      let attempts: readonly { readonly node: string; readonly code: string; readonly outcome: string }[] = []
      while (attempts.length < 2) {
        // Among two the shorter wait is always taken.
        await client.waitFor(isFirst, 'the sibling to be the busier one')
        const explain = (report: { attempts: typeof attempts }): void => void (attempts = report.attempts)
        expect(await client.rpcRegion('gru', greet, 'tea', { explain })).toBe('tea, from gru')
      }
      expect(attempts).toEqual([
        { node: boaster.id, region: 'gru', code: 'ERR_NO_PROCEDURE', outcome: 'not-run' },
        { node: sibling.id, region: 'gru', code: 'ok', outcome: 'ran' },
      ])
    })

    it('at the version of the caller is asked of one that serves that version as well', async () => {
      const { client } = pair()
      const old = procedure({ name: 'waits.versions', version: 1, run: () => 1 })
      const young = procedure({ name: 'waits.versions', version: 3, compatible: [2], run: () => 3 })
      await join(defineApp({ name: 'old', children: [], procedures: [old] }), 'gru')
      await join(defineApp({ name: 'young', children: [], procedures: [young] }), 'gru')
      await client.waitFor(() => {
        const { nodes } = client.explain('gru', old)
        // One may be known before what it serves is.
        return nodes.filter(({ versions }) => versions.length > 0).length === 2
      }, 'both')
      const of = (version: number) => procedure({ name: 'waits.versions', version, run: () => 0 })
      expect(await client.rpcRegion('gru', of(1), undefined)).toBe(1)
      expect(await client.rpcRegion('gru', of(2), undefined)).toBe(3)
      expect(await client.rpcRegion('gru', of(3), undefined)).toBe(3)
      const error = await failure(client.rpcRegion('gru', of(4), undefined), 'ERR_NO_PROCEDURE', 'not-run')
      expect(error.message).toContain('they have version 1, 3')
    })
  })

  async function join(app: Parameters<ReturnType<typeof pair>['join']>[0], region: string): Promise<Node> {
    const { client, join: joinPair } = pair()
    const node = await joinPair(app, region)
    onTestFinished(async () => {
      await node.stop()
      await client.waitFor(() => client.regionOf(node.id) === undefined, 'its end')
    })
    return node
  }
}

/** Announces what it does not serve: its list grows while it starts. */
function boasting(): Parameters<ReturnType<FailureWorld['pair']>['join']>[0] {
  const procedures: OfferedProcedure[] = []
  const boast = genServer({ name: 'boast', init: () => void procedures.push(greet) })
  return defineApp({ name: 'boasting', children: [child('boast', boast, [])], procedures })
}
