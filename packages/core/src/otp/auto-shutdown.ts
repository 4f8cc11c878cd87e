import type { ExitReason } from '../actor/exit-reason.ts'
import { SpecError } from './errors.ts'
import { type Restart, shouldRestart } from './restart-strategy.ts'

/** Whether a supervisor ends when significant children have ended for good: never; with the first; with the last. */
export type AutoShutdown = 'never' | 'anySignificant' | 'allSignificant'

/** A child as far as it matters here. */
interface Significance {
  readonly spec: { readonly id: string; readonly restart: Restart; readonly significant: boolean }
  readonly status: 'running' | 'restarting' | 'stopped'
}

/** Throws `ERR_BAD_SPEC` for a significant child that never ends for good, or of a supervisor that would not care. */
export function checkSignificant(supervisor: string, spec: Significance['spec'], autoShutdown: AutoShutdown): void {
  if (!spec.significant) return
  if (autoShutdown === 'never') {
    throw new SpecError(`Supervisor "${supervisor}": child "${spec.id}" is significant, but autoShutdown is 'never'`)
  }
  if (spec.restart === 'permanent') {
    throw new SpecError(`Supervisor "${supervisor}": child "${spec.id}" is significant, and so can not be permanent`)
  }
}

/** Whether the end of this child, by itself, ends its supervisor; `children` are all of them, as they are now. */
export function endsSupervisor(
  autoShutdown: AutoShutdown,
  ended: Significance,
  reason: ExitReason,
  children: readonly Significance[],
): boolean {
  if (autoShutdown === 'never' || !ended.spec.significant || shouldRestart(ended.spec.restart, reason)) return false
  if (autoShutdown === 'anySignificant') return true
  return children.every((one) => one === ended || !one.spec.significant || one.status === 'stopped')
}
