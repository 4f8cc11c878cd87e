import type { Codec } from '../codec/codec.ts'
import type { Log, Platform } from '../platform/platform.ts'
import type { KernelCounters } from './counters.ts'
import type { EdgeHolder } from './edges.ts'
import type { ExitReason } from './exit-reason.ts'
import type { LetterCount } from './letter-count.ts'
import type { Replier } from './mailbox.ts'
import type { Pid } from './pid.ts'
import type { Router } from './router.ts'
import type { LinkSignal, MonitorSignal, Signal } from './signal.ts'

/** Something of this thread that signals can be addressed to: an actor, a watch, a call to another region. */
export interface Addressable extends EdgeHolder {
  readonly pid: Pid
  /** Whether other nodes may send signals to it. Those that have it not judge each signal themselves. */
  isSentOut?: boolean
  deliver(signal: Signal): void
}

/** What an actor needs of the kernel that runs it. */
export interface Host extends Router {
  readonly platform: Platform
  /** For what peers, or who sends, can bring about as often as they like. */
  readonly limitedLog: Log
  readonly codec: Codec
  readonly counters: KernelCounters
  /** Counts what waits here of other nodes. */
  readonly letters: LetterCount
  /** The way back to a caller on another thread or node. */
  replierTo(from: Pid, ref: number): Replier
  isLocal(pid: Pid): boolean
  /** Encodes what goes to `to`: the Pids in it count as sent out, unless that is on this node. */
  encodeFor(to: Pid, value: unknown, name: string): Uint8Array
  /** Other nodes may send signals to that actor of this node from here on. */
  sendOut(pid: Pid): void
  addEdge(target: Pid, holder: EdgeHolder): void
  /** Whether its node may have a further link to, or monitor on, an actor of this thread. If not, it is told that there is no connection, and counted. */
  mayJoin(signal: LinkSignal | MonitorSignal): boolean
  removeEdge(target: Pid, holder: EdgeHolder): void
  /** The actor is over: its address and its names are free from here on. */
  remove(actor: { readonly pid: Pid }, reason: ExitReason): void
}
