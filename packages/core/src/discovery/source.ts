import type { Platform } from '../platform/platform.ts'

/** A place where a node of the cluster may be. */
export interface Place {
  /** As the transport dials it, at most 512 characters. */
  readonly address: string
  /** The region that the source says it is in: a hint for the order of dials. A node's own record is what counts. */
  readonly region?: string | undefined
}

/** This node, for sources that ask others for their like, or answer them. */
export interface DiscoverySelf {
  readonly node: string
  readonly cluster: string
  readonly region: string
  /** Where others can dial us, as the transport writes it. */
  readonly addresses: readonly string[]
}

/**
 * Where nodes may be found: a name server, a local network, a platform's interface. It only says where to dial; who is
 * there proves itself to the transport.
 *
 * @example
 * const file: DiscoverySource = {
 *   name: 'file',
 *   open: () => ({ find: async () => (await readFile('peers', 'utf8')).split('\n').map((address) => ({ address })) }),
 * }
 */
export interface DiscoverySource {
  /** For logs and `node.discovery()`. */
  readonly name: string
  /** Called once when the node starts. What it throws counts as a failure, and it is opened again later. */
  open(self: DiscoverySelf, platform: Platform): OpenSource
}

/** Some are there, and there may be more. It counts as a failure, but what it names is dialled. */
export interface PartialAnswer {
  readonly places: readonly Place[]
  readonly failure: unknown
}

export interface OpenSource {
  /**
   * All that are there now; an empty list says that nobody is. Rejects when that can't be known: what was found before then
   * stays. Never called again before it has settled.
   */
  find(signal: AbortSignal): Promise<readonly Place[] | PartialAnswer>
  /** The node stops. Resolves when nothing of it is left; waited for at most a second. */
  close?(): Promise<void>
}

/** How a source writes an address for the transport. */
export type AddressOf = (host: string, port: number) => string

/** As libp2p writes addresses: `/ip6/fdaa::1/tcp/4001`. `host` is an IP address. */
export const multiaddrOf: AddressOf = (host, port) => `/${host.includes(':') ? 'ip6' : 'ip4'}/${host}/tcp/${port}`
