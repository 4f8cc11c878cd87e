import { dnsDiscovery, srvDiscovery } from './dns-discovery.ts'
import { DiscoveryError } from './errors.ts'
import { flyDiscovery } from './fly-discovery.ts'
import { kubernetesDiscovery } from './kubernetes-discovery.ts'
import type { DiscoverySource } from './source.ts'

/** Sources that one text may name. */
const sourcesMax = 16

/**
 * The sources that `SKERRY_DISCOVERY` names, separated by spaces or commas:
 *
 * - `dns:<name>:<port>`, `srv:<name>`
 * - `fly:<app>:<port>`, or `fly:<port>` for the app of `FLY_APP_NAME`
 * - `kubernetes:<service>.<namespace>:<port or its name>`
 *
 * Throws `ERR_BAD_DISCOVERY`.
 */
export function parseDiscovery(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): readonly DiscoverySource[] {
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '')
  if (entries.length === 0) throw bad('It names no source')
  if (entries.length > sourcesMax) throw bad(`It names more than ${sourcesMax} sources`)
  return entries.map((entry) => parseSource(entry, environment))
}

function parseSource(entry: string, environment: Readonly<Record<string, string | undefined>>): DiscoverySource {
  const [kind, first, second, ...rest] = entry.split(':')
  const want = (form: string): never => {
    throw bad(`"${entry}" should read ${form}`)
  }
  if (rest.length > 0 || first === undefined || first === '') return want('<kind>:<what>')
  switch (kind) {
    case 'dns':
      return dnsDiscovery({ name: first, port: second === undefined ? want('dns:<name>:<port>') : Number(second) })
    case 'srv':
      return second === undefined ? srvDiscovery({ name: first }) : want('srv:<name>')
    case 'fly':
      return parseFly(first, second, environment)
    case 'kubernetes': {
      const [service = '', namespace, ...more] = first.split('.')
      if (namespace === undefined || more.length > 0 || second === undefined || second === '') {
        return want('kubernetes:<service>.<namespace>:<port or its name>')
      }
      return kubernetesDiscovery({ service, namespace, port: /^\d+$/.test(second) ? Number(second) : second })
    }
    default:
      return want('dns:…, srv:…, fly:… or kubernetes:…; other sources are given in code')
  }
}

function parseFly(
  first: string,
  second: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): DiscoverySource {
  if (second !== undefined) return flyDiscovery({ app: first, port: Number(second) })
  const app = environment['FLY_APP_NAME']
  if (app === undefined || app === '') throw bad(`"fly:${first}" needs FLY_APP_NAME, which is not set`)
  return flyDiscovery({ app, port: Number(first) })
}

function bad(message: string): DiscoveryError {
  return new DiscoveryError('ERR_BAD_DISCOVERY', message)
}
