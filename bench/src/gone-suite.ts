import type { Worker } from 'node:worker_threads'
import { defineApp, type Node, silentLog, startNode } from '@skerry/core'
import { createMemoryTransport } from '@skerry/core/simulation'
import type { RawLink, Transport } from '@skerry/core/transport'
import { type Figures, fullPace, type Pace, quantile } from './contest.ts'
import { nextWaiting, spins, waits } from './gone-procedures.ts'
import { type Row, rowOf, skerry } from './row.ts'

const app = defineApp({ name: 'gone', children: [], procedures: [spins, waits] })
const goals = [{ compare: '<=', factor: 250 }] as const

/** From the news that nobody waits any more, a cancellation or the end of the link, until the process, and its thread if it has one, is gone. */
export async function goneSuite(pace: Pace, wants: (row: string) => boolean): Promise<Row[]> {
  const rounds = pace.sliceMs < fullPace.sliceMs ? 3 : 50
  const links = new Set<RawLink>()
  const hub = 'gone'
  const start = (region: string, transport: () => Transport): Promise<Node> =>
    startNode(app, { region, primaryRegion: 'syd', log: silentLog, transport })
  const server = await start('syd', () => createMemoryTransport({ hub }))
  const client = await start('lax', () => noting(createMemoryTransport({ hub }), links))
  const cut = (): void => {
    for (const link of [...links]) link.close('cut by the bench')
  }
  const workers = watchWorkers()

  const onOwn = async (end: (controller: AbortController) => void): Promise<number> => {
    await client.waitFor(() => client.isRpcSupported(server.id, spins), 'the procedure')
    const controller = new AbortController()
    const begun = workers.nextBegun()
    client.rpc(server.id, spins, undefined, { signal: controller.signal, timeoutMs: 60_000 }).catch(() => undefined)
    const worker = await begun
    const gone = new Promise((resolve) => worker.once('exit', resolve))
    const started = performance.now()
    end(controller)
    await gone
    return performance.now() - started
  }
  const onMain = async (end: (controller: AbortController) => void): Promise<number> => {
    await client.waitFor(() => client.isRpcSupported(server.id, waits), 'the procedure')
    const controller = new AbortController()
    const begun = nextWaiting()
    client.rpc(server.id, waits, undefined, { signal: controller.signal, timeoutMs: 60_000 }).catch(() => undefined)
    const gone = server.watch(await begun)
    const started = performance.now()
    end(controller)
    await gone
    return performance.now() - started
  }
  const ways = [
    ['own-abort', 'a process that spins on a thread of its own, its caller aborts', () => onOwn((one) => one.abort())],
    ['own-lost', 'the same, the link to its caller ends', () => onOwn(cut)],
    ['main-abort', 'a process that waits on main, its caller aborts', () => onMain((one) => one.abort())],
    ['main-lost', 'the same, the link to its caller ends', () => onMain(cut)],
  ] as const
  const rows: Row[] = []
  for (const [id, what, measure] of ways) {
    if (!wants(`gone/${id}-p50`) && !wants(`gone/${id}-worst`)) continue
    const taken: number[] = []
    // The first two warm up.
    for (let round = -2; round < rounds; round += 1) {
      const ms = await measure()
      if (round >= 0) taken.push(ms)
    }
    const sorted = Float64Array.from(taken)
    const figures: Figures = { p50: quantile(sorted, 0.5), worst: quantile(sorted, 1) }
    const all = new Map([[skerry, figures]])
    const row = { unit: 'ms', goals }
    rows.push(rowOf(all, { ...row, id: `gone/${id}-p50`, quantity: `${what}: gone, median`, figure: 'p50' }))
    rows.push(rowOf(all, { ...row, id: `gone/${id}-worst`, quantity: `the same, worst of ${rounds}`, figure: 'worst' }))
  }
  workers.stop()
  await Promise.all([server.stop(), client.stop()])
  return rows
}

/** The Workers of this process: a node keeps them to itself, and Node tells of every one. */
function watchWorkers(): { nextBegun(): Promise<Worker>; stop(): void } {
  let on: (worker: Worker) => void = () => undefined
  const watch = (worker: Worker): void => {
    worker.on('message', (message: unknown) => {
      if (message === 'begun') on(worker)
    })
  }
  process.on('worker', watch)
  return {
    nextBegun: () => new Promise((resolve) => (on = resolve)),
    stop: () => process.off('worker', watch),
  }
}

/** The same transport, whose links are noted while they are up. */
function noting(inner: Transport, links: Set<RawLink>): Transport {
  const note = (link: RawLink): RawLink => {
    links.add(link)
    void link.closed.then(() => links.delete(link))
    return link
  }
  return {
    supports: inner.supports,
    start: (host, platform) =>
      inner.start({ accepted: (link) => host.accepted(note(link)), found: (address) => host.found(address) }, platform),
    dial: async (address, expect, signal) => note(await inner.dial(address, expect, signal)),
    stop: () => inner.stop(),
    publish: (topic, record) => inner.publish?.(topic, record),
    subscribe: (topic, on) => inner.subscribe?.(topic, on),
    sign: (bytes) => inner.sign(bytes),
    verify: (author, bytes, signature) => inner.verify(author, bytes, signature),
  }
}
