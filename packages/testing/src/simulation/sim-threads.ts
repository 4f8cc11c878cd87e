import type { Platform, ThreadEvents, ThreadHandle, Threads } from '@skerry/core/platform'
import { runThread, type ThreadBoot, type ThreadPort } from '@skerry/core/simulation'
import type { SimKernel } from '../kernel/sim-kernel.ts'
import type { SimUnit } from '../kernel/sim-unit.ts'

export interface SimThreadsOptions {
  readonly kernel: SimKernel
  /** The node's main thread. */
  readonly main: SimUnit
  /** Makes the unit and the platform of the node's thread of that number. */
  readonly open: (thread: number) => { unit: SimUnit; platform: Platform }
}

// A message between threads takes about this long, and a thread this long to start and to be taken away.
const messageUs = 30
const startUs = 20_000
const endUs = 2_000

/** A thread of a simulated node. */
interface SimThread {
  readonly unit: SimUnit
  end(exitCode: number, error?: Error): void
}

/**
 * Threads as kernels in the one real thread. What crosses their border is cloned as between real ones, and refused as
 * there. What they can't show is preemption: a loop that never yields stops the simulation.
 */
export class SimThreads implements Threads {
  readonly #options: SimThreadsOptions
  readonly #running = new Set<SimThread>()
  #started = 0

  constructor(options: SimThreadsOptions) {
    this.#options = options
  }

  /** Those running now, oldest first. */
  get running(): readonly SimThread[] {
    return [...this.#running]
  }

  start(boot: unknown, events: ThreadEvents, inProcess: unknown): ThreadHandle {
    const { kernel, main, open } = this.#options
    const copy = structuredClone(boot) as ThreadBoot
    const { unit, platform } = open((this.#started += 1))
    const running = this.#running
    const early: unknown[] = []
    let deliver = (message: unknown): void => void early.push(message)

    const thread: SimThread = {
      unit,
      end(exitCode, error) {
        if (!running.delete(thread)) return
        unit.kill()
        const end = { exitCode, ...(error !== undefined && { error }) }
        kernel.schedule(main, kernel.nowUs + endUs, 'turn', () => events.ended(end), { msg: () => 'thread ended' })
      },
    }
    const port: ThreadPort = {
      post(batch) {
        const copied: unknown = structuredClone(batch)
        const at = kernel.nowUs + messageUs
        kernel.schedule(main, at, 'turn', () => events.message(copied), { msg: () => 'from a thread' })
      },
      onMessage(on) {
        deliver = on as (message: unknown) => void
        for (const message of early.splice(0)) deliver(message)
      },
    }
    running.add(thread)
    kernel.schedule(unit, kernel.nowUs + startUs, 'boot', () => {
      runThread(copy, port, platform, inProcess as Parameters<typeof runThread>[3]).catch((error: unknown) =>
        thread.end(1, error instanceof Error ? error : new Error(String(error))),
      )
    })
    return {
      post(message) {
        const copied: unknown = structuredClone(message)
        const at = kernel.nowUs + messageUs
        kernel.schedule(unit, at, 'turn', () => deliver(copied), { msg: () => 'to a thread' })
      },
      terminate: () => thread.end(1),
    }
  }
}
