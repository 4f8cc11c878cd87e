import type { Clock, Random, Timer } from '@skerry/core/platform'
import { detectEscapes } from '../escape/escape-detector.ts'
import { type Escape, type EscapeWorld, formatEscape } from '../escape/escape-world.ts'
import { refuseFakeTimers } from '../escape/refuse-fake-timers.ts'
import { installVirtualGlobals } from '../escape/virtual-globals.ts'
import { catchUncaught } from '../kernel/catch-uncaught.ts'
import type { SimKernel } from '../kernel/sim-kernel.ts'
import { TestingError } from '../platform/errors.ts'
import type { SeededRandom } from '../platform/seeded-random.ts'
import { simClock } from './sim-platform.ts'
import type { WallClock } from './wall-clock.ts'

export interface ConfinementOptions {
  readonly kernel: SimKernel
  /** For what the workload does, which is on no node. */
  readonly wall: WallClock
  readonly random: SeededRandom
  readonly policy: 'error' | 'warn'
  /** Also watch for what no replaced function sees. */
  readonly detects: boolean
  readonly fail: (invariant: string, error: unknown) => void
}

export interface Confinement {
  /** What code did that the simulation can't decide, each once. */
  readonly escapes: readonly string[]
  end(): void
}

/**
 * While a simulation runs: its time and chance behind the globals, its failure for what reaches past it, and for what
 * nobody caught, which would end a real process. Throws `ERR_FAKE_TIMERS`.
 */
export function confine(options: ConfinementOptions): Confinement {
  const { policy, fail } = options
  refuseFakeTimers()
  const escapes = new Set<string>()
  const world = escapeWorld(options, (escape) => {
    const line = formatEscape(escape)
    escapes.add(line)
    if (policy === 'warn') return
    fail('escape', line)
    throw new TestingError('ERR_ESCAPED', `A simulation can't decide what this gives: ${line}`)
  })
  const undo = [
    installVirtualGlobals(world),
    ...(options.detects ? [detectEscapes(world)] : []),
    catchUncaught((error) => fail('unhandled', error)),
  ]
  return {
    get escapes() {
      return [...escapes]
    },
    end() {
      for (const step of undo.reverse()) step()
    },
  }
}

function escapeWorld(options: ConfinementOptions, escaped: (escape: Escape) => void): EscapeWorld {
  const { kernel, wall } = options
  const own = {
    clock: simClock(kernel, kernel.self, () => wall.now()),
    random: options.random.fork('globals'),
  }
  return {
    get inside() {
      return kernel.inside
    },
    get clock(): Clock {
      return (kernel.current.world ?? own).clock
    },
    get random(): Random {
      return (kernel.current.world ?? own).random
    },
    soon: (run): Timer => kernel.schedule(kernel.current, kernel.nowUs, 'timer', run),
    escaped,
  }
}
