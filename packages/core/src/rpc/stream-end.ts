import type { Runtime } from '../actor/behavior.ts'
import type { Deadline, DeadlinePlace } from '../actor/deadline-queue.ts'
import { type Pid, samePid } from '../actor/pid.ts'
import type { CreditSignal, Failure, ItemSignal, StreamSignal } from '../actor/signal.ts'
import type { CreditAccount } from '../base/credit-account.ts'
import { giveAway } from '../base/given-bytes.ts'
import { RingQueue } from '../base/ring-queue.ts'
import { reachable } from '../platform/property.ts'
import { GivenCredit, SendCredit, type StreamWindow } from './stream-window.ts'

// An end says something at least every second look, and is silent when nothing came between five looks: so a late look of
// its own, behind a stall of this thread, is no silence of the other.
const looksOfSilence = 4

export interface StreamEndOptions {
  readonly runtime: Runtime
  /** What the other end may send before we have read any of it, at most; and we, at first. */
  readonly window: StreamWindow
  /** Where what it may make us hold counts, with all other streams. */
  readonly account: CreditAccount
  /** How long the other end may say nothing at all, in milliseconds. */
  readonly silentMs: number
  readonly on: {
    /** The other end has said nothing for that long: its thread is stuck, or it was lost without a word. */
    silent(): void
    /** What came can't be a part of this stream. */
    broken(failure: Failure): void
    /** The other end reads no more of ours, or sends no more of its own. */
    itemsEnd(): void
  }
}

/**
 * One of the two ends of a stream, the same for both: sends items as far as it has credit, keeps those that came until they
 * are read, gives credit for what was read, gives a sign of life when it has nothing else to say, and notices when the
 * other does not. Items stay bytes until they are read.
 */
export class StreamEnd implements Deadline {
  place: DeadlinePlace | undefined
  durationMs = 0

  readonly #options: StreamEndOptions
  #self: Pid | undefined
  #other: Pid | undefined
  /** The two know each other, and items may go. */
  #hasBegun = false
  #open = true
  // What we send.
  readonly #credit = new SendCredit()
  #sent = 0
  #isWanted = true
  #sender: ((ready: boolean) => void) | undefined
  // What we read.
  readonly #given: GivenCredit
  /** Given beside what we asked for, while nobody was there yet who could be told. */
  #owed: StreamWindow = { items: 0, bytes: 0 }
  readonly #arrived = new RingQueue<Uint8Array>()
  #came = 0
  #isOver = false
  #isAbandoned = false
  #reader: ((item: Uint8Array | undefined) => void) | undefined
  // Signs of life.
  #spoke = false
  #heard = false
  #quietLooks = 0
  /** Told once, when nothing that we could send is wanted any more: whoever makes it can stop. */
  onUnwanted: (() => void) | undefined

