import type { NodeRecord } from './node-record.ts'

/**
 * Whether a node may say of itself what its record says. The hello is judged so as well, but a record may come by way of others,
 * who judge by their own lists: each node believes only what its own list allows.
 *
 * `regions`: those that the author's identity may be in; `undefined`: any.
 */
export function mayClaim({ region }: Pick<NodeRecord, 'region'>, regions: readonly string[] | undefined): boolean {
  return regions === undefined || regions.includes(region)
}
