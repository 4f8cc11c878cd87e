import type { Process } from '../actor/actor.ts'
import { type BareContext, ReceivingContext } from '../actor/bare-actor.ts'
import type { Behavior } from '../actor/behavior.ts'
import type { Context } from '../actor/context.ts'
import { type ExitReason, printReason } from '../actor/exit-reason.ts'
import { mailboxLimitDefault } from '../actor/mailbox.ts'
import { formatPid, type Pid, samePid } from '../actor/pid.ts'
import { type Deferred, deferred } from '../base/deferred.ts'
import { TaskError } from './errors.ts'

/** The context of an actor that starts tasks; that of an init as well. */
export type TaskOwner = Pick<Context, 'self' | 'spawn' | 'signal' | 'clock' | 'unlink' | 'exit'>

/** What became of a task: its value, or why it ended without one. */
export type TaskOutcome<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: ExitReason }

/** One function that runs in an actor of its own. Belongs to the actor that started it, and can't be sent. */
export interface Task<T> {
  readonly pid: Pid
  readonly owner: Pid
  /** Settles when the task has ended. Read it by the verbs of `Task`, which also keep the rules of a dead owner. */
  readonly outcome: Promise<TaskOutcome<T>>
}

type Run<T> = (ctx: BareContext) => T | Promise<T>

// OTP's.
const timeoutMsDefault = 5_000

/**
 * One-shot work beside an actor: it runs on the actor's thread, can be waited for with a time limit, and can be stopped. A
 * task ends at once with its owner, however that ends; nothing its function awaits has an effect then. The idea and the
 * rules are those of Elixir's Task.
 *
 * @example
 * const page = Task.async(ctx, () => fetchPage(url))
 * const rows = await query()
 * return render(await Task.await(ctx, page, 2_000), rows)
 */
export const Task = {
  /** Starts a task linked to its owner: one that throws ends an owner that does not trap exits. */
  async<T>(ctx: TaskOwner, run: Run<T>): Task<T> {
    return begin(ctx, run, true)
  },

  /** Starts a task whose failure only `await` and `yield` tell. */
  asyncNolink<T>(ctx: TaskOwner, run: Run<T>): Task<T> {
    return begin(ctx, run, false)
  },

  /**
   * The task's value. Rejects with a `TaskError`: `ERR_TASK_FAILED` with its `reason`; `ERR_TASK_TIMEOUT` after `timeoutMs`
   * milliseconds (default 5,000), and then the task is killed; `ERR_NOT_OWNER` for everybody but its owner.
   */
  async await<T>(ctx: TaskOwner, task: Task<T>, timeoutMs: number = timeoutMsDefault): Promise<T> {
    const outcome = await waitFor(ctx, task, timeoutMs)
    if (outcome === undefined) {
      end(ctx, task, 'kill')
      throw new TaskError('ERR_TASK_TIMEOUT', `The task ${formatPid(task.pid)} did not end within ${timeoutMs} ms`)
    }
    if (outcome.ok) return outcome.value
    const message = `The task ${formatPid(task.pid)} failed: ${printReason(outcome.reason)}`
    throw new TaskError('ERR_TASK_FAILED', message, outcome.reason)
  },

  /** Waits as long for the task to end, and may be asked again: `undefined` while it runs. `ERR_NOT_OWNER` as `await`. */
  yield<T>(ctx: TaskOwner, task: Task<T>, timeoutMs: number = timeoutMsDefault): Promise<TaskOutcome<T> | undefined> {
    return waitFor(ctx, task, timeoutMs)
  },

  /**
   * Stops the task: by `shutdown`, and after `timeoutMs` (default 5,000) by a kill; `'kill'` at once. Gives what became of it
   * if it had ended by itself, otherwise `undefined`. `ERR_NOT_OWNER` as `await`.
   */
  async shutdown<T>(
    ctx: TaskOwner,
    task: Task<T>,
    timeoutMs: number | 'kill' = timeoutMsDefault,
  ): Promise<TaskOutcome<T> | undefined> {
    // What has ended says so without any time passing.
    const ended = await waitFor(ctx, task, 0)
    if (ended !== undefined) return ended
    end(ctx, task, timeoutMs === 'kill' ? 'kill' : 'shutdown')
    let outcome = timeoutMs === 'kill' ? undefined : await waitFor(ctx, task, timeoutMs)
    if (outcome === undefined) {
      ctx.exit(task.pid, 'kill')
      outcome = await waitFor(ctx, task, Infinity)
    }
    return outcome?.ok === false && (outcome.reason === 'shutdown' || outcome.reason === 'killed') ? undefined : outcome
  },

  /**
   * A task for each item, at most `maxConcurrency` at a time, and what became of each. An item is taken only when there is
   * room: one that has ended and was not read yet still takes room, so a slow reader slows the tasks. A failed task is an
   * outcome and ends nobody, unlike in Elixir's `async_stream`. Whoever leaves the loop, or ends, takes the tasks along.
   * Throws a `RangeError` for a `maxConcurrency` below 1, and what `items` throws.
   *
   * @example
   * for await (const outcome of Task.asyncStream(ctx, urls, (_own, url) => fetchPage(url), { maxConcurrency: 4 })) {
   *   if (outcome.ok) pages.push(outcome.value)
   * }
   */
  async *asyncStream<Item, T>(
    ctx: TaskOwner,
    items: Iterable<Item> | AsyncIterable<Item>,
    run: (own: BareContext, item: Item) => T | Promise<T>,
    options: StreamOptions = {},
  ): AsyncGenerator<TaskOutcome<T>, void, undefined> {
    const { maxConcurrency = 8, ordered = true, timeoutMs = timeoutMsDefault, onTimeout = 'exit' } = options
    if (!(maxConcurrency >= 1)) throw new RangeError(`maxConcurrency must be at least 1, not ${maxConcurrency}`)
    const iterator = iteratorOf(items)
    const running: Streamed<T>[] = []
    let isOver = false
    try {
      for (;;) {
        while (!isOver && running.length < maxConcurrency) {
          const next = await iterator.next()
          if (next.done === true) isOver = true
          else running.push(streamed(ctx, (own) => run(own, next.value), timeoutMs))
        }
        const [first] = running
        if (first === undefined) return
        const ended = await (ordered ? first.ended : Promise.race(running.map((one) => one.ended)))
        const { outcome } = ended
        if (outcome === undefined) {
          end(ctx, ended.task, 'kill')
          if (onTimeout === 'exit') {
            const message = `The task ${formatPid(ended.task.pid)} did not end within ${timeoutMs} ms`
            throw new TaskError('ERR_TASK_TIMEOUT', message)
          }
        }
        running.splice(
          running.findIndex((one) => one.task === ended.task),
          1,
        )
        yield outcome ?? { ok: false, reason: 'timeout' }
      }
    } finally {
      for (const { task } of running) end(ctx, task, 'kill')
      if (!isOver) await iterator.return?.()
    }
  },
}

