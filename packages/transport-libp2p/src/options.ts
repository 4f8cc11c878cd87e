import { multiaddr } from '@multiformats/multiaddr'
import { TransportError } from '@skerry/core'
import { DialNetworks } from './dial-networks.ts'

/**
 * What `libp2pTransport` takes. Plain data, so that any thread can start the transport from it.
 *
 * All nodes of a cluster need the same `cluster`, the same `maxFrameBytes` and at least one secret in common.
 */
export interface Libp2pTransportOptions {
  /** The cluster's name, 1 to 255 characters. Nodes of another name are refused while the connection is set up. */
  readonly cluster: string
  /**
   * The cluster's secrets, at most 8, each random and at least 16 characters long (32 random bytes as base64 are good).
   * A node that knows none of them is refused before a byte of ours is sent. All are accepted, in either direction;
   * dialling tries them in this order. To change the secret, roll out [old, new], then [new, old], then [new].
   *
   * Without secrets the cluster's name is all that keeps strangers out, and a name is no secret: then whoever reaches
   * the port is a member. Only a network that is closed by other means makes up for it. One that is `undefined`, as of a variable that is
   * not set, is no node without secrets: it does not start.
   */
  readonly secrets?: readonly (string | undefined)[]
  /** Where to listen, as multiaddrs. Default `['/ip4/127.0.0.1/tcp/0']`, any free port; `[]`: only dials. */
  readonly listen?: readonly string[]
  /** Where others can dial us, as multiaddrs, when that differs from where we listen. Default: the listening addresses. */
  readonly announce?: readonly string[]
  /** Addresses of nodes to join, as multiaddrs (`/dns4/seed.internal/tcp/4001`), with or without `/p2p/<id>`. */
  readonly seeds?: readonly string[]
  /** The identity, as made by `createIdentity`. A secret of this node alone. Default: a fresh one at every start. */
  readonly privateKey?: string
  /** The largest frame in bytes, from 1 KiB to 64 MiB. Default 1 MiB. A peer that sends a larger one loses its link. */
  readonly maxFrameBytes?: number
  /**
   * What each node may act as (`caller.roles` in `allow` of a procedure), and the regions that it may say it is in, by node id,
   * which is what its private key proves. Of nodes that are not named: no roles, any region. At most 10,000 nodes. As each node
   * judges by its own list, give all the same one.
   */
  readonly identities?: Readonly<Record<string, Libp2pIdentity>>
  /**
   * Only the nodes that `identities` names may connect, or be dialled, or have their records believed. Another one is refused
   * when the handshake has told who it is, before a byte of ours is sent. Default false: whoever knows a secret is a member.
   */
  readonly identitiesOnly?: boolean
  /**
   * Where addresses that other nodes tell may lead, as `['10.0.0.0/8', 'fdaa::/16']`; names are refused then. Seeds, and what
   * discovery finds, are not asked. Default: anywhere, so that a member can make all others dial whom it likes (without a
   * handshake that succeeds, and no more often than every few seconds).
   */
  readonly dialNetworks?: readonly string[]
  /**
   * `'own'`: libp2p runs on a thread of its own, so that a busy main thread neither misses heartbeats nor loses its links. Give it a
   * fixed port to listen at: it is started again there should its thread be lost. Default: `SKERRY_TRANSPORT_THREAD`, else `'main'`.
   */
  readonly thread?: 'main' | 'own'
}

export interface Libp2pIdentity {
  readonly roles?: readonly string[]
  readonly regions?: readonly string[]
}

/** The options with their defaults filled in. */
export interface CheckedOptions extends Required<
  Omit<Libp2pTransportOptions, 'secrets' | 'privateKey' | 'identities' | 'dialNetworks' | 'thread'>
> {
  readonly secrets: readonly string[]
  /** `undefined`: anywhere. */
  readonly dialNetworks: DialNetworks | undefined
  readonly identities: ReadonlyMap<string, Libp2pIdentity>
  readonly privateKey: string | undefined
}

const names: readonly string[] = [
  'cluster',
  'secrets',
  'listen',
  'announce',
  'seeds',
  'privateKey',
  'maxFrameBytes',
  'identities',
  'identitiesOnly',
  'dialNetworks',
  'thread',
]
const identitiesMax = 10_000
const secretCharsMin = 16
const secretsMax = 8

