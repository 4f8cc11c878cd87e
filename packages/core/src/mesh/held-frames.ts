import { RingQueue } from '../base/ring-queue.ts'

/** The order key of a frame that must come after everything that was sent before it, whoever that is for. */
export const everyOrder = '*'

// What a held frame costs beside its bytes, so that a flood of empty frames is bounded too.
const frameOverheadBytes = 64

/** A frame in its place. A large one has a number, and no bytes before it is whole. */
interface Place {
  readonly large: number | undefined
  frame: Uint8Array | undefined
}

interface Barrier {
  readonly frame: Uint8Array
  /** The large frames that it waits for. */
  readonly behind: Set<number>
}

/**
 * Keeps the order of what a peer sends while large frames travel beside it: a large frame was announced in its place,
 * and later frames with its key wait here until it is whole and was handed on. Frames with other keys are not held. It has
 * no bound of its own: its owner watches `bytes`.
 */
export class HeldFrames {
  readonly #deliver: (frame: Uint8Array) => void
  readonly #handedOn: (large: number) => void
  /** For each key with a large frame that was not handed on: that one first, then what waits behind it. */
  readonly #queues = new Map<string, RingQueue<Place>>()
  /** The large frames that were not handed on, and their keys. */
  readonly #open = new Map<number, { readonly key: string; readonly place: Place }>()
  #barriers: Barrier[] = []
  #bytes = 0

  /** `handedOn` is called behind `deliver` of each large frame. Neither must throw. */
  constructor(deliver: (frame: Uint8Array) => void, handedOn: (large: number) => void) {
    this.#deliver = deliver
    this.#handedOn = handedOn
  }

  /** Large frames that were announced and not handed on. With none, no frame need be asked for its key. */
  get open(): number {
    return this.#open.size
  }

  /** What the small frames that wait count. */
  get bytes(): number {
    return this.#bytes
  }

  /** A large frame will come. What is taken with its key from here on waits for it. */
  announce(large: number, key: string): void {
    const place: Place = { large, frame: undefined }
    let queue = this.#queues.get(key)
    if (queue === undefined) {
      queue = new RingQueue(4)
      this.#queues.set(key, queue)
    }
    queue.push(place)
    this.#open.set(large, { key, place })
  }

  /** `false`: it has nothing to wait for, and was not kept. */
  hold(key: string, frame: Uint8Array): boolean {
    if (key === everyOrder) {
      if (this.#open.size === 0) return false
      this.#barriers.push({ frame: owned(frame), behind: new Set(this.#open.keys()) })
    } else {
      const queue = this.#queues.get(key)
      if (queue === undefined) return false
      queue.push({ large: undefined, frame: owned(frame) })
    }
    this.#bytes += frame.byteLength + frameOverheadBytes
    return true
  }

  /** A large frame is whole. Hands on all that has nothing left to wait for. */
  complete(large: number, frame: Uint8Array): void {
    const open = this.#open.get(large)
    if (open === undefined) return
    open.place.frame = frame
    const queue = this.#queues.get(open.key) as RingQueue<Place>
    for (let next = queue.first; next?.frame !== undefined; next = queue.first) {
      queue.shift()
      if (next.large === undefined) this.#handOn(next.frame)
      else {
        // What waited for the large frame before this one, and not before the small ones behind that.
        this.#passBarriers()
        this.#handOnLarge(next.large, next.frame)
      }
    }
    this.#passBarriers()
    if (queue.length === 0) this.#queues.delete(open.key)
  }

  /** The link is over: nothing more is handed on. */
  drop(): void {
    for (const queue of this.#queues.values()) queue.drain()
    this.#queues.clear()
    this.#open.clear()
    this.#barriers = []
    this.#bytes = 0
  }

  #handOn(frame: Uint8Array): void {
    this.#bytes -= frame.byteLength + frameOverheadBytes
    this.#deliver(frame)
  }

  #handOnLarge(large: number, frame: Uint8Array): void {
    this.#open.delete(large)
    this.#deliver(frame)
    this.#handedOn(large)
    for (const { behind } of this.#barriers) behind.delete(large)
  }

  #passBarriers(): void {
    // An earlier one waits for no more than a later one, so those that may pass are the first.
    for (let first = this.#barriers[0]; first?.behind.size === 0; first = this.#barriers[0]) {
      this.#barriers.shift()
      this.#handOn(first.frame)
    }
  }
}

/** A view would keep alive all that came with it. */
function owned(frame: Uint8Array): Uint8Array {
  return new Uint8Array(frame)
}
