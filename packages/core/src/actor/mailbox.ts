import { RingQueue } from '../base/ring-queue.ts'
import type { CastSignal, Failure, MessageSignal } from './signal.ts'
import type { ExitReason } from './exit-reason.ts'
import { type HeldLetter, type LetterCount, noLetterCount } from './letter-count.ts'
import type { NodeId, Pid } from './pid.ts'

/** Where the answer to a call goes: to a waiting promise of this thread, or back over a router. Later answers are void. */
export interface Replier {
  reply(value: unknown): void
  fail(failure: Failure): void
}

/** A call as its server sees it. */
export interface Request {
  readonly type: 'request'
  readonly name: string
  /** Gone once the handler has them and its answer may take long: what waits should keep nothing alive. */
  args: unknown
  readonly encoded: boolean
  readonly replier: Replier
  readonly held?: HeldLetter
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

/** What `monitorNodes` delivers when a node is connected: before anything that the node's actors say. */
export interface NodeUpMessage {
  readonly type: 'nodeUp'
  readonly node: NodeId
  readonly life: number
  readonly region: string
}

/** What `monitorNodes` delivers when that connection ends: behind all that came over it, and behind its DOWN and EXIT. */
export interface NodeDownMessage {
  readonly type: 'nodeDown'
  readonly node: NodeId
  readonly life: number
}

/** What others say to an actor: it counts against its mailbox's limit. */
export type Letter = MessageSignal | CastSignal | Request

/** What the runtime itself says: it needs no room. */
export type Notice = ExitMessage | DownMessage | NodeUpMessage | NodeDownMessage

/** What an actor handles one at a time. */
export type Envelope = Letter | Notice

function isLetter(envelope: Envelope): envelope is Letter {
  const { type } = envelope
  return type === 'message' || type === 'cast' || type === 'request'
}

/** The messages that one mailbox holds when its actor names no limit of its own. */
export const mailboxLimitDefault = 65_536

/** What leaves a full mailbox: `reject` what arrives, or `dropOldest`. Either way a call that leaves is told so. */
export type MailboxPolicy = 'reject' | 'dropOldest'

/**
 * How much may wait for an actor. Default: `{ max: 65_536, policy: 'reject' }`. At `max` messages, casts and calls:
 * `reject` takes no more, `dropOldest` gives up the one that waited longest. A call that is not taken or given up fails
 * with `ERR_MAILBOX_FULL` (`not-run`); a message or cast is dropped and counted in `mailboxDrops`, and its sender
 * is never told. `EXIT`, `DOWN`, `nodeUp` and `nodeDown` need no room and are never dropped. `unbounded` has no limit but the heap's: only
 * for an actor whose senders are bounded otherwise.
 *
 * @example
 * genServer({ name: 'gauge', mailbox: { max: 100, policy: 'dropOldest' }, init: () => undefined })
 */
export type MailboxSpec = { readonly max: number; readonly policy?: MailboxPolicy } | 'unbounded'

/** A behavior's members for a spec. Throws a `RangeError` for a `max` that is no whole number above 0. */
export function mailboxOptions(spec: MailboxSpec = { max: mailboxLimitDefault }): {
  readonly mailboxLimit: number
  readonly mailboxPolicy: MailboxPolicy
} {
  if (spec === 'unbounded') return { mailboxLimit: Infinity, mailboxPolicy: 'reject' }
  if (!Number.isSafeInteger(spec.max) || spec.max < 1) {
    throw new RangeError(`A mailbox's max is a whole number above 0, not ${String(spec.max)}`)
  }
  return { mailboxLimit: spec.max, mailboxPolicy: spec.policy ?? 'reject' }
}

/**
 * One actor's queue. Letters count against the limit; notices don't and are never dropped.
 * What `push` does not take at the limit goes to `displace`, whose caller counts what it gives back.
 */
export class Mailbox {
  readonly #queue = new RingQueue<Envelope>(0)
  readonly #limit: number
  readonly #policy: MailboxPolicy
  readonly #letters: LetterCount
  /** How many of those in it are letters that are counted. */
  #held = 0
  /** How many of those in it are notices. As there are seldom any, nobody has to look at what kind each envelope is. */
  #notices = 0

  constructor(limit: number, policy: MailboxPolicy = 'reject', letters: LetterCount = noLetterCount) {
    this.#limit = limit
    this.#policy = policy
    this.#letters = letters
  }

  get length(): number {
    return this.#queue.length
  }

  /** Whether it was taken; `false` at the limit. */
  push(letter: Letter): boolean {
    if (this.#queue.length - this.#notices >= this.#limit) return false
    this.#queue.push(letter)
    return true
  }

  /** The same for a letter that is counted. Apart, so that no other is asked. */
  pushHeld(letter: Letter, held: HeldLetter): boolean {
    if (!this.push(letter)) return false
    this.#hold(held)
    return true
  }

  pushNotice(notice: Notice): void {
    this.#notices += 1
    this.#queue.push(notice)
  }

  /** For a letter that found the mailbox full: what has no room by the policy, itself or the oldest one. */
  displace(letter: Letter): Letter {
    if (this.#policy === 'reject') return letter
    const oldest = this.#queue.removeFirst(isLetter)
    if (oldest === undefined) return letter
    this.#letGo(oldest as Letter)
    if (letter.held !== undefined) this.#hold(letter.held)
    this.#queue.push(letter)
    return oldest as Letter
  }

  shift(): Envelope | undefined {
    const envelope = this.#queue.shift()
    if (this.#notices + this.#held > 0 && envelope !== undefined) {
      if (isLetter(envelope)) this.#letGo(envelope)
      else this.#notices -= 1
    }
    return envelope
  }

  #hold({ node, bytes }: HeldLetter): void {
    this.#held += 1
    this.#letters.add(node, bytes)
  }

  #letGo({ held }: Letter): void {
    if (held === undefined) return
    this.#held -= 1
    this.#letters.giveBack(held.node, held.bytes)
  }

  /** Takes out the `DOWN` of a monitor, if it waits here. Looks at every message. */
  removeDown(ref: number): void {
    if (this.#notices === 0) return
    const before = this.#queue.length
    this.#queue.removeWhere((envelope) => envelope.type === 'DOWN' && envelope.ref === ref)
    this.#notices -= before - this.#queue.length
  }

  drain(): Envelope[] {
    this.#notices = 0
    const all = this.#queue.drain()
    if (this.#held > 0) for (const envelope of all) if (isLetter(envelope)) this.#letGo(envelope)
    return all
  }
}
