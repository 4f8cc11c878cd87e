import { errorData } from '../base/error-data.ts'
import { printableFields } from '../platform/log.ts'
import type { Log, Platform, Timer } from '../platform/platform.ts'
import type { RawLink, Transport, Uncarried } from '../mesh/transport.ts'
import { HostedLink } from './hosted-link.ts'
import { IoBatch, type IoPost, readPost } from './io-batch.ts'
import {
  acceptedUnreadMax,
  type FromIo,
  type IoLink,
  loggedUnreadMax,
  recordBytesUnreadMax,
  type ToIo,
} from './io-message.ts'
import { type MainPulse, nextMainPulse, readIoWords } from './io-words.ts'

export interface TransportHostOptions {
  readonly transport: Transport
  /** Its log is replaced by one that main writes. */
  readonly platform: Omit<Platform, 'log'>
  readonly words: Int32Array
  readonly post: (post: IoPost<FromIo>, carried: readonly ArrayBuffer[]) => void
}

/** How often main's life is looked at, in milliseconds. */
const lookEveryMs = 100
/** A main thread that has not beaten for so long does not read its port either. */
const awakeMs = 1_000

/**
 * Runs a transport on this thread for a main thread behind a port. It answers the peers' pings itself, and says in each answer for how
 * long main has not beaten, so that a stuck node keeps its links and is routed around.
 */
export class TransportHost {
  readonly #transport: Transport
  readonly #platform: Platform
  readonly #words: Int32Array
  readonly #batch: IoBatch<FromIo>
  readonly #links = new Map<number, HostedLink>()
  readonly #dials = new Map<number, AbortController>()
  #linkNumber = 0
  #acceptedUnread = 0
  #loggedUnread = 0
  #logsDropped = 0
  #recordBytesUnread = 0
  /** What main was not told yet. */
  readonly #uncarried: Record<Uncarried, number> = { dropped: 0, lost: 0, refused: 0 }
  #pulse: MainPulse
  #look: Timer | undefined

  constructor({ transport, platform, words, post }: TransportHostOptions) {
    this.#transport = transport
    this.#words = words
    this.#batch = new IoBatch(platform.turns, post)
    this.#platform = { ...platform, log: this.#createLog() }
    this.#pulse = { beats: readIoWords(words).beats, stuckMs: 0, lookedAt: platform.clock.monotonic() }
  }

  /** Starts the transport, and tells main how that went. */
  async start(): Promise<void> {
    this.#lookAtMain()
    const host = {
      accepted: (raw: RawLink) => this.#accepted(raw),
      found: (address: string) => this.#batch.send({ type: 'found', address }),
      offered: (address: string) => this.#batch.send({ type: 'offered', address }),
      withdrawn: (address: string) => this.#batch.send({ type: 'withdrawn', address }),
      failed: (error: Error) => this.#batch.send({ type: 'failed', error: errorData(error) }),
      uncarried: (how: Uncarried, count: number) => void (this.#uncarried[how] += count),
    }
    try {
      this.#batch.sendFirst({ type: 'started', started: await this.#transport.start(host, this.#platform) })
    } catch (error) {
      this.#batch.send({ type: 'startFailed', error: errorData(error) })
    }
  }

  receive(post: IoPost<ToIo>): void {
    readPost(post, this, (message) => this.#take(message))
  }

  /** Of a link that is over it is dropped. */
  frame(link: number, lane: number, frame: Uint8Array): void {
    this.#links.get(link)?.lane(lane)?.send(frame)
  }

  credit(link: number, lane: number, bytes: number): void {
    this.#links.get(link)?.lane(lane)?.credit(bytes)
  }

  #take(message: ToIo): void {
    switch (message.type) {
      case 'dial':
        void this.#dial(message.dial, message.address, message.expect)
        return
      case 'abandon':
        this.#dials.get(message.dial)?.abort(new Error('The dial was given up'))
        return
      case 'close':
        this.#links.get(message.link)?.close(message.reason)
        return
      case 'answerPings': {
        const link = this.#links.get(message.link)
        if (link !== undefined) link.isUp = true
        return
      }
      case 'leastRtt':
        this.#links.get(message.link)?.raw.leastRtt?.(message.ms)
        return
      case 'subscribe':
        this.#subscribe(message.topic)
        return
      case 'publish':
        this.#publish(message.topic, message.record)
        return
      case 'read':
        this.#acceptedUnread -= message.accepted
        this.#loggedUnread -= message.logged
        this.#recordBytesUnread -= message.recordBytes
        return
      case 'stop':
        void this.#stop()
    }
  }

  async #dial(dial: number, address: string, expect: string | undefined): Promise<void> {
    const aborter = new AbortController()
    this.#dials.set(dial, aborter)
    try {
      const raw = await this.#transport.dial(address, expect, aborter.signal)
      const { link, facts } = this.#addLink(raw)
      this.#batch.sendFirst({ type: 'dialled', dial, link: facts })
      link.listen()
    } catch (error) {
      this.#batch.send({ type: 'dialFailed', dial, error: errorData(error) })
    } finally {
      this.#dials.delete(dial)
    }
  }

