import { actor, type BareContext, Exit, type Pid, procedure, type ProcedureContext } from '@skerry/core'
import { ProcessLedger } from './process-ledger.ts'

/** What became of every call of this run. */
export const workLedger = new ProcessLedger()

export interface Work {
  readonly id: string
  /** How long it works before it answers. */
  readonly ms: number
  /** The time that its caller had left, where that is known. */
  readonly budgetMs: number
}

export interface Done {
  readonly id: string
  /** Who did it. */
  readonly by: Pid
}

/** Works for a while. */
export const sleepWork = procedure({
  name: 'work.sleep',
  async run(ctx, work: Work): Promise<Done> {
    begin(ctx, work)
    return await finish(ctx, work)
  },
})

/** The same on a thread of its own. */
export const threadWork = procedure({
  name: 'work.thread',
  module: import.meta,
  thread: 'own',
  async run(ctx, work: Work): Promise<Done> {
    begin(ctx, work)
    return await finish(ctx, work)
  },
})

export interface ChainedWork extends Work {
  /** The regions that the work is handed on to, the next one first. */
  readonly route: readonly string[]
}

/** Works, and has the next one work, with a time-out of its own that is longer than the time that is left. */
export const chainWork = procedure({
  name: 'work.chain',
  async run(ctx, work: ChainedWork): Promise<Done> {
    begin(ctx, work)
    const [next, ...rest] = work.route
    if (next === undefined) return await finish(ctx, work)
    const id = `${work.id}+`
    const budgetMs = ctx.timeLeftMs
    const inner = { id, ms: work.ms, budgetMs, route: rest }
    await workLedger.ask(id, () => ctx.rpcRegion(next, chainWork, inner, { timeoutMs: 60_000 }))
    return { id: work.id, by: ctx.self }
  },
})

/** Ends without an answer. */
export const failWork = procedure({
  name: 'work.fail',
  async run(ctx, work: Work): Promise<Done> {
    begin(ctx, work)
    await sleep(ctx, work.ms)
    if (work.ms % 2 === 0) throw new Error('failed as told')
    throw new Exit('left')
  },
})

export const workProcedures = [sleepWork, threadWork, chainWork, failWork]

/** Makes one call, so that its end can be looked at: when it dies, so must what it asked for. */
export const caller = actor({
  name: 'caller',
  async run(ctx: BareContext, call: (ctx: BareContext) => Promise<unknown>) {
    await call(ctx)
    // An answer, in time or late, comes as the promise's result and never as a message.
    void ctx.receive().then((message) => {
      workLedger.complaints.add(`a caller got the message ${JSON.stringify(message)}`)
    })
    await sleep(ctx, 1_000)
  },
})

function begin(ctx: ProcedureContext, { id, budgetMs }: Work): void {
  workLedger.began(ctx, id)
  // Deadlines share timers, so they may come up to two milliseconds late.
  if (ctx.timeLeftMs > budgetMs + 2) {
    workLedger.complaints.add(`${id} began with ${ctx.timeLeftMs} ms, and its caller had ${budgetMs} ms left`)
  }
}

async function finish(ctx: ProcedureContext, { id, ms }: Work): Promise<Done> {
  await sleep(ctx, ms)
  return { id, by: ctx.self }
}

function sleep(ctx: Pick<ProcedureContext, 'clock'>, ms: number): Promise<void> {
  return new Promise((resolve) => ctx.clock.after(ms, resolve))
}
