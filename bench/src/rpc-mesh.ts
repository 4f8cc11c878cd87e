import type { TransportSpec } from '@skerry/core/transport'
import { libp2pTransport } from '@skerry/transport-libp2p'
import { libp2pTransport as libp2p3Transport } from '@skerry/transport-libp2p-v3'

/** libp2p 2 on main, which is what users get, or on a thread of its own; or libp2p 3 on main. */
export type MeshKind = 'main' | 'own' | 'libp2p-3'

export function meshTransport(seeds: readonly string[], kind: MeshKind = 'main'): TransportSpec {
  // Both listen on the loopback only, so the secret guards nothing; with one, the handshake is the one of production.
  const options = { cluster: 'bench', secrets: ['a secret for the loopback only'], seeds }
  if (kind === 'libp2p-3') return libp2p3Transport({ ...options, thread: 'main' })
  return libp2pTransport({ ...options, thread: kind })
}

/** What the callee's process reports when it is ready. */
export interface CalleeReady {
  readonly addresses: readonly string[]
  readonly echoPorts: { readonly single: number; readonly coalesced: number }
}
