/** Where the two nodes of the rpc suite are. */
export const calleeRegion = 'syd'
export const callerRegion = 'lax'
