import { backoffDelayMs } from '../base/backoff.ts'
import type { Clock, Random } from '../platform/platform.ts'
import { DialBook, type DialTarget } from './dial-target.ts'
import { TransportError } from './errors.ts'
import type { PeerLinkCounters, PeerLinkSettings } from './peer-link-settings.ts'
import type { NodeId, RawLink } from './transport.ts'

/** How long a raw dial may take before {@link Dialer.hurry} begins another, in milliseconds. */
const hangingMs = 1_000

/** How a handshake over a dialled link ended. */
export type DialOutcome = 'up' | 'failed' | 'duplicate'

export interface DialerOptions {
  readonly self: NodeId
  readonly clock: Clock
  readonly random: Random
  readonly settings: PeerLinkSettings
  readonly counters: PeerLinkCounters
  readonly dial: (address: string, expect: NodeId | undefined, signal: AbortSignal) => Promise<RawLink>
  readonly isLinked: (node: NodeId) => boolean
  /** Whether a hello of ours to this node waits for its answer. */
  readonly isGreeting: (node: NodeId) => boolean
  /** A dial to a learned node, or the handshake on it, failed. It is tried again. */
  readonly failed: (node: NodeId) => void
  /**
   * A link that is wanted: say hello on it, and report with {@link Dialer.settled} how that ended. Links to ourselves
   * and to peers that have a link or a hello on its way are closed before.
   */
  readonly reached: (raw: RawLink, target: DialTarget) => void
}

/**
 * Decides when to dial which address. Seeds: at once. Learned peers: at once if our id is the smaller one, otherwise
 * after the other side had its chance. After a failure or a loss: again, with a growing delay, seeds for ever, learned
 * peers until they are forgotten. At most `dialsMax` at a time, the others in turn.
 */
export class Dialer {
  readonly #options: DialerOptions
  readonly #book: DialBook
  /** In the order in which they came due. */
  readonly #ready = new Set<DialTarget>()
  #dialling = 0
  #seedsRest = false
  #stopped = false

  constructor(options: DialerOptions) {
    this.#options = options
    this.#book = new DialBook(options.settings)
  }

  addSeed(address: string): void {
    this.#addSeed(address, true)
  }

  /** A seed for as long as it is not withdrawn. */
  offer(address: string): void {
    this.#addSeed(address, false)
  }

  /** Takes an offered seed off the book. One that was added otherwise stays, and so does a link that is up. */
  withdraw(address: string): void {
    this.#strike(this.#book.dropSeed(address))
  }

