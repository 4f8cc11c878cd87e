import type { Platform, PortEvents, ThreadEvents, ThreadHandle, ThreadPort, Threads } from '@skerry/core/platform'
import { type Behavior, loadBehavior, type MainPort, runThread, type ThreadBoot } from '@skerry/core/simulation'
import type { SimKernel } from '../kernel/sim-kernel.ts'
import type { SimUnit } from '../kernel/sim-unit.ts'
import { SimPorts } from './sim-ports.ts'

export interface SimThreadsOptions {
  readonly kernel: SimKernel
  /** The node's main thread. */
  readonly main: SimUnit
  /** Makes the unit of the node's next thread, the `number`th, and with that thread's view of its peers its platform. */
  readonly open: (number: number, threads: (unit: SimUnit) => Threads) => { unit: SimUnit; platform: Platform }
}

// A message between threads takes about this long, and a thread this long to start and to be taken away.
const messageUs = 30
const startUs = 20_000
const endUs = 2_000

/** What `availableParallelism` says in simulation. */
const parallelism = 2

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
  readonly parallelism: number = parallelism
  readonly #options: SimThreadsOptions
  readonly #running = new Set<SimThread>()
  readonly #lent = new Map<string, Behavior>()
  readonly #ports: SimPorts
  #started = 0

  constructor(options: SimThreadsOptions) {
    this.#options = options
    this.#ports = new SimPorts(options.kernel, messageUs)
  }

  /** Those running now, oldest first. */
  get running(): readonly SimThread[] {
    return [...this.#running]
  }

  lend(behavior: unknown): void {
    const { module, name } = behavior as Behavior
    this.#lent.set(`${name} ${module}`, behavior as Behavior)
  }

  openPort(events: PortEvents): { port: ThreadPort; other: unknown } {
    return this.#ports.open(this.#options.main, events)
  }

  adoptPort(other: unknown, events: PortEvents): ThreadPort {
    return this.#ports.adopt(this.#options.main, other, events)
  }

  start(boot: unknown, events: ThreadEvents): ThreadHandle {
    const { kernel, main, open } = this.#options
    const copy = structuredClone(boot) as ThreadBoot
    const { unit, platform } = open((this.#started += 1), (one) => this.#viewOf(one))
    const running = this.#running
    const early: unknown[] = []
    let deliver = (message: unknown): void => void early.push(message)

    const thread: SimThread = {
      unit,
      end: (exitCode, error) => {
        if (!running.delete(thread)) return
        unit.kill()
        this.#ports.closeOf(unit)
        const end = { exitCode, ...(error !== undefined && { error }) }
        kernel.schedule(main, kernel.nowUs + endUs, 'turn', () => events.ended(end), { msg: () => 'thread ended' })
      },
    }
    const port: MainPort = {
      post(batch) {
        const copied: unknown = structuredClone(batch)
        const at = kernel.nowUs + messageUs
        kernel.schedule(main, at, 'turn', () => events.message(copied), { msg: () => 'from a thread' })
      },
      onMessage(on) {
        deliver = on as (message: unknown) => void
        for (const message of early.splice(0)) deliver(message)
      },
      drain: () => undefined,
    }
    running.add(thread)
    kernel.schedule(unit, kernel.nowUs + startUs, 'boot', () => {
      try {
        runThread(copy, port, platform, (module, name) => this.#load(module, name))
      } catch (error) {
        thread.end(1, error instanceof Error ? error : new Error(String(error)))
      }
    })
    return {
      post(message) {
        const copied: unknown = structuredClone(message)
        const at = kernel.nowUs + messageUs
        kernel.schedule(unit, at, 'turn', () => deliver(copied), { msg: () => 'to a thread' })
      },
      // All ways are equally fast, so that nothing overtakes what caused it.
      drain: () => undefined,
      close: () => undefined,
      terminate: () => thread.end(1),
    }
  }

  #load(module: string, name: string): Promise<Behavior> {
    const lent = this.#lent.get(`${name} ${module}`)
    return lent === undefined ? loadBehavior(module, name) : Promise.resolve(lent)
  }

  /** The same threads, for one of them. */
  #viewOf(unit: SimUnit): Threads {
    return {
      parallelism,
      start: (boot, events) => this.start(boot, events),
      openPort: (events) => this.#ports.open(unit, events),
      adoptPort: (other, events) => this.#ports.adopt(unit, other, events),
      lend: (behavior) => this.lend(behavior),
    }
  }
}
