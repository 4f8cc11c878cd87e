import { Worker } from 'node:worker_threads'
import { TestingError } from '../platform/errors.ts'
import { realMs } from '../platform/real-time.ts'
import type { CaseOutcome } from './check-case.ts'
import { type Heartbeat, heartbeat } from './heartbeat.ts'
import type {
  KnownSimulation,
  SeedCounts,
  ThreadCommand,
  ThreadCommands,
  ThreadMessage,
  ThreadSetup,
} from './thread-message.ts'

/** A thread was given up or ended by itself, with the seed that it was at. */
export class ThreadLost extends Error {
  readonly seed: number

  constructor(seed: number, reason: string) {
    super(reason)
    this.name = 'ThreadLost'
    this.seed = seed
  }
}

export interface SimThreadOptions {
  /** URL of the module that exports the simulations. */
  readonly module: string
  /** A command that makes no progress for so long, in real milliseconds, ends the thread. */
  readonly hangMs: number
}

export type OnSeed = (seed: number, counts: SeedCounts, outcome: CaseOutcome | undefined) => void

interface Pending {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
  readonly onSeed: OnSeed | undefined
}

const entry = new URL('./sim-worker.js', import.meta.url)

/** One thread that runs simulations of one module: one command at a time, under a watchdog. */
export class SimThread {
  #simulations: readonly KnownSimulation[] = []
  readonly #worker: Worker
  readonly #pulse: Heartbeat
  readonly #watchdog: NodeJS.Timeout
  readonly #hangMs: number
  #pending: Pending | undefined
  #lost: ThreadLost | undefined
  #beats = 0n
  #beatMs = realMs()

  /** Starts a thread that has loaded the module. Rejects with `ERR_BAD_SIMULATION` if it can't. */
  static async start(options: SimThreadOptions): Promise<SimThread> {
    const thread = new SimThread(options)
    try {
      thread.#simulations = (await thread.#ask(undefined)) as readonly KnownSimulation[]
      return thread
    } catch (error) {
      await thread.end()
      if (!(error instanceof ThreadLost)) throw error
      throw new TestingError('ERR_BAD_SIMULATION', `Can't load ${options.module}: ${error.message}`)
    }
  }

  private constructor({ module, hangMs }: SimThreadOptions) {
    this.#hangMs = hangMs
    this.#pulse = heartbeat()
    const workerData: ThreadSetup = { module, beats: this.#pulse.memory }
    const env = { ...process.env, TZ: 'UTC', LANG: 'C', LC_ALL: 'C' }
    // What user code prints must not get into the JSON on stdout.
    this.#worker = new Worker(entry, { workerData, env, stdout: true })
    this.#worker.stdout.pipe(process.stderr, { end: false })
    this.#worker.on('message', (message: ThreadMessage) => this.#receive(message))
    this.#worker.on('messageerror', (error) => this.#lose(`its answer can't be cloned: ${error.message}`))
    this.#worker.on('error', (error) => this.#lose(`the thread failed: ${String(error)}`))
    this.#worker.on('exit', (code) => this.#lose(`the thread ended with code ${code}`))
    this.#watchdog = setInterval(() => this.#watch(), Math.min(1_000, Math.max(10, hangMs / 4)))
  }

  get simulations(): readonly KnownSimulation[] {
    return this.#simulations
  }

  /** Rejects with {@link ThreadLost}; the thread is of no use then. */
  async request<Kind extends keyof ThreadCommands>(
    kind: Kind,
    simulation: string,
    ask: ThreadCommands[Kind]['ask'],
    onSeed?: OnSeed,
  ): Promise<ThreadCommands[Kind]['answer']> {
    return (await this.#ask({ kind, simulation, ...ask } as ThreadCommand, onSeed)) as ThreadCommands[Kind]['answer']
  }

  async end(): Promise<void> {
    clearInterval(this.#watchdog)
    await this.#worker.terminate()
  }

  #ask(command: ThreadCommand | undefined, onSeed?: OnSeed): Promise<unknown> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost)
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject, onSeed }
      this.#beatMs = realMs()
      if (command !== undefined) this.#worker.postMessage(command)
    })
  }

  #receive(message: ThreadMessage): void {
    const pending = this.#pending
    if (message.kind === 'seed') {
      pending?.onSeed?.(message.seed, message.counts, message.outcome)
      return
    }
    this.#pending = undefined
    if (message.kind === 'refused') pending?.reject(new TestingError('ERR_BAD_SIMULATION', message.message))
    else pending?.resolve(message.kind === 'loaded' ? message.simulations : message.answer)
  }

  #watch(): void {
    const { beats } = this.#pulse
    if (beats !== this.#beats || this.#pending === undefined) {
      this.#beats = beats
      this.#beatMs = realMs()
    } else if (realMs() - this.#beatMs >= this.#hangMs) {
      this.#lose(`no progress for ${this.#hangMs / 1_000} s`)
    }
  }

  #lose(reason: string): void {
    this.#lost ??= new ThreadLost(this.#pulse.seed, reason)
    clearInterval(this.#watchdog)
    this.#pending?.reject(this.#lost)
    this.#pending = undefined
    void this.#worker.terminate()
  }
}
