import { BlockList, isIP } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'

/**
 * Where the addresses that other nodes tell may lead. A member says in its record where it can be dialled, and all others do so,
 * again and again: without a bound it could point them at anybody.
 */
export class DialNetworks {
  readonly #networks = new BlockList()

  /** `networks`: as `10.0.0.0/8` or `fdaa::/16`. Throws a RangeError for one that is none. */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = '', length = '', more] = network.split('/')
      const family = familyOf(address)
      const bits = Number(length)
      const most = family === 'ipv4' ? 32 : 128
      if (family === undefined || !/^\d+$/.test(length) || bits > most || more !== undefined) {
        throw new RangeError(`${network} is no network`)
      }
      this.#networks.addSubnet(address, bits, family)
    }
  }

  /** Whether a multiaddr is of an IP address in one of the networks. A name is of none: who told it decides where it leads. */
  has(address: string): boolean {
    const [first] = multiaddr(address).stringTuples()
    const host = first?.[1] ?? ''
    const family = familyOf(host)
    return family !== undefined && this.#networks.check(host, family)
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address)
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6'
}
