import type { Context } from '@skerry/core'
import { seededRandom, type SeededRandom } from '@skerry/testing'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { Exit } from '../../src/actor/exit-reason.ts'
import { Kernel } from '../../src/actor/kernel.ts'
import type { Pid } from '../../src/actor/pid.ts'
import type { RemoteServices } from '../../src/actor/remote-verbs.ts'
import type { Failure, Signal, SpawnSignal } from '../../src/actor/signal.ts'
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts'
import { decodeSignal, encodeSignal } from '../../src/mesh/frame.ts'
import { RpcError } from '../../src/rpc/errors.ts'
import { streamContract } from '../../src/rpc/stream-procedure.ts'
import { ClientWorld, write } from './client-world.ts'

/** What one stream of a run is to do, drawn by its seed. */
interface Plan {
  readonly windowItems: number
  readonly windowBytes: number
  readonly itemBytes: number
  /** Items of the procedure itself. */
  readonly items: number
  readonly ending: 'end' | 'throw' | 'exit' | 'hang'
  readonly reads: 'none' | 'echo' | 'some' | 'all'
  readonly incoming: number
  readonly incomingEnding: 'end' | 'throw' | 'hang'
  readonly thinkMs: number
  readonly checkMs: number
}

function drawPlan(random: SeededRandom): Plan {
  const one = <T>(of: readonly T[]): T => of[random.int(of.length)] as T
  return {
    windowItems: 1 + random.int(6),
    windowBytes: one([1_024, 1_500, 64 * 1_024]),
    itemBytes: one([1, 600, 2_000]),
    items: random.int(12),
    ending: one(['end', 'end', 'end', 'end', 'end', 'throw', 'exit', 'hang']),
    reads: one(['none', 'echo', 'echo', 'some', 'all']),
    incoming: random.int(12),
    incomingEnding: one(['end', 'end', 'end', 'end', 'throw', 'hang']),
    thinkMs: one([0, 0, 3, 40]),
    checkMs: one([0, 0, 5]),
  }
}

const anything: StandardSchemaV1<unknown, unknown> = {
  '~standard': { version: 1, vendor: 'tests', validate: (value) => ({ value }) },
}
const never = (): Promise<never> => new Promise(() => undefined)

/** A node that serves, as far as a stream sees one: it refuses, starts and ends processes. */
interface Server {
  readonly kernel: Kernel
  isPrimary: boolean
  readonly processes: Map<number, Pid>
}

/**
 * One stream between the real ends of two nodes, whose signals pass in an order that a seed decides, among refusals, breaks,
 * aborts, lost links, killed processes and items that can't be sent. `complaints` has what was not as it must be.
 */
export class StreamRun {
  readonly complaints: string[] = []
  readonly seen: Set<string> = new Set()
  readonly #random: SeededRandom
  readonly #plan: Plan
  readonly #client = new ClientWorld()
  readonly #servers = new Map<string, Server>()
  /** Signals under way, by the way that keeps their order. */
  readonly #ways = new Map<string, { readonly node: string; readonly toServer: boolean; readonly queue: Signal[] }>()
  readonly #lost = new Set<string>()
  readonly #abort = new AbortController()
  #refusesItems: 'client' | 'server' | undefined
  // What the procedure did.
  #begun = 0
  #made = 0
  #incomingRead = 0
  #sawIncomingEnd = false
  #hasFinished = false
  // What the caller did.
  #taken = 0
  #gaveAll = false
  /** It was told that no more of its items are wanted. */
  #isUnwanted = false
  #failedUnwanted = false
  #read = 0
  #reading = false
  #isLeft = false
  #end: 'done' | RpcError | undefined

