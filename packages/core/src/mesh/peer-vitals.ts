import {
  judgePulse,
  leastRtt,
  middleRtt,
  type NodeLoad,
  type Pulse,
  type PulseLimits,
  type PulseVerdict,
  smoothRtt,
} from './heartbeat.ts'
import { nextRttFloor, noRttFloor, type RttFloor } from './rtt-floor.ts'

export interface VitalLimits extends PulseLimits {
  /** A main thread that gives no sign of life for so long is stuck. */
  readonly stuckMs: number
}

/** The last pong that gave a round-trip time. */
export interface LastPong {
  /** Of the beat that it answered. */
  readonly seq: number
  /** The least that the link ever needs. */
  readonly leastRttMs: number
}

/**
 * What heartbeats show of one peer: whether it is silent, how far and how busy it is.
 *
 * @example
 * vitals.heard()
 * if (vitals.judge({ now, pausedMs: 0, lagMs: 0 }) === 'dead') link.end('heartbeat', 'nothing heard')
 */
export class PeerVitals {
  rttMs: number | undefined
  /** The peer's, as its last ping or pong said. */
  load: number | undefined
  inFlight: number | undefined
  /** For how long its main thread has been stuck, as the thread of its transport said last. */
  #stuckMs = 0
  #pulse: Pulse = { heardAt: 0, suspected: false }
  #heard = false
  #lastPong: LastPong | undefined
  #rttFloor: RttFloor = noRttFloor
  /** The round-trip time before, and the one before that. */
  #sampleLastMs: number | undefined
  #sampleBeforeMs: number | undefined
  readonly #limits: VitalLimits
  readonly #tellLeastRtt: (ms: number) => void

  /** `tellLeastRtt` is told what the link needs at least, again when it changed much. */
  constructor(limits: VitalLimits, tellLeastRtt: (ms: number) => void) {
    this.#limits = limits
    this.#tellLeastRtt = tellLeastRtt
  }

  get isSuspected(): boolean {
    return this.#pulse.suspected
  }

  get isStuck(): boolean {
    return this.#stuckMs >= this.#limits.stuckMs
  }

  get lastPong(): LastPong | undefined {
    return this.#lastPong
  }

  /** The link is up: its silence counts from now. */
  cameUp(now: number): void {
    this.#pulse = { heardAt: now, suspected: false }
  }

  /** Something came. `true`: the peer was suspected, and is no more. */
  heard(): boolean {
    this.#heard = true
    if (!this.#pulse.suspected) return false
    this.#pulse = { ...this.#pulse, suspected: false }
    return true
  }

  /** What the time since the last beat shows. */
  judge({ now, pausedMs, lagMs }: { now: number; pausedMs: number; lagMs: number }): PulseVerdict {
    const judged = judgePulse(this.#pulse, { now, pausedMs, lagMs, heard: this.#heard }, this.#limits)
    this.#pulse = judged.pulse
    this.#heard = false
    return judged.verdict
  }

  /** What the peer says of itself. `true`: its main thread is stuck, or is not any more. */
  noteLoad({ load, inFlight, stuckMs = 0 }: NodeLoad): boolean {
    const wasStuck = this.isStuck
    this.load = load
    this.inFlight = inFlight
    this.#stuckMs = stuckMs
    return this.isStuck !== wasStuck
  }

  /**
   * By how much that is more than this link ever needs; `undefined` where that is not known yet. What a link that is new while we lag
   * needs can't be told until we have caught up.
   */
  sampleRtt(sampleMs: number, seq: number, isLagging: boolean): number | undefined {
    const isFirst = this.#lastPong === undefined
    if (isFirst && isLagging) return undefined
    this.rttMs = smoothRtt(this.rttMs, middleRtt(sampleMs, this.#sampleLastMs, this.#sampleBeforeMs))
    this.#sampleBeforeMs = this.#sampleLastMs
    this.#sampleLastMs = sampleMs
    const leastRttMs = leastRtt(this.#lastPong?.leastRttMs, sampleMs)
    this.#lastPong = { seq, leastRttMs }
    if (!isLagging) this.#sampleFloor(sampleMs)
    return isFirst ? undefined : sampleMs - leastRttMs
  }

  #sampleFloor(sampleMs: number): void {
    const { toldMs } = this.#rttFloor
    this.#rttFloor = nextRttFloor(this.#rttFloor, sampleMs)
    const leastMs = this.#rttFloor.toldMs
    if (leastMs !== undefined && leastMs !== toldMs) this.#tellLeastRtt(leastMs)
  }
}
