import type { Transport, TransportSpec } from '@skerry/core/transport'
import { MeshTransport } from '../mesh-transport.ts'
import { checkOptions, type Libp2pTransportOptions } from '../options.ts'

/**
 * The mesh over libp2p: TCP, Noise with the cluster's secret, yamux, and gossipsub for records. Plain data, so that the
 * thread which runs the mesh can load libp2p and no other thread has to. Throws `ERR_TRANSPORT_START` for bad options.
 *
 * @example
 * const { privateKey } = await createIdentity()
 * const transport = libp2pTransport({ cluster: 'shop', secrets: [secret], privateKey, listen: ['/ip4/0.0.0.0/tcp/4001'] })
 * const node = await startNode(app, { transport })
 */
export function libp2pTransport(options: Libp2pTransportOptions): TransportSpec {
  checkOptions(options)
  const { thread } = options
  return { module: import.meta.url, export: 'createLibp2pTransport', options, ...(thread !== undefined && { thread }) }
}

/** The factory that `libp2pTransport` names. Throws `ERR_TRANSPORT_START` and the option's name when one is bad. */
export function createLibp2pTransport(options: unknown): Transport {
  return new MeshTransport(async () => (await import('./line-node.ts')).createLineNode, options)
}
