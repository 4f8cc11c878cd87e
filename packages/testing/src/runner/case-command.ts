import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TestingError } from '../platform/errors.ts'
import { realMs } from '../platform/real-time.ts'
import type { SimCase } from '../simulation/sim-case.ts'
import type { Trace } from '../trace/trace-event.ts'
import { readCase, saveCase, shownPath } from './case-files.ts'
import type { CaseOutcome } from './check-case.ts'
import type { CaseArgs } from './cli-args.ts'
import type { Ports } from './console-ports.ts'
import { failureReport } from './failure-report.ts'
import { chooseSimulations } from './run-command.ts'
import type { ShrunkCase } from './shrink-failure.ts'
import { SimThread, ThreadLost } from './sim-thread.ts'
import { traceFileText } from './trace-file-text.ts'

/** `skerry-sim replay`, `shrink` and `trace`. Resolves to the exit code. Rejects as {@link runCommand} does. */
export async function caseCommand(
  command: 'replay' | 'shrink' | 'trace',
  args: CaseArgs,
  ports: Ports,
): Promise<number> {
  const source = await sourceOf(args)
  const thread = await SimThread.start({ module: pathToFileURL(source.module).href, hangMs: args.hangMs })
  try {
    const name = simulationOf(thread, source.simulation)
    const simCase = source.simCase ?? (await thread.request('resolve', name, { seed: source.seed }))
    return await new CaseRun(thread, name, simCase, source, args, ports)[command]()
  } catch (error) {
    if (!(error instanceof ThreadLost)) throw error
    ports.note(`seed ${error.seed}: no answer: ${error.message}`)
    return 3
  } finally {
    await thread.end()
  }
}

interface CaseSource {
  readonly module: string
  readonly simulation: string | undefined
  readonly seed: number
  /** `undefined`: resolve the seed. */
  readonly simCase: SimCase | undefined
}

/** Throws `ERR_BAD_OPTION`, `ERR_BAD_CASE`. */
async function sourceOf({ file, only, seed }: CaseArgs): Promise<CaseSource> {
  if (!file.endsWith('.json')) {
    if (seed === undefined) throw new TestingError('ERR_BAD_OPTION', `Which seed of ${file}? Add --seed N`)
    return { module: resolve(file), simulation: only, seed, simCase: undefined }
  }
  const { module, saved } = await readCase(file)
  const ofSeed = seed !== undefined && seed !== saved.case.seed
  return {
    module,
    simulation: saved.simulation,
    seed: seed ?? saved.case.seed,
    simCase: ofSeed ? undefined : saved.case,
  }
}

/** Throws `ERR_BAD_OPTION` where the module has several and none is named. */
function simulationOf(thread: SimThread, wanted: string | undefined): string {
  const [first, ...others] = chooseSimulations(thread.simulations, wanted)
  if (first !== undefined && others.length === 0) return first.name
  const names = thread.simulations.map(({ name }) => name).join(', ')
  throw new TestingError('ERR_BAD_OPTION', `Which simulation? Add --only with one of: ${names}`)
}

class CaseRun {
  readonly #thread: SimThread
  readonly #name: string
  readonly #case: SimCase
  readonly #source: CaseSource
  readonly #args: CaseArgs
  readonly #ports: Ports

  constructor(thread: SimThread, name: string, simCase: SimCase, source: CaseSource, args: CaseArgs, ports: Ports) {
    this.#thread = thread
    this.#name = name
    this.#case = simCase
    this.#source = source
    this.#args = args
    this.#ports = ports
  }

  /** Runs it twice and tells what came of it. */
  async replay(): Promise<number> {
    const outcome = await this.#check()
    this.#tell(outcome)
    await this.#writeTraces()
    return exitCodes[outcome.verdict]
  }

  async trace(): Promise<number> {
    await this.#writeTraces()
    return 0
  }

  async shrink(): Promise<number> {
    const outcome = await this.#check()
    if (outcome.verdict !== 'failed') {
      this.#tell(outcome)
      return exitCodes[outcome.verdict]
    }
    const { result } = outcome
    const startMs = realMs()
    const shrunk = await this.#thread.request('shrink', this.#name, { result, budget: {} })
    this.#ports.note(`Looked for ${((realMs() - startMs) / 1_000).toFixed(1)} s.`)
    const path = await saveCase(this.#source.module, this.#name, shrunk.result, this.#case)
    this.#tell(outcome, shrunk, path)
    return exitCodes.failed
  }

  #check(): Promise<CaseOutcome> {
    return this.#thread.request('check', this.#name, { case: this.#case })
  }

  #tell(outcome: CaseOutcome, shrunk?: ShrunkCase, saved?: string): void {
    const shown = saved === undefined ? undefined : shownPath(saved, this.#ports.folder)
    const replay = [shown === undefined ? this.#replayLine() : `npx skerry-sim replay ${shown}`]
    const report = failureReport({ name: this.#name, outcome, replay, ...(shrunk !== undefined && { shrunk }) })
    if (!this.#args.json) return this.#ports.print(report)
    const { verdict, result, rerunHash } = outcome
    const { failure, hash } = result
    const told = { skerrySim: 1, name: this.#name, verdict, failure, hash, rerunHash, case: result.case, saved, report }
    this.#ports.print(JSON.stringify({ ...told, ...(shrunk !== undefined && { shrunk: shrunk.result.case }) }, null, 2))
  }

  async #writeTraces(): Promise<void> {
    const { traces } = this.#args
    if (Object.keys(traces).length === 0) return
    const { trace } = await this.#thread.request('trace', this.#name, { case: this.#case })
    if (trace === undefined) return
    const named: Trace = { ...trace, header: { ...trace.header, replay: this.#replayLine() } }
    for (const form of ['html', 'chrome', 'jsonl'] as const) {
      const path = traces[form]
      if (path === undefined) continue
      await writeFile(path, traceFileText(named, form))
      this.#ports.note(`Wrote ${path} (${trace.events.length} events).`)
    }
  }

  #replayLine(): string {
    const { file } = this.#args
    const seed = file.endsWith('.json') ? '' : ` --only '${this.#name}' --seed ${this.#case.seed}`
    return `npx skerry-sim replay ${file}${seed}`
  }
}

const exitCodes = { passed: 0, failed: 1, nondeterministic: 1, inconclusive: 3 } as const
