import type { ExitReason } from '../actor/exit-reason.ts'
import { isCleanExit } from '../actor/exit-reason.ts'

/** When a child is started again: always; only after an unclean end; never. */
export type Restart = 'permanent' | 'transient' | 'temporary'

/** Whom the end of one child concerns: only itself; all; itself and those started after it. */
export type Strategy = 'oneForOne' | 'oneForAll' | 'restForOne'

/** Whether a child that ended so is started again. */
export function shouldRestart(restart: Restart, reason: ExitReason): boolean {
  return restart === 'permanent' || (restart === 'transient' && !isCleanExit(reason))
}

/** The positions, in start order, of the children that are stopped and started again when the one at `ended` ended. */
export function concernedBy(strategy: Strategy, ended: number, count: number): number[] {
  const first = strategy === 'oneForOne' ? ended : strategy === 'oneForAll' ? 0 : ended
  const last = strategy === 'oneForOne' ? ended : count - 1
  return Array.from({ length: last - first + 1 }, (_, offset) => first + offset)
}
