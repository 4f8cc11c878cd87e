import { checkDnsName, checkPort, isDnsName } from './dns-names.ts'
import { addressesOf, askEach, askedInVain, dnsOf } from './look-up.ts'
import { type AddressOf, type DiscoverySource, multiaddrOf } from './source.ts'

export interface DnsDiscoveryOptions {
  /** The name that has an A or AAAA record for every node, in full: search domains are not tried. */
  readonly name: string
  /** The port that all of them listen on. */
  readonly port: number
  /** How the transport writes an address. Default: as libp2p does, `/ip6/…/tcp/…`. */
  readonly addressOf?: AddressOf
}

/**
 * Nodes are where a DNS name points: the A and AAAA records. Throws `ERR_BAD_DISCOVERY` for options that can't be.
 *
 * @example
 * await startNode(app, { transport, discovery: [dnsDiscovery({ name: 'nodes.shop.internal', port: 4001 })] })
 */
export function dnsDiscovery(options: DnsDiscoveryOptions): DiscoverySource {
  const { addressOf = multiaddrOf } = options
  const name = checkDnsName('name', options.name)
  const port = checkPort('port', options.port)
  return {
    name: `dns:${name}:${port}`,
    open: (_self, platform) => ({
      async find(signal) {
        const hosts = await addressesOf(dnsOf(platform), name, signal)
        return hosts.map((host) => ({ address: addressOf(host, port) }))
      },
    }),
  }
}

export interface SrvDiscoveryOptions {
  /** The name of the SRV records, in full, such as `_mesh._tcp.skerry.shop.svc.cluster.local`. */
  readonly name: string
  /** As {@link DnsDiscoveryOptions.addressOf}. */
  readonly addressOf?: AddressOf
}

/** Of the hosts that an answer names, this many are looked up. */
const hostsMax = 256

/**
 * Nodes are where SRV records point, each with its own port: of every host that they name the A and AAAA records. Throws
 * `ERR_BAD_DISCOVERY` for a name that can't be.
 *
 * @example
 * await startNode(app, { transport, discovery: [srvDiscovery({ name: '_mesh._tcp.nodes.shop.internal' })] })
 */
export function srvDiscovery(options: SrvDiscoveryOptions): DiscoverySource {
  const { addressOf = multiaddrOf } = options
  const name = checkDnsName('name', options.name)
  return {
    name: `srv:${name}`,
    open: (_self, platform) => ({
      async find(signal) {
        const dns = dnsOf(platform)
        const services = await dns.services(name, signal).catch((error: unknown) => {
          throw askedInVain(name, error)
        })
        // A port of 0 and the name "." say: not here.
        const usable = services.filter(({ host, port }) => port > 0 && isDnsName(host))
        return await askEach(usable.slice(0, hostsMax), async ({ host, port }) => {
          const hosts = await addressesOf(dns, host, signal)
          return hosts.map((address) => ({ address: addressOf(address, port) }))
        })
      },
    }),
  }
}
