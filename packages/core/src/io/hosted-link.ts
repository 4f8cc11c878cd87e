import { RingQueue } from '../base/ring-queue.ts'
import { MalformedError } from '../mesh/byte-reader.ts'
import { controlLane, decodeLinkMessage, encodeLinkMessage, pingKind } from '../mesh/link-message.ts'
import type { NodeLoad } from '../mesh/heartbeat.ts'
import type { RawLane, RawLink } from '../mesh/transport.ts'
import type { IoBatch } from './io-batch.ts'
import { controlWindowBytes, type FromIo, laneWindowBytes } from './io-message.ts'
import { SentWindow, TakenWindow } from './lane-window.ts'

export interface HostedLinkOptions {
  readonly number: number
  readonly raw: RawLink
  readonly lanes: number
  readonly batch: IoBatch<FromIo>
  /** What main said of itself, and for how long it has said nothing. */
  readonly load: () => NodeLoad
  /** Whether main reads what it is sent. */
  readonly isMainAwake: () => boolean
  gone(link: HostedLink): void
}

/** A link on the thread of its transport: hands frames on to main and from it, and answers the peer's pings itself. */
export class HostedLink {
  readonly number: number
  readonly raw: RawLink
  readonly #lanes: readonly HostedLane[]
  /** Whether what comes on the control lane is what core's links say to each other. */
  isUp = false

  constructor(options: HostedLinkOptions) {
    const { number, raw, lanes, batch } = options
    this.number = number
    this.raw = raw
    this.#lanes = Array.from({ length: lanes }, (_none, index) => new HostedLane(this, options, index))
    void raw.closed.then((closed) => {
      batch.send({ type: 'closed', link: number, closed })
      options.gone(this)
    })
  }

  /** The listeners are attached, so in the turn in which the transport handed the link over. */
  listen(): void {
    for (const lane of this.#lanes) lane.listen()
  }

  lane(index: number): HostedLane | undefined {
    return this.#lanes[index]
  }

  close(reason: string): void {
    for (const lane of this.#lanes) lane.sendHeld()
    this.raw.close(reason)
  }
}

class HostedLane {
  readonly #link: HostedLink
  readonly #options: HostedLinkOptions
  readonly #index: number
  readonly #raw: RawLane
  readonly #taken = new TakenWindow(laneWindowBytes)
  readonly #sent: SentWindow
  /** What main sent while the lane is full: at most main's window, and what it sends in spite of `false`. */
  readonly #held = new RingQueue<Uint8Array>(2)
  #isBlocked = false
  #isPaused = false

  constructor(link: HostedLink, options: HostedLinkOptions, index: number) {
    this.#link = link
    this.#options = options
    this.#index = index
    this.#raw = options.raw.lane(index)
    this.#sent = new SentWindow(index === controlLane ? controlWindowBytes : laneWindowBytes)
  }

  listen(): void {
    this.#raw.onDrain(() => this.#drained())
    this.#raw.onFrame((frame) => this.#received(frame))
  }

  /** A frame from main. */
  send(frame: Uint8Array): void {
    if (this.#isBlocked) this.#held.push(frame)
    else this.#pass(frame)
  }

  /** Before the link is closed: what takes no waiting leaves all the same. */
  sendHeld(): void {
    for (const frame of this.#held.drain()) this.#raw.send(frame)
  }

  /** Main has taken so much. */
  credit(bytes: number): void {
    this.#sent.taken(bytes)
    if (!this.#isPaused || !this.#sent.isHalfEmpty) return
    this.#isPaused = false
    this.#raw.resume()
  }

  #pass(frame: Uint8Array): void {
    const { byteLength } = frame
    this.#isBlocked = !this.#raw.send(frame)
    const told = this.#taken.took(byteLength)
    if (told > 0) this.#options.batch.credit(this.#options.number, this.#index, told)
  }

  #drained(): void {
    this.#isBlocked = false
    while (!this.#isBlocked) {
      const frame = this.#held.shift()
      if (frame === undefined) break
      this.#pass(frame)
    }
    const told = this.#taken.takeUntold()
    if (told > 0) this.#options.batch.credit(this.#options.number, this.#index, told)
  }

  #received(frame: Uint8Array): void {
    if (frame[0] === pingKind && this.#index === controlLane && this.#link.isUp && this.#answer(frame)) {
      // Main only wants to know that the peer lives, and how busy it is. While it is stuck they would fill its window.
      if (!this.#options.isMainAwake()) return
    }
    this.#sent.sent(frame.byteLength)
    this.#options.batch.frame(this.#options.number, this.#index, frame)
    if (this.#isPaused || !this.#sent.isFull) return
    this.#isPaused = true
    this.#raw.pause()
  }

  /** `false`: it is not what it seems; main judges it. */
  #answer(frame: Uint8Array): boolean {
    try {
      const ping = decodeLinkMessage(frame)
      if (ping.kind !== 'ping') return false
      // Behind a full buffer an answer would only measure the buffer, and what is in it shows our life as well.
      if (!this.#isBlocked) {
        const pong = encodeLinkMessage({ kind: 'pong', seq: ping.seq, ...this.#options.load() })
        this.#isBlocked = !this.#raw.send(pong)
      }
      return true
    } catch (error) {
      if (error instanceof MalformedError) return false
      throw error
    }
  }
}
