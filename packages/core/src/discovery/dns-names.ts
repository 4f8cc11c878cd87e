import { DiscoveryError } from './errors.ts'

// A label may hold what the platforms put there: `_skerry._tcp`, `5.top.nearest`.
const label = /^(?!-)[a-z0-9_-]{1,63}$/i

/** The name, without a dot at its end. Throws `ERR_BAD_DISCOVERY` with the option's name unless it can be asked for. */
export function checkDnsName(option: string, name: unknown): string {
  const bare = typeof name === 'string' ? name.replace(/\.$/, '') : ''
  if (isDnsName(bare)) return bare
  throw new DiscoveryError('ERR_BAD_DISCOVERY', `${option} must be the name of a host, not ${JSON.stringify(name)}`)
}

export function isDnsName(name: string): boolean {
  return name.length > 0 && name.length <= 253 && name.split('.').every((part) => label.test(part))
}

export function checkPort(option: string, port: unknown): number {
  if (typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw new DiscoveryError('ERR_BAD_DISCOVERY', `${option} must be a port from 1 to 65535, not ${String(port)}`)
}
