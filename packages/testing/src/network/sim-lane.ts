import { TransportError } from '@skerry/core'
import type { RawLane } from '@skerry/core/transport'
import type { Unit } from '../kernel/sim-kernel-contract.ts'
import { digestOf } from './digest.ts'
import type { SimPipe } from './sim-pipe.ts'
import { drop, FrameFacts, type Wire } from './wire.ts'

/** The end of a link that a lane belongs to, as far as the lane cares. */
export interface LaneOwner {
  readonly wire: Wire
  readonly unit: Unit
  readonly peer: string
  readonly isClosed: boolean
  readonly maxFrameBytes: number
  /** What we send. */
  readonly out: SimPipe
  /** What the peer sends. */
  readonly back: SimPipe
  close(reason: string): void
}

// Above this the buffer counts as full, until the peer took all but half of it.
const fullBytes = 1024 * 1024
const drainedBytes = fullBytes / 2
// A sender that never waits is cut off here: the link closes at both ends.
const overfullBytes = 64 * 1024 * 1024
// What a frame counts beside its bytes, so that empty frames fill a buffer too.
const frameOverheadBytes = 64

/** One lane of one end: counts what it sent and the peer's listener did not take yet, and keeps what came for ours. */
export class SimLane implements RawLane {
  readonly #owner: LaneOwner
  readonly #n: number
  #other: SimLane | undefined
  #untakenBytes = 0
  #onDrain: (() => void) | undefined
  #owesDrain = false
  #isDrainUnderWay = false
  /** What came while the lane was paused, or nobody listened. Bounded by the sender's `overfullBytes`. */
  #inbox: Uint8Array[] = []
  #inboxHead = 0
  #onFrame: ((frame: Uint8Array) => void) | undefined
  #isPaused = false
  #isFlushScheduled = false

  constructor(owner: LaneOwner, n: number) {
    this.#owner = owner
    this.#n = n
  }

  join(other: SimLane): void {
    this.#other = other
  }

  send(frame: Uint8Array): boolean {
    const owner = this.#owner
    if (frame.byteLength > owner.maxFrameBytes) throw frameTooLarge(frame, owner.maxFrameBytes)
    if (owner.isClosed) {
      drop(owner.wire, owner.unit, owner.peer, 'closed')
      return false
    }
    this.#untakenBytes += frame.byteLength + frameOverheadBytes
    owner.out.sendFrame(this.#n, owned(frame))
    if (this.#untakenBytes > overfullBytes) {
      owner.close('The sender did not wait for room')
      return false
    }
    if (this.#untakenBytes <= fullBytes) return true
    this.#owesDrain = true
    return false
  }

  onDrain(on: () => void): void {
    this.#onDrain = on
    if (!this.#owesDrain || this.#isDrainUnderWay || this.#untakenBytes > drainedBytes) return
    this.#isDrainUnderWay = true
    const { wire, unit, peer } = this.#owner
    wire.kernel.schedule(unit, wire.kernel.nowUs, 'turn', () => this.#drained(), { peer, msg: () => 'room' })
  }

  onFrame(on: (frame: Uint8Array) => void): void {
    this.#onFrame = on
    this.#flushSoon()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#flushSoon()
  }

  /** A frame arrived. */
  receive(frame: Uint8Array): void {
    const { maxFrameBytes } = this.#owner
    if (frame.byteLength > maxFrameBytes) {
      this.#owner.close(`The peer sent a frame of ${frame.byteLength} bytes, more than is allowed`)
    } else if (this.#inboxHead < this.#inbox.length || !this.#isOpen()) {
      this.#inbox.push(frame)
    } else {
      this.#take(frame)
    }
  }

  discard(): void {
    this.#inbox = []
    this.#inboxHead = 0
  }

  #take(frame: Uint8Array): void {
    this.#owner.wire.counters.framesDelivered += 1
    this.#other?.taken(frame.byteLength + frameOverheadBytes)
    this.#onFrame?.(frame)
  }

  /** Called on the sender's lane in the receiver's event: that there is room again travels to it like any frame. */
  taken(bytes: number): void {
    this.#untakenBytes -= bytes
    if (!this.#owesDrain || this.#isDrainUnderWay || this.#untakenBytes > drainedBytes || this.#owner.isClosed) return
    this.#isDrainUnderWay = true
    this.#owner.back.sendControl('room', () => this.#drained())
  }

  #drained(): void {
    this.#isDrainUnderWay = false
    // It may have sent more meanwhile: then the next frame taken below the mark tells it again.
    if (!this.#owesDrain || this.#untakenBytes > drainedBytes || this.#owner.isClosed) return
    if (this.#onDrain === undefined) return
    this.#owesDrain = false
    this.#onDrain()
  }

  #isOpen(): boolean {
    return !this.#isPaused && this.#onFrame !== undefined && !this.#owner.isClosed
  }

  /** One frame an event, so that each can be told from what follows of it. */
  #flushSoon(): void {
    if (this.#isFlushScheduled || this.#inboxHead === this.#inbox.length || !this.#isOpen()) return
    this.#isFlushScheduled = true
    const { wire, unit, peer } = this.#owner
    const frame = this.#inbox[this.#inboxHead] as Uint8Array
    const facts = new FrameFacts(wire, peer, frame, digestOf(frame))
    wire.kernel.schedule(unit, wire.kernel.nowUs, 'turn', () => this.#flush(), facts)
  }

  #flush(): void {
    this.#isFlushScheduled = false
    if (this.#inboxHead === this.#inbox.length || !this.#isOpen()) return
    const frame = this.#inbox[this.#inboxHead] as Uint8Array
    this.#inboxHead += 1
    if (this.#inboxHead === this.#inbox.length) this.discard()
    this.#take(frame)
    this.#flushSoon()
  }
}

/** The bytes are ours by contract, but a view would keep a whole pool alive. */
function owned(frame: Uint8Array): Uint8Array {
  return frame.byteLength === frame.buffer.byteLength ? frame : new Uint8Array(frame)
}

function frameTooLarge(frame: Uint8Array, bytesMax: number): TransportError {
  const problem = `A frame of ${frame.byteLength} bytes, where at most ${bytesMax} are allowed`
  return new TransportError('ERR_FRAME_TOO_LARGE', problem)
}
