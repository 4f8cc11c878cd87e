import { enqueueWhenIdle, type Turn, type TurnQueue } from '../platform/turn-queue.ts'

/**
 * What goes over a port in one post: messages that open links, then frames and credits, packed into one block that changes hands,
 * then all other messages. Mostly there are only frames: then it is the block alone.
 */
export type IoPost<Message> =
  | Uint8Array<ArrayBuffer>
  | {
      readonly first: readonly Message[]
      readonly frames: Uint8Array<ArrayBuffer> | undefined
      readonly last: readonly Message[]
    }

/** Frames, and credits for frames, as the reader meets them. */
export interface IoFrames {
  frame(link: number, lane: number, frame: Uint8Array): void
  /** Bytes that the other side has taken, as `laneWindowBytes` counts them. */
  credit(link: number, lane: number, bytes: number): void
}

// An entry: the link's number, its lane (and whether it is credit), the length of the frame or the credit, the frame.
const entryHeadBytes = 9
const creditFlag = 0x80
/** The most lanes that an entry can name. */
export const lanesMax = 0x7f

interface Entry {
  readonly link: number
  readonly tag: number
  readonly size: number
  readonly head: Uint8Array | undefined
  readonly body: Uint8Array | undefined
}

// So many go over at once, while more are made: the other thread works on them meanwhile.
const framesPerPostMax = 48
const bytesPerPostMax = 256 * 1024

/** Gathers what a turn, and all that follows from it, says to the other thread, and posts it in one go. */
export class IoBatch<Message> implements Turn {
  readonly #turns: TurnQueue
  readonly #post: (post: IoPost<Message>, carried: readonly ArrayBuffer[]) => void
  #first: Message[] = []
  #last: Message[] = []
  #entries: Entry[] = []
  #bytes = 0
  #isQueued = false

  constructor(turns: TurnQueue, post: (post: IoPost<Message>, carried: readonly ArrayBuffer[]) => void) {
    this.#turns = turns
    this.#post = post
  }

  /** Goes before all frames that wait here. */
  sendFirst(message: Message): void {
    this.#first.push(message)
    this.#queue()
  }

  /** Goes behind all frames that wait here. */
  send(message: Message): void {
    this.#last.push(message)
    this.#queue()
  }

  /** The bytes are read when this is posted, and must not change until then. */
  frame(link: number, lane: number, head: Uint8Array, body?: Uint8Array): void {
    const size = head.byteLength + (body?.byteLength ?? 0)
    this.#push({ link, tag: lane, size, head, body }, entryHeadBytes + size)
  }

  credit(link: number, lane: number, bytes: number): void {
    this.#push({ link, tag: lane | creditFlag, size: bytes, head: undefined, body: undefined }, entryHeadBytes)
  }

  runTurn(): void {
    this.#isQueued = false
    this.flush()
  }

  flush(): void {
    const [first, last, frames] = [this.#first, this.#last, this.#pack()]
    if (first.length === 0 && last.length === 0) {
      if (frames !== undefined) this.#post(frames, [frames.buffer])
      return
    }
    this.#first = []
    this.#last = []
    this.#post({ first, frames, last }, frames === undefined ? [] : [frames.buffer])
  }

  #push(entry: Entry, bytes: number): void {
    // What is behind a message of `#last` must not be posted before it.
    if (this.#last.length > 0) this.flush()
    this.#entries.push(entry)
    this.#bytes += bytes
    if (this.#entries.length >= framesPerPostMax || this.#bytes >= bytesPerPostMax) this.flush()
    else this.#queue()
  }

  #queue(): void {
    if (this.#isQueued) return
    this.#isQueued = true
    enqueueWhenIdle(this.#turns, this)
  }

  #pack(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#entries.length === 0) return undefined
    // Not zeroed, and no part of Node's pool, which must not change hands.
    const block = Buffer.allocUnsafeSlow(this.#bytes) as Uint8Array<ArrayBuffer>
    const packed = new Uint8Array(block.buffer, block.byteOffset, block.byteLength)
    let at = 0
    for (const { link, tag, size, head, body } of this.#entries) {
      store32(packed, at, link)
      packed[at + 4] = tag
      store32(packed, at + 5, size)
      at += entryHeadBytes
      if (head === undefined) continue
      packed.set(head, at)
      at += head.byteLength
      if (body === undefined) continue
      packed.set(body, at)
      at += body.byteLength
    }
    this.#entries = []
    this.#bytes = 0
    return packed
  }
}

/** Reads what one post brought, in order. Frames are views of its block. */
export function readPost<Message>(post: IoPost<Message>, on: IoFrames, message: (message: Message) => void): void {
  if (post instanceof Uint8Array) {
    readFrames(post, on)
    return
  }
  for (const one of post.first) message(one)
  if (post.frames !== undefined) readFrames(post.frames, on)
  for (const one of post.last) message(one)
}

function readFrames(bytes: Uint8Array, on: IoFrames): void {
  for (let at = 0; at < bytes.byteLength;) {
    const link = load32(bytes, at)
    const tag = bytes[at + 4] as number
    const size = load32(bytes, at + 5)
    at += entryHeadBytes
    if ((tag & creditFlag) !== 0) {
      on.credit(link, tag & lanesMax, size)
      continue
    }
    on.frame(link, tag, bytes.subarray(at, at + size))
    at += size
  }
}

function store32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

function load32(bytes: Uint8Array, at: number): number {
  const [one, two, three, four] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]] as [
    number,
    number,
    number,
    number,
  ]
  return ((one << 24) | (two << 16) | (three << 8) | four) >>> 0
}
