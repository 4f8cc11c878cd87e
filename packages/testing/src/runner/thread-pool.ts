import { createSeedShare, type SeedShare, stopSeeds } from './seed-share.ts'
import { type OnSeed, SimThread, type SimThreadOptions, ThreadLost } from './sim-thread.ts'

export interface PoolSwarm {
  readonly simulation: string
  readonly seeds: SeedShare['seeds']
  readonly rerunAll: boolean
  readonly keepGoing: boolean
  readonly onSeed: OnSeed
  /** A seed that got no answer: it hung, or took its thread with it. */
  readonly onLost: (seed: number, reason: string) => void
  /** Stops the swarm: every thread ends with the seed it is at. */
  readonly signal: AbortSignal
}

// Each costs the time that a hang takes to be noticed.
const lostMax = 5

/** The threads of one run of `skerry-sim`: one start for each job, and one more for each thread that is lost. */
export class ThreadPool {
  readonly #options: SimThreadOptions
  readonly #threads: SimThread[]

  private constructor(options: SimThreadOptions, threads: SimThread[]) {
    this.#options = options
    this.#threads = threads
  }

  /** Rejects with `ERR_BAD_SIMULATION`. */
  static async start(jobs: number, options: SimThreadOptions): Promise<ThreadPool> {
    // One after the other: if the module can't be loaded, that is said once.
    const threads = [await SimThread.start(options)]
    while (threads.length < jobs) threads.push(await SimThread.start(options))
    return new ThreadPool(options, threads)
  }

  /** The first thread, for what is not done in a swarm. */
  get first(): SimThread {
    return this.#threads[0] as SimThread
  }

  /** Does `work` in a thread that has run nothing before. */
  async fresh<T>(work: (thread: SimThread) => Promise<T>): Promise<T> {
    const thread = await SimThread.start(this.#options)
    try {
      return await work(thread)
    } finally {
      await thread.end()
    }
  }

  /** Replaces the first thread, which was lost. */
  async replaceFirst(): Promise<void> {
    this.#threads[0] = await SimThread.start(this.#options)
  }

  /** Runs the seeds in all threads. After the first failure, or 5 seeds without an answer, it stops unless `keepGoing`. */
  async swarm(swarm: PoolSwarm): Promise<void> {
    const share = createSeedShare(swarm.seeds)
    const stop = (): void => stopSeeds(share)
    swarm.signal.addEventListener('abort', stop)
    if (swarm.signal.aborted) stop()
    let lost = 0
    const onSeed: OnSeed = (seed, counts, outcome) => {
      swarm.onSeed(seed, counts, outcome)
      if (!swarm.keepGoing && (counts.verdict === 'failed' || counts.verdict === 'nondeterministic')) stop()
    }
    const job = async (index: number): Promise<void> => {
      const { rerunAll, keepGoing } = swarm
      for (;;) {
        try {
          await (this.#threads[index] as SimThread).request(
            'swarm',
            swarm.simulation,
            { share, rerunAll, keepGoing },
            onSeed,
          )
          return
        } catch (error) {
          if (!(error instanceof ThreadLost)) throw error
          swarm.onLost(error.seed, error.message)
          lost += 1
          if (!keepGoing && lost >= lostMax) stop()
          this.#threads[index] = await SimThread.start(this.#options)
        }
      }
    }
    const ends = await Promise.allSettled(
      this.#threads.map(async (_thread, index) => {
        try {
          await job(index)
        } catch (error) {
          stop()
          throw error
        }
      }),
    )
    swarm.signal.removeEventListener('abort', stop)
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  async end(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.end()))
  }
}
