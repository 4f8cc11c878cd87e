/** When this node's own beats were sent: one sequence for all its links. */
export interface BeatLog {
  readonly seq: number
  /** When the last beats were sent, oldest first, on the monotonic clock. */
  readonly sentAt: readonly number[]
}

/** How busy a node is, as it tells its peers with each heartbeat. */
export interface NodeLoad {
  /** How busy the event loop of its main thread is, from 0 to 1. */
  readonly load: number
  /** The calls of others that it works on, waiting ones included. */
  readonly inFlight: number
  /**
   * For how long its main thread has given no sign of life, in milliseconds, as the thread of its transport sees it. Default 0, and
   * always so where the transport runs on main.
   */
  readonly stuckMs?: number
}

/** What is known of one peer's life. */
export interface Pulse {
  /** When it was last known alive, on our monotonic clock, moved on by the time in which we ourselves did not run. */
  readonly heardAt: number
  readonly suspected: boolean
}

export interface PulseLimits {
  readonly heartbeatMs: number
  readonly silentMs: number
  readonly deadMs: number
}

export type PulseVerdict = 'steady' | 'suspect' | 'dead'

// A pong to an older beat than this gives no round-trip time.
const beatsRemembered = 32
// TCP's weight for a new sample.
const rttWeight = 1 / 8

export const firstBeatLog: BeatLog = { seq: 0, sentAt: [] }

/**
 * The next beat at `now`, and for how long we did not run although a beat was due. A lateness below one interval is
 * ordinary. After a pause the earlier beats are forgotten: their round-trip times would measure the pause.
 */
export function nextBeat(log: BeatLog, now: number, intervalMs: number): { log: BeatLog; pausedMs: number } {
  const last = log.sentAt.at(-1)
  const lateMs = last === undefined ? 0 : now - last - intervalMs
  const pausedMs = lateMs > intervalMs ? lateMs : 0
  const kept = pausedMs > 0 ? [] : log.sentAt.slice(1 - beatsRemembered)
  return { log: { seq: (log.seq + 1) >>> 0, sentAt: [...kept, now] }, pausedMs }
}

/** The round-trip time that the echo of beat `seq` shows; `undefined` for a beat that is not remembered. */
export function roundTripMs(log: BeatLog, seq: number, now: number): number | undefined {
  const sentAt = log.sentAt[log.sentAt.length - 1 - (log.seq - seq)]
  return sentAt === undefined ? undefined : Math.max(0, now - sentAt)
}

/** How old what we read is: the pongs of our own pings lie in a queue of ours before we come to read them. */
export interface ReadingLag {
  readonly ms: number
  /** For how many beats no pong showed it. */
  readonly unseen: number
}

/** A lag of less is ordinary, in milliseconds. */
export const lagMsMin = 250

export const noLag: ReadingLag = { ms: 0, unseen: 0 }

// So many beats without a pong are no sign that we have caught up.
const unseenMax = 3
// The share of a higher sample that the least round-trip time goes up by, since a path may have changed for good.
const leastWeight = 1 / 64

/**
 * The lag after one beat. `excessMs`: by how much the pongs that came since the last beat took longer than their links ever need, the
 * least of them; `undefined` when none came. A peer or a path that is slow delays its own pongs, and only a node that is
 * slow to read delays them all.
 */
export function nextLag(lag: ReadingLag, excessMs: number | undefined): ReadingLag {
  if (excessMs !== undefined) return { ms: excessMs, unseen: 0 }
  return lag.unseen >= unseenMax ? noLag : { ms: lag.ms, unseen: lag.unseen + 1 }
}

/** The least round-trip time of a link: of all samples, but slowly forgotten. */
export function leastRtt(leastMs: number | undefined, sampleMs: number): number {
  if (leastMs === undefined || sampleMs < leastMs) return sampleMs
  return leastMs + (sampleMs - leastMs) * leastWeight
}

/**
 * The middle one of the last three samples; of two the lesser. A segment that was lost holds up one pong, by as much as a path takes: smoothed
 * as it is it would move what a whole mesh is told of the link for some seconds.
 */
export function middleRtt(sampleMs: number, lastMs: number | undefined, beforeMs: number | undefined): number {
  if (lastMs === undefined) return sampleMs
  if (beforeMs === undefined) return Math.min(sampleMs, lastMs)
  return Math.max(Math.min(sampleMs, lastMs), Math.min(Math.max(sampleMs, lastMs), beforeMs))
}

/** A smoothed round-trip time: the first sample as it is, then an exponentially weighted mean. */
export function smoothRtt(rttMs: number | undefined, sampleMs: number): number {
  return rttMs === undefined ? sampleMs : rttMs + (sampleMs - rttMs) * rttWeight
}

/**
 * What one beat says of a peer, given whether anything came from it since the last one. Our own pauses count for nobody's
 * silence, and a beat that came late judges one interval more mildly: what the peer sent meanwhile may still lie unread
 * in our own sockets, so nobody is accused on the first beat after a pause, while a node that is always late still
 * notices a death. (The idea is Lifeguard's, HashiCorp 2018.) A silence begins to count only when it is longer than our own
 * lag in reading.
 */
export function judgePulse(
  pulse: Pulse,
  beat: { readonly now: number; readonly heard: boolean; readonly pausedMs: number; readonly lagMs: number },
  limits: PulseLimits,
): { pulse: Pulse; verdict: PulseVerdict } {
  if (beat.heard) return { pulse: { heardAt: beat.now, suspected: false }, verdict: 'steady' }
  const heardAt = Math.min(beat.now, pulse.heardAt + beat.pausedMs)
  const silentMs = beat.now - beat.lagMs - heardAt - (beat.pausedMs > 0 ? limits.heartbeatMs : 0)
  if (silentMs > limits.deadMs) return { pulse: { ...pulse, heardAt }, verdict: 'dead' }
  const suspect = silentMs > limits.silentMs && !pulse.suspected
  return { pulse: { heardAt, suspected: pulse.suspected || suspect }, verdict: suspect ? 'suspect' : 'steady' }
}
