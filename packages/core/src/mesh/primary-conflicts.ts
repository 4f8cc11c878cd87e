import type { NodeRecord } from './node-record.ts'
import { isConflict, type PrimaryConflict, primaryConflicts } from './primary.ts'
import type { NodeId } from './transport.ts'

/**
 * Who was configured with another primary region than this node. All records are looked at only after one changed that can make a
 * difference.
 *
 * @example
 * conflicts.recordChanged(own, record)
 * if (conflicts.look(own, records) === 'more') log.error({ others: conflicts.known }, 'nodes are configured otherwise')
 */
export class PrimaryConflicts {
  #known: readonly PrimaryConflict[]
  #mayDiffer = true

  /** `known`: those that were told of already. */
  constructor(known: readonly PrimaryConflict[]) {
    this.#known = known
  }

  /** By id, as of the last look. */
  get known(): readonly PrimaryConflict[] {
    return this.#known
  }

  ownChanged(): void {
    this.#mayDiffer = true
  }

  recordChanged(own: NodeRecord, record: NodeRecord): void {
    if (isConflict(own, record) || this.#isKnown(record.node)) this.#mayDiffer = true
  }

  removed(node: NodeId): void {
    if (this.#isKnown(node)) this.#mayDiffer = true
  }

  /** `more`: there is one that was not known before. `fewer`, `settled`: some or all are gone, and none came. */
  look(own: NodeRecord, others: Iterable<NodeRecord>): 'none' | 'more' | 'fewer' | 'settled' {
    if (!this.#mayDiffer) return 'none'
    this.#mayDiffer = false
    const before = this.#known
    this.#known = primaryConflicts(own, others)
    if (this.#known.some(({ node }) => !before.some((known) => known.node === node))) return 'more'
    if (this.#known.length === before.length) return 'none'
    return this.#known.length === 0 ? 'settled' : 'fewer'
  }

  #isKnown(node: NodeId): boolean {
    return this.#known.some((known) => known.node === node)
  }
}
