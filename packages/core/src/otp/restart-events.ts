import type { Actor } from '../actor/actor.ts'
import { restarts } from '../platform/telemetry.ts'

/** Tells whoever listens that a supervisor starts a child again. */
export function tellRestart({ pid, label }: Actor, child: string): void {
  if (restarts.hasSubscribers) restarts.publish({ ...pid, supervisor: label, child })
}
