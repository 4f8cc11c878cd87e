import { defineApp, memoryTransport, type Node, procedure, silentLog, startNode } from '@skerry/core'
import { describe, expect, it } from 'vitest'

const whoAsks = procedure({
  name: 'who.asks',
  run: (ctx, input: unknown) =>
    input === 'nobody' ? input : { input, caller: ctx.caller, isInTime: ctx.timeLeftMs <= 2_000 },
})

/** What a short argument and a short result are taken for, whatever way they go. */
async function asked(framesOnly: boolean): Promise<unknown[]> {
  const hub = `calls-${process.pid}-${framesOnly}`
  const start = (region: string, ...procedures: (typeof whoAsks)[]): Promise<Node> =>
    startNode(defineApp({ name: 'calls', children: [], procedures }), {
      region,
      log: silentLog,
      transport: memoryTransport({ hub, id: region, roles: [`${region}-role`], framesOnly }),
    })
  const [near, far] = [await start('near'), await start('far', whoAsks)]
  await near.waitFor(() => near.isRpcSupported(far.id, whoAsks), 'the procedure')
  const answers: unknown[] = []
  for (const input of ['skerr', 'nobody', 7, null, 'köln', { list: [1] }]) {
    answers.push(await near.rpcRegion('far', whoAsks, input, { timeoutMs: 2_000 }))
  }
  await Promise.all([near.stop(), far.stop()])
  return answers
}

describe('a call in memory', () => {
  it('is the same to its procedure and to its caller as a frame and as a record', async () => {
    const [asFrames, asRecords] = [await asked(true), await asked(false)]
    const caller = { node: 'near', region: 'near', roles: ['near-role'] }
    expect(asRecords).toEqual(asFrames)
    expect(asRecords.slice(0, 2)).toEqual([{ input: 'skerr', caller, isInTime: true }, 'nobody'])
  })
})
