import { backoffDelayMs } from '../base/backoff.ts'
import { deferred, type Deferred } from '../base/deferred.ts'
import { type ErrorData, errorFromData } from '../base/error-data.ts'
import { assert } from '../base/assert.ts'
import { TransportError, type TransportErrorCode } from '../mesh/errors.ts'
import type {
  NodeId,
  NodeLoad,
  RawLink,
  Transport,
  TransportFeatures,
  TransportHost,
  TransportSpec,
  TransportStarted,
  Uncarried,
} from '../mesh/transport.ts'
import type { Platform, ThreadEnd, ThreadEvents, ThreadHandle, Timer } from '../platform/platform.ts'
import { IoBatch, type IoPost, lanesMax, readPost } from './io-batch.ts'
import { type FromIo, type IoBoot, type IoLink, recordBytesUnreadMax, type ToIo } from './io-message.ts'
import { beatIoWords, newIoWords } from './io-words.ts'
import { PortLink } from './port-link.ts'

/** Starts the thread that runs the transport of `boot`, for this one. */
export type StartIoThread = (boot: IoBoot, events: ThreadEvents) => ThreadHandle

export interface ThreadTransportOptions {
  readonly spec: TransportSpec
  /** The same transport, which never starts: it says what can be done, who may be where, and signs. */
  readonly here: Transport
  readonly startThread: StartIoThread
}

const restartBackoff = { firstMs: 100, maxMs: 5_000 }
/** A thread that is lost so many times within `restartsWithinMs` is not started again. */
const restartsMax = 5
const restartsWithinMs = 60_000
/** How long the thread may take to stop its transport before it is ended, in milliseconds. */
const stopMs = 10_000
const recordBytesMax = 16 * 1024

/** A thread, from its start to its end. */
interface Life {
  readonly batch: IoBatch<ToIo>
  readonly thread: ThreadHandle
  readonly starting: Deferred<TransportStarted>
  readonly stopped: Deferred<void>
}

/**
 * A transport that runs on a thread of its own. Frames go over in blocks that change hands, a post a turn; credits bound what waits on
 * either side. When the thread is lost its links close, and it is started again with back-off, as the same node; if that does
 * not come to anything the host is told `failed`.
 */
export class ThreadTransport implements Transport {
  readonly supports: TransportFeatures
  readonly #options: ThreadTransportOptions
  readonly #words = newIoWords()
  readonly #links = new Map<number, PortLink>()
  readonly #dials = new Map<number, Deferred<RawLink>>()
  readonly #listeners = new Map<string, ((via: NodeId, record: Uint8Array) => void)[]>()
  readonly #lostAt: number[] = []
  #dialNumber = 0
  #publishedBytes = 0
  #host: TransportHost | undefined
  #platform: Platform | undefined
  #settled: unknown
  #life: Life | undefined
  /** What the first start said: a later one must say the same. */
  #started: TransportStarted | undefined
  #restart: Timer | undefined
  #stopping: Promise<void> | undefined
  #failure: TransportError | undefined

  constructor(options: ThreadTransportOptions) {
    assert(options.here.supports.lanes <= lanesMax, `at most ${lanesMax} lanes cross to another thread`)
    this.#options = options
    this.supports = { ...options.here.supports }
  }

