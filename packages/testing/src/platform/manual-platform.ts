import type { Log, Platform, Threads } from '@skerry/core/platform'
import { TestingError } from './errors.ts'
import { type MemoryFiles, memoryFiles } from './memory-files.ts'
import { type ManualTurns, manualTurns, tooManyTurns } from './manual-turns.ts'
import { type RecordedLog, recordedLog } from './recorded-log.ts'
import { type SeededRandom, seededRandom } from './seeded-random.ts'
import { settleMicrotasks } from './settle-microtasks.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

/** A platform on which nothing happens unless the test lets it happen. */
export interface ManualPlatform extends Platform {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly turns: ManualTurns
  readonly files: MemoryFiles
  readonly log: RecordedLog
  /** What `setExitCode` was last called with. */
  readonly exitCode: number | undefined
  /**
   * Runs turns, ticks and microtasks until none is left; time stands still. Every turn is one event: all that follows
   * from it settles before the next. Rejects with `ERR_TOO_MANY_TURNS` after 100,000 turns.
   */
  settle(): Promise<void>
  /** Lets `ms` milliseconds pass, settling before, between and after the timers that become due. */
  advance(ms: number): Promise<void>
}

export interface ManualPlatformOptions {
  /** Decides all chance, ids included. Any safe integer; default 1. Nodes of one test need different seeds. */
  readonly seed?: number
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Where entries go besides `platform.log.entries`. */
  readonly log?: Log
  /** Which waiting turn runs next: the oldest (default), or one that the seed picks. Ignored with `beside`. */
  readonly order?: 'fifo' | 'seeded'
  /** Another node's platform whose clock and turns this one shares: `settle` and `advance` of either move both. */
  readonly beside?: ManualPlatform
}

const turnsPerSettleMax = 100_000

/**
 * The whole world of one node, or of several in one process, in the hands of a test.
 *
 * @example
 * const platform = manualPlatform({ seed: 7 })
 * const other = manualPlatform({ seed: 8, beside: platform })
 * await platform.advance(1_000)
 */
export function manualPlatform(options: ManualPlatformOptions = {}): ManualPlatform {
  const { seed = 1, environment = {}, log, order = 'fifo', beside } = options
  const random = seededRandom(seed)
  const turns = beside?.turns ?? manualTurns(order === 'seeded' ? { pick: random.fork('turns') } : {})
  const settle = beside?.settle ?? ((): Promise<void> => settleTurns(turns))
  const clock = beside?.clock ?? virtualClock({ settle })
  let exitCode: number | undefined
  return {
    clock,
    random,
    turns,
    threads: noThreads,
    files: memoryFiles(),
    log: recordedLog(log),
    environment,
    load: () => 0,
    setExitCode(code) {
      exitCode = code
    },
    get exitCode() {
      return exitCode
    },
    settle,
    advance: (ms) => clock.advance(ms),
  }
}

async function settleTurns(turns: ManualTurns): Promise<void> {
  await settleMicrotasks()
  for (let run = 0; turns.pending > 0; run += 1) {
    if (run === turnsPerSettleMax) throw tooManyTurns(turnsPerSettleMax)
    turns.runOne()
    await settleMicrotasks()
  }
}

const noThreads: Threads = {
  parallelism: 1,
  start: refuse,
  openPort: refuse,
  adoptPort: refuse,
}

function refuse(): never {
  throw new TestingError('ERR_NO_THREADS', 'A manual platform has no threads: start the node without any')
}
