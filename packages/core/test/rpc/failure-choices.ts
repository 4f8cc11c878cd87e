import { type RegionTarget, type RpcReport, startNode } from '@skerry/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { onTold } from '../fixtures/told.ts'
import { cuttable } from './cuttable-transport.ts'
import * as procedures from './failure-procedures.ts'
import { begun, echo, waits } from './failure-procedures.ts'
import { type FailureWorld, serverApp } from './failure-world.ts'
import { knows, makeTransport, quiet } from './two-nodes.ts'

/** Which node a call goes to, and what is told of it. */
export function choices({ kind, pair, failure }: FailureWorld): void {
  describe('the choice of a node', () => {
    it('is explained to the one who calls, when it answered', async () => {
      const { client, server } = pair()
      const reports: RpcReport[] = []
      const options = { explain: (report: RpcReport) => void reports.push(report) }
      expect(await client.rpcRegion(['hkg', 'syd'], echo, 1, options)).toBe(1)
      expect(reports).toEqual([
        {
          procedure: { name: 'echo', version: 1 },
          code: 'ok',
          attempts: [{ node: server.id, region: 'syd', code: 'ok', outcome: 'ran' }],
          choices: [
            expect.objectContaining({ target: ['hkg', 'syd'], taken: server.id, refusal: undefined }) as unknown,
          ],
        },
      ])
      expect(reports[0]?.choices[0]?.nodes).toEqual([
        expect.objectContaining({ node: server.id, region: 'syd', verdict: 'taken', versions: [1] }),
        expect.objectContaining({ node: client.id, region: 'lax', verdict: 'not-asked-for', rttMs: 0 }),
      ])
    })

    it('is explained when it failed, and when nobody could be asked', async () => {
      const { client, server } = pair()
      const reports: RpcReport[] = []
      const options = { explain: (report: RpcReport) => void reports.push(report) }
      await expect(client.rpcRegion('syd', procedures.throws, 'no', options)).rejects.toMatchObject({
        attempts: [{ node: server.id, region: 'syd', code: 'ERR_REMOTE_ERROR', outcome: 'ran' }],
      })
      await expect(client.rpcRegion('hkg', echo, 1, options)).rejects.toMatchObject({ attempts: [] })
      expect(reports.map(({ code, attempts }) => [code, attempts.length])).toEqual([
        ['ERR_REMOTE_ERROR', 1],
        ['ERR_NO_NODE_IN_REGION', 0],
      ])
      expect(reports[1]?.choices[0]).toMatchObject({ taken: undefined, refusal: expect.stringMatching(/"hkg"/) })
    })

    it('is explained when it was not even begun', async () => {
      const { client } = pair()
      const codes: string[] = []
      const options = {
        explain: ({ code, attempts }: RpcReport) => void codes.push(`${code}, ${attempts.length} attempts`),
      }
      const signal = AbortSignal.abort()
      await failure(client.rpcRegion('all', echo, 1, options), 'ERR_BAD_REGION', 'not-run')
      await failure(client.rpcRegion('syd', echo, 1, { ...options, timeoutMs: 0 }), 'ERR_BAD_OPTIONS', 'not-run')
      await failure(client.rpcRegion('syd', echo, 1, { ...options, signal }), 'ERR_RPC_ABORTED', 'not-run')
      await failure(
        client.rpcRegion('lax', echo, 1, { ...options, signal, inline: true }),
        'ERR_RPC_ABORTED',
        'not-run',
      )
      const input = (() => 0) as unknown as number
      await failure(client.rpcRegion('syd', echo, input, options), 'ERR_NOT_ENCODABLE', 'not-run')
      expect(codes).toEqual(
        ['ERR_BAD_REGION', 'ERR_BAD_OPTIONS', 'ERR_RPC_ABORTED', 'ERR_RPC_ABORTED', 'ERR_NOT_ENCODABLE'].map(
          (code) => `${code}, 0 attempts`,
        ),
      )
    })

    it('fails no call when what it was explained to throws', async () => {
      const explain = (): never => {
        throw new Error('a bug in the explanation')
      }
      expect(await pair().client.rpcRegion('syd', echo, 1, { explain })).toBe(1)
    })

    it('is explained without a call', () => {
      const { client, server } = pair()
      const { taken, nodes } = client.explain('primary', echo)
      expect(taken).toBe(server.id)
      expect(nodes.map(({ verdict }) => verdict)).toEqual(['taken', 'not-asked-for'])
      expect(() => client.explain('all', echo)).toThrow(expect.objectContaining({ code: 'ERR_BAD_REGION' }) as Error)
    })

    it('M13: [node] to one that is known and can not be reached any more is not run there: another one is asked', async () => {
      const { client, mesh } = pair()
      const start = async (region: string) => {
        const transport = cuttable(await makeTransport(kind.spec(mesh, { seeds: [...client.addresses] })))
        const options = { region, primaryRegion: 'syd', cluster: 'tests', transport: () => transport }
        const node = await startNode(serverApp, quiet(options))
        onTestFinished(() => node.stop())
        await knows(client, node, serverApp)
        return { node, transport }
      }
      const [one, other] = [await start('fra'), await start('fra')]
      // Calls that are sent at once are all of one mind which is the better one: that one is lost.
      const isOneTaken = client.explain('fra', echo).taken === one.node.id
      const [victim, sibling] = isOneTaken ? [one, other] : [other, one]
      const reports: RpcReport[] = []
      const calls: Promise<unknown>[] = []
      const ask = (target: RegionTarget, value: number): void => {
        calls.push(client.rpcRegion(target, echo, value, { explain: (report) => reports.push(report) }))
      }
      // The table is written a moment after the loss: in between the victim is chosen as before.
      onTold('skerry:peer.down', ({ node, peer }) => {
        if (node !== client.id || peer !== victim.node.id || calls.length > 0) return
        expect(client.regionNodes('fra')).toContain(victim.node.id)
        for (let call = 0; call < 20; call += 1) ask('fra', call)
      })
      const alone = victim.transport.stop()
      await expect.poll(() => calls.length).toBe(20)
      expect(await Promise.all(calls)).toEqual(calls.map((_, at) => at))
      const unreachable = { node: victim.node.id, region: 'fra', code: 'ERR_NODE_UNREACHABLE', outcome: 'not-run' }
      const answered = { node: sibling.node.id, region: 'fra', code: 'ok', outcome: 'ran' }
      const tried = reports.map(({ attempts }) => attempts)
      expect(tried).toContainEqual([unreachable, answered])
      for (const attempts of tried) expect(attempts.at(-1)).toEqual(answered)
      await alone
      await client.waitFor(() => client.regionOf(victim.node.id) === undefined, 'the end of the victim')
      await sibling.node.stop()
      await client.waitFor(() => client.regionNodes('fra').length === 0, 'the end of the sibling')
    })

    it('goes by the calls in flight that a node announces', async () => {
      const { client, server, join } = pair()
      const calls = Array.from({ length: 40 }, () => client.rpc(server.id, waits, undefined, { timeoutMs: 60_000 }))
      const running = await Promise.all(calls.map(() => begun.next()))
      const inFlight = (): number | undefined =>
        client.explain('syd', echo).nodes.find(({ node }) => node === server.id)?.inFlight
      await client.waitFor(() => inFlight() === 40, 'the calls in flight')
      const sibling = await join(serverApp, 'syd')
      await knows(client, sibling, serverApp)
      // Nothing was measured of the way there yet, so it counts as four times as far: on loopback, nearer than 40 calls.
      await client.waitFor(() => client.explain('syd', echo).taken === sibling.id, 'the idle one to be taken')
      for (const { answer } of running) answer('done')
      await Promise.all(calls)
      await sibling.stop()
      await client.waitFor(() => client.regionOf(sibling.id) === undefined, 'the sibling to be gone')
    })
  })
}
