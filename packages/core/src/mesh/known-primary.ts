import type { MembershipMemory } from './membership-memory.ts'
import type { OwnRecord } from './own-record.ts'
import { newerPrimary, type Primary, primaryFields, primaryOf } from './primary.ts'

/** The highest that a record can carry. */
const epochMax = Number.MAX_SAFE_INTEGER

/**
 * The primary region that this node believes in: what it says in its own record with its next word, so that a change spreads also when
 * the node that made it is gone.
 *
 * @example
 * if (known.hear(primaryOf(record))) issueOwnRecord()
 */
export class KnownPrimary {
  readonly #own: OwnRecord
  readonly #memory: Pick<MembershipMemory, 'primary'>
  readonly #changed: (primary: Primary) => void

  /** `changed`: told of each change, to log it. */
  constructor(own: OwnRecord, memory: Pick<MembershipMemory, 'primary'>, changed: (primary: Primary) => void) {
    this.#own = own
    this.#memory = memory
    this.#changed = changed
  }

  /**
   * This node announces another one, in a new epoch; gives back what it believes in from here on. Only a member that lies makes the last
   * epoch known that there can be: within that the higher node id wins, so what it gives back may be what was known, of another region.
   */
  announce(region: string): Primary {
    const known = primaryOf(this.#own.record)
    const primary: Primary = { region, epoch: Math.min(known.epoch + 1, epochMax), by: this.#own.node }
    if (newerPrimary(known, primary) !== primary) return known
    this.#adopt(primary)
    return primary
  }

  /** Another node's word. `true`: it is ours from here on. */
  hear(heard: Primary): boolean {
    const known = primaryOf(this.#own.record)
    const newest = newerPrimary(known, heard)
    if (newest === known) return false
    this.#adopt(newest)
    return true
  }

  #adopt(primary: Primary): void {
    this.#memory.primary = primary
    this.#own.note(primaryFields(primary))
    this.#changed(primary)
  }
}
