import type { Clock, Timer } from '../platform/platform.ts'
import { type BeatLog, firstBeatLog, nextBeat, nextLag, type NodeLoad, noLag, roundTripMs } from './heartbeat.ts'
import type { PeerLink } from './peer-link.ts'
import type { PeerLinkCounters, PeerLinkSettings } from './peer-link-settings.ts'
import { sayableLoad } from './sayable.ts'

export interface BeatsOptions {
  readonly clock: Clock
  readonly settings: PeerLinkSettings
  readonly counters: PeerLinkCounters
  /** Read once a beat. */
  readonly load: () => NodeLoad
  /** The links that are up. */
  readonly links: () => Iterable<PeerLink>
  readonly suspect: (link: PeerLink) => void
  /** Told with each beat, for a transport that answers pings itself: without it, it would take this thread for stuck. */
  readonly told: (load: NodeLoad) => void
}

/** This node's own heartbeat: one for all its links, which are judged with each beat. */
export class Beats {
  /** As the last beat told it. */
  load: NodeLoad = { load: 0, inFlight: 0 }
  readonly #options: BeatsOptions
  #log: BeatLog = firstBeatLog
  #timer: Timer | undefined
  #lag = noLag
  /** The least excess of a pong since the last beat. */
  #excessMs: number | undefined

  constructor(options: BeatsOptions) {
    this.#options = options
  }

  start(): void {
    const { clock, settings, counters, links, suspect, load, told } = this.#options
    const now = clock.monotonic()
    const seen = nextBeat(this.#log, now, settings.heartbeatMs)
    const next = settings.forgivesPauses ? seen : { ...seen, pausedMs: 0 }
    this.#log = next.log
    this.load = sayableLoad(load())
    told(this.load)
    if (next.pausedMs > 0) counters.lateBeats += 1
    this.#lag = nextLag(this.#lag, settings.forgivesPauses ? this.#excessMs : 0)
    this.#excessMs = undefined
    this.#timer = clock.after(settings.heartbeatMs, () => this.start())
    for (const link of [...links()]) {
      // A listener may have ended links further down the list.
      if (!link.isUp) continue
      const verdict = link.beat({
        now,
        pausedMs: next.pausedMs,
        lagMs: this.#lag.ms,
        seq: next.log.seq,
        load: this.load,
      })
      if (verdict === 'dead') link.end('heartbeat', `nothing heard for ${settings.deadMs} ms`)
      if (verdict !== 'suspect') continue
      counters.suspicions += 1
      suspect(link)
    }
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** How old what this node reads is, in milliseconds: by so much it may have missed what others sent. */
  get lagMs(): number {
    return this.#lag.ms
  }

  /** A pong took so much longer than its link ever needs. */
  ponged(excessMs: number): void {
    this.#excessMs = Math.min(this.#excessMs ?? Infinity, excessMs)
  }

  /**
   * Something else was read on the lane of pongs, of which the last one answered `seq`: the peer sent it before it had our next
   * beat, so by what that is overdue it has lain unread.
   */
  overtook(seq: number, leastRttMs: number): void {
    const waitedMs = this.roundTripMs((seq + 1) >>> 0)
    if (waitedMs !== undefined && waitedMs > leastRttMs) this.ponged(waitedMs - leastRttMs)
  }

  /** The round-trip time that the echo of beat `seq` shows; `undefined` for a beat that is not remembered. */
  roundTripMs(seq: number): number | undefined {
    return roundTripMs(this.#log, seq, this.#options.clock.monotonic())
  }
}
