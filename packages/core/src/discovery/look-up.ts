import type { Dns } from '../platform/dns.ts'
import type { Platform } from '../platform/platform.ts'
import { DiscoveryError } from './errors.ts'
import type { PartialAnswer, Place } from './source.ts'

/** The platform's name servers. Throws `ERR_DISCOVERY_FAILED` where it has none, as a simulated one does by default. */
export function dnsOf(platform: Platform): Dns {
  if (platform.dns !== undefined) return platform.dns
  throw new DiscoveryError('ERR_DISCOVERY_FAILED', 'This platform has no name servers')
}

/**
 * The addresses of a host, of both families, IPv6 first. One family that fails is passed over when the other has some: there
 * are name servers that answer every question for AAAA with an error.
 */
export async function addressesOf(dns: Dns, host: string, signal: AbortSignal): Promise<readonly string[]> {
  const [six, four] = await Promise.allSettled([dns.addresses6(host, signal), dns.addresses4(host, signal)])
  const found = [six, four].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  for (const answer of [six, four]) {
    if (answer.status === 'rejected' && found.length === 0) throw askedInVain(host, answer.reason)
  }
  return found
}

/** How many names one source asks for at a time. Each may be two questions, and all listen to one signal. */
const namesMax = 4

/** `ask` for each of the keys, a few at a time. Rejects when all fail; when some do, the answer says so. */
export async function askEach<Key>(
  keys: readonly Key[],
  ask: (key: Key) => Promise<readonly Place[]>,
): Promise<readonly Place[] | PartialAnswer> {
  const answers: (readonly Place[])[] = []
  const failures: unknown[] = []
  let next = 0
  const askOn = async (): Promise<void> => {
    while (next < keys.length) {
      const index = next
      next += 1
      try {
        answers[index] = await ask(keys[index] as Key)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(namesMax, keys.length) }, askOn))
  const [failure] = failures
  if (failures.length > 0 && failures.length === keys.length) throw failure
  return failures.length > 0 ? { places: answers.flat(), failure } : answers.flat()
}

export function askedInVain(name: string, cause: unknown): DiscoveryError {
  const problem = cause instanceof Error ? cause.message : String(cause)
  return new DiscoveryError('ERR_DISCOVERY_FAILED', `Asked for ${name}: ${problem}`, { cause })
}
