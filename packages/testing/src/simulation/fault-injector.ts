import type { Fault, Place } from '../fault/fault.ts'
import { describeFault } from '../fault/fault-text.ts'
import type { SimKernel } from '../kernel/sim-kernel.ts'
import { nodesAt } from '../network/places.ts'
import type { SimNetwork } from '../network/sim-network.ts'
import type { SimNode } from './sim-node.ts'

export interface FaultInjectorParts {
  readonly kernel: SimKernel
  readonly network: SimNetwork
  readonly nodes: readonly SimNode[]
}

/** Does faults to a simulated cluster, and ends them. */
export class FaultInjector {
  /** The nodes that a planned crash takes down for the rest of the run. */
  readonly leftDead: Set<string> = new Set()
  readonly #parts: FaultInjectorParts
  readonly #on = new Set<() => void>()
  #ids = 0

  constructor(parts: FaultInjectorParts) {
    this.#parts = parts
  }

  /** Schedules the whole plan. What lasts beyond `endMs` is never ended. */
  plan(faults: readonly Fault[], endMs: number): void {
    const { kernel } = this.#parts
    for (const fault of faults) {
      const lasts = 'forMs' in fault ? fault.forMs : 0
      kernel.schedule(kernel.self, fault.atMs * 1_000, 'step', () => {
        const end = this.begin(fault)
        if (fault.atMs + lasts >= endMs) {
          if (fault.kind === 'crash') this.leftDead.add(fault.node)
          return
        }
        kernel.schedule(kernel.self, (fault.atMs + lasts) * 1_000, 'step', end)
      })
    }
  }

  /** Begins it now, whatever its `atMs` says. Gives back what ends it; calling that twice does nothing. */
  begin(fault: Fault): () => void {
    const { kernel } = this.#parts
    const until = 'forMs' in fault && Number.isFinite(fault.forMs) ? kernel.nowUs + fault.forMs * 1_000 : undefined
    const cause = kernel.note(kernel.self, 'fault', {
      msg: () => describeFault(fault),
      ...(until !== undefined && { until }),
    })
    const undo = this.#apply(fault)
    const end = (): void => {
      if (!this.#on.delete(end)) return
      kernel.note(kernel.self, 'heal', { cause, msg: () => fault.kind })
      undo()
    }
    this.#on.add(end)
    return end
  }

  /** Ends every fault that is on, except the crashes of nodes that stay dead. */
  endAll(): void {
    for (const end of [...this.#on]) end()
  }

  #apply(fault: Fault): () => void {
    const { network } = this.#parts
    const id = (this.#ids += 1)
    switch (fault.kind) {
      case 'partition':
      case 'clog':
      case 'loss':
        network.apply(id, fault)
        return () => network.remove(id)
      case 'flap':
        return this.#flap(id, fault)
      case 'reset':
        network.reset(fault.from, fault.to, fault.halfOpen)
        return nothing
      case 'crash':
        return this.#crash([fault.node], fault.files, fault.silent)
      case 'regionLoss':
        return this.#crash([fault.region], 'keep', true)
      case 'pause': {
        const untilUs = this.#node(fault.node)?.pause(fault.forMs)
        return () => this.#node(fault.node)?.resume(untilUs)
      }
      case 'slow':
        this.#node(fault.node)?.slow(fault.turnUs)
        return () => this.#node(fault.node)?.slow(0)
      case 'skew':
        this.#node(fault.node)?.wall.skew(fault)
        return () => this.#node(fault.node)?.wall.correct()
      case 'threadLoss':
        this.#node(fault.node)?.killThread(fault.pick)
        return nothing
    }
  }

  #crash(places: readonly Place[], files: 'keep' | 'loseUnsynced' | 'torn' | 'lose', silent: boolean): () => void {
    const nodes = nodesAt(places, [], this.#parts.nodes).map((name) => this.#node(name))
    for (const node of nodes) node?.crash({ files, silent })
    return () => {
      for (const node of nodes) if (node !== undefined && !this.leftDead.has(node.name)) node.boot()
    }
  }

  #flap(id: number, fault: Extract<Fault, { kind: 'flap' }>): () => void {
    const { kernel, network } = this.#parts
    let cut = false
    let over = false
    const step = (): void => {
      if (over) return
      cut = !cut
      if (cut) network.apply(id, { ...fault, kind: 'partition', oneWay: false })
      else network.remove(id)
      kernel.schedule(kernel.self, kernel.nowUs + (cut ? fault.cutMs : fault.openMs) * 1_000, 'step', step)
    }
    step()
    return () => {
      over = true
      if (cut) network.remove(id)
    }
  }

  #node(name: string): SimNode | undefined {
    return this.#parts.nodes.find((node) => node.name === name)
  }
}

function nothing(): void {}
