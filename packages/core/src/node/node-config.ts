import { parseDiscovery } from '../discovery/parse-discovery.ts'
import type { DiscoverySource } from '../discovery/source.ts'
import { type Dns, systemDns } from '../platform/dns.ts'
import { checkRegionName } from '../region/region-name.ts'
import { NodeError } from './errors.ts'

/** The region and the primary region of a node, checked, and where each was found. */
export interface RegionConfig {
  readonly region: string
  readonly primaryRegion: string
  readonly from: { readonly region: string; readonly primaryRegion: string }
}

/**
 * As in Fly RPC: `FLY_REGION`, then `MY_REGION`, else `"local"`; `PRIMARY_REGION`, else `"local"`. Options in code win. An
 * empty string counts as set and is an error, and so is a reserved word: better here than calls that never match.
 */
export function regionConfig(
  options: { readonly region?: string | undefined; readonly primaryRegion?: string | undefined },
  environment: Readonly<Record<string, string | undefined>>,
): RegionConfig {
  const region = firstSet([
    ['options.region', options.region],
    ['FLY_REGION', environment['FLY_REGION']],
    ['MY_REGION', environment['MY_REGION']],
  ])
  const primary = firstSet([
    ['options.primaryRegion', options.primaryRegion],
    ['PRIMARY_REGION', environment['PRIMARY_REGION']],
  ])
  checkFound(region)
  checkFound(primary)
  return {
    region: region.value,
    primaryRegion: primary.value,
    from: { region: region.source, primaryRegion: primary.source },
  }
}

interface Found {
  readonly source: string
  readonly value: string
}

function firstSet(candidates: readonly (readonly [string, string | undefined])[]): Found {
  for (const [source, value] of candidates) if (value !== undefined) return { source, value }
  return { source: 'default', value: 'local' }
}

function checkFound({ source, value }: Found): void {
  readFrom(source, () => checkRegionName(value))
}

/**
 * Which thread runs the transport: its own option in code wins, then `SKERRY_TRANSPORT_THREAD`, `own` or `main`, else main. A transport
 * that can't, because it has no `settle`, fails the start.
 */
export function transportThread(
  option: 'main' | 'own' | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): 'main' | 'own' {
  const text = environment['SKERRY_TRANSPORT_THREAD']
  if (option !== undefined) return option
  if (text === undefined || text === 'main' || text === 'own') return text ?? 'main'
  throw new NodeError('ERR_BAD_CONFIG', `SKERRY_TRANSPORT_THREAD: must be "own" or "main", not ${JSON.stringify(text)}`)
}

/** Where to look for other nodes: an option in code wins, then `SKERRY_DISCOVERY`, else nowhere. */
export function discoveryConfig(
  option: readonly DiscoverySource[] | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): readonly DiscoverySource[] {
  const text = environment['SKERRY_DISCOVERY']
  if (option !== undefined || text === undefined) return option ?? []
  return readFrom('SKERRY_DISCOVERY', () => parseDiscovery(text, environment))
}

/** The servers of `SKERRY_DNS_SERVERS`, such as `[fdaa::3]:53,127.0.0.1`, else the machine's. */
export function dnsConfig(environment: Readonly<Record<string, string | undefined>>): Dns {
  const text = environment['SKERRY_DNS_SERVERS']
  if (text === undefined) return systemDns()
  const servers = text.split(/[\s,]+/).filter((server) => server !== '')
  return readFrom('SKERRY_DNS_SERVERS', () => systemDns({ servers }))
}

function readFrom<Value>(source: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new NodeError('ERR_BAD_CONFIG', `${source}: ${why}`, { cause: error })
  }
}

/** Whether messages are frozen as they are handed over on one thread: an option in code wins, then `NODE_ENV` decides. */
export function freezesMessages(
  option: boolean | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const kind = environment['NODE_ENV']
  return option ?? (kind === 'development' || kind === 'test')
}
