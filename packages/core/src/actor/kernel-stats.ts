import type { KernelCounters } from './counters.ts'
import type { NodeId } from './pid.ts'

/** What one thread holds at a moment. In a quiet app all of it stays the same. */
export interface KernelStats {
  /** Actors, and the entities that stand for watches and for calls to other regions. */
  readonly actors: number
  /** Who holds links, monitors or calls toward other threads and nodes. */
  readonly edges: number
  /** Calls to other threads and nodes that wait for their answers. */
  readonly awayCalls: number
  /** The other nodes toward which it has some of these. */
  readonly nodes: readonly NodeId[]
  readonly names: number
  /** What was dropped, refused and restarted since the thread began. */
  readonly counters: Readonly<KernelCounters>
}
