import type { RpcReport } from '@skerry/core'
import { manualPlatform } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { Kernel } from '../../src/actor/kernel.ts'
import type { Pid } from '../../src/actor/pid.ts'
import type { RemoteOwner, RemoteServices, RpcOptions } from '../../src/actor/remote-verbs.ts'
import type { Failure, SpawnSignal } from '../../src/actor/signal.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import {
  createRegionTable,
  openRegionTable,
  type RegionTableNode,
  regionTableWriter,
} from '../../src/region/region-table.ts'
import { RpcError } from '../../src/rpc/errors.ts'
import { afterNotPrimary, isNews, primaryNewsMs } from '../../src/rpc/primary-news.ts'
import { createRpcClient } from '../../src/rpc/rpc-client.ts'

const write = { name: 'write', version: 1 }

describe('a refusal as not primary', () => {
  const byEpoch = (primaryEpoch: number): Failure => ({
    code: 'ERR_NOT_PRIMARY',
    outcome: 'not-run',
    message: '',
    primaryEpoch,
  })

  it('of a node that knows a newer primary is waited out, of one that is behind is not', () => {
    expect(afterNotPrimary(byEpoch(4), 'syd', { primaryRegion: 'syd', primaryEpoch: 3 })).toBe('wait')
    expect(afterNotPrimary(byEpoch(3), 'syd', { primaryRegion: 'syd', primaryEpoch: 3 })).toBe('wait')
    expect(afterNotPrimary(byEpoch(2), 'syd', { primaryRegion: 'syd', primaryEpoch: 3 })).toBe('elsewhere')
  })

  it('by configurations that differ is not waited out: no news will settle it', () => {
    expect(afterNotPrimary(byEpoch(0), 'syd', { primaryRegion: 'syd', primaryEpoch: 0 })).toBe('elsewhere')
  })

  it('is void where the news has come meanwhile', () => {
    expect(afterNotPrimary(byEpoch(4), 'syd', { primaryRegion: 'lax', primaryEpoch: 4 })).toBe('again')
  })

  it('is news when the region is another one, or the same in a later epoch', () => {
    expect(isNews(byEpoch(4), 'syd', { primaryRegion: 'syd', primaryEpoch: 4 })).toBe(false)
    expect(isNews(byEpoch(4), 'syd', { primaryRegion: 'lax', primaryEpoch: 4 })).toBe(true)
    expect(isNews(byEpoch(4), 'syd', { primaryRegion: 'syd', primaryEpoch: 5 })).toBe(true)
  })
})

describe('[node] a call for the primary', () => {
  it('that is refused by the old one waits for the table, and then goes to the new one, as one attempt each', async () => {
    const world = new World('syd', 3)
    const reports: RpcReport[] = []
    const call = world.call({ explain: (report) => reports.push(report) })
    world.refuse(4)
    world.write('syd', 3)
    expect(world.asked).toEqual(['s1'])
    world.write('lax', 4)
    expect(world.asked).toEqual(['s1', 'l1'])
    world.answer('done')
    expect(await call).toBe('done')
    expect(reports[0]?.attempts.map(({ node, code }) => [node, code])).toEqual([
      ['s1', 'ERR_NOT_PRIMARY'],
      ['l1', 'ok'],
    ])
  })

  it('goes at once where the table has meanwhile moved to', async () => {
    const world = new World('syd', 3)
    const call = world.call()
    world.write('lax', 4)
    world.refuse(4)
    world.answer('done')
    expect(await call).toBe('done')
    expect(world.asked).toEqual(['s1', 'l1'])
  })

  it('fails when the news does not come in two seconds', async () => {
    const world = new World('syd', 3)
    const call = failureOf(world.call({ timeoutMs: 60_000 }))
    world.refuse(4)
    await world.platform.advance(primaryNewsMs)
    expect(await call).toMatchObject({ code: 'ERR_NOT_PRIMARY', outcome: 'not-run' })
    world.write('lax', 4)
    expect(world.asked).toEqual(['s1'])
  })

  it('fails at its deadline, if that is sooner, as not run', async () => {
    const world = new World('syd', 3)
    const call = failureOf(world.call({ timeoutMs: 500 }))
    world.refuse(4)
    await world.platform.advance(500)
    expect(await call).toMatchObject({ code: 'ERR_NOT_PRIMARY', outcome: 'not-run' })
  })

  it('gives up a primary that moves again and again', async () => {
    const world = new World('syd', 3)
    const call = failureOf(world.call({ timeoutMs: 60_000 }))
    for (let epoch = 4; epoch < 10; epoch += 1) {
      world.refuse(epoch)
      world.write(epoch % 2 === 0 ? 'lax' : 'syd', epoch)
    }
    const error = await call
    expect(error).toMatchObject({ code: 'ERR_NOT_PRIMARY', outcome: 'not-run' })
    // Three moves, then at most three attempts that count.
    expect(error.attempts.length).toBeLessThanOrEqual(6)
  })

  it('for a region by name does not wait: another primary is not what was asked for', async () => {
    const world = new World('syd', 3)
    const call = failureOf(world.call({}, 'syd'))
    world.refuse(4)
    expect(await call).toMatchObject({ code: 'ERR_NOT_PRIMARY', outcome: 'not-run' })
  })
})

