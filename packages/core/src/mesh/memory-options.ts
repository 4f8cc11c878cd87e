import { TransportError } from './errors.ts'
import type { NodeId } from './transport.ts'

/** What `memoryTransport` takes. Plain data. */
export interface MemoryTransportOptions {
  /**
   * The name of the meeting place, 1 to 200 characters without `/`. Nodes of one thread that name the same hub discover
   * each other. Default: a private one, on which nobody else will ever be.
   */
  readonly hub?: string
  /** This node's id, 1 to 200 characters. Default: drawn from the platform's chance. */
  readonly id?: NodeId
  /** Ids of nodes on the hub to report as found at the start, whether they are there yet or not. */
  readonly seeds?: readonly NodeId[]
  /** The largest frame in bytes. Default 1 MiB. */
  readonly maxFrameBytes?: number
  /** Only nodes with the same cluster name and the same secret connect. Default: both empty. */
  readonly cluster?: string
  readonly secret?: string
  /** What the other nodes let this one act as. Default: nothing. */
  readonly roles?: readonly string[]
  /**
   * Whether all that comes to this node crosses as bytes, as over a network. Default `false`: plain calls whose argument or result is a short text of
   * ASCII, a small whole number, a boolean or null cross as they are, which takes less time.
   */
  readonly framesOnly?: boolean
}

/** The options with their defaults filled in. */
export interface CheckedMemoryOptions {
  readonly hub: string | undefined
  readonly id: NodeId | undefined
  readonly seeds: readonly NodeId[]
  readonly maxFrameBytes: number
  readonly cluster: string
  readonly secret: string
  readonly roles: readonly string[]
  readonly framesOnly: boolean
}

const optionNames: readonly string[] = [
  'hub',
  'id',
  'seeds',
  'maxFrameBytes',
  'cluster',
  'secret',
  'roles',
  'framesOnly',
]

/** Checks what came as plain data. Throws `ERR_TRANSPORT_START` with the option's name. */
export function checkMemoryOptions(options: unknown): CheckedMemoryOptions {
  if (typeof options !== 'object' || options === null) throw badOption('options', 'must be an object')
  const given: Readonly<Record<string, unknown>> = { ...options }
  for (const name of Object.keys(given)) if (!optionNames.includes(name)) throw badOption(name, 'is not an option')
  const {
    hub,
    id,
    seeds = [],
    maxFrameBytes = 1024 * 1024,
    cluster = '',
    secret = '',
    roles = [],
    framesOnly = false,
  } = given
  if (hub !== undefined && (!isName(hub) || hub.includes('/'))) {
    throw badOption('hub', 'must be a string of 1 to 200 characters without a slash')
  }
  if (id !== undefined && !isName(id)) throw badOption('id', 'must be a string of 1 to 200 characters')
  if (!Array.isArray(seeds) || !seeds.every(isName)) throw badOption('seeds', 'must be an array of node ids')
  if (typeof maxFrameBytes !== 'number' || !Number.isSafeInteger(maxFrameBytes) || maxFrameBytes < 1) {
    throw badOption('maxFrameBytes', 'must be a whole number of bytes from 1')
  }
  if (typeof cluster !== 'string') throw badOption('cluster', 'must be a string')
  if (typeof secret !== 'string') throw badOption('secret', 'must be a string')
  if (!Array.isArray(roles) || !roles.every(isName)) throw badOption('roles', 'must be an array of names')
  if (typeof framesOnly !== 'boolean') throw badOption('framesOnly', 'must be true or false')
  return { hub, id, seeds, maxFrameBytes, cluster, secret, roles, framesOnly }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 200
}

function badOption(name: string, problem: string): TransportError {
  return new TransportError('ERR_TRANSPORT_START', `Bad option of the memory transport: ${name} ${problem}`)
}
