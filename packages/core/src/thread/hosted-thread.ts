import type { KernelStats } from '../actor/kernel-stats.ts'
import type { ExitReason } from '../actor/exit-reason.ts'
import type { LetterCount } from '../actor/letter-count.ts'
import type { Pid } from '../actor/pid.ts'
import type { Timer } from '../platform/clock.ts'
import type { ThreadHandle } from '../platform/threads.ts'
import type { TurnQueue } from '../platform/turn-queue.ts'
import { type BlockWords, newBlockWords } from './block-words.ts'
import { PoolWatch } from './pool-watch.ts'
import { enqueueLast } from './flush-group.ts'
import type { Home } from './signal-bytes.ts'
import { type Batch, ThreadChannel } from './thread-channel.ts'
import { PostedLetters } from './posted-letters.ts'
import type { FromThread, PlacedActor, ToThread } from './thread-message.ts'
import { rootSerial } from './thread-starts.ts'

export interface HostedThreadOptions {
  readonly home: Home
  readonly letters: LetterCount
  readonly number: number
  /** Of the pool: which of its threads. */
  readonly slot: number | undefined
  /** Of a thread of its own: the actor. */
  readonly root: PlacedActor | undefined
  readonly turns: TurnQueue
  readonly blockedMs: number
  readonly nowMs: () => number
}

/** One other thread as main sees it: what is said to it before it is started waits here. */
export class HostedThread {
  readonly number: number
  readonly slot: number | undefined
  readonly root: PlacedActor | undefined
  readonly channel: ThreadChannel<ToThread>
  readonly blockWords: BlockWords = newBlockWords()
  readonly watch: PoolWatch
  readonly letters: PostedLetters
  /** Before its root has, what ends the thread is no error of that actor's. */
  hasStarted = false
  /** From then on it should give signs of life. */
  hasSpoken = false
  /** Why its root ended, as far as it said so, or as we ordered. */
  ended: ExitReason | undefined
  /** Of a pool thread that was stuck: which actor, and what it ends for. */
  blamed: { readonly serial: number; readonly reason: ExitReason } | undefined
  /** The actors that were sent a kill a moment ago. */
  readonly killing: Set<number> = new Set()
  /** Who waits to hear what it holds. */
  readonly inspections: Map<number, (stats: KernelStats | undefined) => void> = new Map()
  /** Runs while the thread has not read that its parent ended. */
  orphaned: Timer | undefined
  /** Runs until it may be started. */
  starting: Timer | undefined
  readonly #nowMs: () => number
  #handle: ThreadHandle | undefined
  #startedMs = 0
  #reading = false
  #early: { readonly batch: unknown; readonly carried: readonly unknown[] | undefined }[] = []

  constructor({ home, letters, number, slot, root, turns, blockedMs, nowMs }: HostedThreadOptions) {
    this.number = number
    this.letters = new PostedLetters(letters)
    this.slot = slot
    this.root = root
    this.watch = new PoolWatch(this.blockWords, blockedMs, nowMs())
    this.#nowMs = nowMs
    this.channel = new ThreadChannel<ToThread>(
      home,
      () => enqueueLast(turns, { runTurn: () => this.channel.flush() }),
      (batch, carried) => {
        if (this.#handle === undefined) this.#early.push({ batch, carried })
        else this.#handle.post(batch, carried)
      },
    )
  }

  get isUp(): boolean {
    return this.#handle !== undefined
  }

  /** What the logs call it. */
  get label(): string {
    return this.root?.behavior.name ?? `pool ${this.slot}`
  }

  get parent(): Pid | undefined {
    return this.root?.parent
  }

  isRoot(pid: Pid): boolean {
    return this.root !== undefined && pid.serial === rootSerial
  }

  begin(handle: ThreadHandle): void {
    this.starting = undefined
    this.#handle = handle
    this.#startedMs = this.#nowMs()
    for (const { batch, carried } of this.#early.splice(0)) handle.post(batch, carried)
  }

  read(batch: Batch<FromThread>, act: (message: FromThread) => void): void {
    this.hasSpoken = true
    this.#reading = true
    this.channel.receive(batch, act)
    this.#reading = false
  }

  /** Reads what it has posted by now, unless a batch of it is in hand. */
  drain(): void {
    if (!this.#reading) this.#handle?.drain()
  }

  livedMs(nowMs: number): number {
    return this.isUp ? nowMs - this.#startedMs : 0
  }

  /** Ends it, its root with that reason. */
  end(reason: ExitReason): void {
    this.ended ??= reason
    this.terminate()
  }

  terminate(): void {
    this.#handle?.terminate()
  }

  /** It is gone: nothing of it is left running here. */
  close(): void {
    this.orphaned?.cancel()
    this.starting?.cancel()
    this.letters.drop()
    for (const answer of [...this.inspections.values()]) answer(undefined)
  }
}
