import type { KernelStats } from '../actor/kernel-stats.ts'
import type { ExitReason } from '../actor/exit-reason.ts'
import type { LetterCount } from '../actor/letter-count.ts'
import type { Pid } from '../actor/pid.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { ThreadHandle } from '../platform/threads.ts'
import type { TurnQueue } from '../platform/turn-queue.ts'
import { type BlockWords, newBlockWords } from './block-words.ts'
import { PoolWatch } from './pool-watch.ts'
import { enqueueLast } from './flush-group.ts'
import type { Home } from './signal-bytes.ts'
import { orphanGraceMs } from './orphan.ts'
import { PostedLetters } from './posted-letters.ts'
import { type Batch, ThreadChannel } from './thread-channel.ts'
import type { Blame, LostThread } from './thread-loss.ts'
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
  readonly clock: Clock
}

/** How long {@link HostedThread.inspect} waits, in milliseconds. */
const inspectMs = 1_000

/** One other thread as main sees it: what is said to it before it is started waits here. */
export class HostedThread implements LostThread {
  readonly number: number
  readonly slot: number | undefined
  readonly root: PlacedActor | undefined
  readonly channel: ThreadChannel<ToThread>
  readonly blockWords: BlockWords = newBlockWords()
  readonly watch: PoolWatch
  readonly letters: PostedLetters
  #hasStarted = false
  #hasSpoken = false
  #ended: ExitReason | undefined
  #blamed: Blame | undefined
  /** Who waits to hear what it holds. */
  readonly #inspections = new Map<number, (stats: KernelStats | undefined) => void>()
  /** Runs while the thread has not read that its parent ended. */
  #orphaned: Timer | undefined
  /** Runs until it may be started. */
  #starting: Timer | undefined
  readonly #clock: Clock
  #handle: ThreadHandle | undefined
  #startedMs = 0
  #reading = false
  #early: { readonly batch: unknown; readonly carried: readonly unknown[] | undefined }[] = []

  constructor({ home, letters, number, slot, root, turns, blockedMs, clock }: HostedThreadOptions) {
    this.number = number
    this.letters = new PostedLetters(letters)
    this.slot = slot
    this.root = root
    this.watch = new PoolWatch(this.blockWords, blockedMs, clock.monotonic())
    this.#clock = clock
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

  get isPooled(): boolean {
    return this.slot !== undefined
  }

  /** From then on it should give signs of life. */
  get hasSpoken(): boolean {
    return this.#hasSpoken
  }

  get hasStarted(): boolean {
    return this.#hasStarted
  }

  get ended(): ExitReason | undefined {
    return this.#ended
  }

  get blamed(): Blame | undefined {
    return this.#blamed
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

  /** Has it started after that time: at once for 0. */
  startIn(waitMs: number, start: () => void): void {
    if (waitMs <= 0) start()
    else this.#starting = this.#clock.after(waitMs, start)
  }

  begin(handle: ThreadHandle): void {
    this.#starting = undefined
    this.#handle = handle
    this.#startedMs = this.#clock.monotonic()
    for (const { batch, carried } of this.#early.splice(0)) handle.post(batch, carried)
  }

  /** How the start of an actor on it went; `failed`: of its root, with that reason. */
  begun(failed: ExitReason | undefined): void {
    if (failed === undefined) this.#hasStarted = true
    else this.#ended ??= failed
  }

  read(batch: Batch<FromThread>, act: (message: FromThread) => void): void {
    this.#hasSpoken = true
    this.#reading = true
    this.channel.receive(batch, act)
    this.#reading = false
  }

  /** Reads what it has posted by now, unless a batch of it is in hand. */
  drain(): void {
    if (!this.#reading) this.#handle?.drain()
  }

  /** What it holds; `undefined` when it does not answer within a second, or ends. `ref`: never used before. */
  inspect(ref: number): Promise<KernelStats | undefined> {
    return new Promise((resolve) => {
      const answer = (stats: KernelStats | undefined): void => {
        timer.cancel()
        this.#inspections.delete(ref)
        resolve(stats)
      }
      const timer = this.#clock.after(inspectMs, () => answer(undefined))
      this.#inspections.set(ref, answer)
      this.channel.send({ type: 'inspect', ref })
    })
  }

  inspected(ref: number, stats: KernelStats): void {
    this.#inspections.get(ref)?.(stats)
  }

  /** It was told that its parent ended. If it has not read so after `orphanGraceMs`, `unread` is called. */
  expectRead(unread: () => void): void {
    this.channel.send({ type: 'echo' })
    this.#orphaned ??= this.#clock.after(orphanGraceMs, unread)
  }

  /** It has read all that it was told before it was last expected to. */
  hasRead(): void {
    this.#orphaned?.cancel()
    this.#orphaned = undefined
  }

  livedMs(nowMs: number): number {
    return this.isUp ? nowMs - this.#startedMs : 0
  }

  /** Its root says why it ended. */
  rootEnded(reason: ExitReason): void {
    this.#ended = reason
  }

  /** Notes whom it ends for. `false`: that is known already. */
  blame(blame: Blame): boolean {
    if (this.#blamed !== undefined) return false
    this.#blamed = blame
    return true
  }

  /** Ends it, its root with that reason. */
  end(reason: ExitReason): void {
    this.#ended ??= reason
    this.terminate()
  }

  terminate(): void {
    this.#handle?.terminate()
  }

  /** It is gone: nothing of it is left running here. */
  close(): void {
    this.#orphaned?.cancel()
    this.#starting?.cancel()
    this.letters.drop()
    for (const answer of [...this.#inspections.values()]) answer(undefined)
  }
}
