import { pathToFileURL } from 'node:url'
import { TestingError } from '../platform/errors.ts'
import { realMs } from '../platform/real-time.ts'
import { readRegressions, saveCase, shownPath } from './case-files.ts'
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
import { testingVersions } from './versions.ts'

const seedsDefault = 20

/** `skerry-sim run`. Resolves to the exit code. Rejects with `ERR_BAD_SIMULATION`, `ERR_BAD_OPTION` or `ERR_BAD_CASE`. */
export async function runCommand(args: RunArgs, ports: Ports): Promise<number> {
  const pool = await ThreadPool.start(args.jobs, { module: pathToFileURL(args.file).href, hangMs: args.hangMs })
  try {
    const chosen = chooseSimulations(pool.first.simulations, args.only)
    const summaries: SwarmSummary[] = []
    for (const simulation of chosen) {
      const timeMs = args.timeMs === undefined ? undefined : args.timeMs / chosen.length
      const summary = await new SwarmRun(pool, simulation, args, timeMs, ports).run()
      summaries.push(summary)
      if (!args.json) ports.print(summaryText(summary))
      if (ports.interrupted.aborted || (exitCodeOf(summaries) === 1 && !args.keepGoing)) break
    }
    const exitCode = exitCodeOf(summaries)
    if (args.json) ports.print(JSON.stringify({ skerrySim: 1, file: args.file, exitCode, simulations: summaries }, null, 2))
    return exitCode
  } finally {
    await pool.end()
  }
}

/** All, or the one of that name. Throws `ERR_BAD_OPTION`. */
export function chooseSimulations(known: readonly KnownSimulation[], only: string | undefined): readonly KnownSimulation[] {
  const chosen = known.filter(({ name }) => only === undefined || name === only)
  if (chosen.length > 0) return chosen
  const names = known.map(({ name }) => name).join(', ')
  throw new TestingError('ERR_BAD_OPTION', `There is no simulation "${String(only)}", but: ${names}`)
}

/** The swarm of one simulation. */
class SwarmRun {
  readonly #pool: ThreadPool
  readonly #simulation: KnownSimulation
  readonly #args: RunArgs
  readonly #timeMs: number | undefined
  readonly #ports: Ports
  readonly #tally: SwarmTally
  readonly #startMs = realMs()
  readonly #bad: { readonly outcome: CaseOutcome; readonly progress: string }[] = []
  readonly #lost: LostSeed[] = []

  constructor(pool: ThreadPool, simulation: KnownSimulation, args: RunArgs, timeMs: number | undefined, ports: Ports) {
    this.#pool = pool
    this.#simulation = simulation
    this.#args = args
    this.#timeMs = timeMs
    this.#ports = ports
    this.#tally = new SwarmTally(simulation.expects)
  }

