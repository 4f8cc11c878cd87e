import type { Clock, Files, Log, Platform, Random, Threads, TurnQueue } from '@skerry/core/platform'
import type { SimKernel } from '../kernel/sim-kernel.ts'
import type { SimUnit } from '../kernel/sim-unit.ts'
import { describeReason } from './describe-reason.ts'

export interface SimPlatformOptions {
  readonly kernel: SimKernel
  readonly unit: SimUnit
  readonly random: Random
  /** The node's wall clock now, in milliseconds since 1970. */
  readonly wallMs: () => number
  readonly threads: Threads
  readonly files: Files
  readonly log: Log
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly order: 'fifo' | 'shuffle'
  readonly setExitCode: (code: number) => void
  readonly copies: boolean
}

// How far apart the turns of actors that are ready at one moment may run: enough for every order, and below every
// latency between nodes.
const turnSpreadUs = 50
// Node's timers take no less.
const timerMinUs = 1_000

/** The world of one thread of one life of a simulated node. */
export function simPlatform(options: SimPlatformOptions): Platform {
  const { kernel, unit, random, wallMs, threads, files, log, environment, setExitCode, copies } = options
  const clock = simClock(kernel, unit, wallMs)
  unit.world = { clock, random }
  return {
    clock,
    random,
    turns: simTurns(options),
    threads,
    files,
    log,
    environment,
    load: () => 0,
    setExitCode,
    ...(copies && { handOver: structuredClone }),
    onActor(event) {
      const digest = event.pid.serial
      if (event.type === 'spawn') kernel.note(unit, 'spawn', { digest, msg: () => event.label })
      else kernel.note(unit, 'exit', { digest, msg: () => `${event.label}: ${describeReason(event.reason)}` })
    },
  }
}

export function simClock(kernel: SimKernel, unit: SimUnit, wallMs: () => number): Clock {
  const bootUs = kernel.nowUs
  return {
    wall: wallMs,
    monotonic: () => (kernel.nowUs - bootUs) / 1_000,
    after(delayMs, run) {
      if (Number.isNaN(delayMs)) throw new Error(`Assertion failed: a delay of ${delayMs} ms is no number`)
      const delayUs = Math.min(Math.max(delayMs * 1_000, timerMinUs), (2 ** 31 - 1) * 1_000)
      return kernel.schedule(unit, kernel.nowUs + delayUs, 'timer', run)
    },
  }
}

/**
 * Each turn is one event. Turns of one actor keep their order, since it has at most one waiting; which of several ready
 * actors goes first is the seed's choice. What is not an actor's runs at once, first come, first served.
 */
function simTurns({ kernel, unit, order, random }: SimPlatformOptions): TurnQueue {
  const purpose = kernel.purpose(`turns/${unit.node}/${random.id()}`)
  let drawn = 0
  return {
    enqueue(turn) {
      const { pid } = turn
      if (pid === undefined) {
        kernel.schedule(unit, kernel.nowUs, 'turn', () => turn.runTurn())
        return
      }
      const spread = order === 'shuffle' ? kernel.draw(purpose, drawn++) % turnSpreadUs : 0
      const facts = { digest: pid.serial, msg: () => turn.label ?? 'actor' }
      kernel.schedule(unit, kernel.nowUs + 1 + spread, 'turn', () => turn.runTurn(), facts)
    },
  }
}