  #addSeed(address: string, pinned: boolean): void {
    const target = this.#book.addSeed(address, pinned)
    this.#countDropped()
    if (target !== undefined) this.#wait(target, 0)
  }

  learn(address: string, expect: NodeId): void {
    if (expect === this.#options.self) return
    const target = this.#book.learn(address, expect)
    this.#countDropped()
    if (target !== undefined && !this.#options.isLinked(expect)) this.#wait(target, this.#courtesyMs(target))
  }

  /** Dials a learned peer at once, instead of after its delay; anew, if it was dialled for a second in vain. */
  hurry(node: NodeId): void {
    for (const target of this.#book.ofPeer(node)) {
      if (target.expect !== node || this.#options.isLinked(node)) continue
      if (target.phase === 'idle' || target.phase === 'waiting') this.#wait(target, 0)
      else if (target.phase === 'dialling' && this.#hangs(target)) {
        this.#wait(target, 0)
        this.#freeSlot()
      }
    }
  }

  /** A dial that was begun while nothing came through may take long to notice that something does again. */
  #hangs({ abort, dialledAt }: DialTarget): boolean {
    if (abort === undefined || this.#options.clock.monotonic() - dialledAt < hangingMs) return false
    abort.abort(new Error('Dialled anew'))
    return true
  }

  /** While they rest, seeds are not dialled again: this node has found the others, and a seed need not be linked to all. */
  restSeeds(resting: boolean): void {
    if (this.#seedsRest === resting) return
    this.#seedsRest = resting
    for (const target of this.#book.all()) {
      if (!target.seed || target.phase === 'ourselves' || target.phase === 'dialling') continue
      if (resting) this.#rest(target, 'idle')
      else if (target.peer === undefined || !this.#options.isLinked(target.peer)) this.#wait(target, 0)
    }
  }

  /** Takes a learned peer off the book. A seed stays one, and a link that is up stays up. */
  forget(node: NodeId): void {
    this.#strike(this.#book.forget(node))
  }

  #strike(target: DialTarget | undefined): void {
    if (target === undefined) return
    const wasDialling = target.phase === 'dialling'
    this.#rest(target, 'forgotten')
    if (wasDialling) this.#freeSlot()
  }

  /** How the handshake for a target that was {@link DialerOptions.reached} ended. */
  settled(target: DialTarget, outcome: DialOutcome): void {
    if (target.phase !== 'dialling') return
    if (outcome === 'up') this.#rest(target, 'idle')
    else if (outcome === 'failed') {
      this.#retry(target)
      if (target.expect !== undefined) this.#options.failed(target.expect)
    } else this.#wait(target, this.#retryMs(target) + this.#otherSideMs())
    this.#freeSlot()
  }

  /** A link to this node is up, whoever dialled: no dial to it is needed any more. */
  linkUp(node: NodeId): void {
    for (const target of this.#book.ofPeer(node)) {
      if (target.phase === 'ourselves') continue
      const wasDialling = target.phase === 'dialling'
      this.#rest(target, 'idle')
      if (wasDialling) this.#freeSlot()
    }
  }

  /** The link to this node is gone, after it was up for `upMs`. */
  linkDown(node: NodeId, upMs: number): void {
    if (this.#stopped) return
    for (const target of this.#book.ofPeer(node)) {
      if (target.phase !== 'idle' || (target.seed && this.#seedsRest)) continue
      if (upMs >= this.#options.settings.stableMs) target.attempt = 0
      this.#wait(target, this.#retryMs(target) + this.#courtesyMs(target))
    }
  }

  stop(): void {
    this.#stopped = true
    for (const target of this.#book.all()) this.#rest(target, 'idle')
  }

  #wait(target: DialTarget, delayMs: number): void {
    if (this.#stopped) return
    if (target.seed && this.#seedsRest) {
      this.#rest(target, 'idle')
      return
    }
    target.timer?.cancel()
    target.abort = undefined
    target.phase = 'waiting'
    target.timer = this.#options.clock.after(delayMs, () => {
      target.phase = 'ready'
      this.#ready.add(target)
      this.#dialReady()
    })
  }

  #retry(target: DialTarget): void {
    this.#wait(target, this.#retryMs(target))
  }

  #rest(target: DialTarget, phase: 'idle' | 'ourselves' | 'forgotten'): void {
    target.timer?.cancel()
    target.timer = undefined
    target.abort?.abort(new Error('The dial is not needed any more'))
    target.abort = undefined
    target.phase = phase
    this.#ready.delete(target)
  }

  #freeSlot(): void {
    this.#dialling -= 1
    this.#dialReady()
  }

  #dialReady(): void {
    for (const target of this.#ready) {
      if (this.#stopped || this.#dialling >= this.#options.settings.dialsMax) return
      this.#ready.delete(target)
      this.#dialUnlessBusy(target)
    }
  }

  #dialUnlessBusy(target: DialTarget): void {
    const { isLinked, isGreeting } = this.#options
    if (target.peer !== undefined && isLinked(target.peer)) this.#rest(target, 'idle')
    else if (target.peer !== undefined && (isGreeting(target.peer) || this.#isDialling(target.peer)))
      this.#retry(target)
    else this.#dial(target)
  }

  #isDialling(node: NodeId): boolean {
    for (const target of this.#book.ofPeer(node)) if (target.phase === 'dialling') return true
    return false
  }

  #dial(target: DialTarget): void {
    const { clock, settings, counters, dial } = this.#options
    const address = target.addresses[target.nextAddress % target.addresses.length] as string
    target.nextAddress = (target.nextAddress + 1) % target.addresses.length
    const abort = new AbortController()
    target.phase = 'dialling'
    target.dialledAt = clock.monotonic()
    target.abort = abort
    this.#dialling += 1
    counters.dials += 1
    // Settling is up to us, not to the transport: one that ignores the signal can't keep the slot.
    target.timer = clock.after(settings.dialTimeoutMs, () => {
      abort.abort(new Error(`No connection within ${settings.dialTimeoutMs} ms`))
      this.#failed(target, abort, abort.signal.reason)
    })
    dial(address, target.expect, abort.signal).then(
      (raw) => this.#dialled(target, abort, raw),
      (error: unknown) => this.#failed(target, abort, error),
    )
  }

  #dialled(target: DialTarget, abort: AbortController, raw: RawLink): void {
    const { self, isLinked, isGreeting, counters, reached } = this.#options
    if (target.abort !== abort || abort.signal.aborted) {
      this.#drop(raw, 'the dial was given up')
      return
    }
    target.timer?.cancel()
    target.abort = undefined
    if (raw.peer === self) {
      this.#drop(raw, 'this is ourselves')
      this.#rest(target, 'ourselves')
      this.#freeSlot()
    } else if (target.expect !== undefined && raw.peer !== target.expect) {
      this.#drop(raw, 'another node than expected')
      counters.dialsFailed += 1
      this.settled(target, 'failed')
    } else if (isLinked(raw.peer)) {
      this.#book.answered(target, raw.peer)
      this.#drop(raw, 'there is a link already')
      this.settled(target, 'up')
    } else if (isGreeting(raw.peer)) {
      this.#book.answered(target, raw.peer)
      this.#drop(raw, 'a hello is on its way already')
      this.settled(target, 'failed')
    } else {
      this.#book.answered(target, raw.peer)
      reached(raw, target)
    }
  }

  #failed(target: DialTarget, abort: AbortController, error: unknown): void {
    // Not ours any more: it timed out before, or was given up.
    if (target.abort !== abort) return
    target.abort = undefined
    // A transport that knows itself before it hands over a link.
    if (error instanceof TransportError && error.code === 'ERR_OWN_ADDRESS') {
      this.#rest(target, 'ourselves')
      this.#freeSlot()
      return
    }
    this.#options.counters.dialsFailed += 1
    this.settled(target, 'failed')
  }

  #drop(raw: RawLink, reason: string): void {
    this.#options.counters.linksDropped += 1
    raw.close(reason)
  }

  #retryMs(target: DialTarget): number {
    const { settings, random } = this.#options
    const bounds = { firstMs: settings.redialFirstMs, maxMs: settings.redialMaxMs }
    const delayMs = backoffDelayMs(target.attempt, bounds, random.float())
    target.attempt += 1
    return delayMs
  }

  // Two nodes that know each other would otherwise dial at the same time, and one dial be thrown away.
  #courtesyMs(target: DialTarget): number {
    return target.expect !== undefined && target.expect < this.#options.self ? this.#otherSideMs() : 0
  }

  #otherSideMs(): number {
    const { settings, random } = this.#options
    return settings.otherSideDialMs * (1 + random.float() / 2)
  }

  #countDropped(): void {
    this.#options.counters.addressesDropped = this.#book.dropped
  }
}
