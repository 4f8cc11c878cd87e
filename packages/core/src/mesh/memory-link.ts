import { type Deferred, deferred } from '../base/deferred.ts'
import { RingQueue } from '../base/ring-queue.ts'
import type { Clock, Timer, TurnQueue } from '../platform/platform.ts'
import { TransportError } from './errors.ts'
import type { FrameRecord, FrameSlice, LinkClosed, NodeId, RawLane, RawLink } from './transport.ts'

export interface MemoryLinkOptions {
  readonly peer: NodeId
  readonly roles: readonly string[]
  readonly turns: TurnQueue
  readonly clock: Clock
  /** Whether anything gets through between the two ends. */
  readonly way: { readonly isCut: boolean }
  readonly maxFrameBytes: number
  /** Whether this end takes what need not become bytes as it is. */
  readonly takesRecords: boolean
  /** Called once, when this end has closed. */
  readonly gone: () => void
}

export const memoryLanes = 3

// How long an end that its peer closed waits for somebody to listen to what had come before.
const unheardMs = 1_000

/** One end of a link in memory. It owns the frames on their way to it, and delivers them in turns of its own node. */
export class MemoryLink implements RawLink {
  readonly peer: NodeId
  readonly roles: readonly string[]
  readonly turns: TurnQueue
  readonly maxFrameBytes: number
  readonly takesRecords: boolean
  /** From our own `close` on, or from when we noticed the other end's. */
  isClosed = false
  readonly #clock: Clock
  readonly #way: { readonly isCut: boolean }
  readonly #gone: () => void
  readonly #closed: Deferred<LinkClosed> = deferred()
  readonly #lanes: readonly MemoryLane[]
  #other: MemoryLink | undefined
  /** Why the other end closed, from then on until we have. */
  #endReason: string | undefined
  #unheardTimer: Timer | undefined

  constructor({ peer, roles, turns, clock, way, maxFrameBytes, takesRecords, gone }: MemoryLinkOptions) {
    this.peer = peer
    this.roles = roles
    this.turns = turns
    this.maxFrameBytes = maxFrameBytes
    this.takesRecords = takesRecords
    this.#clock = clock
    this.#way = way
    this.#gone = gone
    this.#lanes = Array.from({ length: memoryLanes }, () => new MemoryLane(this))
  }

