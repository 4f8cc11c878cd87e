import type { NodeRecord } from './node-record.ts'
import type { NodeId } from './transport.ts'

/** Which region is the primary, and by whose word. */
export interface Primary {
  readonly region: string
  /** Counts the changes at run time; 0: the region comes from configuration. */
  readonly epoch: number
  /** Who announced it; empty for configuration. */
  readonly by: NodeId
}

/** What a record says of the primary. */
export function primaryOf({ primaryRegion, primaryEpoch, primaryBy }: NodeRecord): Primary {
  return { region: primaryRegion, epoch: primaryEpoch, by: primaryBy }
}

/** What a record of a node that believes in it says. */
export function primaryFields({
  region,
  epoch,
  by,
}: Primary): Pick<NodeRecord, 'primaryEpoch' | 'primaryRegion' | 'primaryBy'> {
  return { primaryEpoch: epoch, primaryRegion: region, primaryBy: by }
}

/**
 * The one that every node comes to believe, in whatever order it hears of them: the higher epoch, then the higher node id,
 * then, for a node that announced twice in one epoch, over two lives, the higher region. A configuration wins against
 * nothing, and so convinces no other node: one that was deployed with a wrong one must not move the primary.
 */
export function newerPrimary(known: Primary, heard: Primary): Primary {
  if (heard.epoch === 0 || heard.epoch < known.epoch) return known
  if (heard.epoch > known.epoch) return heard
  if (heard.by !== known.by) return heard.by > known.by ? heard : known
  return heard.region > known.region ? heard : known
}

/** A node whose configuration names another primary region than ours. */
export interface PrimaryConflict {
  readonly node: NodeId
  readonly primaryRegion: string
}

/** Who was configured otherwise, by id, as long as no change at run time has settled it. */
export function primaryConflicts(own: NodeRecord, others: Iterable<NodeRecord>): readonly PrimaryConflict[] {
  if (own.primaryEpoch !== 0) return []
  const conflicts: PrimaryConflict[] = []
  for (const other of others) {
    if (isConflict(own, other)) conflicts.push({ node: other.node, primaryRegion: other.primaryRegion })
  }
  return conflicts.sort((one, other) => (one.node < other.node ? -1 : 1))
}

/** Whether these two were configured otherwise, and no change at run time has settled it. */
export function isConflict(own: NodeRecord, other: NodeRecord): boolean {
  return own.primaryEpoch === 0 && other.primaryEpoch === 0 && other.primaryRegion !== own.primaryRegion
}
