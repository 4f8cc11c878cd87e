import type { TransportSpec } from '@skerry/core/transport'
import { libp2pTransport } from '@skerry/transport-libp2p'

/** What the two processes of the rpc suite agree on. */
export const calleeRegion = 'syd'
export const callerRegion = 'lax'

export function meshTransport(seeds: readonly string[], thread: 'main' | 'own' = 'main'): TransportSpec {
  // Both listen on the loopback only, so the secret guards nothing; with one, the handshake is the one of production.
  return libp2pTransport({ cluster: 'bench', secrets: ['a secret for the loopback only'], seeds, thread })
}

/** What the callee's process reports when it is ready. */
export interface CalleeReady {
  readonly addresses: readonly string[]
  readonly echoPorts: { readonly single: number; readonly coalesced: number }
}
