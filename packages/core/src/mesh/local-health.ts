import { lagMsMin } from './heartbeat.ts'

/** How well this node itself keeps up, so that a sick one doubts itself before it accuses others. */
export interface LocalHealth {
  /** From 0, well, to `scoreMax`. */
  readonly score: number
  /** Until when nobody is accused, on the monotonic clock. */
  readonly silentUntil: number
  /** When the score changed last. */
  readonly changedAt: number
}

export const wellHealth: LocalHealth = { score: 0, silentUntil: 0, changedAt: 0 }

/** Lifeguard's (Dadgar et al. 2018). */
const scoreMax = 8
/** One point is forgiven after so long without a sign of sickness, in milliseconds. */
const forgiveMs = 2_000
/** A pause, or a lag, of so long costs a point more. */
const pausePointMs = 1_000
/** After a pause nobody is accused for so long: what came meanwhile lies unread in our sockets. */
const afterPauseMs = 1_000

/**
 * After one tick. `pausedMs`: for how long we did not run although a tick was due. `lagMs`: how old what we read is. `silent` of `subjects` that we watch say
 * nothing: when it is most of them, it is rather us.
 */
export function nextHealth(
  health: LocalHealth,
  tick: {
    readonly now: number
    readonly pausedMs: number
    readonly lagMs: number
    readonly silent: number
    readonly subjects: number
  },
): LocalHealth {
  const { now, pausedMs, lagMs } = tick
  if (pausedMs > 0) {
    const points = 1 + Math.floor(pausedMs / pausePointMs)
    return {
      score: Math.min(scoreMax, health.score + points),
      silentUntil: Math.max(health.silentUntil, now + afterPauseMs),
      changedAt: now,
    }
  }
  if (lagMs >= lagMsMin) {
    const points = 1 + Math.floor(lagMs / pausePointMs)
    return { ...health, score: Math.min(scoreMax, Math.max(health.score, points)), changedAt: now }
  }
  const since = now - health.changedAt
  if (isMost(tick)) {
    // A point every so often, not with every tick: a cluster that was really cut in two must come to an end with it.
    if (health.score >= mostSilentScore || since < mostSilentEveryMs) return health
    return { ...health, score: health.score + 1, changedAt: now }
  }
  if (health.score === 0 || since < forgiveMs) return health
  return { ...health, score: health.score - 1, changedAt: now }
}

const mostSilentScore = 2
const mostSilentEveryMs = 250
const mostAtLeast = 3

/** Whether most of those that we watch seem silent, so that the trouble is more probably ours. */
function isMost({ silent, subjects }: { readonly silent: number; readonly subjects: number }): boolean {
  return silent >= mostAtLeast && silent * 2 > subjects
}

/** By how much longer this node waits before it accuses and before it believes a death, from 1. */
export function doubt({ score }: LocalHealth): number {
  return 1 + score / 2
}

export function mayAccuse({ silentUntil }: LocalHealth, now: number): boolean {
  return now >= silentUntil
}