  constructor(options: StreamEndOptions) {
    this.#options = options
    this.#given = new GivenCredit(options.window, options.account, (grant) => {
      if (this.#hasBegun) this.#sendCredit(grant)
      else this.#owed = { items: this.#owed.items + grant.items, bytes: this.#owed.bytes + grant.bytes }
    })
  }

  /**
   * We have an address. `other`: who asked for this stream, and hears from now on that we live; without it the other end is still to
   * greet us, and its silence counts from now on.
   */
  begin(self: Pid, other?: Pid): void {
    this.#self = self
    this.#other = other
    this.#notSilent()
    this.#options.runtime.deadlines.remove(this)
    this.#lookLater()
  }

  /** There is no other end for now: silence counts again from the next `begin`. */
  rest(): void {
    this.#options.runtime.deadlines.remove(this)
  }

  /** The other end was given so much when it was asked. */
  gave(window: StreamWindow): void {
    this.#given.gave(window)
  }

  /**
   * The work begins. The other end gave us its window when it asked: tells it where we are, and that it may send too. Until then it has
   * no one to send to, and says nothing.
   */
  greet(): void {
    this.#hasBegun = true
    this.#notSilent()
    this.#credit.grant(this.#options.window)
    // One that reads nothing greets with what nobody will use.
    this.#sendCredit(this.#isOver ? this.#options.window : this.#given.first())
  }

  /** Whether the two have met: the work has begun, and items may have gone either way. */
  get hasBegun(): boolean {
    return this.#hasBegun
  }

  // --- sending ---

  /** Resolves with `true` when one item may be sent; with `false` when no more are wanted. By one at a time. */
  ready(): Promise<boolean> {
    if (!this.#open || !this.#isWanted) return Promise.resolve(false)
    if (this.#credit.isOpen) return Promise.resolve(true)
    return new Promise((resolve) => {
      this.#sender = resolve
    })
  }

  /** Sends an item, for which there must be credit. */
  send(item: Uint8Array): void {
    if (!this.#open || !this.#isWanted || this.#self === undefined || this.#other === undefined) return
    this.#credit.take(item.byteLength)
    if (!this.#options.runtime.isLocal(this.#other)) giveAway(item)
    this.#spoke = true
    const seq = this.#sent
    this.#sent += 1
    this.#options.runtime.route({ type: 'item', from: this.#self, to: this.#other, seq, item })
  }

  /** Whether the other end still takes what we send. */
  get isWanted(): boolean {
    return this.#open && this.#isWanted
  }

  /** Says that we send no more, or read no more. */
  endItems(): void {
    if (!this.#open || this.#self === undefined || this.#other === undefined) return
    this.#options.runtime.route({ type: 'itemsEnd', from: this.#self, to: this.#other })
  }

  /** Nothing that we could send is wanted any more. */
  stopSending(): void {
    this.#isWanted = false
    const sender = this.#sender
    this.#sender = undefined
    sender?.(false)
    this.#tellSource()
  }

  // --- reading ---

  /** The next item; `undefined` at the end of all. By one at a time. */
  read(): Promise<Uint8Array | undefined> {
    const item = this.#arrived.shift()
    if (item !== undefined) {
      this.#wasRead(item)
      return Promise.resolve(item)
    }
    if ((this.#isOver || !this.#open) && !this.#isAbandoned) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      this.#reader = resolve
    })
  }

  /** No more will come: what is here can still be read. */
  stopReceiving(): void {
    this.#isOver = true
    this.#given.stop()
    const reader = this.#reader
    this.#reader = undefined
    reader?.(undefined)
  }

  #wasRead(item: Uint8Array): void {
    const grant = this.#given.read(item.byteLength)
    if (grant !== undefined) this.#sendCredit(grant)
  }

  // --- what comes ---

  take(signal: StreamSignal): void {
    const { counters } = this.#options.runtime
    if (!this.#open) {
      if (signal.type === 'item') counters.lateReplies += 1
      return
    }
    if (!this.#hasBegun && this.#other === undefined && signal.type === 'credit') {
      this.#heard = true
      // A sign of life: the work has not begun, and may be refused yet.
      if (signal.items === 0) return
      this.#other = signal.from
      this.#hasBegun = true
      if (this.#owed.items > 0 && !this.#isOver) this.#sendCredit(this.#owed)
    }
    if (!this.#hasBegun || this.#other === undefined || !samePid(this.#other, signal.from)) {
      counters.refusedSignals += 1
      return
    }
    this.#heard = true
    if (signal.type === 'item') this.#takeItem(signal)
    else if (signal.type === 'credit') this.#takeCredit(signal)
    else this.#options.on.itemsEnd()
  }

  #takeItem({ item, seq }: ItemSignal): void {
    if (this.#isOver) {
      this.#options.runtime.counters.lateReplies += 1
      return
    }
    const arrived = seq === this.#came ? this.#given.arrived(item.byteLength) : 'missing'
    if (arrived !== 'fine') {
      this.#break(arrived)
      return
    }
    this.#came += 1
    const reader = this.#reader
    if (reader === undefined) {
      this.#arrived.push(item)
      return
    }
    this.#reader = undefined
    this.#wasRead(item)
    reader(item)
  }

  #break(how: 'missing' | 'uncredited' | 'overloaded'): void {
    if (how === 'overloaded') {
      const message = 'The items of all streams of that node that were not read have as many bytes as are held'
      this.#options.on.broken({ code: 'ERR_OVERLOADED', outcome: 'unknown', message })
      return
    }
    this.#breach(how === 'uncredited' ? 'more came than was asked for' : `item ${this.#came} is missing`)
  }

  #breach(wrong: string): void {
    this.#options.runtime.counters.streamBreaches += 1
    this.#options.on.broken({ code: 'ERR_NOT_DECODABLE', outcome: 'unknown', message: `A broken stream: ${wrong}` })
  }

  /** Nobody reads what has come. */
  dropUnread(): void {
    for (const item of this.#arrived.drain()) this.#given.read(item.byteLength)
  }

  #takeCredit(grant: CreditSignal): void {
    if (!this.#credit.grant(grant)) {
      this.#breach('more may be sent than there is a window for')
      return
    }
    const sender = this.#sender
    if (sender === undefined || !this.#credit.isOpen) return
    this.#sender = undefined
    sender(true)
  }

  #sendCredit({ items, bytes }: StreamWindow): void {
    if (!this.#open || this.#self === undefined || this.#other === undefined) return
    this.#spoke = true
    this.#options.runtime.route({ type: 'credit', from: this.#self, to: this.#other, items, bytes })
  }

  // --- signs of life ---

  /** A look, at its time. */
  expire(): void {
    if (!this.#open) return
    if (!this.#spoke) this.#sendCredit({ items: 0, bytes: 0 })
    this.#spoke = false
    // One who was not greeted yet has nobody to tell that it lives.
    const isGreeted = this.#hasBegun || this.#other === undefined
    this.#quietLooks = this.#heard || !isGreeted ? 0 : this.#quietLooks + 1
    this.#heard = false
    if (this.#quietLooks < looksOfSilence) {
      this.#lookLater()
      return
    }
    reachable('skerry/an end of a stream was silent')
    this.#options.on.silent()
  }

  #notSilent(): void {
    this.#quietLooks = 0
    this.#heard = true
  }

  #lookLater(): void {
    this.#options.runtime.deadlines.add(this, this.#options.silentMs / looksOfSilence)
  }

  // --- the end ---

  /** Nothing is sent any more; what has come can still be read, unless `drop`. */
  close(drop: boolean): void {
    if (drop) this.#arrived.drain()
    this.stopReceiving()
    this.#given.close()
    if (!this.#open) return
    this.#open = false
    this.#options.runtime.deadlines.remove(this)
    this.stopSending()
  }

  /** Its actor has ended: as `close`, but whoever reads is not told. An end that he took for that of the items would be a lie. */
  abandon(): void {
    this.#isAbandoned = true
    this.#reader = undefined
    this.close(true)
  }

  #tellSource(): void {
    const told = this.onUnwanted
    this.onUnwanted = undefined
    told?.()
  }
}
