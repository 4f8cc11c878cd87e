import { RingQueue } from '../base/ring-queue.ts'
import type { CastSignal, Failure, MessageSignal } from './signal.ts'
import type { ExitReason } from './exit-reason.ts'
import type { Pid } from './pid.ts'

/** Where the answer to a call goes: to a waiting promise of this thread, or back over a router. Later answers are void. */
export interface Replier {
  reply(value: unknown): void
  fail(failure: Failure): void
}

/** A call as its server sees it. */
export interface Request {
  readonly type: 'request'
  readonly name: string
  readonly args: unknown
  readonly encoded: boolean
  readonly replier: Replier
}

/** What a trapping actor receives in place of an exit signal. */
export interface ExitMessage {
  readonly type: 'EXIT'
  readonly from: Pid
  readonly reason: ExitReason
}

/** What a monitor delivers, once. */
export interface DownMessage {
  readonly type: 'DOWN'
  readonly ref: number
  readonly pid: Pid
  readonly reason: ExitReason
}

/** What an actor handles one at a time. */
export type Envelope = MessageSignal | CastSignal | Request | ExitMessage | DownMessage

/** The messages that one mailbox holds when its actor names no limit of its own. */
export const mailboxLimitDefault = 65_536

/**
 * One actor's queue. Messages, casts and calls count against the limit; EXIT and DOWN don't and are never dropped.
 * At the limit a message or cast is dropped (the caller of `push` counts it) and a call is refused.
 */
export class Mailbox {
  readonly #queue = new RingQueue<Envelope>(2)
  readonly #limit: number
  #counted = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get length(): number {
    return this.#queue.length
  }

  /** Whether it was taken; `false` at the limit. */
  push(envelope: Envelope): boolean {
    if (envelope.type !== 'EXIT' && envelope.type !== 'DOWN') {
      if (this.#counted >= this.#limit) return false
      this.#counted += 1
    }
    this.#queue.push(envelope)
    return true
  }

  shift(): Envelope | undefined {
    const envelope = this.#queue.shift()
    if (envelope !== undefined && envelope.type !== 'EXIT' && envelope.type !== 'DOWN') this.#counted -= 1
    return envelope
  }

  /** Takes out the `DOWN` of a monitor, if it waits here. Looks at every message. */
  removeDown(ref: number): void {
    this.#queue.removeWhere((envelope) => envelope.type === 'DOWN' && envelope.ref === ref)
  }

  drain(): Envelope[] {
    this.#counted = 0
    return this.#queue.drain()
  }
}
