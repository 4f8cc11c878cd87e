import type { ExitReason } from '../actor/exit-reason.ts'
import type { ErrorData } from '../base/error-data.ts'
import type { ThreadDown } from './thread-message.ts'
import { rootSerial } from './thread-starts.ts'

/** Which actor a pool's thread that was stuck ends for, and with what reason. Serial 0: nobody knows. */
export interface Blame {
  readonly serial: number
  readonly reason: ExitReason
}

/** What is known of a thread that is gone. */
export interface LostThread {
  readonly number: number
  /** Of the pool; else of one actor's own, its root. */
  readonly isPooled: boolean
  readonly blamed: Blame | undefined
  /** Why its root ended, as far as it said so, or as we ordered. */
  readonly ended: ExitReason | undefined
  /** Whether its root has started. Before that, what ends the thread is no error of that actor's: none of it ran. */
  readonly hasStarted: boolean
}

/**
 * What everybody is told of the loss of a thread. `thrown`: what ended it, if it was an error. Who is to blame ends with the reason for it, and all others
 * of the thread with `threadlost`.
 */
export function lossOf(
  { number, isPooled, blamed, ended, hasStarted }: LostThread,
  thrown: ErrorData | undefined,
): ThreadDown {
  const down = { type: 'threadDown', thread: number, others: 'threadlost' } as const
  if (blamed !== undefined) return { ...down, ...blamed }
  const ofRoot = !isPooled && hasStarted ? thrown : undefined
  return { ...down, serial: isPooled ? 0 : rootSerial, reason: ended ?? ofRoot ?? 'threadlost' }
}
