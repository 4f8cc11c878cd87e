import type { TransportSpec } from '@skerry/core/transport'
import * as libp2p from '@skerry/transport-libp2p'
import * as nats from '@skerry/transport-nats'
import type { ProcessConfig } from './control-message.ts'

/** What the demo's mesh may run on. */
export type TransportName = 'libp2p' | 'nats'

/** The one line of a region that depends on it. */
export function transportOf({ transport, servers, seeds, secret, privateKey }: ProcessConfig): TransportSpec {
  const common = { cluster: 'three-regions', secrets: [secret], privateKey }
  return transport === 'nats'
    ? nats.natsTransport({ ...common, servers })
    : libp2p.libp2pTransport({ ...common, listen: ['/ip4/127.0.0.1/tcp/0'], seeds })
}

/** A node's identity, which outlives its process. Each transport has its own form of it. */
export async function createIdentityFor(transport: TransportName): Promise<{ id: string; privateKey: string }> {
  return await (transport === 'nats' ? nats.createIdentity() : libp2p.createIdentity())
}