/** The client of a node in `fra`, beside one node in `syd` and one in `lax`, whose answers the test gives. */
class World {
  readonly platform = manualPlatform()
  /** The nodes that were sent the request, in order. */
  readonly asked: string[] = []
  readonly #kernel = new Kernel({
    node: 'f1',
    life: 1,
    thread: 0,
    platform: this.platform,
    codec: msgpackCodec(),
  })
  readonly #table = createRegionTable()
  readonly #remote: RemoteServices = createRpcClient(this.#kernel, openRegionTable(this.#table))
  #last: SpawnSignal | undefined

  constructor(primaryRegion: string, primaryEpoch: number) {
    this.#kernel.remote = this.#remote
    this.#kernel.away = {
      route: (signal) => {
        if (signal.type !== 'spawn') return
        this.#last = signal
        this.asked.push(signal.to.node)
      },
    }
    this.write(primaryRegion, primaryEpoch)
  }

  call(options: RpcOptions = {}, target = 'primary'): Promise<unknown> {
    return this.#remote.callRegion(plainOwner, target, write, 1, options)
  }

  write(primaryRegion: string, primaryEpoch: number): void {
    const nodes = [node('f1', 'fra'), node('s1', 'syd'), node('l1', 'lax')]
    const data = { self: 'f1', myRegion: 'fra', primaryRegion, primaryEpoch, omitted: 0, nodes }
    regionTableWriter(this.#table).write(data)
    this.#remote.tableWritten()
  }

  refuse(primaryEpoch: number): void {
    const failure: Failure = { code: 'ERR_NOT_PRIMARY', outcome: 'not-run', message: 'not here', primaryEpoch }
    const { from, via } = this.#asked()
    this.#kernel.deliver({ type: 'reply', to: from, ref: 0, via, result: { ok: false, failure } })
  }

  answer(value: unknown): void {
    const { from, via } = this.#asked()
    const encoded = this.#kernel.codec.encode(value)
    this.#kernel.deliver({ type: 'reply', to: from, ref: 0, via, result: { ok: true, value: encoded, encoded: true } })
  }

  #asked(): { from: Pid; via: string } {
    const { from, to } = this.#last as SpawnSignal
    return { from, via: to.node }
  }
}

const plainOwner: RemoteOwner = { alive: true, deadlineMs: undefined, attach() {}, detach() {} }

function node(id: string, region: string): RegionTableNode {
  const procedures = [{ name: 'write', version: 1, compatible: [], schema: undefined }]
  const known = { life: 1, state: 'up', appVersion: '', load: 0, inFlight: 0, isStuck: false, rttMs: 1 } as const
  return { ...known, node: id, region, procedures }
}

async function failureOf(call: Promise<unknown>): Promise<RpcError> {
  try {
    await call
  } catch (error) {
    if (error instanceof RpcError) return error
    throw error
  }
  throw new Error('it answered')
}
