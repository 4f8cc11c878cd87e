import {
  actorName,
  child,
  defineApp,
  type DownMessage,
  formatPid,
  genServer,
  type InitContext,
  isPid,
  type Message,
  type MonitorRef,
  type Pid,
  procedure,
  RuntimeError,
  type ServerContext,
  sometimes,
} from '@skerry/core'
import { defineSimulation } from '@skerry/testing'
import { Complaints } from './complaints.ts'

const complaints = new Complaints()
const nodes = ['syd-1', 'lax-1', 'fra-1']

/** One message of a stream. A stream begins with a new monitor, and is over when that fires. */
interface Numbered {
  readonly from: Pid
  readonly stream: number
  readonly number: number
  readonly padding: string
}

/**
 * How far each receiver got with each sender: the stream, the number that must be next, and whether its own monitor of the
 * sender fired since. The sender may go on in a stream that is broken until it comes to its `DOWN`, behind what its mailbox
 * holds; the receiver's `DOWN` comes before everything that is sent over a later link.
 */
interface Progress {
  stream: number
  next: number
  isBroken: boolean
}
const progress = new Map<string, Progress>()
/** How many messages arrived, by `sender's node > receiver's node`. */
const arrived = new Map<string, number>()

function received(ctx: ServerContext<undefined>, { from, stream, number }: Numbered): void {
  const by = ctx.self
  const key = `${formatPid(from)} > ${formatPid(by)}`
  const nodePair = `${from.node} > ${by.node}`
  arrived.set(nodePair, (arrived.get(nodePair) ?? 0) + 1)
  const known = progress.get(key)
  const before = known ?? { stream: -1, next: 0, isBroken: false }
  const isNew = stream > before.stream
  const expected = isNew ? 0 : before.next
  if (stream < before.stream) complaints.add(`${key}: stream ${stream} came after stream ${before.stream}`)
  else if (number < expected || (number > expected && !before.isBroken))
    complaints.add(`${key}: message ${number} of stream ${stream} came, not ${expected}`)
  sometimes(isNew && before.stream !== -1, 'swarm/a stream went on after its link had broken')
  if (known === undefined || before.isBroken) ctx.monitor(from)
  progress.set(key, { stream, next: number + 1, isBroken: false })
}

function broken(by: Pid, { pid }: DownMessage): void {
  const known = progress.get(`${formatPid(pid)} > ${formatPid(by)}`)
  if (known !== undefined) known.isBroken = true
}

interface ReceiverProtocol {
  call: Record<never, never>
  cast: { take(message: Numbered): void }
}
const receiverName = actorName<ReceiverProtocol>('receiver')
type ReceiverPid = Pid<ReceiverProtocol>

/** Takes numbered messages and casts, which share one order. In `fra` it has a thread of its own. */
export const receiver = genServer({
  module: import.meta,
  name: 'receiver',
  init: () => undefined,
  cast: { take: (ctx, message: Numbered) => received(ctx, message) },
  info: (ctx, message: Message) => {
    const given = message as Numbered | DownMessage
    if ('type' in given) broken(ctx.self, given)
    else received(ctx, given)
  },
})

/** Where a node's receiver is. */
const findReceiver = procedure({
  name: 'order.receiver',
  run: (ctx): Pid | undefined => ctx.whereis(receiverName),
})

interface Sending {
  readonly to: string
  stream: number
  next: number
  receiver: ReceiverPid | undefined
  monitor: MonitorRef | undefined
}

const everyMs = 40
const retryMs = 300

/** Sends to the receiver of one node, for ever: a stream for each time that it finds it. */
const sender = genServer({
  name: 'sender',
  init(ctx: InitContext, to: string): Sending {
    ctx.sendAfter(everyMs, ctx.self, 'go on')
    return { to, stream: 0, next: 0, receiver: undefined, monitor: undefined }
  },
  async info(ctx, message: Message) {
    if (message === 'go on') {
      const found = await sendNext(ctx)
      ctx.sendAfter(found ? everyMs : retryMs, ctx.self, 'go on')
      return
    }
    const down = message as DownMessage
    // One of an earlier stream that was given up.
    if (down.ref !== ctx.state.monitor?.ref) return
    ctx.state.receiver = undefined
    ctx.state.monitor = undefined
  },
})

/** `false`: its receiver can't be found now. */
async function sendNext(ctx: ServerContext<Sending>): Promise<boolean> {
  const { state } = ctx
  if (state.receiver === undefined) {
    try {
      const found = await ctx.rpc(state.to, findReceiver, undefined, { timeoutMs: 2_000 })
      if (!isPid(found)) return false
      state.receiver = found as ReceiverPid
    } catch (error) {
      if (error instanceof RuntimeError) return false
      throw error
    }
    state.monitor = ctx.monitor(state.receiver)
    state.stream += 1
    state.next = 0
  }
  const burst = 1 + ctx.random.int(3)
  for (let count = 0; count < burst; count += 1) {
    // A large one now and then, and one that travels in parts beside the others: neither may be overtaken.
    const size = ctx.random.int(75)
    const padding = size === 0 ? 'x'.repeat(200_000) : size <= 3 ? 'x'.repeat(20_000) : ''
    const message: Numbered = { from: ctx.self, stream: state.stream, number: state.next, padding }
    state.next += 1
    if (ctx.random.int(2) === 0) ctx.cast(state.receiver, 'take', [message])
    else ctx.send(state.receiver, message)
  }
  return true
}

/**
 * Actors on all nodes send numbered messages and casts to each other: they arrive in order, none twice, and a gap is only
 * at the end of a stream, or where the receiver's monitor of the sender fired.
 */
export const pairOrder = defineSimulation({
  name: 'pair-order',
  app: ({ name, region }) =>
    defineApp({
      name: 'pairOrder',
      intensity: { maxRestarts: 1_000, withinMs: 1_000 },
      children: [
        child('receiver', receiver, [], { register: receiverName, thread: region === 'fra' ? 'own' : 'same' }),
        ...nodes.filter((to) => to !== name).map((to) => child(`to ${to}`, sender, [to])),
      ],
      procedures: [findReceiver],
    }),
  regions: { syd: 1, lax: 1, fra: 1 },
  durationMs: 20_000,
  healMs: 20_000,
  faults: 'all',
  async workload(sim) {
    complaints.begin()
    progress.clear()
    arrived.clear()
    await sim.whenHealed()
    await sim.advance(5_000)
    arrived.clear()
    const pairs = sim.running.flatMap(({ name: from }) =>
      sim.running.filter(({ name }) => name !== from).map(({ name: to }) => `${from} > ${to}`),
    )
    await sim.until(() => pairs.every((pair) => (arrived.get(pair) ?? 0) > 10), {
      withinMs: 15_000,
      what: `messages between all nodes (${[...arrived.keys()].join(', ')})`,
    })
  },
  invariants: [complaints.none('messages of a pair keep their order')],
})
