import { TransportError } from '@skerry/core'

/**
 * What `natsTransport` takes. Plain data, so that any thread can start the transport from it.
 *
 * All nodes of a cluster need the same `cluster`, the same `maxFrameBytes`, at least one secret in common, and servers
 * that pass messages on to each other, in one account.
 */
export interface NatsTransportOptions {
  /** The cluster's name, 1 to 255 characters. Clusters of different names share a server without meeting. */
  readonly cluster: string
  /**
   * The cluster's secrets, at most 8, each random and at least 16 characters long (32 random bytes as base64 are good).
   * A node that knows none of them is refused before a frame of it is read. All are accepted; our own records are vouched
   * for with the first. To change the secret, roll out [old, new], then [new, old], then [new].
   *
   * They are Skerry's own and not the server's: whoever may use the same account of the server, and does not know them, can
   * neither join nor read. Without secrets all of that account are members.
   * One that is `undefined`, as of a variable that is not set, is no node without secrets: it does not start.
   */
  readonly secrets?: readonly (string | undefined)[]
  /**
   * The servers, as `nats://host:port` or `tls://host:port`, 1 to 64 of them. Default `['nats://127.0.0.1:4222']`. One that
   * answers is enough: further ones of its cluster are learned from it, and any of them is used when it goes away.
   */
  readonly servers?: readonly string[]
  /** Who we are to the server: a user and password, or a token, or an NKey's seed, or the text of a `.creds` file. */
  readonly user?: string
  readonly password?: string
  readonly token?: string
  readonly nkeySeed?: string
  readonly creds?: string
  /** TLS to the server, with these. `{}`: TLS with the machine's authorities. Default: as the server asks for. */
  readonly tls?: NatsTls
  /** The identity, as made by `createIdentity`. A secret of this node alone. Default: a fresh one at every start. */
  readonly privateKey?: string
  /** The largest frame in bytes, from 1 KiB to 64 MiB. Default 1 MiB. It may exceed the server's `max_payload`. */
  readonly maxFrameBytes?: number
  /**
   * How many bytes a peer may send us on one lane before we have taken them, from 64 KiB to 16 MiB. Default 1 MiB. One lane
   * carries at most so much per round trip: 1 MiB is 5 MiB/s at 200 ms. Memory: three times this for each link, at most.
   */
  readonly windowBytes?: number
  /**
   * What each node may act as (`caller.roles` in `allow` of a procedure), and the regions that it may say it is in, by node
   * id, which is what its private key proves. Of nodes that are not named: no roles, any region. At most 10,000 nodes. As
   * each node judges by its own list, give all the same one.
   */
  readonly identities?: Readonly<Record<string, NatsIdentity>>
  /**
   * Only the nodes that `identities` names may connect, or be dialled, or have their records believed. Another one is refused when it has
   * proved who it is, before a frame of it is read. Default false: whoever knows a secret is a member.
   */
  readonly identitiesOnly?: boolean
  /**
   * `'own'`: the client runs on a thread of its own, so that a busy main thread neither misses heartbeats nor loses its links. Default:
   * `SKERRY_TRANSPORT_THREAD`, else `'main'`.
   */
  readonly thread?: 'main' | 'own'
}

export interface NatsIdentity {
  readonly roles?: readonly string[]
  readonly regions?: readonly string[]
}

/** Texts in PEM, or files that hold them. */
export interface NatsTls {
  readonly ca?: string
  readonly caFile?: string
  readonly cert?: string
  readonly certFile?: string
  readonly key?: string
  readonly keyFile?: string
  /** For a server that speaks TLS from the first byte on. Default false. */
  readonly handshakeFirst?: boolean
}

/** The options with their defaults filled in. */
export interface CheckedOptions {
  readonly cluster: string
  readonly secrets: readonly string[]
  readonly servers: readonly string[]
  readonly login: NatsLogin
  readonly tls: NatsTls | undefined
  readonly privateKey: string | undefined
  readonly maxFrameBytes: number
  readonly windowBytes: number
  readonly identities: ReadonlyMap<string, NatsIdentity>
  readonly identitiesOnly: boolean
}

export type NatsLogin =
  | { readonly kind: 'none' }
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  | { readonly kind: 'token' | 'nkey' | 'creds'; readonly secret: string }

const names: readonly string[] = [
  'cluster',
  'secrets',
  'servers',
  'user',
  'password',
  'token',
  'nkeySeed',
  'creds',
  'tls',
  'privateKey',
  'maxFrameBytes',
  'windowBytes',
  'identities',
  'identitiesOnly',
  'thread',
]
const tlsTexts: readonly string[] = ['ca', 'caFile', 'cert', 'certFile', 'key', 'keyFile']
const identitiesMax = 10_000
const secretCharsMin = 16
const secretsMax = 8
const serversMax = 64
const serverPattern = /^(?:(?:nats|tls):\/\/)?(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/

export const windowBytesMin: number = 64 * 1024
export const windowBytesMax: number = 16 * 1024 * 1024

/** Checks what came as plain data. Throws `ERR_TRANSPORT_START`, with the option's name and never a secret's value. */
export function checkOptions(options: unknown): CheckedOptions {
  if (typeof options !== 'object' || options === null) throw badOption('options', 'must be an object')
  const given: Readonly<Record<string, unknown>> = { ...options }
  for (const name of Object.keys(given)) if (!names.includes(name)) throw badOption(name, 'is not an option')
  checkThread(given['thread'])
  const mebi = 1024 * 1024
  return {
    cluster: checkCluster(given['cluster']),
    secrets: checkSecrets(given['secrets']),
    servers: checkServers(given['servers']),
    login: checkLogin(given),
    tls: checkTls(given['tls']),
    privateKey: checkText('privateKey', given['privateKey']),
    maxFrameBytes: checkBytes('maxFrameBytes', given['maxFrameBytes'] ?? mebi, { min: 1024, max: 64 * mebi }),
    windowBytes: checkBytes('windowBytes', given['windowBytes'] ?? mebi, { min: windowBytesMin, max: windowBytesMax }),
    identities: checkIdentities(given['identities']),
    identitiesOnly: checkFlag('identitiesOnly', given['identitiesOnly']),
  }
}

export function badOption(name: string, problem: string): TransportError {
  return new TransportError('ERR_TRANSPORT_START', `Bad option of the NATS transport: ${name} ${problem}`)
}

function checkCluster(value: unknown): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= 255) return value
  throw badOption('cluster', 'must be a string of 1 to 255 characters')
}