  async start(host: TransportHost, platform: Platform): Promise<TransportStarted> {
    assert(this.#host === undefined, 'the transport is started once')
    const { here } = this.#options
    this.#host = host
    this.#platform = platform
    if (here.settle === undefined) {
      throw new TransportError(
        'ERR_TRANSPORT_START',
        'This transport has no `settle`, so it runs on the main thread only',
      )
    }
    this.#settled = await here.settle()
    if (this.#stopping !== undefined) throw stopped()
    this.#started = await this.#begin().starting.promise
    if (this.#stopping !== undefined) throw stopped()
    return this.#started
  }

  async dial(address: string, expect: NodeId | undefined, signal: AbortSignal): Promise<RawLink> {
    if (this.#stopping !== undefined || this.#host === undefined) throw stopped()
    const life = this.#life
    if (life === undefined) throw this.#failure ?? lost('it is being started again')
    const dial = this.#dialNumber
    this.#dialNumber += 1
    const dialled = deferred<RawLink>()
    this.#dials.set(dial, dialled)
    const abort = (): void => {
      life.batch.send({ type: 'abandon', dial })
      const cause: unknown = signal.reason
      this.#endDial(dial)?.reject(new TransportError('ERR_DIAL_FAILED', `Dialling ${address} was aborted`, { cause }))
    }
    if (signal.aborted) abort()
    else {
      life.batch.send({ type: 'dial', dial, address, expect })
      signal.addEventListener('abort', abort, { once: true })
    }
    try {
      return await dialled.promise
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  publish(topic: string, record: Uint8Array): void {
    if (record.byteLength > recordBytesMax) {
      const problem = `A record of ${record.byteLength} bytes; at most ${recordBytesMax}`
      throw new TransportError('ERR_FRAME_TOO_LARGE', problem)
    }
    if (this.#stopping !== undefined) return
    if (this.#life === undefined || this.#publishedBytes > recordBytesUnreadMax) {
      this.#host?.uncarried?.('dropped', 1)
      return
    }
    this.#publishedBytes += record.byteLength
    this.#life.batch.send({ type: 'publish', topic, record })
  }

  subscribe(topic: string, on: (via: NodeId, record: Uint8Array) => void): void {
    const others = this.#listeners.get(topic)
    if (others !== undefined) {
      others.push(on)
      return
    }
    this.#listeners.set(topic, [on])
    this.#life?.batch.send({ type: 'subscribe', topic })
  }

  regionsOf(node: NodeId): readonly string[] | undefined {
    return this.#options.here.regionsOf?.(node)
  }

  beat(load: NodeLoad): void {
    beatIoWords(this.#words, load)
  }

  sign(bytes: Uint8Array): Uint8Array {
    return this.#options.here.sign(bytes)
  }

  verify(author: NodeId, bytes: Uint8Array, signature: Uint8Array): boolean {
    return this.#options.here.verify(author, bytes, signature)
  }

  #begin(): Life {
    const { spec, startThread } = this.#options
    const { module, export: name } = spec
    const platform = this.#platform as Platform
    const { environment, turns } = platform
    const words = this.#words
    // A thread that can't be started says so by its end, which comes later.
    const thread: ThreadHandle = startThread(
      { module, export: name, options: this.#settled, words, environment },
      {
        message: (post) => this.#receive(life, post as IoPost<FromIo>),
        ended: (end) => this.#ended(life, end),
      },
    )
    const life: Life = {
      thread,
      batch: new IoBatch<ToIo>(turns, (post, carried) => thread.post(post, carried)),
      starting: deferred(),
      stopped: deferred(),
    }
    this.#life = life
    this.#publishedBytes = 0
    for (const topic of this.#listeners.keys()) life.batch.send({ type: 'subscribe', topic })
    return life
  }

  #receive(life: Life, post: IoPost<FromIo>): void {
    if (this.#life !== life) return
    const read = { accepted: 0, logged: 0, recordBytes: 0 }
    readPost(post, this, (message) => this.#take(life, message, read))
    if (read.accepted + read.logged + read.recordBytes > 0) life.batch.send({ type: 'read', ...read })
  }

  /** Of a link that is over it is dropped. */
  frame(link: number, lane: number, frame: Uint8Array): void {
    this.#links.get(link)?.lane(lane).receive(frame)
  }

  credit(link: number, lane: number, bytes: number): void {
    this.#links.get(link)?.lane(lane).credit(bytes)
  }

  #take(life: Life, message: FromIo, read: { accepted: number; logged: number; recordBytes: number }): void {
    switch (message.type) {
      case 'started':
        life.starting.resolve(message.started)
        return
      case 'startFailed':
        life.starting.reject(transportError(message.error, 'ERR_TRANSPORT_START'))
        life.thread.terminate()
        return
      case 'found':
        this.#host?.found(message.address)
        return
      case 'offered':
        this.#host?.offered?.(message.address)
        return
      case 'withdrawn':
        this.#host?.withdrawn?.(message.address)
        return
      case 'accepted':
        read.accepted += 1
        this.#accepted(life, message.link)
        return
      case 'dialled': {
        const link = this.#addLink(life, message.link)
        const dial = this.#endDial(message.dial)
        if (dial === undefined) link.close('The dial was aborted')
        else dial.resolve(link)
        return
      }
      case 'dialFailed':
        this.#endDial(message.dial)?.reject(transportError(message.error, 'ERR_DIAL_FAILED'))
        return
      case 'closed':
        this.#links.get(message.link)?.ended({ ...message.closed, local: false })
        return
      case 'record':
        read.recordBytes += message.record.byteLength
        if (this.#stopping !== undefined) return
        for (const on of this.#listeners.get(message.topic) ?? []) on(message.via, message.record)
        return
      case 'log':
        read.logged += 1
        this.#platform?.log[message.level](message.fields, message.message)
        return
      case 'uncarried':
        for (const [how, count] of Object.entries(message.counts) as [Uncarried, number][]) {
          if (count > 0) this.#host?.uncarried?.(how, count)
        }
        return
      case 'publishedBytes':
        this.#publishedBytes -= message.bytes
        return
      case 'failed':
        this.#fail(transportError(message.error, 'ERR_TRANSPORT_THREAD_LOST'))
        return
      case 'stopped':
        life.stopped.resolve()
    }
  }

  #accepted(life: Life, link: IoLink): void {
    const added = this.#addLink(life, link)
    if (this.#stopping === undefined) this.#host?.accepted(added)
    else added.close('The transport stops')
  }

  #addLink(life: Life, link: IoLink): PortLink {
    const { lanes, maxFrameBytes } = this.supports
    const gone = ({ number }: PortLink): void => void this.#links.delete(number)
    const added = new PortLink({ link, lanes, maxFrameBytes, batch: life.batch, gone })
    this.#links.set(link.number, added)
    return added
  }

  #endDial(dial: number): Deferred<RawLink> | undefined {
    const dialled = this.#dials.get(dial)
    this.#dials.delete(dial)
    return dialled
  }

  #ended(life: Life, { exitCode, error }: ThreadEnd): void {
    if (this.#life !== life) return
    this.#life = undefined
    life.stopped.resolve()
    const why = lost(`it ended with ${exitCode}`, error)
    for (const link of [...this.#links.values()]) link.ended({ local: false, reason: `${why.code}: ${why.message}` })
    for (const dial of [...this.#dials.keys()]) this.#endDial(dial)?.reject(why)
    // Nothing, if it had started, or said already why not.
    life.starting.reject(new TransportError('ERR_TRANSPORT_START', why.message, { cause: why }))
    if (this.#stopping !== undefined || this.#started === undefined) return
    this.#platform?.log.error({ code: why.code, error: String(error), exitCode }, "the transport's thread was lost")
    this.#startAgain(why)
  }

  #startAgain(why: TransportError): void {
    const { clock, random } = this.#platform as Platform
    const now = clock.monotonic()
    this.#lostAt.push(now)
    while (now - (this.#lostAt[0] ?? now) > restartsWithinMs) this.#lostAt.shift()
    if (this.#lostAt.length > restartsMax) {
      this.#fail(why)
      return
    }
    this.#restart = clock.after(backoffDelayMs(this.#lostAt.length - 1, restartBackoff, random.float()), () => {
      this.#restart = undefined
      this.#begin().starting.promise.then(
        (started) => this.#startedAgain(started),
        // The thread ends now, and that is counted; its log has said why.
        (error: unknown) => this.#platform?.log.warn({ error: String(error) }, 'the transport did not start again'),
      )
    })
  }

  #startedAgain(started: TransportStarted): void {
    const { log } = this.#platform as Platform
    const before = this.#started as TransportStarted
    if (started.id === before.id && String(started.addresses) === String(before.addresses)) {
      log.warn({ restarts: this.#lostAt.length }, 'the transport runs again, on another thread')
      return
    }
    this.#fail(
      lost(`the next one is ${started.id} at ${String(started.addresses)} instead of ${String(before.addresses)}`),
    )
  }

  #fail(error: TransportError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#host?.failed?.(error)
  }

  async #stop(): Promise<void> {
    this.#restart?.cancel()
    for (const link of [...this.#links.values()]) link.close('The transport stops')
    for (const dial of [...this.#dials.keys()]) this.#endDial(dial)?.reject(stopped())
    const life = this.#life
    if (life === undefined || this.#platform === undefined) return
    life.batch.send({ type: 'stop' })
    life.batch.flush()
    const timer = this.#platform.clock.after(stopMs, () => life.stopped.resolve())
    await life.stopped.promise
    timer.cancel()
    life.thread.terminate()
    this.#life = undefined
    life.starting.reject(stopped())
  }
}

function stopped(): TransportError {
  return new TransportError('ERR_TRANSPORT_STOPPED', 'The transport is not running')
}

function lost(why: string, cause?: Error): TransportError {
  const message = `The thread of the transport was lost: ${cause === undefined ? why : cause.message}`
  return new TransportError('ERR_TRANSPORT_THREAD_LOST', message, cause === undefined ? {} : { cause })
}

const codes: Readonly<Record<TransportErrorCode, true>> = {
  ERR_DIAL_FAILED: true,
  ERR_WRONG_PEER: true,
  ERR_OWN_ADDRESS: true,
  ERR_PEER_REFUSED: true,
  ERR_FRAME_TOO_LARGE: true,
  ERR_TRANSPORT_START: true,
  ERR_TRANSPORT_THREAD_LOST: true,
  ERR_TRANSPORT_STOPPED: true,
}

/** An error of the transport as it was before it crossed; another one has the code `other`. */
function transportError(data: ErrorData, other: TransportErrorCode): TransportError {
  const code = Object.hasOwn(codes, data.code ?? '') ? (data.code as TransportErrorCode) : other
  return new TransportError(code, data.message, data.cause === undefined ? {} : { cause: errorFromData(data.cause) })
}
