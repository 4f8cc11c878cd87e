import { pathToFileURL } from 'node:url'
import { TestingError } from '../platform/errors.ts'
import { realMs } from '../platform/real-time.ts'
import { type CaseFile, readRegressions, saveCase, shownPath } from './case-files.ts'
import type { CaseOutcome } from './check-case.ts'
import type { RunArgs } from './cli-args.ts'
import type { Ports } from './console-ports.ts'
import { failureReport } from './failure-report.ts'
import { judgeCase } from './judge-case.ts'
import { seedsPerSecond } from './progress-line.ts'
import { exitCodeOf, type FailedSeed, type LostSeed, type SwarmSummary, summaryText } from './run-summary.ts'
import type { SeedShare } from './seed-share.ts'
import { ThreadLost } from './sim-thread.ts'
import { SwarmTally } from './swarm-tally.ts'
import type { KnownSimulation } from './thread-message.ts'
import { ThreadPool } from './thread-pool.ts'

const seedsDefault = 20
// Each is confirmed and saved; nobody reads more.
const failuresMax = 100

/** `skerry-sim run`. Resolves to the exit code. Rejects with `ERR_BAD_SIMULATION`, `ERR_BAD_OPTION` or `ERR_BAD_CASE`. */
export async function runCommand(args: RunArgs, ports: Ports): Promise<number> {
  const pool = await ThreadPool.start(args.jobs, { module: pathToFileURL(args.file).href, hangMs: args.hangMs })
  try {
    const chosen = chooseSimulations(pool.first.simulations, args.only)
    const regressions = await readRegressions(args.file)
    for (const { path, saved } of regressions) {
      if (pool.first.simulations.some(({ name }) => name === saved.simulation)) continue
      ports.note(`${path} is not replayed: ${args.file} exports no simulation "${saved.simulation}"`)
    }
    const interrupted = ports.watchInterrupt()
    const summaries: SwarmSummary[] = []
    for (const simulation of chosen) {
      const timeMs = args.timeMs === undefined ? undefined : args.timeMs / chosen.length
      const kept = regressions.filter(({ saved }) => saved.simulation === simulation.name)
      const summary = await new SwarmRun({
        pool,
        simulation,
        args,
        regressions: kept,
        timeMs,
        ports,
        interrupted,
      }).run()
      summaries.push(summary)
      if (!args.json) ports.print(summaryText(summary))
      if (interrupted.aborted || (exitCodeOf(summaries) === 1 && !args.keepGoing)) break
    }
    const exitCode = exitCodeOf(summaries)
    if (args.json)
      ports.print(JSON.stringify({ skerrySim: 1, file: args.file, exitCode, simulations: summaries }, null, 2))
    return exitCode
  } finally {
    await pool.end()
  }
}

/** All, or the one of that name. Throws `ERR_BAD_OPTION`. */
export function chooseSimulations(
  known: readonly KnownSimulation[],
  only: string | undefined,
): readonly KnownSimulation[] {
  const chosen = known.filter(({ name }) => only === undefined || name === only)
  if (chosen.length > 0) return chosen
  const names = known.map(({ name }) => name).join(', ')
  throw new TestingError('ERR_BAD_OPTION', `There is no simulation "${String(only)}", but: ${names}`)
}

interface SwarmRunParts {
  readonly pool: ThreadPool
  readonly simulation: KnownSimulation
  readonly args: RunArgs
  /** Its own. */
  readonly regressions: readonly CaseFile[]
  readonly timeMs: number | undefined
  readonly ports: Ports
  readonly interrupted: AbortSignal
}

/** The swarm of one simulation. */
class SwarmRun {
  readonly #parts: SwarmRunParts
  readonly #tally: SwarmTally
  readonly #startMs = realMs()
  readonly #bad: { readonly outcome: CaseOutcome; readonly progress: string }[] = []
  readonly #lost: LostSeed[] = []

  constructor(parts: SwarmRunParts) {
    this.#parts = parts
    this.#tally = new SwarmTally(parts.simulation.expects)
  }

  async run(): Promise<SwarmSummary> {
    const { args, regressions } = this.#parts
    const { seed, keepGoing } = args
    if (seed === undefined) await this.#replayRegressions()
    if (this.#bad.length === 0 || keepGoing) await this.#swarm()
    const realMsSpent = realMs() - this.#startMs
    const { name } = this.#parts.simulation
    const tally = this.#tally
    const failures = await this.#failures()
    return {
      name,
      seeds: tally.seeds,
      rerun: tally.rerun,
      regressions: seed === undefined ? regressions.length : 0,
      events: tally.events,
      virtualMs: tally.virtualMs,
      realMs: Math.round(realMsSpent),
      seedsPerS: seedsPerSecond(tally.seeds, realMsSpent),
      failures,
      inconclusive: this.#lost,
      // A swarm that was stopped has not shown what it did not see.
      notCovered: failures.length === 0 ? tally.notCovered() : [],
      properties: tally.properties(),
      escapes: tally.escapes(),
    }
  }

  /** What once failed is tried first. */
  async #replayRegressions(): Promise<void> {
    const { pool, simulation, regressions, ports } = this.#parts
    for (const { path, saved } of regressions) {
      const shown = shownPath(path, ports.folder)
      try {
        const outcome = await pool.first.request('check', simulation.name, { case: saved.case })
        this.#keep(saved.case.seed, outcome, `regression ${shown}`)
      } catch (error) {
        if (!(error instanceof ThreadLost)) throw error
        this.#lost.push({ seed: saved.case.seed, reason: `${shown}: ${error.message}` })
        await pool.replaceFirst()
      }
    }
  }

