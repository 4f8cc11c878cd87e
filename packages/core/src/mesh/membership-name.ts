/** The name of the node's own actor that knows all nodes: apart, so that other threads can ask it without loading its code. */
export const membershipServerName = 'system.mesh'
