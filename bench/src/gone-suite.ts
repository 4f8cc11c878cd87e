import type { Worker } from 'node:worker_threads'
import { defineApp, type Node, silentLog, startNode } from '@skerry/core'
import { createMemoryTransport } from '@skerry/core/simulation'
import type { Transport } from '@skerry/core/transport'
import { type Figures, fullPace, type Pace, quantile } from './contest.ts'
import { nextWaiting, spins, waits } from './gone-procedures.ts'
import { type Row, rowOf, skerry } from './row.ts'

const app = defineApp({ name: 'gone', children: [], procedures: [spins, waits] })
const goals = [{ compare: '<=', factor: 250 }] as const

interface Client {
  readonly node: Node
  readonly transport: Transport
}

/** One call that is given up. */
interface Round {
  readonly client: Client
  readonly controller: AbortController
  /** Gives it up. */
  readonly end: () => void
}

/** From the news that nobody waits any more, a cancellation or the end of the link, until the process, and its thread if it has one, is gone. */
export async function goneSuite(pace: Pace, wants: (row: string) => boolean): Promise<Row[]> {
  const rounds = pace.sliceMs < fullPace.sliceMs ? 3 : 50
  const hub = 'gone'
  const start = (region: string, transport: () => Transport): Promise<Node> =>
    startNode(app, { region, primaryRegion: 'syd', log: silentLog, transport })
  const server = await start('syd', () => createMemoryTransport({ hub }))
  const startClient = async (): Promise<Client> => {
    const transport = createMemoryTransport({ hub })
    const node = await start('lax', () => transport)
    await node.waitFor(() => [spins, waits].every((one) => node.isRpcSupported(server.id, one)), 'the procedures')
    return { node, transport }
  }
  const workers = watchWorkers()

  const onOwn = async ({ client: { node }, end, controller: { signal } }: Round): Promise<number> => {
    const begun = workers.nextBegun()
    node.rpc(server.id, spins, undefined, { signal, timeoutMs: 60_000 }).catch(() => undefined)
    const worker = await begun
    const gone = new Promise((resolve) => worker.once('exit', resolve))
    const started = performance.now()
    end()
    await gone
    return performance.now() - started
  }
  const onMain = async ({ client: { node }, end, controller: { signal } }: Round): Promise<number> => {
    const begun = nextWaiting()
    node.rpc(server.id, waits, undefined, { signal, timeoutMs: 60_000 }).catch(() => undefined)
    const gone = server.watch(await begun)
    const started = performance.now()
    end()
    await gone
    return performance.now() - started
  }
  const byAbort = async (measure: (round: Round) => Promise<number>, rounds: number): Promise<number[]> => {
    const client = await startClient()
    const taken: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      const controller = new AbortController()
      taken.push(await measure({ client, controller, end: () => controller.abort() }))
    }
    await client.node.stop()
    return taken
  }
  // A client of its own for each: one whose link was lost dials again after pauses that grow.
  const byLoss = async (measure: (round: Round) => Promise<number>, rounds: number): Promise<number[]> => {
    const taken: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      const client = await startClient()
      taken.push(await measure({ client, controller: new AbortController(), end: () => void client.transport.stop() }))
      await client.node.stop()
    }
    return taken
  }
  const ways = [
    [
      'own-abort',
      'a process that spins on a thread of its own, its caller aborts',
      (count: number) => byAbort(onOwn, count),
    ],
    ['own-lost', 'the same, the link to its caller ends', (count: number) => byLoss(onOwn, count)],
    ['main-abort', 'a process that waits on main, its caller aborts', (count: number) => byAbort(onMain, count)],
    ['main-lost', 'the same, the link to its caller ends', (count: number) => byLoss(onMain, count)],
  ] as const
  const rows: Row[] = []
  for (const [id, what, measure] of ways) {
    if (!wants(`gone/${id}-p50`) && !wants(`gone/${id}-worst`)) continue
    // The first two warm up.
    const taken = (await measure(rounds + 2)).slice(2)
    const sorted = Float64Array.from(taken)
    const figures: Figures = { p50: quantile(sorted, 0.5), worst: quantile(sorted, 1) }
    const all = new Map([[skerry, figures]])
    const row = { unit: 'ms', goals }
    rows.push(rowOf(all, { ...row, id: `gone/${id}-p50`, quantity: `${what}: gone, median`, figure: 'p50' }))
    rows.push(rowOf(all, { ...row, id: `gone/${id}-worst`, quantity: `the same, worst of ${rounds}`, figure: 'worst' }))
  }
  workers.stop()
  await server.stop()
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
