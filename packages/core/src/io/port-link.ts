import type { LinkClosed, NodeId, RawLane, RawLink } from '../mesh/transport.ts'
import { TransportError } from '../mesh/errors.ts'
import { RingQueue } from '../base/ring-queue.ts'
import type { IoBatch } from './io-batch.ts'
import { controlWindowBytes, type IoLink, laneWindowBytes, type ToIo } from './io-message.ts'
import { SentWindow, TakenWindow } from './lane-window.ts'

export interface PortLinkOptions {
  readonly link: IoLink
  readonly lanes: number
  readonly maxFrameBytes: number
  readonly batch: IoBatch<ToIo>
  /** Called when it is over for this side. */
  gone(link: PortLink): void
}

/** Main's end of a link whose transport runs on another thread. */
export class PortLink implements RawLink {
  readonly peer: NodeId
  readonly roles: readonly string[]
  readonly regions: readonly string[] | undefined
  readonly number: number
  readonly closed: Promise<LinkClosed>
  readonly #batch: IoBatch<ToIo>
  readonly #gone: (link: PortLink) => void
  readonly #lanes: readonly PortLane[]
  #resolveClosed!: (closed: LinkClosed) => void
  #isOpen = true

  constructor({ link, lanes, maxFrameBytes, batch, gone }: PortLinkOptions) {
    this.number = link.number
    this.peer = link.peer
    this.roles = link.roles
    this.regions = link.regions
    this.#batch = batch
    this.#gone = gone
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.#lanes = Array.from({ length: lanes }, (_none, index) => new PortLane(this, index, maxFrameBytes, batch))
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  lane(n: number): PortLane {
    return this.#lanes[Math.min(Math.max(n, 0), this.#lanes.length - 1)] as PortLane
  }

  answerPings(): void {
    if (this.#isOpen) this.#batch.send({ type: 'answerPings', link: this.number })
  }

  leastRtt(ms: number): void {
    if (this.#isOpen) this.#batch.send({ type: 'leastRtt', link: this.number, ms })
  }

  close(reason: string): void {
    this.#end({ local: true, reason }, reason)
  }

  /** Our side does not want to go on, though nobody here asked to close it. */
  fail(reason: string): void {
    this.#end({ local: false, reason }, reason)
  }

  /** The other thread says that it is over, or is itself. */
  ended(closed: LinkClosed): void {
    this.#end(closed, undefined)
  }

  #end(closed: LinkClosed, tell: string | undefined): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    for (const lane of this.#lanes) lane.drop()
    if (tell !== undefined) this.#batch.send({ type: 'close', link: this.number, reason: tell })
    this.#gone(this)
    this.#resolveClosed(closed)
  }
}

// A sender that goes on in spite of `false` loses the link at this many bytes, or at four of the largest frames.
const sentBytesMax = 32 * 1024 * 1024

/** One of its lanes. At most a window and one frame wait here while it is paused. */
export class PortLane implements RawLane {
  readonly #link: PortLink
  readonly #index: number
  readonly #maxFrameBytes: number
  readonly #batch: IoBatch<ToIo>
  readonly #sent = new SentWindow(laneWindowBytes)
  readonly #taken: TakenWindow
  readonly #waiting = new RingQueue<Uint8Array>(2)
  #drainIsOwed = false
  #onDrain: (() => void) | undefined
  #onFrame: ((frame: Uint8Array) => void) | undefined
  #isPaused = false
  #isDelivering = false

  constructor(link: PortLink, index: number, maxFrameBytes: number, batch: IoBatch<ToIo>) {
    this.#link = link
    this.#index = index
    this.#maxFrameBytes = maxFrameBytes
    this.#batch = batch
    this.#taken = new TakenWindow(index === 0 ? controlWindowBytes : laneWindowBytes)
  }

  send(frame: Uint8Array): boolean {
    return this.#send(frame, undefined)
  }

  sendPieces(head: Uint8Array, body: Uint8Array): boolean {
    return this.#send(head, body)
  }

  onDrain(on: () => void): void {
    this.#onDrain = on
  }

  onFrame(on: (frame: Uint8Array) => void): void {
    this.#onFrame = on
    this.#deliver()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#deliver()
  }

  /** A frame came from the other thread. */
  receive(frame: Uint8Array): void {
    if (!this.#link.isOpen) return
    this.#waiting.push(frame)
    this.#deliver()
  }

  /** The other thread has handed so much on. */
  credit(bytes: number): void {
    this.#sent.taken(bytes)
    if (!this.#drainIsOwed || !this.#sent.isHalfEmpty || !this.#link.isOpen) return
    this.#drainIsOwed = false
    this.#onDrain?.()
  }

  drop(): void {
    this.#waiting.drain()
  }

  #send(head: Uint8Array, body: Uint8Array | undefined): boolean {
    const bytes = head.byteLength + (body?.byteLength ?? 0)
    if (bytes > this.#maxFrameBytes) {
      const problem = `A frame of ${bytes} bytes; the maximum is ${this.#maxFrameBytes}`
      throw new TransportError('ERR_FRAME_TOO_LARGE', problem)
    }
    if (!this.#link.isOpen) return false
    this.#sent.sent(bytes)
    this.#batch.frame(this.#link.number, this.#index, head, body)
    if (!this.#sent.isFull) return true
    this.#drainIsOwed = true
    if (this.#sent.bytes > Math.max(sentBytesMax, 4 * this.#maxFrameBytes)) {
      this.#link.fail(`${this.#sent.bytes} bytes wait to be sent; the peer does not keep up`)
    }
    return false
  }

  // A listener may pause, resume or close from within.
  #deliver(): void {
    if (this.#isDelivering) return
    this.#isDelivering = true
    while (!this.#isPaused && this.#onFrame !== undefined) {
      const frame = this.#waiting.shift()
      if (frame === undefined) break
      const { byteLength } = frame
      this.#onFrame(frame)
      const told = this.#taken.took(byteLength)
      if (told > 0 && this.#link.isOpen) this.#batch.credit(this.#link.number, this.#index, told)
    }
    this.#isDelivering = false
  }
}
