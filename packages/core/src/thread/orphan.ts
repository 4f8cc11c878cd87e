import { type Pid, samePid } from '../actor/pid.ts'
import type { Signal } from '../actor/signal.ts'
import { rootSerial } from './thread-starts.ts'

/**
 * How long a thread may leave the news of its parent's end unread before it is killed. Only reading it counts: what the
 * actor does then takes as long as it takes. An actor that spins reads nothing, and nobody else is left to kill it.
 */
export const orphanGraceMs = 5_000

/** Whether this tells a thread's actor that the parent it is linked to has ended, so that it should end as well. */
export function endsOrphan(signal: Signal, parent: Pid | undefined): boolean {
  return (
    signal.type === 'exit' &&
    signal.viaLink &&
    signal.reason !== 'normal' &&
    signal.to.serial === rootSerial &&
    parent !== undefined &&
    samePid(signal.from, parent)
  )
}
