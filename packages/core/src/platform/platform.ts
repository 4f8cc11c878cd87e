import type { ActorEvent } from './actor-event.ts'
import type { Clock } from './clock.ts'
import type { Dns } from './dns.ts'
import type { Files } from './files.ts'
import type { Log } from './log.ts'
import type { Random } from './random.ts'
import type { Threads } from './threads.ts'
import type { TurnQueue } from './turn-queue.ts'

export type { ActorEvent } from './actor-event.ts'
export type { Clock, Timer } from './clock.ts'
export type { Dns, DnsService } from './dns.ts'
export type { Files } from './files.ts'
export { LimitedLog, type LogLimits } from './limited-log.ts'
export type { Log } from './log.ts'
export type { Random } from './random.ts'
export type { PortEvents, ThreadEnd, ThreadEvents, ThreadHandle, ThreadPort, Threads } from './threads.ts'
export type { Turn, TurnQueue } from './turn-queue.ts'

/**
 * The world as one node sees it. All time, chance, turns, threads and environment pass through this object, which is
 * handed down from the composition root; nothing imports an instance. Replace it and the same code runs simulated.
 */
export interface Platform {
  readonly clock: Clock
  readonly random: Random
  readonly turns: TurnQueue
  readonly threads: Threads
  readonly files: Files
  /** The name servers, for discovery. Absent where there are none. */
  readonly dns?: Dns
  readonly log: Log
  /** The environment's variables, read once at boot. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** How busy this thread's event loop was since the last call, from 0 to 1. */
  load(): number
  /** What the operating-system process should report when it ends. */
  setExitCode(code: number): void
  /**
   * Calls `act` at the first of these signals to the process, and lets go of them, so that the next one does what it does by
   * itself. Returns what lets go without it. Absent where there is no process of our own.
   */
  onSignal?(signals: readonly NodeJS.Signals[], act: (signal: NodeJS.Signals) => void): () => void
  /**
   * Makes what one actor of the app gets of what another one, or plain code, hands over on the same thread: a message,
   * the arguments of a cast or call, an answer. Absent in production, where the very object is handed over; in development
   * it is frozen, and a simulator copies it, so that code which shares state fails early. What it throws is `ERR_NOT_ENCODABLE` for the one who hands
   * over, as if the other were on another thread.
   */
  handOver?(value: unknown): unknown
  /** Told when actors begin and end, for a trace. Absent in production. Must not throw. */
  onActor?(event: ActorEvent): void
}
