import { dnsDiscovery, srvDiscovery } from './dns-discovery.ts'
import { DiscoveryError } from './errors.ts'
import type { AddressOf, DiscoverySource } from './source.ts'

export interface KubernetesDiscoveryOptions {
  /**
   * A headless service (`clusterIP: None`) over the nodes' pods, with `publishNotReadyAddresses: true`: pods that become ready
   * only when they have joined would otherwise never find each other.
   */
  readonly service: string
  readonly namespace: string
  /** The pods' port: as a number, then A and AAAA records are asked for; by the name it has in the service, then SRV. */
  readonly port: number | string
  /** Default `cluster.local`. */
  readonly clusterDomain?: string
  /** How the transport writes an address. Default: as libp2p does. */
  readonly addressOf?: AddressOf
}

/**
 * Nodes are the pods of a headless service. Throws `ERR_BAD_DISCOVERY` for options that can't be.
 *
 * @example
 * const discovery = [kubernetesDiscovery({ service: 'skerry', namespace: 'shop', port: 4001 })]
 * await startNode(app, { transport, discovery })
 */
export function kubernetesDiscovery(options: KubernetesDiscoveryOptions): DiscoverySource {
  const { service, namespace, port, clusterDomain = 'cluster.local', ...others } = options
  for (const [option, label] of Object.entries({ service, namespace })) {
    if (typeof label !== 'string' || !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(label)) {
      throw new DiscoveryError('ERR_BAD_DISCOVERY', `${option} can't be the name of one: ${JSON.stringify(label)}`)
    }
  }
  const name = `${service}.${namespace}.svc.${clusterDomain}`
  const { open } =
    typeof port === 'string'
      ? srvDiscovery({ name: `_${port}._tcp.${name}`, ...others })
      : dnsDiscovery({ name, port, ...others })
  return { name: `kubernetes:${service}.${namespace}:${port}`, open }
}
