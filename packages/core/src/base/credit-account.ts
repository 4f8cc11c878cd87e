/** One that was given less than it would take. */
export interface CreditWaiter {
  hasRoom(): void
}

/** What many that give credit hold together at most, by what each charges: it refuses nothing, but says how full it is. */
export class CreditAccount {
  readonly #max: number
  readonly #overMax: number
  #charged = 0
  #members = 0
  readonly #waiting = new Set<CreditWaiter>()
  readonly #emptied: () => void
  #isTelling = false

  /** `overMax`: what credit that was given honestly may bring beyond `max`. `emptied`: nobody uses it any more. */
  constructor(max: number, overMax: number, emptied: () => void = () => undefined) {
    this.#max = max
    this.#overMax = overMax
    this.#emptied = emptied
  }

  get charged(): number {
    return this.#charged
  }

  join(): void {
    this.#members += 1
  }

  /** One that has joined holds nothing any more. */
  part(waiter: CreditWaiter): void {
    this.#waiting.delete(waiter)
    this.#members -= 1
    if (this.#members === 0) this.#emptied()
  }

  /** The part of it that is held. */
  get filled(): number {
    return this.#charged / this.#max
  }

  /** How much more may be held. */
  get room(): number {
    return Math.max(0, this.#max - this.#charged)
  }

  get isOverfull(): boolean {
    return this.#charged > this.#max + this.#overMax
  }

  /** More is held, or less: then those that wait are told, as long as there is room. */
  charge(bytes: number): void {
    this.#charged += bytes
    if (bytes < 0 && this.#waiting.size > 0 && this.#hasRoom && !this.#isTelling) this.#tell()
  }

  /** Told when others hold less, in turn. */
  wait(waiter: CreditWaiter): void {
    this.#waiting.add(waiter)
  }

  leave(waiter: CreditWaiter): void {
    this.#waiting.delete(waiter)
  }

  get #hasRoom(): boolean {
    return this.#charged * 2 < this.#max
  }

  #tell(): void {
    this.#isTelling = true
    // Those that still wait stand at the end then.
    for (const waiter of [...this.#waiting]) {
      if (!this.#hasRoom) break
      this.#waiting.delete(waiter)
      waiter.hasRoom()
    }
    this.#isTelling = false
  }
}

/** The accounts of those that give credit to peers: one for each peer while it has any, and one for what this node asked for itself. */
export class CreditAccounts {
  readonly #max: number
  readonly #overMax: number
  readonly #peers = new Map<string, CreditAccount>()
  readonly own: CreditAccount

  constructor(max: number, overMax: number) {
    this.#max = max
    this.#overMax = overMax
    this.own = new CreditAccount(max, overMax)
  }

  /** To be joined, or it is forgotten when the others part. */
  of(peer: string): CreditAccount {
    const known = this.#peers.get(peer)
    if (known !== undefined) return known
    const account = new CreditAccount(this.#max, this.#overMax, () => this.#peers.delete(peer))
    this.#peers.set(peer, account)
    return account
  }
}
