import { type ManyTarget, type Node, procedure, type RpcOptions } from '@skerry/core'
import { describe, expect, it } from 'vitest'
import * as threads from '../fixtures/thread-procedures.mjs'
import * as procedures from './failure-procedures.ts'
import { echo, quantities } from './failure-procedures.ts'
import type { FailureWorld } from './failure-world.ts'
import { frameBytesMax } from './two-nodes.ts'

/** What its main thread has by address: actors, and calls by region that have not settled. */
async function entities(node: Node): Promise<number | undefined> {
  return (await node.threads())[0]?.stats?.actors
}

/** What is wrong with a call as it was made. */
export function refusals({ pair, failure }: FailureWorld): void {
  describe('the region', () => {
    it('that nobody knows is refused, naming those that are known', async () => {
      const error = await failure(pair().client.rpcRegion('hkg', echo, 1), 'ERR_NO_NODE_IN_REGION', 'not-run')
      expect(error.message).toContain('"hkg"')
      expect(error.message).toContain('lax, syd')
      expect(error).toMatchObject({ procedure: 'echo', region: 'hkg', node: undefined, attempts: [] })
    })

    it.each(['', 'all', 'a b', 'x'.repeat(65)])('%j is no name of a region', async (region) => {
      await failure(pair().client.rpcRegion(region, echo, 1), 'ERR_BAD_REGION', 'not-run')
    })

    it('falls back to the next of a list', async () => {
      expect(await pair().client.rpcRegion(['hkg', 'primary'], echo, 'tea')).toBe('tea')
    })
  })

  describe('the procedure', () => {
    const unknown = procedure({ name: 'nobody.has.it', run: () => 1 })

    it('that no node has is refused before anything is sent', async () => {
      const error = await failure(pair().client.rpcRegion('syd', unknown, 1), 'ERR_NO_PROCEDURE', 'not-run')
      expect(error.message).toContain('nobody.has.it')
      expect(error.attempts).toEqual([])
    })

    it('that this node does not have is refused by the node', async () => {
      const error = await failure(pair().client.rpc(pair().server.id, unknown, 1), 'ERR_NO_PROCEDURE', 'not-run')
      expect(error).toMatchObject({ node: pair().server.id, region: 'syd' })
    })

    it('of another version is refused, naming the version that is there', async () => {
      const wanted = procedure({ name: 'versioned', version: 6, run: (_ctx, text: string) => text })
      const fromTable = await failure(pair().client.rpcRegion('syd', wanted, 'x'), 'ERR_NO_PROCEDURE', 'not-run')
      const fromNode = await failure(pair().client.rpc(pair().server.id, wanted, 'x'), 'ERR_NO_PROCEDURE', 'not-run')
      for (const { message } of [fromTable, fromNode]) expect(message).toMatch(/version 7/)
    })

    it('serves the versions that it names as compatible', async () => {
      const older = procedure({ name: 'versioned', version: 5, run: (_ctx, text: string) => text })
      expect(await pair().client.rpcRegion('syd', older, 'x')).toBe('x')
    })

    it('called through a node that nobody knows is refused', async () => {
      await failure(pair().client.rpc('nobody', echo, 1), 'ERR_NODE_UNREACHABLE', 'not-run')
    })

    it.each([0, -1, Number.NaN, Infinity])('is not called with %d ms of time', async (timeoutMs) => {
      await failure(pair().client.rpcRegion('syd', echo, 1, { timeoutMs }), 'ERR_BAD_OPTIONS', 'not-run')
    })
  })

  describe('what has not the type that it should have', () => {
    const nothing = undefined as unknown as typeof echo

    it('as the procedure is an error of the call, by every verb, and leaves nothing behind', async () => {
      const { client, server } = pair()
      const before = await entities(client)
      for (const none of [nothing, 'echo' as unknown as typeof echo, { name: 'echo' } as typeof echo]) {
        await failure(client.rpcRegion('syd', none, 1), 'ERR_BAD_OPTIONS', 'not-run')
        await failure(client.rpc(server.id, none, 1), 'ERR_BAD_OPTIONS', 'not-run')
        await failure(client.rpcEach({ regions: 'all' }, none, 1), 'ERR_BAD_OPTIONS', 'not-run')
        await failure(client.stream('syd', none as never, 1).next(), 'ERR_BAD_OPTIONS', 'not-run')
        const cast = async (): Promise<void> => client.rpcCast('syd', none, 1)
        await failure(cast(), 'ERR_BAD_OPTIONS', 'not-run')
      }
      expect(await entities(client)).toBe(before)
    })

    it.each([
      { timeoutMs: '100' },
      { signal: {} },
      { explain: 'yes' },
      { idempotencyKey: 5 },
      { idempotencyKey: 'a\ud800' },
    ])('as the option %j is an error of the call, and leaves nothing behind', async (options) => {
      const { client } = pair()
      const before = await entities(client)
      const call = client.rpcRegion('syd', echo, 1, options as unknown as RpcOptions)
      const { message } = await failure(call, 'ERR_BAD_OPTIONS', 'not-run')
      expect(message).toContain(`${Object.keys(options)[0]} must`)
      expect(await entities(client)).toBe(before)
    })

    it('as the nodes that are meant is an error of the call', async () => {
      const { client } = pair()
      for (const target of [{}, 'all', { regions: 'syd' }, { nodes: 5 }, undefined] as unknown as ManyTarget[]) {
        const error = await failure(client.rpcEach(target, echo, 1), 'ERR_BAD_REGION', 'not-run')
        expect(error.message).toContain('{ regions: "all" }')
      }
    })
  })

  describe('the argument', () => {
    it('that fails the schema never reaches the procedure, and is checked once, there', async () => {
      const before = { ...quantities }
      const call = pair().client.rpcRegion('syd', procedures.order, 'ten')
      const error = await failure(call, 'ERR_INVALID_INPUT', 'not-run')
      expect(error.message).toContain('quantity: not a digit')
      expect(quantities).toEqual({ checked: before.checked + 1, ran: before.ran })
    })

    it('that passes the schema reaches the procedure transformed, once', async () => {
      const before = { ...quantities }
      expect(await pair().client.rpcRegion('syd', procedures.order, '3')).toBe(3)
      expect(quantities).toEqual({ checked: before.checked + 1, ran: before.ran + 1 })
    })

    it('that can not be encoded is refused with its path', async () => {
      const input = { order: { lines: [1, () => 1] } }
      const error = await failure(pair().client.rpcRegion('syd', echo, input), 'ERR_NOT_ENCODABLE', 'not-run')
      expect(error.message).toContain('input.order.lines[1]')
    })

    it('that is too large for a frame was not sent', async () => {
      const input = new Uint8Array(2 * frameBytesMax)
      await failure(pair().client.rpcRegion('syd', echo, input), 'ERR_FRAME_TOO_LARGE', 'not-run')
    })

    it('that is too large for another node is so for the own one as well', async () => {
      const input = new Uint8Array(2 * frameBytesMax)
      await failure(pair().server.rpcRegion('syd', echo, input), 'ERR_FRAME_TOO_LARGE', 'not-run')
    })
  })

  describe('the result', () => {
    it('that can not be encoded is an error that ran, with its path', async () => {
      const call = pair().client.rpcRegion('syd', procedures.resultWithFunction, undefined)
      const error = await failure(call, 'ERR_RESULT_NOT_ENCODABLE', 'ran')
      expect(error.message).toContain('result.lines[1].total')
    })

    it('that fails its schema is an error that ran', async () => {
      const error = await failure(pair().client.rpcRegion('syd', procedures.order, '0'), 'ERR_INVALID_OUTPUT', 'ran')
      expect(error.message).toContain('not positive')
    })

    it('that is too large for a frame is an error that ran', async () => {
      const call = pair().client.rpcRegion('syd', procedures.largeResult, 2 * frameBytesMax)
      await failure(call, 'ERR_FRAME_TOO_LARGE', 'ran')
    })

    it('that is too large for another node is so for the own one, and from its other threads', async () => {
      const bytes = 2 * frameBytesMax
      const here = pair().server.rpcRegion('syd', procedures.largeResult, bytes)
      await failure(here, 'ERR_FRAME_TOO_LARGE', 'ran')
      const there = pair().server.rpcRegion('syd', threads.largeThere, bytes)
      await failure(there, 'ERR_FRAME_TOO_LARGE', 'ran')
    })
  })
}