  constructor(seed: number) {
    this.#random = seededRandom(seed)
    this.#plan = drawPlan(this.#random)
    this.#client.sends = (signal) => {
      if (signal.type === 'item' && this.#refusesItems === 'client') {
        this.seen.add('an incoming item was not sent')
        this.#refusesItems = undefined
        return 'too-large'
      }
      this.#send(signal, signal.to.node, true)
      return 'sent'
    }
    for (const node of ['s1', 'l1']) this.#servers.set(node, this.#startServer(node))
  }

  async run(): Promise<void> {
    const { incoming, windowItems, windowBytes } = this.#plan
    const items = this.#client.stream(
      {
        windowItems,
        windowBytes,
        silentMs: 2_000,
        signal: this.#abort.signal,
        ...(incoming > 0 && { incoming: this.#incoming() }),
      },
      ['syd', 'lax'],
    )
    const trouble = this.#random.int(2) === 0
    for (let step = 0; step < 60 && this.#end === undefined; step += 1) {
      await this.#step(items, trouble)
      await this.#client.platform.settle()
      this.#checkBounds()
    }
    // From here on all goes well, and the stream must come to its end; one that hangs is left.
    this.#refusesItems = undefined
    for (let round = 0; this.#end === undefined; round += 1) {
      if (round === 60) {
        if (!this.#mayHang) this.complaints.push('it came to no end')
        this.#leave(items)
      }
      this.#next(items)
      await this.#passAll()
      await this.#client.platform.advance(20)
      this.#checkBounds()
    }
    await this.#passAll()
    // As long as a silence may last, and some.
    await this.#client.platform.advance(6_000)
    await this.#passAll()
    this.#checkEnd()
  }

  async #step(items: AsyncIterableIterator<unknown>, trouble: boolean): Promise<void> {
    const drawn = this.#random.int(trouble ? 110 : 100)
    if (drawn < 25) this.#next(items)
    else if (drawn < 90) this.#passOne()
    else if (drawn < 100) await this.#client.platform.advance(1 + this.#random.int(10))
    else if (drawn < 102) this.#leave(items)
    else if (drawn < 103) this.#abort.abort()
    else if (drawn < 105) this.#loseLink()
    else if (drawn < 107) this.#killProcess()
    else this.#refusesItems = this.#random.int(2) === 0 ? 'client' : 'server'
  }

  /** Whether the procedure, or what it waits for, is to come to no end. */
  get #mayHang(): boolean {
    const { ending, reads, incoming, incomingEnding } = this.#plan
    return ending === 'hang' || (reads !== 'none' && incoming > 0 && incomingEnding === 'hang')
  }

  // --- the caller ---

  #next(items: AsyncIterableIterator<unknown>): void {
    if (this.#reading || this.#isLeft || this.#end !== undefined) return
    this.#reading = true
    items.next().then(
      ({ value, done }) => {
        this.#reading = false
        if (done === true) this.#end ??= 'done'
        else this.#note('item', (value as { n: number }).n, this.#read++)
      },
      (error: unknown) => {
        this.#reading = false
        if (error instanceof RpcError) this.#end ??= error
        else this.complaints.push(`it threw ${String(error)}`)
      },
    )
  }

  #leave(items: AsyncIterableIterator<unknown>): void {
    this.seen.add('it was left')
    this.#isLeft = true
    void items.return?.()
    this.#end ??= 'done'
  }

  async *#incoming(): AsyncGenerator<unknown> {
    const { incoming, incomingEnding, itemBytes } = this.#plan
    for (let n = 0; n < incoming; n += 1) {
      await this.#think(this.#client.platform.clock)
      this.#taken += 1
      yield { n, body: new Uint8Array(itemBytes) }
    }
    await this.#think(this.#client.platform.clock)
    if (incomingEnding === 'throw') {
      this.#failedUnwanted = this.#isUnwanted
      if (this.#isUnwanted) this.seen.add('incoming items failed that nobody wanted')
      throw new Error('no more')
    }
    if (incomingEnding === 'hang') await never()
    this.#gaveAll = true
  }

  // --- the procedure ---

  async *#procedure(ctx: Context, incoming: AsyncIterable<unknown>): AsyncGenerator<unknown> {
    const { items, ending, reads, itemBytes } = this.#plan
    this.#begun += 1
    const item = (): unknown => ({ n: this.#made++, body: new Uint8Array(itemBytes) })
    if (reads !== 'none') {
      let left = reads === 'some' ? 3 : Infinity
      for await (const one of incoming) {
        this.#note('incoming item', (one as { n: number }).n, this.#incomingRead++)
        if (reads === 'echo') yield item()
        left -= 1
        if (left === 0) break
      }
      if (left > 0) this.#sawIncomingEnd = true
    }
    for (let n = 0; n < items; n += 1) {
      await this.#think(ctx.clock)
      yield item()
    }
    if (ending === 'throw') throw new RangeError('enough')
    if (ending === 'exit') throw new Exit('enough')
    if (ending === 'hang') await never()
    this.#hasFinished = true
  }

  #startServer(node: string): Server {
    const { platform } = this.#client
    const kernel = new Kernel({ node, life: 1, thread: 0, platform, codec: msgpackCodec() })
    const checkMs = this.#plan.checkMs
    const input: StandardSchemaV1<unknown, unknown> = {
      '~standard': {
        version: 1,
        vendor: 'tests',
        async validate(value) {
          if (checkMs > 0) await new Promise<void>((resolve) => void platform.clock.after(checkMs, resolve))
          return { value }
        },
      },
    }
    const { behavior } = streamContract({ ...write, input, item: anything, incoming: anything }).implement({
      primaryOnly: true,
      run: (ctx, _input, incoming) => this.#procedure(ctx, incoming),
    })
    const server: Server = { kernel, isPrimary: this.#random.int(6) > 0, processes: new Map() }
    kernel.remote = { isPrimary: server.isPrimary, primaryRegion: 'syd', primaryEpoch: 0 } as RemoteServices
    kernel.away = {
      route: (signal) => {
        if (signal.type !== 'item' || this.#refusesItems !== 'server') return this.#send(signal, node, false)
        this.seen.add('an item was not sent')
        this.#refusesItems = undefined
        const failure: Failure = { code: 'ERR_FRAME_TOO_LARGE', outcome: 'not-run', message: 'too large' }
        kernel.deliver({ type: 'reply', to: signal.from, ref: 0, result: { ok: false, failure } })
      },
    }
    const busy = this.#random.int(8) === 0
    kernel.inbox = (signal) => {
      if (signal.type === 'cancel') {
        const to = server.processes.get(signal.from.serial)
        if (to !== undefined)
          kernel.route({ type: 'exit', from: signal.from, to, reason: signal.reason, viaLink: false })
        return
      }
      if (busy) this.#refuse(kernel, signal)
      else {
        const { from: call, request } = signal
        const arrivedMs = platform.clock.monotonic()
        const actor = kernel.spawn(behavior, [{ call, caller: call.node, arrivedMs, request }])
        actor.relations.addLink(call)
        server.processes.set(call.serial, actor.pid)
      }
    }
    return server
  }

  #refuse(kernel: Kernel, { from }: SpawnSignal): void {
    this.seen.add('it was refused')
    const failure: Failure = { code: 'ERR_OVERLOADED', outcome: 'not-run', message: 'busy' }
    kernel.route({ type: 'reply', to: from, ref: 0, result: { ok: false, failure } })
  }

  // --- what lies between ---

  #send(signal: Signal, node: string, toServer: boolean): void {
    // A break takes all that is under way, and what is sent before both have heard of it.
    if (this.#lost.has(node)) return
    const key = `${node} ${toServer ? 'from' : 'to'} ${signal.to.serial}`
    const way = this.#ways.get(key) ?? { node, toServer, queue: [] }
    this.#ways.set(key, way)
    way.queue.push(signal)
  }

  #passOne(): boolean {
    const ways = [...this.#ways.values()].filter(({ queue }) => queue.length > 0)
    const way = ways[this.#random.int(Math.max(1, ways.length))]
    const signal = way?.queue.shift()
    if (way === undefined || signal === undefined) return false
    const server = this.#servers.get(way.node) as Server
    const { kernel } = this.#client
    const [from, to] = way.toServer ? [kernel, server.kernel] : [server.kernel, kernel]
    const come = decodeSignal(encodeSignal(signal, from.codec), from, to, to.codec)
    if (come.type === 'itemsEnd' && !way.toServer) this.#isUnwanted = true
    if (come.type === 'spawn' || come.type === 'cancel') to.routeSpawn(come)
    else to.route(come)
    return true
  }

  async #passAll(): Promise<void> {
    await this.#client.platform.settle()
    while (this.#passOne()) await this.#client.platform.settle()
  }

  #loseLink(): void {
    const node = [...this.#servers.keys()][this.#random.int(2)] as string
    if (this.#lost.has(node)) return
    this.seen.add('a link was lost')
    this.#lost.add(node)
    for (const [key, way] of this.#ways) if (way.node === node) this.#ways.delete(key)
    const { kernel } = this.#servers.get(node) as Server
    kernel.peerLost({ node: 'f1', life: 1 }, () => 'noconnection')
    this.#client.kernel.peerLost({ node, life: 1 }, () => 'noconnection')
  }

  #killProcess(): void {
    for (const { kernel, processes } of this.#servers.values()) {
      for (const to of processes.values()) {
        if (kernel.actor(to) !== undefined) this.seen.add('its process was killed')
        kernel.route({ type: 'exit', from: to, to, reason: 'kill', viaLink: false })
      }
    }
  }

  async #think(clock: { after(ms: number, run: () => void): unknown }): Promise<void> {
    const ms = this.#plan.thinkMs
    if (ms > 0) await new Promise<void>((resolve) => void clock.after(ms, resolve))
  }

  // --- what must hold ---

  #note(what: string, n: number, expected: number): void {
    if (n !== expected) this.complaints.push(`${what} ${n} came, not ${expected}`)
  }

  #checkBounds(): void {
    const { windowItems, windowBytes, itemBytes } = this.#plan
    const bytesMax = windowBytes + itemBytes + 100
    const check = (what: string, unread: number): void => {
      if (unread > windowItems) this.complaints.push(`${unread} ${what} unread, of ${windowItems}`)
      if ((unread - 1) * itemBytes > bytesMax) this.complaints.push(`${unread} ${what} of ${itemBytes} bytes unread`)
    }
    check('items', this.#made - this.#read)
    check('incoming items', this.#taken - this.#incomingRead)
  }

  #checkEnd(): void {
    const complain = (what: string): number => this.complaints.push(what)
    const end = this.#end
    if (this.#begun > 1) complain(`it was begun ${this.#begun} times`)
    if (end instanceof RpcError) {
      this.seen.add(`${end.code} ${end.outcome}`)
      if (end.outcome === 'not-run' && this.#begun > 0) complain(`${end.code} says not-run of what had begun`)
      if (end.outcome === 'ran' && this.#begun === 0) complain(`${end.code} says ran of what had not begun`)
      if (end.code === 'ERR_REMOTE_ERROR' && this.#read !== this.#made) complain('items before the error are missing')
      if (end.code === 'ERR_RPC_ABORTED' && this.#failedUnwanted) complain('it ended with what nobody wanted')
      if (end.code === 'ERR_STREAM_SILENT') complain('an end was taken for silent')
      if (end.code === 'ERR_NOT_DECODABLE') complain(end.message)
    } else if (!this.#isLeft) {
      this.seen.add('it ended')
      if (!this.#hasFinished || this.#read !== this.#made) complain('it ended before all had come')
    }
    if (this.#sawIncomingEnd && (!this.#gaveAll || this.#incomingRead !== this.#taken) && this.#plan.incoming > 0) {
      complain('its incoming items ended before all had come')
    }
    for (const [node, { kernel }] of [['f1', this.#client], ...this.#servers] as const) {
      const { actors, edges } = kernel.stats
      if (actors > 0 || edges > 0) complain(`${node} has ${actors} addresses and ${edges} edges left`)
    }
  }
}
