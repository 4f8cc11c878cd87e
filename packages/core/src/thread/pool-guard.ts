import type { KernelCounters } from '../actor/counters.ts'
import type { ExitReason } from '../actor/exit-reason.ts'
import { formatPid, type Pid } from '../actor/pid.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import { checkMsOf } from './block-words.ts'
import type { HostedThread } from './hosted-thread.ts'
import { killGraceMs, type PoolWatch, type Stuck } from './pool-watch.ts'

/** As much of a {@link HostedThread} as is watched and ended. */
export interface GuardedThread extends Pick<HostedThread, 'blame' | 'hasSpoken' | 'isPooled' | 'number' | 'terminate'> {
  readonly watch: Pick<PoolWatch, 'isInTurn' | 'look' | 'turnOf'>
}

export interface PoolGuardOptions {
  readonly node: Pick<Pid, 'node' | 'life'>
  readonly clock: Clock
  readonly log: Pick<Log, 'error'>
  readonly counters: Pick<KernelCounters, 'stuckThreads'>
  /** How long a pool's thread may give no sign of life, in milliseconds. */
  readonly blockedMs: number
  /** All of the node but main, by number. */
  readonly threads: ReadonlyMap<number, GuardedThread>
}

/**
 * Ends threads of the pool that an actor keeps to itself: those that give no sign of life for `blockedMs`, and, after `killGraceMs`, those that
 * can't read that the actor whose turn it is was sent a kill.
 */
export class PoolGuard {
  readonly #options: PoolGuardOptions
  /** The actors that were sent a kill a moment ago, by thread. */
  readonly #killing = new Map<number, Set<number>>()
  #timer: Timer | undefined

  constructor(options: PoolGuardOptions) {
    this.#options = options
  }

  /** Looks at the pool's threads again and again while there are any. */
  watch(): void {
    if (this.#timer !== undefined) return
    const { clock, blockedMs, threads } = this.#options
    this.#timer = clock.after(checkMsOf(blockedMs), () => {
      this.#timer = undefined
      for (const thread of threads.values()) {
        const stuck =
          thread.isPooled && (thread.hasSpoken || thread.watch.isInTurn)
            ? thread.watch.look(clock.monotonic())
            : undefined
        if (stuck !== undefined) this.#endStuck(thread, stuck)
      }
      if ([...threads.values()].some((thread) => thread.isPooled)) this.watch()
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** An actor was sent a kill. If its thread, of the pool, can't read it because of that actor, the thread has to go. */
  expectEnd(pid: Pid): void {
    const thread = this.#options.threads.get(pid.thread)
    if (thread === undefined || !thread.isPooled) return
    const killing = this.#killing.get(thread.number)
    if (killing === undefined) this.#killing.set(thread.number, new Set([pid.serial]))
    else killing.add(pid.serial)
    this.#lookAfterKill(thread, pid.serial)
  }

  #lookAfterKill(thread: GuardedThread, serial: number): void {
    const { clock, threads } = this.#options
    const turn = thread.watch.turnOf(serial)
    clock.after(killGraceMs, () => {
      if (turn.stillRuns()) this.#end(thread, serial, 'killed', killGraceMs)
      else if (threads.get(thread.number) === thread && (!thread.hasSpoken || turn.runsAnother())) {
        // Its turn began behind the kill, which nobody has read, or may do so in a thread that still boots.
        this.#lookAfterKill(thread, serial)
        return
      }
      this.#forgetKill(thread.number, serial)
    })
  }

  #forgetKill(thread: number, serial: number): void {
    const killing = this.#killing.get(thread)
    killing?.delete(serial)
    if (killing?.size === 0) this.#killing.delete(thread)
  }

  #endStuck(thread: GuardedThread, { actor, blockedMs }: Stuck): void {
    if (actor === undefined) {
      this.#end(thread, 0, 'threadlost', blockedMs)
      return
    }
    const message = `${actor.label} blocked its thread for ${blockedMs} ms`
    const blocked: ExitReason = { type: 'error', name: 'ActorError', code: 'ERR_THREAD_BLOCKED', message }
    const isKilled = this.#killing.get(thread.number)?.has(actor.serial) === true
    this.#end(thread, actor.serial, isKilled ? 'killed' : blocked, blockedMs)
  }

  #end(thread: GuardedThread, serial: number, reason: ExitReason, blockedMs: number): void {
    if (!thread.blame({ serial, reason })) return
    const { node, log, counters } = this.#options
    const actor = serial === 0 ? 'unknown' : formatPid({ ...node, thread: thread.number, serial })
    log.error({ thread: thread.number, actor, blockedMs }, 'a pool thread is stuck and is replaced')
    counters.stuckThreads += 1
    thread.terminate()
  }
}
