import type { Dns } from '../platform/dns.ts'
import { checkDnsName, checkPort, isDnsName } from './dns-names.ts'
import { askEach, askedInVain, dnsOf } from './look-up.ts'
import { type AddressOf, type DiscoverySource, multiaddrOf, type PartialAnswer, type Place } from './source.ts'

export interface FlyDiscoveryOptions {
  /** The app's name, as in `FLY_APP_NAME`. */
  readonly app: string
  /** The port that all machines listen on, over IPv6: Fly's private network has nothing else. */
  readonly port: number
  /** How the transport writes an address. Default: as libp2p does. */
  readonly addressOf?: AddressOf
}

/** Of the regions that an answer names, this many are looked up. Fly has some forty. */
const regionsMax = 64

/**
 * Nodes are the started machines of an app on Fly.io, with their regions: `vms.<app>.internal` (TXT) tells which regions
 * have machines, `<region>.<app>.internal` (AAAA) the machines of each. Where the first fails or is empty,
 * `regions.<app>.internal` (TXT), and then `<app>.internal` (AAAA), without regions. Throws `ERR_BAD_DISCOVERY` for options
 * that can't be.
 *
 * A machine's private address changes when it moves to another host, so an address is dialled only as long as it is listed;
 * who answers there is known by its identity.
 *
 * @example
 * await startNode(app, { transport, discovery: [flyDiscovery({ app: 'shop', port: 4001 })] })
 */
export function flyDiscovery(options: FlyDiscoveryOptions): DiscoverySource {
  const { addressOf = multiaddrOf } = options
  const domain = `${checkDnsName('app', options.app)}.internal`
  const port = checkPort('port', options.port)
  return {
    name: `fly:${options.app}:${port}`,
    open: (_self, platform) => ({
      find: (signal) =>
        findMachines({ dns: dnsOf(platform), domain, signal, toAddress: (host) => addressOf(host, port) }),
    }),
  }
}

interface Search {
  readonly dns: Dns
  readonly domain: string
  readonly signal: AbortSignal
  readonly toAddress: (host: string) => string
}

async function findMachines(search: Search): Promise<readonly Place[] | PartialAnswer> {
  const { domain } = search
  const regions = await findRegions(search)
  if (regions.length === 0) return await machinesAt(domain, undefined, search)
  return await askEach(regions, (region) => machinesAt(`${region}.${domain}`, region, search))
}

async function findRegions({ dns, domain, signal }: Search): Promise<readonly string[]> {
  for (const [name, read] of [
    [`vms.${domain}`, regionsOfMachines],
    [`regions.${domain}`, regionsOfList],
  ] as const) {
    try {
      const regions = read(await dns.texts(name, signal))
      if (regions.length > 0) return regions
    } catch (error) {
      if (signal.aborted) throw askedInVain(name, error)
      // The next way to ask may work; when the last one fails too, that failure is told.
    }
  }
  return []
}

async function machinesAt(name: string, region: string | undefined, search: Search): Promise<readonly Place[]> {
  try {
    const hosts = await search.dns.addresses6(name, search.signal)
    return hosts.map((host) => ({ address: search.toAddress(host), region }))
  } catch (error) {
    throw askedInVain(name, error)
  }
}

/** `"91851e13e45e58 ams,9080514c154587 syd"` in any number of records. */
function regionsOfMachines(texts: readonly string[]): readonly string[] {
  return regionNames(texts.flatMap((text) => text.split(',')).map((entry) => entry.trim().split(/\s+/)[1] ?? ''))
}

/** `"ams,syd"`. */
function regionsOfList(texts: readonly string[]): readonly string[] {
  return regionNames(texts.flatMap((text) => text.split(',')).map((entry) => entry.trim()))
}

/** Each once, without what is no name: it becomes part of the next question. */
function regionNames(found: readonly string[]): readonly string[] {
  return [...new Set(found.filter((name) => isDnsName(name) && !name.includes('.')))].slice(0, regionsMax)
}
