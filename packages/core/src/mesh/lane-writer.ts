import { assert } from '../base/assert.ts'
import { RingQueue } from '../base/ring-queue.ts'
import { BlockSlice } from './block-slice.ts'
import { SplitMessage } from './split-message.ts'
import type { FrameRecord, RawLane } from './transport.ts'

// What a queued frame costs beside its bytes, so that a flood of empty frames is bounded too.
const frameOverheadBytes = 64

/**
 * Sends frames on one lane, in order, and keeps them in a bounded queue while the transport says that its buffer is
 * full. At `backlogBytesMax` bytes in that queue a further frame is not taken; an empty queue takes any one frame.
 */
export class LaneWriter {
  readonly #lane: RawLane
  readonly #backlogBytesMax: number
  readonly #backlog = new RingQueue<Uint8Array | BlockSlice | SplitMessage>()
  #backlogBytes = 0
  #blocked = false
  /** Called when the lane takes frames again and nothing waits here. */
  onRoom: () => void = () => undefined

  constructor(lane: RawLane, backlogBytesMax: number) {
    this.#lane = lane
    this.#backlogBytesMax = backlogBytesMax
    lane.onDrain(() => this.#drain())
  }

  /** Bytes that wait here, overhead included. What the transport itself buffers can't be seen. */
  get backlogBytes(): number {
    return this.#backlogBytes
  }

  get blocked(): boolean {
    return this.#blocked
  }

  /** `false`: the backlog is full and the frame was not taken. An `urgent` one is taken up to twice the bound. */
  send(frame: Uint8Array, urgent = false): boolean {
    if (!this.#blocked) {
      this.#blocked = !this.#lane.send(frame)
      return true
    }
    return this.#keep(frame, urgent)
  }

  /** The same for a frame within a block, of which no view is made where the transport can do without. One that waits is copied. */
  sendSlice(frame: BlockSlice, urgent = false): boolean {
    if (this.#blocked) return this.#keep(frame, urgent)
    this.#blocked = !this.#passSlice(frame)
    return true
  }

  /** The same for a frame in two pieces, which is not copied where the transport can do without, also while it waits. */
  sendSplit(frame: SplitMessage, urgent = false): boolean {
    if (this.#blocked) return this.#keep(frame, urgent)
    this.sendPieces(frame.head, frame.body)
    return true
  }

  /** Sends a frame in two pieces, without a copy where the transport can. Only while it is not blocked. */
  sendPieces(head: Uint8Array, body: Uint8Array): void {
    assert(!this.#blocked, 'what waits is kept by the one who sends in pieces')
    this.#blocked = !this.#passPieces(head, body)
  }

  /** Whether a record may be sent now: what waits here are frames. */
  get takesRecords(): boolean {
    return this.#lane.takesRecords === true && !this.#blocked
  }

  /** Only while it `takesRecords`. */
  sendRecord(record: FrameRecord): void {
    this.#blocked = this.#lane.sendRecord?.(record) !== true
  }

  /** Sends even when the backlog is full: for the one frame that ends a lane. */
  sendLast(frame: Uint8Array): void {
    if (!this.#blocked) {
      this.#blocked = !this.#lane.send(frame)
      return
    }
    this.#wait(frame)
  }

  /** Throws the backlog away, and gives it back for counting. The link is over. */
  drop(): readonly (Uint8Array | BlockSlice | SplitMessage)[] {
    this.#backlogBytes = 0
    return this.#backlog.drain()
  }

  // `#blocked` stays true while the backlog empties: what is sent meanwhile must go behind it.
  #drain(): void {
    this.#blocked = this.#sendBacklog()
    if (!this.#blocked) this.onRoom()
  }

  #sendBacklog(): boolean {
    for (let frame = this.#backlog.shift(); frame !== undefined; frame = this.#backlog.shift()) {
      this.#backlogBytes -= frame.byteLength + frameOverheadBytes
      if (!this.#pass(frame)) return true
    }
    return false
  }

  #keep(frame: Uint8Array | BlockSlice | SplitMessage, urgent: boolean): boolean {
    const cost = frame.byteLength + frameOverheadBytes
    const bytesMax = urgent ? this.#backlogBytesMax * 2 : this.#backlogBytesMax
    if (this.#backlog.length > 0 && this.#backlogBytes + cost > bytesMax) return false
    this.#wait(frame)
    return true
  }

  #wait(frame: Uint8Array | BlockSlice | SplitMessage): void {
    this.#backlog.push(frame instanceof BlockSlice ? frame.alone() : frame)
    this.#backlogBytes += frame.byteLength + frameOverheadBytes
  }

  #pass(frame: Uint8Array | BlockSlice | SplitMessage): boolean {
    if (frame instanceof BlockSlice) return this.#passSlice(frame)
    return frame instanceof SplitMessage ? this.#passPieces(frame.head, frame.body) : this.#lane.send(frame)
  }

  #passSlice(frame: BlockSlice): boolean {
    if (this.#lane.sendSlice === undefined) return this.#lane.send(frame.view())
    const hasRoom = this.#lane.sendSlice(frame)
    if (this.#lane.copiesSlices === true) frame.giveBack()
    return hasRoom
  }

  #passPieces(head: Uint8Array, body: Uint8Array): boolean {
    return this.#lane.sendPieces === undefined
      ? this.#lane.send(new SplitMessage(head, body).join())
      : this.#lane.sendPieces(head, body)
  }
}