/** Checks what came as plain data. Throws `ERR_TRANSPORT_START`, with the option's name and never a secret's value. */
export function checkOptions(options: unknown): CheckedOptions {
  if (typeof options !== 'object' || options === null) throw badOption('options', 'must be an object')
  const given: Readonly<Record<string, unknown>> = { ...options }
  for (const name of Object.keys(given)) if (!names.includes(name)) throw badOption(name, 'is not an option')
  checkThread(given['thread'])
  return {
    cluster: checkCluster(given['cluster']),
    secrets: checkSecrets(given['secrets']),
    listen: checkAddresses('listen', given['listen'], ['/ip4/127.0.0.1/tcp/0']),
    announce: checkAddresses('announce', given['announce'], []),
    seeds: checkAddresses('seeds', given['seeds'], []),
    privateKey: checkPrivateKey(given['privateKey']),
    maxFrameBytes: checkMaxFrameBytes(given['maxFrameBytes']),
    identities: checkIdentities(given['identities']),
    identitiesOnly: checkFlag('identitiesOnly', given['identitiesOnly']),
    dialNetworks: checkNetworks(given['dialNetworks']),
  }
}

/** How the message of {@link badOption} begins. */
export const badOptionStart = 'Bad option of the libp2p transport: '

export function badOption(name: string, problem: string, options?: { cause: unknown }): TransportError {
  return new TransportError('ERR_TRANSPORT_START', `${badOptionStart}${name} ${problem}`, options)
}

function checkCluster(value: unknown): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= 255) return value
  throw badOption('cluster', 'must be a string of 1 to 255 characters')
}

function checkSecrets(value: unknown): readonly string[] {
  const secrets = checkStrings('secrets', value, [])
  if (secrets.length > secretsMax) throw badOption('secrets', `may hold at most ${secretsMax} secrets`)
  for (const [index, secret] of secrets.entries()) {
    // A digest of the secret crosses the network in the clear, so a short one could be found by trying.
    if (secret.length < secretCharsMin) {
      throw badOption(`secrets[${index}]`, `is shorter than ${secretCharsMin} characters`)
    }
    if (secrets.indexOf(secret) !== index) throw badOption(`secrets[${index}]`, 'is there twice')
  }
  return secrets
}

function checkAddresses(name: string, value: unknown, fallback: readonly string[]): readonly string[] {
  const addresses = checkStrings(name, value, fallback)
  for (const [index, address] of addresses.entries()) {
    try {
      multiaddr(address)
    } catch (cause) {
      throw badOption(`${name}[${index}]`, `is not a multiaddr: ${address}`, { cause })
    }
  }
  return addresses
}

function checkStrings(name: string, value: unknown, fallback: readonly string[]): readonly string[] {
  if (value === undefined) return fallback
  if (!Array.isArray(value)) throw badOption(name, 'must be an array of strings')
  return value.map((item: unknown, index) => {
    if (typeof item !== 'string') throw badOption(`${name}[${index}]`, 'must be a string')
    return item
  })
}

function checkIdentities(value: unknown): ReadonlyMap<string, Libp2pIdentity> {
  if (value === undefined) return new Map()
  if (typeof value !== 'object' || value === null) throw badOption('identities', 'must be an object by node id')
  const entries = Object.entries(value as Readonly<Record<string, unknown>>)
  if (entries.length > identitiesMax) throw badOption('identities', `may name at most ${identitiesMax} nodes`)
  return new Map(entries.map(([node, identity]) => [node, checkIdentity(`identities[${node}]`, identity)]))
}

function checkIdentity(name: string, value: unknown): Libp2pIdentity {
  if (typeof value !== 'object' || value === null) throw badOption(name, 'must be an object')
  const { roles, regions, ...others } = value as Readonly<Record<string, unknown>>
  const [other] = Object.keys(others)
  if (other !== undefined) throw badOption(`${name}.${other}`, 'is not an option')
  return {
    roles: checkStrings(`${name}.roles`, roles, []),
    ...(regions !== undefined && { regions: checkStrings(`${name}.regions`, regions, []) }),
  }
}

function checkFlag(name: string, value: unknown): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false
  throw badOption(name, 'must be true or false')
}

function checkNetworks(value: unknown): DialNetworks | undefined {
  if (value === undefined) return undefined
  const networks = checkStrings('dialNetworks', value, [])
  try {
    return new DialNetworks(networks)
  } catch (cause) {
    throw badOption('dialNetworks', `must be a list of networks: ${String(cause)}`, { cause })
  }
}

function checkThread(value: unknown): void {
  if (value !== undefined && value !== 'main' && value !== 'own') throw badOption('thread', "must be 'main' or 'own'")
}

function checkPrivateKey(value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value.length > 0)) return value
  throw badOption('privateKey', 'must be a string made by createIdentity')
}

function checkMaxFrameBytes(value: unknown): number {
  if (value === undefined) return 1024 * 1024
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1024 && value <= 64 * 1024 * 1024) return value
  throw badOption('maxFrameBytes', 'must be an integer from 1024 to 67108864')
}