function checkSecrets(value: unknown): readonly string[] {
  const secrets = checkStrings('secrets', value, [])
  if (secrets.length > secretsMax) throw badOption('secrets', `may hold at most ${secretsMax} secrets`)
  for (const [index, secret] of secrets.entries()) {
    // What is made from it crosses the network in the clear, so a short one could be found by trying.
    if (secret.length < secretCharsMin) {
      throw badOption(`secrets[${index}]`, `is shorter than ${secretCharsMin} characters`)
    }
    if (secrets.indexOf(secret) !== index) throw badOption(`secrets[${index}]`, 'is there twice')
  }
  return secrets
}

function checkServers(value: unknown): readonly string[] {
  const servers = checkStrings('servers', value, ['nats://127.0.0.1:4222'])
  if (servers.length === 0 || servers.length > serversMax) throw badOption('servers', `must name 1 to ${serversMax}`)
  for (const [index, server] of servers.entries()) {
    // Without the value: one with a password in it is the usual mistake.
    if (!serverPattern.test(server)) throw badOption(`servers[${index}]`, 'must be of the form nats://host:port')
  }
  return servers
}

function checkLogin(given: Readonly<Record<string, unknown>>): NatsLogin {
  const [user, password, token, nkeySeed, creds] = ['user', 'password', 'token', 'nkeySeed', 'creds'].map((name) =>
    checkText(name, given[name]),
  )
  if ((user === undefined) !== (password === undefined)) throw badOption('user', 'and password go together')
  const logins: NatsLogin[] = []
  if (user !== undefined && password !== undefined) logins.push({ kind: 'password', user, password })
  if (token !== undefined) logins.push({ kind: 'token', secret: token })
  if (nkeySeed !== undefined) logins.push({ kind: 'nkey', secret: nkeySeed })
  if (creds !== undefined) logins.push({ kind: 'creds', secret: creds })
  if (logins.length > 1) throw badOption('user, token, nkeySeed, creds', 'are ways to log in, of which one is used')
  return logins[0] ?? { kind: 'none' }
}

function checkTls(value: unknown): NatsTls | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'object' || value === null) throw badOption('tls', 'must be an object')
  for (const [name, setting] of Object.entries(value as Readonly<Record<string, unknown>>)) {
    if (name === 'handshakeFirst') {
      if (typeof setting !== 'boolean') throw badOption('tls.handshakeFirst', 'must be true or false')
    } else if (!tlsTexts.includes(name)) throw badOption(`tls.${name}`, 'is not an option')
    else checkText(`tls.${name}`, setting)
  }
  return value
}

function checkThread(value: unknown): void {
  if (value !== undefined && value !== 'main' && value !== 'own') throw badOption('thread', "must be 'main' or 'own'")
}

function checkFlag(name: string, value: unknown): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false
  throw badOption(name, 'must be true or false')
}

/** Whether that node may be a member, as far as the list of identities says. */
export function isAdmitted({ identities, identitiesOnly }: CheckedOptions, node: string): boolean {
  return !identitiesOnly || identities.has(node)
}

function checkIdentities(value: unknown): ReadonlyMap<string, NatsIdentity> {
  if (value === undefined) return new Map()
  if (typeof value !== 'object' || value === null) throw badOption('identities', 'must be an object by node id')
  const entries = Object.entries(value as Readonly<Record<string, unknown>>)
  if (entries.length > identitiesMax) throw badOption('identities', `may name at most ${identitiesMax} nodes`)
  return new Map(entries.map(([node, identity]) => [node, checkIdentity(`identities[${node}]`, identity)]))
}

function checkIdentity(name: string, value: unknown): NatsIdentity {
  if (typeof value !== 'object' || value === null) throw badOption(name, 'must be an object')
  const { roles, regions, ...others } = value as Readonly<Record<string, unknown>>
  const [other] = Object.keys(others)
  if (other !== undefined) throw badOption(`${name}.${other}`, 'is not an option')
  return {
    roles: checkStrings(`${name}.roles`, roles, []),
    ...(regions !== undefined && { regions: checkStrings(`${name}.regions`, regions, []) }),
  }
}

function checkStrings(name: string, value: unknown, fallback: readonly string[]): readonly string[] {
  if (value === undefined) return fallback
  if (!Array.isArray(value)) throw badOption(name, 'must be an array of strings')
  return value.map((item: unknown, index) => {
    if (typeof item !== 'string') throw badOption(`${name}[${index}]`, 'must be a string')
    return item
  })
}

function checkText(name: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value.length > 0)) return value
  throw badOption(name, 'must be a string that is not empty')
}

function checkBytes(name: string, value: unknown, { min, max }: { min: number; max: number }): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw badOption(name, `must be an integer from ${min} to ${max}`)
}
