import { streamLimits } from '../actor/stream-limits.ts'
import type { CreditAccount, CreditWaiter } from '../base/credit-account.ts'

/** How much of a stream may be under way: items that were sent and not read, and their bytes. */
export interface StreamWindow {
  readonly items: number
  readonly bytes: number
}

/** What an unread item takes beside its bytes, as it is counted. */
const itemCost = 256

/** What every stream is given, whatever the others hold: so each goes on, one item at a time. */
const leastWindow: StreamWindow = { items: 1, bytes: 1_024 }

/** As much as all streams of an account may hold, of which half is given out in whole windows, and then in smaller ones. */
const wholePart = 1 / 2
const smallPart = 1 / 16
const tightPart = 7 / 8

/**
 * What one end of a stream may still send. An item may go while there is credit for any item and any byte, so that one that
 * is larger than the window passes too: under way is at most the window and one item.
 */
export class SendCredit {
  #items = 0
  #bytes = 0

  get isOpen(): boolean {
    return this.#items > 0 && this.#bytes > 0
  }

  /** `false`: the other end has given more than any window holds by now, which no lawful one does. */
  grant(more: StreamWindow): boolean {
    this.#items += more.items
    this.#bytes += more.bytes
    return this.#items <= streamLimits.windowItems.most && this.#bytes <= streamLimits.windowBytes.most
  }

  take(bytes: number): void {
    this.#items -= 1
    this.#bytes -= bytes
  }
}

/**
 * The other end's credit, as the one who gave it counts it: gives back what was read in portions of half a window, since a
 * signal for each item would double their number. What it may make this end hold, credit that was given and items that were not read,
 * counts in an account with all other streams: while those hold much the window is smaller, and grows again when they have read.
 */
export class GivenCredit implements CreditWaiter {
  readonly #most: StreamWindow
  readonly #account: CreditAccount
  readonly #grew: (grant: StreamWindow) => void
  #items = 0
  #bytes = 0
  #unreadItems = 0
  #unreadBytes = 0
  #charged = 0
  #isOpen = true
  #isClosed = false

  /** `grew`: it gave more while nothing was read, which the other end must be told. */
  constructor(most: StreamWindow, account: CreditAccount, grew: (grant: StreamWindow) => void) {
    this.#most = most
    this.#account = account
    this.#grew = grew
    account.join()
  }

  /** What the other end may send at first. */
  first(): StreamWindow {
    const window = windowNow(this.#most, this.#account)
    this.gave(window)
    return window
  }

  /** The same, of which it was told already. */
  gave(window: StreamWindow): void {
    this.#wait(window)
    this.#give(window)
  }

  /** An item came; `'uncredited'`: the sender had no credit for it; `'overloaded'`: it had, but all together are more than may be held. */
  arrived(bytes: number): 'uncredited' | 'overloaded' | 'fine' {
    if (this.#items <= 0 || this.#bytes <= 0) return 'uncredited'
    this.#items -= 1
    this.#bytes -= bytes
    this.#unreadItems += 1
    this.#unreadBytes += bytes
    if (this.#bytes >= 0) return 'fine'
    // More than was charged when the credit was given.
    this.#charge()
    return this.#account.isOverfull ? 'overloaded' : 'fine'
  }

  /** An item was read; what the sender should be given for what was read by now, if it is enough to be worth a signal. */
  read(bytes: number): StreamWindow | undefined {
    this.#unreadItems -= 1
    this.#unreadBytes -= bytes
    this.#charge()
    return this.#more()
  }

  /** The others hold less now. */
  hasRoom(): void {
    const grant = this.#more()
    if (grant !== undefined) this.#grew(grant)
  }

  /** Nothing more will come: what is here counts until it is read. */
  stop(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#account.leave(this)
    this.#items = 0
    this.#bytes = 0
    this.#charge()
  }

  /** Nothing of it counts any more. */
  close(): void {
    if (this.#isClosed) return
    this.stop()
    this.#isClosed = true
    this.#account.charge(-this.#charged)
    this.#account.part(this)
  }

  #more(): StreamWindow | undefined {
    if (!this.#isOpen) return undefined
    const window = windowNow(this.#most, this.#account)
    const { items, bytes } = window
    this.#wait(window)
    const moreItems = Math.max(0, items - this.#items - this.#unreadItems)
    const moreBytes = Math.max(0, bytes - this.#bytes - this.#unreadBytes)
    if (moreItems * 2 < items && moreBytes * 2 < bytes) return undefined
    const grant = { items: moreItems, bytes: moreBytes }
    this.#give(grant)
    return grant
  }

  #give({ items, bytes }: StreamWindow): void {
    this.#items += items
    this.#bytes += bytes
    this.#charge()
  }

  #wait({ items, bytes }: StreamWindow): void {
    if (items < this.#most.items || bytes < this.#most.bytes) this.#account.wait(this)
    else this.#account.leave(this)
  }

  #charge(): void {
    if (this.#isClosed) return
    const cost = (this.#items + this.#unreadItems) * itemCost + Math.max(0, this.#bytes) + this.#unreadBytes
    this.#account.charge(cost - this.#charged)
    this.#charged = cost
  }
}

/** As much of a window as is given while all of the account hold so much: never more than there is room for, but for the least. */
export function windowNow(most: StreamWindow, { filled, room }: CreditAccount): StreamWindow {
  if (filled >= tightPart) return within(most, leastWindow)
  const part = filled < wholePart ? 1 : smallPart
  const items = Math.max(leastWindow.items, Math.floor(Math.min(most.items * part, room / 2 / itemCost)))
  const bytes = Math.max(leastWindow.bytes, Math.floor(Math.min(most.bytes * part, room - items * itemCost)))
  return within(most, { items, bytes })
}

function within(most: StreamWindow, { items, bytes }: StreamWindow): StreamWindow {
  return { items: Math.min(most.items, items), bytes: Math.min(most.bytes, bytes) }
}
