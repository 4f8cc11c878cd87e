import type { PropertyObserver } from '@skerry/core/simulation'
import type { SimKernel } from '../kernel/sim-kernel.ts'
import type { SimUnit } from '../kernel/sim-unit.ts'
import { printValue } from './print-value.ts'
import type { PropertyCount } from './run-result.ts'

/** A node that stands still at a point of its code, see `Sim.barrier`. */
export interface Barrier {
  readonly node: string
  /** Lets it go on. */
  release(): void
}

// FoundationDB's numbers: a quarter of the sites are active in a run, and fire a quarter of the time.
const activeChance = 0.25
const firesChance = 0.25
// How long a barrier holds a node when nobody releases it: longer than any run.
const foreverUs = 2 ** 50

interface Count {
  readonly kind: PropertyCount['kind']
  readonly id: string
  reached: number
  hit: number
}

/** Counts what the code's own properties say in one run, and makes its chances fire. */
export class PropertyRecorder implements PropertyObserver {
  readonly #kernel: SimKernel
  readonly #failed: (id: string, message: string) => void
  readonly #counts = new Map<string, Count>()
  /** Whether a chance or knob does anything in this run. */
  readonly #active = new Map<string, boolean>()
  readonly #barriers = new Map<string, ((unit: SimUnit) => void)[]>()

  constructor(kernel: SimKernel, failed: (id: string, message: string) => void) {
    this.#kernel = kernel
    this.#failed = failed
  }

  counts(): PropertyCount[] {
    return [...this.#counts.values()].map((count) => ({ ...count }))
  }

  barrier(id: string): Promise<Barrier> {
    return new Promise((resolve) => {
      const waiting = this.#barriers.get(id) ?? []
      this.#barriers.set(id, waiting)
      waiting.push((unit) => {
        const kernel = this.#kernel
        const before = unit.blockedUntilUs
        kernel.block(unit, foreverUs)
        const release = (): void => kernel.unblock(unit, before)
        kernel.schedule(kernel.self, kernel.nowUs, 'step', () => resolve({ node: unit.node, release }), {
          msg: () => `barrier ${id}`,
        })
      })
    })
  }

  always(ok: boolean, id: string, details?: unknown): void {
    this.#count('always', id, ok)
    if (!ok) this.#failed(id, `always "${id}" does not hold${printed(details)}`)
  }

  sometimes(ok: boolean, id: string): void {
    this.#count('sometimes', id, ok)
  }

  reachable(id: string): void {
    this.#count('reachable', id, true)
  }

  unreachable(id: string, details?: unknown): void {
    this.#count('unreachable', id, true)
    this.#failed(id, `"${id}" was reached and never should be${printed(details)}`)
  }

  chance(id: string): boolean {
    const fires = this.#isActive(id) && this.#fires(id)
    this.#count('chance', id, fires)
    return fires
  }

  knob<T>(id: string, usual: T, alternatives: readonly T[]): T {
    const kernel = this.#kernel
    if (alternatives.length === 0 || !this.#isActive(`knob/${id}`)) return usual
    return alternatives[kernel.draw(kernel.purpose(`knob/${id}`), 1) % alternatives.length] as T
  }

  #isActive(id: string): boolean {
    let active = this.#active.get(id)
    if (active === undefined) {
      const kernel = this.#kernel
      active = kernel.draw(kernel.purpose(`site/${id}`), 0) / 2 ** 32 < activeChance
      this.#active.set(id, active)
    }
    return active
  }

  #fires(id: string): boolean {
    const kernel = this.#kernel
    const drawn = this.#counts.get(id)?.reached ?? 0
    return kernel.draw(kernel.purpose(`fires/${id}`), drawn) / 2 ** 32 < firesChance
  }

  #count(kind: PropertyCount['kind'], id: string, hit: boolean): void {
    let count = this.#counts.get(id)
    if (count === undefined) {
      count = { kind, id, reached: 0, hit: 0 }
      this.#counts.set(id, count)
    }
    count.reached += 1
    if (hit) count.hit += 1
    const waiting = this.#barriers.size === 0 ? undefined : this.#barriers.get(id)
    const { current, self } = this.#kernel
    // The simulation itself never stands still: nobody would be left to let it go on.
    if (waiting !== undefined && hit && current !== self) waiting.shift()?.(current)
  }
}

function printed(details: unknown): string {
  return details === undefined ? '' : `: ${printValue(details)}`
}
