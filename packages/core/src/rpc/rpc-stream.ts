import type { Kernel } from '../actor/kernel.ts'
import { neverSettles } from '../actor/life-promises.ts'
import type { NodeId } from '../actor/pid.ts'
import type { RemoteStream, RemoteStreamOptions, StreamServices } from '../actor/remote-stream.ts'
import type { ProcedureName, RegionTarget, RemoteOwner, RemoteServices } from '../actor/remote-verbs.ts'
import { streamLimits } from '../actor/stream-limits.ts'
import type { StreamedOptions } from './call-stream.ts'
import { refusal } from './rpc-each.ts'
import { checkTime, timeoutMsMax } from './rpc-options.ts'
import { isSource } from './stream-pump.ts'
import { noMore, StreamCall, type StreamPlan } from './stream-call.ts'
import { windowNow } from './stream-window.ts'

const silentMsDefault = 15_000
const windowItemsDefault = 256
const windowBytesDefault = 1 << 20

/** Streams from one thread: each is a call that `remote` makes. */
export function createRpcStreams(kernel: Kernel, remote: RemoteServices): StreamServices {
  return {
    open(owner, target, procedure, input, options) {
      const begin = (): StreamCall => {
        const call = new StreamCall(planOf({ kernel, remote, owner, target, procedure, input, options }))
        call.begin()
        return call
      }
      const afterExit = (): void => {
        kernel.counters.afterExit += 1
      }
      return new Items(begin, owner, afterExit)
    },
  }
}

interface Asked {
  readonly kernel: Kernel
  readonly remote: RemoteServices
  readonly owner: RemoteOwner
  readonly target: RegionTarget | { readonly node: NodeId }
  readonly procedure: ProcedureName
  readonly input: unknown
  readonly options: RemoteStreamOptions<unknown>
}

function planOf({ kernel, remote, owner, target, procedure, input, options }: Asked): StreamPlan {
  const wrong = checkStreamOptions(options)
  if (wrong !== undefined) throw refusal(procedure, { code: 'ERR_BAD_OPTIONS', outcome: 'not-run', message: wrong })
  const { incoming, idleTimeoutMs, signal, wait, explain } = options
  const window = { items: options.windowItems ?? windowItemsDefault, bytes: options.windowBytes ?? windowBytesDefault }
  return {
    kernel,
    owner,
    procedure,
    incoming,
    idleTimeoutMs,
    signal,
    wait,
    explain,
    // What a timer can measure, 24 days: the deadline that there is when the caller asked for none.
    timeoutMs: options.timeoutMs ?? timeoutMsMax,
    window,
    request: {
      ...windowNow(window, kernel.credit.own),
      silentMs: options.silentMs ?? silentMsDefault,
      hasIncoming: incoming !== undefined,
    },
    call: (callOptions: StreamedOptions) =>
      isNode(target)
        ? remote.callNode(owner, target.node, procedure, input, callOptions)
        : remote.callRegion(owner, target, procedure, input, callOptions),
  }
}

function isNode(target: RegionTarget | { readonly node: NodeId }): target is { readonly node: NodeId } {
  return typeof target === 'object' && 'node' in target
}

/** What is wrong with the options of a stream, in a sentence; `undefined` when nothing is. */
function checkStreamOptions(options: RemoteStreamOptions<unknown>): string | undefined {
  const { timeoutMs, idleTimeoutMs, silentMs, windowItems, windowBytes, incoming } = options
  return (
    checkTime('timeoutMs', timeoutMs) ??
    checkTime('idleTimeoutMs', idleTimeoutMs) ??
    outOf('silentMs', silentMs) ??
    outOf('windowItems', windowItems) ??
    outOf('windowBytes', windowBytes) ??
    (incoming === undefined || isSource(incoming) ? undefined : 'incoming must be iterable')
  )
}

function outOf(name: keyof typeof streamLimits, value: number | undefined): string | undefined {
  const { least, most } = streamLimits[name]
  if (value === undefined || (Number.isSafeInteger(value) && value >= least && value <= most)) return undefined
  return `${name} must be a whole number from ${least} to ${most}, not ${value}`
}

/** The iterator that the caller has. It begins at its first `next`; one `next` waits for the one before. */
class Items implements RemoteStream<unknown> {
  readonly #begin: () => StreamCall
  readonly #owner: RemoteOwner
  readonly #afterExit: () => void
  #call: StreamCall | undefined
  #isOver = false
  #reading: Promise<unknown> | undefined

  /** `afterExit`: told of what its owner asks for when that has ended. */
  constructor(begin: () => StreamCall, owner: RemoteOwner, afterExit: () => void) {
    this.#begin = begin
    this.#owner = owner
    this.#afterExit = afterExit
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    const before = this.#reading
    const result = before === undefined ? this.#read() : before.then(() => this.#read())
    const settled: Promise<unknown> = result.then(ignore, ignore).then(() => {
      if (this.#reading === settled) this.#reading = undefined
    })
    this.#reading = settled
    return result
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    this.#isOver = true
    this.#call?.leave()
    return this.#owner.alive ? Promise.resolve(done) : neverSettles()
  }

  throw(error: unknown): Promise<IteratorResult<unknown, undefined>> {
    this.#isOver = true
    this.#call?.leave()
    return Promise.reject(error)
  }

  async #read(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#isOver) return done
    // Nobody's end would be its end.
    if (!this.#owner.alive) {
      this.#afterExit()
      return neverSettles()
    }
    let value: unknown
    try {
      this.#call ??= this.#begin()
      value = await this.#call.read()
    } catch (error) {
      this.#isOver = true
      if (!this.#owner.alive) return neverSettles()
      throw error
    }
    // No line of an actor that has ended runs on.
    if (!this.#owner.alive) return neverSettles()
    if (value !== noMore) return { value, done: false }
    this.#isOver = true
    return done
  }
}

const done: IteratorReturnResult<undefined> = { value: undefined, done: true }

function ignore(): void {}
