import type { RunCase, RunFailure, RunResult } from '../simulation/run-result.ts'
import type { SimCase } from '../simulation/sim-case.ts'
import { realMs } from '../platform/real-time.ts'
import { ddmin } from './ddmin.ts'
import { withFewerFaults, withoutNode } from './smaller-case.ts'
import { weakerCases } from './weaker-case.ts'

export interface ShrinkOptions {
  /** Runs that may be spent. Default 500. At the bound the smallest case so far is the answer. */
  readonly runsMax?: number
  /** Real milliseconds that may be spent, by `now`. Default: no bound but `runsMax`. */
  readonly budgetMs?: number
  /** Default: this machine's time. */
  readonly now?: () => number
}

export interface Shrunk {
  readonly result: RunResult
  /** How many runs it took. */
  readonly runs: number
}

// What follows the failure by less than this stays in: other runs fail a little later.
const slackMs = 200

/**
 * Looks for a smaller case that breaks the same invariant: shorter, then with fewer faults, fewer clients and operations,
 * fewer nodes, weaker and rounder faults. A step is kept only if the invariant of the same id fails, and with
 * the same code where its message names one. `first` must have failed. Deterministic, but for where a time budget ends it.
 *
 * @example
 * const { result, runs } = await shrinkCase(failed, (simCase) => runCase(options, simCase), { runsMax: 200 })
 */
export async function shrinkCase(first: RunResult, run: RunCase, options: ShrinkOptions = {}): Promise<Shrunk> {
  const shrinker = new Shrinker(first, run, options)
  await shrinker.cutTime()
  await shrinker.fewerFaults()
  await shrinker.fewerClients()
  await shrinker.fewerOps()
  await shrinker.fewerNodes()
  await shrinker.weaker()
  // Each step may have made room for those before it.
  await shrinker.cutSafety()
  await shrinker.cutTime()
  await shrinker.fewerFaults()
  await shrinker.fewerOps()
  return { result: shrinker.best, runs: shrinker.runs }
}

class Shrinker {
  best: RunResult
  runs = 0
  readonly #sort: string | undefined
  readonly #run: RunCase
  readonly #isSpent: () => boolean

  constructor(first: RunResult, run: RunCase, { runsMax = 500, budgetMs = Infinity, now = realMs }: ShrinkOptions) {
    this.best = first
    this.#run = run
    this.#sort = first.failure && sortOf(first.failure)
    const deadline = now() + budgetMs
    this.#isSpent = () => this.runs >= runsMax || now() > deadline
  }

  async cutTime(): Promise<void> {
    // Any cluster fails to get on when it is given no time: that would be another story.
    if (this.best.failure?.invariant === 'progress') return
    const failedAt = this.best.failure?.atMs ?? 0
    const { durationMs } = this.best.case
    // What only shows at the end needs its time: try less of it all the same.
    const candidates = [Math.ceil(failedAt + slackMs), Math.ceil(durationMs / 4), Math.ceil(durationMs / 2)]
    for (const shorter of candidates) {
      if (shorter < this.best.case.durationMs) await this.#try({ ...this.best.case, durationMs: shorter })
    }
  }

  /** What is found when all is healed is found sooner when it is healed sooner. */
  async cutSafety(): Promise<void> {
    const { faults, safetyMs, durationMs } = this.best.case
    if (safetyMs === undefined || safetyMs >= durationMs) return
    const ends = faults.map((fault) => fault.atMs + ('forMs' in fault ? fault.forMs : 0)).filter((ms) => ms < safetyMs)
    const lastEnd = Math.max(0, ...ends)
    for (const shorter of [lastEnd + slackMs, lastEnd + 2_000, safetyMs / 4, safetyMs / 2].map(Math.ceil)) {
      if (shorter >= safetyMs) continue
      // A failure of progress keeps the time that it had after the heal.
      const saved = this.best.failure?.invariant === 'progress' ? safetyMs - shorter : 0
      if (await this.#try({ ...this.best.case, safetyMs: shorter, durationMs: durationMs - saved })) return
    }
  }

  async fewerFaults(): Promise<void> {
    await ddmin(this.best.case.faults, (faults) => this.#try(withFewerFaults(this.best.case, faults)))
  }

  async fewerClients(): Promise<void> {
    for (const clientsMax of [1, 2, 3, 4, 6]) {
      if (clientsMax >= clientsOf(this.best)) return
      if (await this.#try({ ...this.best.case, clientsMax })) return
    }
  }

  async fewerOps(): Promise<void> {
    const skipped = new Set(this.best.case.skippedOps)
    const done = this.best.ops.filter((op) => !skipped.has(op))
    await ddmin(done, (kept) => {
      const left = new Set(kept)
      const gone = done.filter((op) => !left.has(op))
      return this.#try({ ...this.best.case, skippedOps: [...skipped, ...gone] })
    })
  }

  async fewerNodes(): Promise<void> {
    for (const { name } of [...this.best.case.nodes].reverse()) {
      if (this.best.case.nodes.length === 1) return
      await this.#try(withoutNode(this.best.case, name))
    }
  }

  async weaker(): Promise<void> {
    for (const weaken of weakerCases(this.best.case)) {
      const weaker = weaken(this.best.case)
      // Much is round or weak already, and a run costs.
      if (JSON.stringify(weaker) !== JSON.stringify(this.best.case)) await this.#try(weaker)
    }
  }

  /** Whether the case breaks the same invariant; then it is the best one from now on. */
  async #try(simCase: SimCase): Promise<boolean> {
    if (this.#isSpent()) return false
    this.runs += 1
    const result = await this.#run(simCase)
    if (result.failure === undefined || sortOf(result.failure) !== this.#sort) return false
    this.best = result
    return true
  }
}

/**
 * What has to stay the same. A workload that waits in vain is another failure than one that misses a node which was left
 * out, though both are the workload's: so the code counts, where the message names one.
 */
function sortOf({ invariant, message }: RunFailure): string {
  return `${invariant} ${/\bERR_\w+/.exec(message)?.[0] ?? ''}`
}

function clientsOf({ ops }: RunResult): number {
  return new Set(ops.map((op) => op.split('/')[0])).size
}
