import { FaultProxies } from './fault-proxy.ts'
import { freePort } from './free-port.ts'
import type { Berth, Ways } from './ways.ts'

/** All on loopback: each process has a proxy before it, which knows the others by the address that they dial from. */
export async function openProxies(regions: readonly string[]): Promise<Ways> {
  const addressOf = (region: string): string => `127.0.0.${regions.indexOf(region) + 11}`
  const proxies = new FaultProxies(new Map(regions.map((region) => [addressOf(region), region])))
  const ports = await Promise.all(regions.map(() => freePort()))
  const proxyPorts = await Promise.all(regions.map((region, at) => proxies.open(region, ports[at] as number)))
  const on = (port: number | undefined): string => `/ip4/127.0.0.1/tcp/${port}`
  return {
    berth(region): Berth {
      const at = regions.indexOf(region)
      return {
        listen: on(ports[at]),
        announce: on(proxyPorts[at]),
        seeds: proxyPorts.filter((_, other) => other !== at).map(on),
        localAddress: addressOf(region),
        wrapper: [],
      }
    },
    cut: (from, to) => proxies.cut(from, to),
    async close() {
      proxies.close()
    },
  }
}
