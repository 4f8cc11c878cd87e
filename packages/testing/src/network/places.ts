/** A node of the simulated network. Its name is its id, and its address is `sim:` and its name. */
export interface NetworkNode {
  readonly name: string
  readonly region: string
}

/**
 * The names of the nodes that `places` mean: nodes by name, whole regions, or `'rest'`: all that `others` (the other
 * side of the fault) does not mean. In the order of `nodes`. What names nobody means nobody: a smaller case may have
 * lost the node.
 */
export function nodesAt(
  places: readonly string[],
  others: readonly string[],
  nodes: readonly NetworkNode[],
): readonly string[] {
  const isNamed = ({ name, region }: NetworkNode, by: readonly string[]): boolean =>
    by.includes(name) || by.includes(region)
  return nodes
    .filter((node) => isNamed(node, places) || (places.includes('rest') && !isNamed(node, others)))
    .map(({ name }) => name)
}