  #accepted(raw: RawLink): void {
    if (this.#acceptedUnread >= acceptedUnreadMax) {
      this.#uncarried.refused += 1
      raw.close('The main thread takes no more links')
      return
    }
    this.#acceptedUnread += 1
    const { link, facts } = this.#addLink(raw)
    this.#batch.sendFirst({ type: 'accepted', link: facts })
    link.listen()
  }

  #addLink(raw: RawLink): { link: HostedLink; facts: IoLink } {
    this.#linkNumber = (this.#linkNumber + 1) >>> 0
    const number = this.#linkNumber
    const link = new HostedLink({
      number,
      raw,
      lanes: this.#transport.supports.lanes,
      batch: this.#batch,
      load: () => ({ ...readIoWords(this.#words), stuckMs: Math.round(this.#pulse.stuckMs) }),
      isMainAwake: () => this.#pulse.stuckMs < awakeMs,
      gone: () => this.#links.delete(number),
    })
    this.#links.set(number, link)
    return { link, facts: { number, peer: raw.peer, roles: raw.roles ?? [], regions: raw.regions } }
  }

  #subscribe(topic: string): void {
    this.#transport.subscribe?.(topic, (via, record) => {
      if (this.#recordBytesUnread > recordBytesUnreadMax) {
        this.#uncarried.dropped += 1
        return
      }
      this.#recordBytesUnread += record.byteLength
      this.#batch.send({ type: 'record', topic, via, record: ownBytes(record) })
    })
  }

  #publish(topic: string, record: Uint8Array): void {
    this.#batch.send({ type: 'publishedBytes', bytes: record.byteLength })
    try {
      this.#transport.publish?.(topic, record)
    } catch (error) {
      this.#uncarried.dropped += 1
      this.#platform.log.warn({ topic, error: String(error) }, 'a record was not published')
    }
  }

  async #stop(): Promise<void> {
    this.#look?.cancel()
    await this.#transport.stop()
    this.#tellUncarried()
    this.#batch.send({ type: 'stopped' })
    this.#batch.flush()
  }

  #lookAtMain(): void {
    const { clock } = this.#platform
    const { beats } = readIoWords(this.#words)
    this.#pulse = nextMainPulse(this.#pulse, beats, clock.monotonic(), lookEveryMs)
    this.#tellUncarried()
    this.#look = clock.after(lookEveryMs, () => this.#lookAtMain())
  }

  /** Together: a flood is not to make as many messages to main as it has. */
  #tellUncarried(): void {
    const counts = { ...this.#uncarried }
    if (counts.dropped + counts.lost + counts.refused === 0) return
    this.#batch.send({ type: 'uncarried', counts })
    Object.assign(this.#uncarried, { dropped: 0, lost: 0, refused: 0 })
  }

  #createLog(): Log {
    const write =
      (level: 'debug' | 'info' | 'warn' | 'error') =>
      (fields: object, message: string): void => {
        if (this.#loggedUnread >= loggedUnreadMax) {
          this.#logsDropped += 1
          return
        }
        this.#loggedUnread += 1
        const dropped = this.#logsDropped
        this.#logsDropped = 0
        const told = printableFields(dropped === 0 ? fields : { ...fields, droppedBefore: dropped })
        this.#batch.send({ type: 'log', level, fields: told, message })
      }
    return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  }
}

/** A message is cloned with all of the buffer that its bytes are a view of. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
}
