/** For so long after its start a node is a newcomer, in milliseconds. */
const newcomerMs = 5_000

/**
 * Whether what one message told this node is old news to all others, so that it is not to be passed on: shortly after the
 * start that message, of which a piece may have been read, has more than doubled the nodes that are known here. Of a thousand
 * nodes a newcomer hears in one message, and with each passed on to its neighbours a mesh that boots would say everything to
 * everybody as often as it has nodes. After a cut, whose other side is news in one message too, nodes are older.
 */
export function isNewsToUsAlone(heard: {
  readonly ageMs: number
  readonly knownBefore: number
  readonly known: number
}): boolean {
  return heard.ageMs < newcomerMs && heard.known > heard.knownBefore * 2
}