  /** Makes two ends one link. Before anything else is done with either. */
  join(other: MemoryLink): void {
    this.#other = other
    other.#other = this
    for (const [n, lane] of this.#lanes.entries()) lane.join(other.#lanes[n] as MemoryLane)
  }

  get closed(): Promise<LinkClosed> {
    return this.#closed.promise
  }

  lane(n: number): RawLane {
    return this.#lanes[Math.min(Math.max(Math.trunc(n), 0), memoryLanes - 1)] as MemoryLane
  }

  close(reason: string): void {
    if (this.isClosed) return
    this.#settle({ local: true, reason })
    const other = this.#other
    if (other !== undefined && !other.isClosed) other.#endSoon(reason)
  }

  get isCut(): boolean {
    return this.#way.isCut
  }

  /** The way carries again. */
  healed(): void {
    for (const lane of this.#lanes) lane.deliverSoon()
    if (this.#endReason !== undefined) this.#endSoon(this.#endReason)
  }

  /** The connection breaks; what is on its way to us is lost. The other end is told for itself. */
  breakOff(): void {
    this.turns.enqueue({ runTurn: () => this.#settle({ local: false, reason: 'The connection broke' }) })
  }

  /** Somebody listens to a lane now. */
  listened(): void {
    if (this.#endReason !== undefined) this.#endSoon(this.#endReason)
  }

  #endSoon(reason: string): void {
    this.#endReason = reason
    this.turns.enqueue({ runTurn: () => this.#end(reason) })
  }

  /** What the peer sent before it closed still comes, except where a lane is paused. */
  #end(reason: string): void {
    if (this.isCut) return
    for (const lane of this.#lanes) lane.deliver()
    // A dialler learns of its link a little later than the peer, which may have said something and closed by then.
    if (this.#lanes.some((lane) => lane.isUnheard())) {
      this.#unheardTimer ??= this.#clock.after(unheardMs, () => this.#settle({ local: false, reason }))
    } else {
      this.#settle({ local: false, reason })
    }
  }

  #settle(closed: LinkClosed): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#unheardTimer?.cancel()
    for (const lane of this.#lanes) lane.discard()
    this.#closed.resolve(closed)
    this.#gone()
  }
}

// Above this a lane's buffer counts as full. It passes the mark by one frame, or by more if the sender does not wait.
const fullBytes = 1024 * 1024
// A sender that never waits is cut off here: the link closes at both ends.
const overfullBytes = 64 * 1024 * 1024
// What a frame counts beside its bytes, so that empty frames fill a buffer too.
const frameOverheadBytes = 64

/** One lane of one end: sends into the other end's queue, delivers from its own. */
class MemoryLane implements RawLane {
  readonly #end: MemoryLink
  #other: MemoryLane | undefined
  /** On their way to us, and what they count. */
  readonly #frames = new RingQueue<Uint8Array | FrameSlice | FrameRecord>()
  #bytes = 0
  #onFrame: ((frame: Uint8Array) => void) | undefined
  #onSlice: ((block: Uint8Array, from: number, end: number) => void) | undefined
  #onRecord: ((record: FrameRecord) => void) | undefined
  #isPaused = false
  #isScheduled = false
  #onDrain: (() => void) | undefined
  #owesDrain = false

  constructor(end: MemoryLink) {
    this.#end = end
  }

  join(other: MemoryLane): void {
    this.#other = other
    other.#other = this
  }

  send(frame: Uint8Array): boolean {
    return this.#send(frame, frame.byteLength)
  }

  sendSlice(frame: FrameSlice): boolean {
    return this.#send(frame, frame.byteLength)
  }

  sendRecord(record: FrameRecord): boolean {
    return this.#send(record, record.byteLength)
  }

  get takesRecords(): boolean {
    const other = this.#other
    return other !== undefined && other.#onRecord !== undefined
  }

  #send(frame: Uint8Array | FrameSlice | FrameRecord, bytes: number): boolean {
    if (bytes > this.#end.maxFrameBytes) throw frameTooLarge(bytes, this.#end.maxFrameBytes)
    const other = this.#other
    if (other === undefined || this.#end.isClosed || other.#end.isClosed) return false
    other.#frames.push(frame)
    other.#bytes += bytes + frameOverheadBytes
    if (other.#bytes > overfullBytes) {
      this.#end.close('The sender did not wait for room')
      return false
    }
    other.deliverSoon()
    if (other.#bytes <= fullBytes) return true
    this.#owesDrain = true
    return false
  }

  onDrain(on: () => void): void {
    this.#onDrain = on
    this.#drainSoon()
  }

  onFrame(on: (frame: Uint8Array) => void): void {
    this.#onFrame = on
    this.deliverSoon()
    this.#end.listened()
  }

  onSlice(on: (block: Uint8Array, from: number, end: number) => void): void {
    this.#onSlice = on
  }

  onRecord(on: (record: FrameRecord) => void): void {
    if (this.#end.takesRecords) this.#onRecord = on
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.deliverSoon()
  }

  /** Hands over what is here now; what comes meanwhile waits for the next turn, so that no lane keeps the thread. */
  deliver(): void {
    for (let left = this.#frames.length; left > 0 && this.#isOpen(); left -= 1) {
      const frame = this.#frames.shift() as Uint8Array | FrameSlice | FrameRecord
      // Apart, so that each place sees few shapes: of an array it is asked in another way than of all others.
      const bytes = frame instanceof Uint8Array ? frame.byteLength : frame.byteLength
      this.#bytes -= bytes + frameOverheadBytes
      if (bytes > this.#end.maxFrameBytes) {
        this.#end.close(`The peer sent a frame of ${bytes} bytes, more than is allowed`)
        return
      }
      if (frame instanceof Uint8Array) this.#onFrame?.(frame)
      else if (!('block' in frame)) this.#onRecord?.(frame)
      else if (this.#onSlice === undefined) this.#onFrame?.(frame.view())
      else this.#onSlice(frame.block, frame.from, frame.end)
    }
    if (this.#frames.length > 0) this.deliverSoon()
    else if (this.#other !== undefined) this.#other.#drainSoon()
  }

  /** Whether frames wait for a first listener. */
  isUnheard(): boolean {
    return this.#frames.length > 0 && this.#onFrame === undefined && !this.#isPaused
  }

  discard(): void {
    this.#frames.drain()
    this.#bytes = 0
  }

  #isOpen(): boolean {
    return !this.#isPaused && this.#onFrame !== undefined && !this.#end.isClosed && !this.#end.isCut
  }

  /** In a turn of its own, unless there is nothing, or nobody to take it. */
  deliverSoon(): void {
    if (this.#isScheduled || this.#frames.length === 0 || !this.#isOpen()) return
    this.#isScheduled = true
    this.#end.turns.enqueue({
      runTurn: () => {
        this.#isScheduled = false
        this.deliver()
      },
    })
  }

  /** Whether the buffer is empty is looked at again in the turn itself: the sender may have filled it meanwhile. */
  #drainSoon(): void {
    if (!this.#owesDrain || this.#onDrain === undefined) return
    this.#end.turns.enqueue({
      runTurn: () => {
        const isEmpty = this.#other === undefined || this.#other.#frames.length === 0
        if (!this.#owesDrain || !isEmpty || this.#end.isClosed) return
        this.#owesDrain = false
        this.#onDrain?.()
      },
    })
  }
}

function frameTooLarge(bytes: number, bytesMax: number): TransportError {
  const problem = `A frame of ${bytes} bytes, where at most ${bytesMax} are allowed`
  return new TransportError('ERR_FRAME_TOO_LARGE', problem)
}
