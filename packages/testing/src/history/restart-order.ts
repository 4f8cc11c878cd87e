import type { Intensity, Restart, Strategy } from '@skerry/core'
import type { Verdict } from './history.ts'

/** What a supervisor did, in order. Times are of one clock. */
export interface ChildEvent {
  readonly atMs: number
  readonly child: string
  /** `failed`: it ended by itself, so that it must be restarted. */
  readonly event: 'started' | 'stopped' | 'failed'
}

export interface SupervisedChildren {
  readonly children: readonly string[]
  readonly strategy: Strategy
  readonly intensity: Intensity
  /** How each child is restarted. Default `'permanent'`. */
  readonly restart?: Readonly<Record<string, Restart>>
}

/**
 * One failure stops, in reverse order, and starts, in order, exactly those that the strategy says; and after more failures
 * than the intensity allows nothing is started again. Failures while another is being handled are not judged: keep the
 * events of such runs apart.
 */
export function restartOrder(events: readonly ChildEvent[], supervised: SupervisedChildren): Verdict {
  const { children, intensity, restart = {} } = supervised
  const failures: number[] = []
  for (let at = skipStart(events, children); at < events.length;) {
    const { event, child, atMs } = events[at] as ChildEvent
    if (event !== 'failed') return bad(atMs, `${child} was ${event} although nothing had failed`)
    at += 1
    if (restart[child] === 'temporary') continue
    failures.push(atMs)
    const recent = failures.filter((ms) => atMs - ms < intensity.withinMs)
    const gaveUp = recent.length > intensity.maxRestarts
    const expected = gaveUp ? shutdownOf(children, child) : roundOf(supervised, child)
    for (const [what, who] of expected) {
      const next = events[at]
      const sentence = `after ${child} failed at ${atMs} ms, ${who} should be ${what}`
      if (next === undefined) return bad(atMs, `${sentence}, and nothing followed`)
      if (next.event !== what || next.child !== who)
        return bad(next.atMs, `${sentence}, not ${next.child} ${next.event}`)
      at += 1
    }
    const after = events[at]
    if (gaveUp && after !== undefined)
      return bad(after.atMs, `${after.child} was ${after.event} after the supervisor gave up`)
    if (gaveUp) return { ok: true }
  }
  return { ok: true }
}

/** The events of the start itself: every child, in order. */
function skipStart(events: readonly ChildEvent[], children: readonly string[]): number {
  const isStart = children.every((child, at) => events[at]?.event === 'started' && events[at].child === child)
  return isStart ? children.length : 0
}

function roundOf({ children, strategy }: SupervisedChildren, failed: string): [ChildEvent['event'], string][] {
  const from = strategy === 'oneForAll' ? 0 : children.indexOf(failed)
  const to = strategy === 'oneForOne' ? from + 1 : children.length
  const concerned = children.slice(from, to)
  const stopped = [...concerned].reverse().filter((child) => child !== failed)
  return [
    ...stopped.map((child): [ChildEvent['event'], string] => ['stopped', child]),
    ...concerned.map((child): [ChildEvent['event'], string] => ['started', child]),
  ]
}

function shutdownOf(children: readonly string[], failed: string): [ChildEvent['event'], string][] {
  const others = [...children].reverse().filter((child) => child !== failed)
  return others.map((child) => ['stopped', child])
}

function bad(atMs: number, message: string): Verdict {
  return { ok: false, message: `at ${atMs} ms: ${message}` }
}
