import type { NodeRecord } from './node-record.ts'
import { isConflict, type PrimaryConflict, primaryConflicts } from './primary.ts'
import type { NodeId } from './transport.ts'

/**
 * Who was configured with another primary region than this node. All records are looked at only after one changed that can make a
 * difference.
 *
 * @example
 * conflicts.recordChanged(own, record)
 * if (conflicts.look(own, records)) log.error({ others: conflicts.known }, 'nodes are configured otherwise')
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

  /** `true`: there is one that was not known before. */
  look(own: NodeRecord, others: Iterable<NodeRecord>): boolean {
    if (!this.#mayDiffer) return false
    this.#mayDiffer = false
    const conflicts = primaryConflicts(own, others)
    const isNew = conflicts.some(({ node }) => !this.#isKnown(node))
    this.#known = conflicts
    return isNew
  }

  #isKnown(node: NodeId): boolean {
    return this.#known.some((known) => known.node === node)
  }
}
