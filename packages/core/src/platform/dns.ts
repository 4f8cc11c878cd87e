import { Resolver } from 'node:dns/promises'

/**
 * Questions to the name servers. Names are taken as they are, without search domains. A name or a kind of record that
 * does not exist is an empty answer; everything else that goes wrong (no server answers in time, it failed, it sent
 * rubbish) rejects with an error whose `code` is that of `node:dns`, as does an abort (`ECANCELLED`).
 *
 * @example
 * const addresses = await dns.addresses6('shop.internal', signal)
 */
export interface Dns {
  /** A: IPv4 addresses. */
  addresses4(name: string, signal: AbortSignal): Promise<readonly string[]>
  /** AAAA: IPv6 addresses. */
  addresses6(name: string, signal: AbortSignal): Promise<readonly string[]>
  /** TXT: each record as one string, its pieces put together. */
  texts(name: string, signal: AbortSignal): Promise<readonly string[]>
  /** SRV: a host and port each. */
  services(name: string, signal: AbortSignal): Promise<readonly DnsService[]>
}

export interface DnsService {
  readonly host: string
  readonly port: number
}

export interface DnsOptions {
  /** The servers to ask, as `address` or `address:port` (`[::1]:53`). Default: the machine's. */
  readonly servers?: readonly string[]
  /** How long one server may take for its first answer, in milliseconds; the last try may take twice that. Default 1,000. */
  readonly timeoutMs?: number
  /** How often each server is asked. Default 2. */
  readonly tries?: number
}

/** The machine's name servers, or others. A bad server's address throws here. */
export function systemDns(options: DnsOptions = {}): Dns {
  const { servers = [], timeoutMs = 1_000, tries = 2 } = options
  // A resolver for each question: it can be cancelled alone, and the machine's servers may change.
  const create = (): Resolver => {
    const resolver = new Resolver({ timeout: timeoutMs, tries })
    if (servers.length > 0) resolver.setServers(servers)
    return resolver
  }
  create()
  return {
    addresses4: (name, signal) => asked(create(), signal, (resolver) => resolver.resolve4(name)),
    addresses6: (name, signal) => asked(create(), signal, (resolver) => resolver.resolve6(name)),
    async texts(name, signal) {
      const records = await asked(create(), signal, (resolver) => resolver.resolveTxt(name))
      return records.map((pieces) => pieces.join(''))
    },
    async services(name, signal) {
      const records = await asked(create(), signal, (resolver) => resolver.resolveSrv(name))
      return records.map(({ name: host, port }) => ({ host, port }))
    },
  }
}

async function asked<Answer>(
  resolver: Resolver,
  signal: AbortSignal,
  ask: (resolver: Resolver) => Promise<Answer[]>,
): Promise<Answer[]> {
  const cancel = (): void => resolver.cancel()
  const answer = ask(resolver)
  signal.addEventListener('abort', cancel, { once: true })
  if (signal.aborted) cancel()
  try {
    return await answer
  } catch (error) {
    if (isNothingThere(error)) return []
    throw error
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

function isNothingThere(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOTFOUND' || code === 'ENODATA'
}
