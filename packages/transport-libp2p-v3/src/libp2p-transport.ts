import { TransportError } from '@skerry/core'
import type { Transport, TransportSpec } from '@skerry/core/transport'
import type { Libp2pTransportOptions } from '@skerry/transport-libp2p'
import { checkOptions, MeshTransport } from '@skerry/transport-libp2p/adapter'

/**
 * Experimental: the mesh over libp2p 3, on Node 22 and later. The same options, addresses, identities and wire as `libp2pTransport` of
 * `@skerry/transport-libp2p`, whose nodes it meets in one cluster, so that a cluster can change node by node. Throws
 * `ERR_TRANSPORT_START` for bad options; so does the start of a node on an older Node.
 *
 * @example
 * import { libp2pTransport } from '@skerry/transport-libp2p-v3'
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
  return new MeshTransport(async () => {
    if (!('withResolvers' in Promise)) {
      throw new TransportError(
        'ERR_TRANSPORT_START',
        `libp2p 3 needs Node 22 or later, this is ${process.versions.node}`,
      )
    }
    return (await import('./line-node.ts')).createLineNode
  }, options)
}
