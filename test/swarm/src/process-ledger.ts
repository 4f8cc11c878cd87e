import { type Outcome, type ProcedureContext, RpcError } from '@skerry/core'
import type { Sim } from '@skerry/testing'
import { Census, type Life } from './census.ts'
import { Complaints } from './complaints.ts'

/** One remote process that really began. */
export interface Run {
  readonly id: string
  readonly life: Life
  /** What it was given at its begin, in milliseconds. */
  readonly timeLeftMs: number
}

/** One call that somebody made, by the id that its input carries. */
export interface Asked {
  readonly id: string
  readonly askedMs: number
  /** It has an idempotency key. */
  readonly keyed: boolean
  settled: { readonly outcome: Outcome | 'ok'; readonly code: string; readonly atMs: number } | undefined
}

/**
 * What became of every call by region: what its caller was told, against what was really run. Procedures enter
 * themselves with {@link began}; calls are made through {@link ask}.
 */
export class ProcessLedger {
  readonly census = new Census()
  readonly complaints = new Complaints()
  readonly #runs = new Map<string, Run[]>()
  readonly #asked = new Map<string, Asked>()
  /** When `stop` was called, by node and boot. */
  readonly #stops = new Map<string, number>()

  begin(sim: Sim): void {
    this.census.begin(sim)
    this.complaints.begin()
    this.#runs.clear()
    this.#asked.clear()
    this.#stops.clear()
  }

  /** From now on this life of the node takes no new work. */
  stopping(node: string): void {
    const { sim } = this.census
    this.#stops.set(`${node}/${sim.node(node).lives}`, sim.nowMs)
  }

  /** Called by the procedure itself, first thing. */
  began(ctx: ProcedureContext, id: string): Run {
    const life = this.census.born(ctx, id)
    const run: Run = { id, life, timeLeftMs: ctx.timeLeftMs }
    const runs = this.#runs.get(id) ?? []
    this.#runs.set(id, runs)
    runs.push(run)
    const settled = this.#asked.get(id)?.settled
    if (runs.length > 1) this.complaints.add(`the call ${id} was run ${runs.length} times`)
    if (settled?.outcome === 'not-run') this.complaints.add(`the call ${id} was run after "not-run" (${settled.code})`)
    if (settled?.outcome === 'ok') this.complaints.add(`the call ${id} was run after it was answered`)
    const stoppedMs = this.#stops.get(`${life.pid.node}/${life.boot}`)
    // What had arrived by then may still be begun, a few turns later.
    if (stoppedMs !== undefined && life.bornMs > stoppedMs + 5) {
      this.complaints.add(`${life.pid.node} began ${id} ${life.bornMs - stoppedMs} ms after its stop`)
    }
    return run
  }

  /**
   * Makes a call whose procedure answers with the id that it was given. With a key it may get the answer of an earlier call, and
   * its procedure may never begin.
   */
  async ask<Output extends { readonly id: string }>(
    id: string,
    call: () => Promise<Output>,
    keyed = false,
  ): Promise<Output> {
    const asked: Asked = { id, askedMs: this.census.sim.nowMs, keyed, settled: undefined }
    this.#asked.set(id, asked)
    try {
      const output = await call()
      if (!keyed && output.id !== id) this.complaints.add(`the call ${id} got the answer of ${output.id}`)
      this.#settle(asked, 'ok', 'OK')
      return output
    } catch (error) {
      if (error instanceof RpcError) this.#settle(asked, error.outcome, error.code)
      throw error
    }
  }

  runsOf(id: string): readonly Run[] {
    return this.#runs.get(id) ?? []
  }

  get runs(): readonly Run[] {
    return [...this.#runs.values()].flat()
  }

  get asked(): readonly Asked[] {
    return [...this.#asked.values()]
  }

  /** Those that are running now. */
  running(): readonly Run[] {
    return this.runs.filter(({ life }) => this.census.lives(life))
  }

  #settle(asked: Asked, outcome: Outcome | 'ok', code: string): void {
    const { id } = asked
    asked.settled = { outcome, code, atMs: this.census.sim.nowMs }
    const runs = this.runsOf(id)
    if (outcome === 'not-run' && runs.length > 0)
      this.complaints.add(`the call ${id} was run, and told ${code} "not-run"`)
    if (!asked.keyed && (outcome === 'ran' || outcome === 'ok') && runs.length === 0) {
      this.complaints.add(`the call ${id} was told ${code} "${outcome}" and never began`)
    }
    // A thread that was lost could not say that it ended.
    const goesOn = runs.some(({ life }) => life.pid.thread === 0 && this.census.lives(life))
    if ((outcome === 'ran' || outcome === 'ok') && goesOn) {
      this.complaints.add(`the call ${id} was told ${code} "${outcome}" and still runs`)
    }
  }
}
