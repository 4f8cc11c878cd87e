import { type NetworkNode, nodesAt } from './places.ts'

/** What can be wrong with paths for a while. The places are nodes, regions or `'rest'`. */
export type PathFault =
  /** Nothing gets through; with `oneWay` only what goes from `from` to `to` is stopped. */
  | { readonly kind: 'partition'; readonly from: Places; readonly to: Places; readonly oneWay: boolean }
  /** One cut phase of a flapping partition, both ways. */
  | { readonly kind: 'flap'; readonly from: Places; readonly to: Places }
  /** Slower by `extraMs`, each way. */
  | { readonly kind: 'clog'; readonly from: Places; readonly to: Places; readonly extraMs: number }
  /** Chances from 0 to 1, both ways. */
  | ({ readonly kind: 'loss'; readonly from: Places; readonly to: Places } & LossChances)

type Places = readonly string[]

export interface LossChances {
  readonly loss: number
  readonly duplicate: number
  readonly reorder: number
}

/** How one ordered pair of nodes stands now. */
export interface PathCondition extends LossChances {
  readonly isCut: boolean
  readonly extraUs: number
}

interface ActiveFault {
  readonly fault: PathFault
  readonly from: ReadonlySet<string>
  readonly to: ReadonlySet<string>
}

const clear: PathCondition = { isCut: false, extraUs: 0, loss: 0, duplicate: 0, reorder: 0 }

/**
 * Which faults lie on which paths. Faults add up: a path is open when no fault cuts it, extra latencies sum, and a
 * message survives two losses only if it survives each.
 */
export class PathConditions {
  /** Changes whenever anything does, so that a path need not ask again before. */
  version = 0
  readonly #nodes: readonly NetworkNode[]
  readonly #active = new Map<string | number, ActiveFault>()

  constructor(nodes: readonly NetworkNode[]) {
    this.#nodes = nodes
  }

  /** Begins a fault under a name of its own. The same name again replaces the one before. */
  apply(id: string | number, fault: PathFault): void {
    const from = new Set(nodesAt(fault.from, fault.to, this.#nodes))
    const to = new Set(nodesAt(fault.to, fault.from, this.#nodes))
    this.#active.set(id, { fault, from, to })
    this.version += 1
  }

  /** Ends it. A name that is not there does nothing. */
  remove(id: string | number): void {
    if (this.#active.delete(id)) this.version += 1
  }

  of(from: string, to: string): PathCondition {
    let condition = clear
    for (const active of this.#active.values()) if (liesOn(active, from, to)) condition = worse(condition, active.fault)
    return condition
  }
}

function liesOn({ fault, from: here, to: there }: ActiveFault, from: string, to: string): boolean {
  if (here.has(from) && there.has(to)) return true
  return !(fault.kind === 'partition' && fault.oneWay) && here.has(to) && there.has(from)
}

function worse(condition: PathCondition, fault: PathFault): PathCondition {
  switch (fault.kind) {
    case 'partition':
    case 'flap':
      return { ...condition, isCut: true }
    case 'clog':
      return { ...condition, extraUs: condition.extraUs + Math.round(fault.extraMs * 1000) }
    case 'loss':
      return {
        ...condition,
        loss: either(condition.loss, fault.loss),
        duplicate: either(condition.duplicate, fault.duplicate),
        reorder: either(condition.reorder, fault.reorder),
      }
  }
}

function either(one: number, other: number): number {
  return 1 - (1 - one) * (1 - other)
}