export interface StreamOptions {
  /** How many tasks there may be at a time, from 1. Default 8. */
  readonly maxConcurrency?: number
  /** Outcomes in the order of the items; otherwise as they come. Default true. */
  readonly ordered?: boolean
  /** How long each task may take, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number
  /**
   * What a task that takes longer, and is killed, means: `'exit'` ends the stream with `ERR_TASK_TIMEOUT`, `'kill'` gives the
   * outcome `timeout` in its place. Default `'exit'`.
   */
  readonly onTimeout?: 'exit' | 'kill'
}

/** A task of a stream, and its end: without an outcome when that takes too long. */
interface Streamed<T> {
  readonly task: Task<T>
  readonly ended: Promise<{ readonly task: Task<T>; readonly outcome: TaskOutcome<T> | undefined }>
}

function streamed<T>(ctx: TaskOwner, run: Run<T>, timeoutMs: number): Streamed<T> {
  const task = begin(ctx, run, false)
  return { task, ended: waitFor(ctx, task, timeoutMs).then((outcome) => ({ task, outcome })) }
}

function iteratorOf<Item>(items: Iterable<Item> | AsyncIterable<Item>): AsyncIterator<Item> | Iterator<Item> {
  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
}

function begin<T>(ctx: TaskOwner, run: Run<T>, link: boolean): Task<T> {
  const outcome = deferred<TaskOutcome<T>>()
  const pid = ctx.spawn(taskBehavior(ctx.signal, run, outcome), [], { link })
  return { pid, owner: ctx.self, outcome: outcome.promise }
}

function taskBehavior<T>(ownerEnds: AbortSignal, run: Run<T>, outcome: Deferred<TaskOutcome<T>>): Behavior<[]> {
  return {
    name: 'task',
    module: undefined,
    trapExit: false,
    mailboxLimit: mailboxLimitDefault,
    createProcess(runtime, self): Process {
      const ctx = new ReceivingContext(runtime, self)
      const ownerEnded = (): void => self.exit('shutdown')
      ownerEnds.addEventListener('abort', ownerEnded)
      self.attach({
        ownerExited(reason) {
          ownerEnds.removeEventListener('abort', ownerEnded)
          // Void if it has given its value.
          outcome.resolve({ ok: false, reason })
        },
      })
      const work = async (): Promise<void> => {
        try {
          const value = await run(ctx)
          if (self.alive) outcome.resolve({ ok: true, value })
          self.exit('normal')
        } catch (thrown) {
          self.crash(thrown)
        }
      }
      return { init: () => void work(), handle: (envelope) => ctx.accept(envelope) }
    },
  }
}

/** Ends a task on purpose, which must not end its owner. */
function end(ctx: TaskOwner, task: Task<unknown>, reason: ExitReason): void {
  ctx.unlink(task.pid)
  ctx.exit(task.pid, reason)
}

/** What became of the task, or `undefined` after the time. Never settles once the owner has ended. */
async function waitFor<T>(ctx: TaskOwner, task: Task<T>, timeoutMs: number): Promise<TaskOutcome<T> | undefined> {
  if (!samePid(ctx.self, task.owner)) {
    throw new TaskError('ERR_NOT_OWNER', `Only ${formatPid(task.owner)} can wait for its task ${formatPid(task.pid)}`)
  }
  return await new Promise((resolve) => {
    if (ctx.signal.aborted) return
    const timer = timeoutMs === Infinity ? undefined : ctx.clock.after(timeoutMs, () => resolve(undefined))
    void task.outcome.then((outcome) => {
      timer?.cancel()
      // The end of a linked task may have been the owner's end as well.
      if (!ctx.signal.aborted) resolve(outcome)
    })
  })
}