  async run(): Promise<SwarmSummary> {
    const { seed, keepGoing } = this.#args
    const regressions = seed === undefined ? await this.#replayRegressions() : 0
    if (this.#bad.length === 0 || keepGoing) await this.#swarm()
    const realMsSpent = realMs() - this.#startMs
    const { name } = this.#simulation
    const tally = this.#tally
    const failures = await this.#failures()
    return {
      name,
      seeds: tally.seeds,
      rerun: tally.rerun,
      regressions,
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
  async #replayRegressions(): Promise<number> {
    const { name } = this.#simulation
    const files = (await readRegressions(this.#args.file)).filter(({ saved }) => saved.simulation === name)
    for (const { path, saved } of files) {
      const shown = shownPath(path, this.#ports.folder)
      try {
        const outcome = await this.#pool.first.request('check', name, { case: saved.case })
        if (outcome.verdict !== 'passed') this.#bad.push({ outcome, progress: `regression ${shown}` })
      } catch (error) {
        if (!(error instanceof ThreadLost)) throw error
        this.#lost.push({ seed: saved.case.seed, reason: `${shown}: ${error.message}` })
        await this.#pool.replaceFirst()
      }
    }
    return files.length
  }

  async #swarm(): Promise<void> {
    const { keepGoing } = this.#args
    const seeds = this.#seeds()
    const total = 'count' in seeds ? seeds.count : seeds.length
    const stop = new AbortController()
    const stopOnInterrupt = (): void => stop.abort()
    this.#ports.interrupted.addEventListener('abort', stopOnInterrupt)
    const clear = this.#timeMs === undefined ? undefined : this.#ports.after(this.#timeMs, stop)
    const hide = this.#ports.showProgress(() => ({
      name: this.#simulation.name,
      done: this.#tally.seeds,
      total: Number.isFinite(total) ? total : undefined,
      bad: this.#tally.failed,
      inconclusive: this.#tally.inconclusive,
      elapsedMs: realMs() - this.#startMs,
      limitMs: this.#timeMs,
    }))
    try {
      await this.#pool.swarm({
        simulation: this.#simulation.name,
        seeds,
        rerunAll: total === 1,
        keepGoing,
        signal: stop.signal,
        onSeed: (seed, counts, outcome) => {
          this.#tally.add(counts)
          if (outcome?.verdict === 'inconclusive') {
            this.#lost.push({ seed, reason: outcome.result.failure?.message ?? '' })
          } else if (outcome !== undefined) {
            this.#bad.push({ outcome, progress: this.#progress(total) })
          }
        },
        onLost: (seed, reason) => {
          this.#tally.addLost()
          this.#lost.push({ seed, reason })
        },
      })
    } finally {
      hide()
      clear?.()
      this.#ports.interrupted.removeEventListener('abort', stopOnInterrupt)
    }
  }

  #seeds(): SeedShare['seeds'] {
    const { seed, seeds, from } = this.#args
    if (seed !== undefined) return [seed]
    if (seeds !== undefined) return { from, count: seeds }
    if (this.#timeMs !== undefined) return { from, count: Infinity }
    const own = this.#simulation.seeds
    return typeof own === 'object' ? own : { from, count: own ?? seedsDefault }
  }

  #progress(total: number): string {
    const done = this.#tally.seeds
    const rate = seedsPerSecond(done, realMs() - this.#startMs)
    return `run ${done}${Number.isFinite(total) ? ` of ${total}` : ''}, ${rate} seeds/s`
  }

  /** Confirms, shrinks and saves what did not pass. Of those that broke the same invariant only the first is shrunk. */
  async #failures(): Promise<FailedSeed[]> {
    const { name } = this.#simulation
    const { file, json } = this.#args
    const shrunkInvariants = new Set<string>()
    const failures: FailedSeed[] = []
    for (const { outcome: found, progress } of this.#bad) {
      const invariant = found.result.failure?.invariant ?? found.verdict
      const shrink = !shrunkInvariants.has(invariant) && !this.#ports.interrupted.aborted
      if (shrink && found.verdict === 'failed') this.#ports.note('Confirming it, and looking for a smaller case …')
      const { outcome, shrunk, elsewhere } = await judgeCase(this.#pool, name, found, shrink)
      shrunkInvariants.add(invariant)
      const { case: simCase, hash, failure } = shrunk?.result ?? outcome.result
      const { stack: _, ...told } = failure ?? { invariant: '', message: '', atMs: 0, event: 0 }
      const path = await saveCase(file, {
        simulation: name,
        case: simCase,
        ...(shrunk !== undefined && { original: outcome.result.case }),
        hash,
        failure: failure === undefined ? undefined : told,
        versions: await testingVersions(),
      })
      const replay = [
        `npx skerry-sim run ${file} --only '${name}' --seed ${simCase.seed}`,
        `npx skerry-sim trace ${shownPath(path, this.#ports.folder)} --html out.html`,
      ]
      const report = failureReport({
        name,
        outcome,
        progress,
        replay,
        ...(shrunk !== undefined && { shrunk }),
        ...(elsewhere !== undefined && { elsewhere }),
      })
      if (!json) this.#ports.print(`${report}\n`)
      const { verdict, result } = outcome
      failures.push({ seed: simCase.seed, verdict, failure: result.failure, hash, saved: path, elsewhere, replay, report })
    }
    return failures
  }
}