  async #swarm(): Promise<void> {
    const { pool, simulation, args, timeMs, ports, interrupted } = this.#parts
    const seeds = this.#seeds()
    const total = 'count' in seeds ? seeds.count : seeds.length
    const stop = new AbortController()
    const stopOnInterrupt = (): void => stop.abort()
    interrupted.addEventListener('abort', stopOnInterrupt)
    const clear = timeMs === undefined ? undefined : ports.after(timeMs, stop)
    const hide = ports.showProgress(() => ({
      name: simulation.name,
      done: this.#tally.seeds,
      total: Number.isFinite(total) ? total : undefined,
      bad: this.#tally.failed,
      inconclusive: this.#tally.inconclusive,
      elapsedMs: realMs() - this.#startMs,
      limitMs: timeMs,
    }))
    try {
      await pool.swarm({
        simulation: simulation.name,
        seeds,
        rerunAll: total === 1,
        keepGoing: args.keepGoing,
        signal: stop.signal,
        onSeed: (seed, counts, outcome) => {
          this.#tally.add(counts)
          if (outcome !== undefined) this.#keep(seed, outcome, this.#progress(total))
          if (this.#bad.length >= failuresMax) stop.abort()
        },
        onLost: (seed, reason) => {
          this.#tally.addLost()
          this.#lost.push({ seed, reason })
        },
      })
    } finally {
      hide()
      clear?.()
      interrupted.removeEventListener('abort', stopOnInterrupt)
    }
  }

  #keep(seed: number, outcome: CaseOutcome, progress: string): void {
    const { verdict, result } = outcome
    if (verdict === 'inconclusive') this.#lost.push({ seed, reason: result.failure?.message ?? '' })
    else if (verdict !== 'passed') this.#bad.push({ outcome, progress })
  }

  #seeds(): SeedShare['seeds'] {
    const { simulation, args, timeMs } = this.#parts
    const { seed, seeds, from } = args
    if (seed !== undefined) return [seed]
    if (seeds !== undefined) return { from, count: seeds }
    if (timeMs !== undefined) return { from, count: Infinity }
    const own = simulation.seeds
    return typeof own === 'object' ? own : { from, count: own ?? seedsDefault }
  }

  #progress(total: number): string {
    const done = this.#tally.seeds
    const rate = seedsPerSecond(done, realMs() - this.#startMs)
    return `run ${done}${Number.isFinite(total) ? ` of ${total}` : ''}, ${rate} seeds/s`
  }

  /** Confirms, shrinks and saves what did not pass. Of those that broke one invariant the first is shrunk and told. */
  async #failures(): Promise<FailedSeed[]> {
    const { pool, simulation, args, ports, interrupted } = this.#parts
    const { name } = simulation
    const { file, json } = args
    const told = new Set<string>()
    const failures: FailedSeed[] = []
    // Threads come in as they come in.
    this.#bad.sort((a, b) => a.outcome.result.case.seed - b.outcome.result.case.seed)
    for (const { outcome: found, progress } of this.#bad) {
      const invariant = found.result.failure?.invariant ?? found.verdict
      const isNew = !told.has(invariant)
      told.add(invariant)
      const shrink = isNew && !interrupted.aborted
      if (shrink && found.verdict === 'failed') ports.note('Confirming it, and looking for a smaller case …')
      const { outcome, shrunk, elsewhere } = await judgeCase(pool, name, found, shrink)
      const path = await saveCase(file, name, shrunk?.result ?? outcome.result, found.result.case)
      const saved = shownPath(path, ports.folder)
      const { seed } = outcome.result.case
      const replay = [
        `npx skerry-sim replay ${saved} --html out.html`,
        ...(shrunk === undefined
          ? []
          : [`npx skerry-sim replay ${file} --only '${name}' --seed ${seed}   (not made smaller)`]),
      ]
      const report = failureReport({
        name,
        outcome,
        progress,
        replay,
        ...(shrunk !== undefined && { shrunk }),
        ...(elsewhere !== undefined && { elsewhere }),
      })
      if (!json && isNew) ports.print(`${report}\n`)
      const { verdict, result } = outcome
      const { hash } = shrunk?.result ?? result
      failures.push({ seed, verdict, failure: result.failure, hash, saved, elsewhere, replay, report })
    }
    return failures
  }
}
