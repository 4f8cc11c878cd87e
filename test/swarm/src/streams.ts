import { type Context, defineApp, type Node, RpcError, sometimes, streamProcedure } from '@skerry/core'
import { type Client, defineSimulation, type Sim } from '@skerry/testing'
import { Complaints } from './complaints.ts'

const regions = { syd: 2, lax: 1, fra: 1 }
const windowItems = 8

const complaints = new Complaints()

interface Numbers {
  /** Names the stream. */
  readonly id: string
  readonly to: number
  /** It thinks that long before each item, at most, in milliseconds. */
  readonly paceMs: number
}

/** How often the streams of that name were begun, and how many items they were asked for. */
const begun = new Map<string, { times: number; made: number }>()

function noteBegun(id: string): { times: number; made: number } {
  const entry = begun.get(id) ?? { times: 0, made: 0 }
  begun.set(id, entry)
  entry.times += 1
  if (entry.times > 1) complaints.add(`${id} was begun ${entry.times} times`)
  return entry
}

async function* numbersOf(ctx: Context, { id, to, paceMs }: Numbers): AsyncGenerator<number> {
  const entry = noteBegun(id)
  for (let n = 0; n < to; n += 1) {
    const waitMs = ctx.random.int(paceMs + 1)
    if (waitMs > 0) await new Promise<void>((resolve) => void ctx.clock.after(waitMs, resolve))
    entry.made += 1
    yield n
  }
}

const numbers = streamProcedure({ name: 'streams.numbers', run: numbersOf })

/** On another thread. */
export const numbersThere = streamProcedure({
  name: 'streams.numbersThere',
  module: import.meta,
  thread: 'pool',
  run: numbersOf,
})

/** Gives back what comes in. */
const echoes = streamProcedure({
  name: 'streams.echoes',
  async *run(_ctx, { id, to }: Numbers, incoming: AsyncIterable<number>) {
    noteBegun(id)
    let expected = 0
    for await (const n of incoming) {
      if (n !== expected) complaints.add(`${id}: incoming item ${n} came, not ${expected}`)
      expected += 1
      yield n
    }
    if (expected !== to) complaints.add(`${id}: the incoming items ended after ${expected}, of ${to}`)
  },
})

/**
 * Streams of numbered items while links break and nodes crash: they come in order, none twice, none is missing before the end,
 * no stream is begun twice, none makes more than there is room for, and when all is healed no process of them is left.
 */
export const streams = defineSimulation({
  name: 'streams',
  app: defineApp({ name: 'streams', children: [], procedures: [numbers, numbersThere, echoes] }),
  regions,
  durationMs: 20_000,
  healMs: 30_000,
  faults: 'all',
  async workload(sim) {
    complaints.begin()
    begun.clear()
    await sim.clients(6, (client) => readStream(client, sim), { thinkMs: [20, 400] })
  },
  invariants: [complaints.none('streams are whole and in order'), { id: 'no process is left', atEnd: checkNoneLeft }],
})

async function readStream(client: Client, sim: Sim): Promise<void> {
  const draw = client.random.fork('stream')
  const isHealed = sim.phase === 'healed'
  const region = isHealed ? 'nearest' : (['primary', 'nearest', ...Object.keys(regions)][draw.int(5)] as string)
  const asked: Numbers = { id: client.op, to: draw.int(60), paceMs: draw.int(2) === 0 ? 0 : draw.int(80) }
  const leaveAt = isHealed || draw.int(3) > 0 ? undefined : draw.int(asked.to + 1)
  const kind = draw.int(3)
  const options = { windowItems, silentMs: 4_000, idleTimeoutMs: 8_000 }
  const openAt = (node: Node): AsyncIterable<number> => {
    if (kind === 0) return node.stream(region, numbers, asked, options)
    if (kind === 1) return node.stream(region, numbersThere, asked, options)
    const incoming = Array.from({ length: asked.to }, (_, n) => n)
    return node.stream(region, echoes, asked, { ...options, incoming })
  }
  await client.record('stream', asked, () => client.home.whileUp((node) => readAll(openAt(node), asked, leaveAt)))
}

async function readAll(
  items: AsyncIterable<number>,
  { id, to }: Numbers,
  leaveAt: number | undefined,
): Promise<number> {
  let read = 0
  const note = (complaint: string): void => complaints.add(`${id}: ${complaint}`)
  try {
    for await (const item of items) {
      if (item !== read) note(`item ${item} came, not ${read}`)
      read += 1
      const made = begun.get(id)?.made ?? 0
      if (made > read + windowItems) note(`${made} items were made when ${read} were read`)
      if (read === leaveAt) return read
    }
  } catch (error) {
    sometimes(read > 0, 'swarm/a stream failed after some items')
    if (error instanceof RpcError && error.outcome === 'not-run') {
      if (read > 0) note(`${read} items of a stream that was not run`)
      if (begun.has(id)) note('it was told "not-run" and was begun')
    }
    throw error
  }
  if (read !== to) note(`it ended after ${read} items, of ${to}`)
  sometimes(to > windowItems, 'swarm/a stream came whole that was longer than its window')
  return read
}

async function checkNoneLeft(sim: Sim): Promise<string | void> {
  // As long as the silence of an end may last, and some.
  await sim.advance(10_000)
  for (const { name, up } of sim.running) {
    const children = await up.whichChildren('system.RpcProcesses')
    if (children.length > 0) return `${name} has ${children.length} processes left`
  }
}
