import type { Signal } from './signal.ts'

/** Carries a signal one hop toward its Pid. Never throws: what can't be carried is answered as from a dead actor, or counted. */
export interface Router {
  route(signal: Signal): void
}
