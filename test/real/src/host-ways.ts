import { addHost, removeHosts } from './host-commands.ts'
import type { HostKind } from './host-kind.ts'
import type { Host } from './lines.ts'
import { netemLines } from './netem-lines.ts'
import type { Berth, Way, Ways } from './ways.ts'
import { wireLines } from './wire-lines.ts'

const port = 4001

/** A host for each region: a network namespace with an interface and an address of its own, and lines between them. */
export async function openHosts(
  kind: HostKind,
  regions: readonly string[],
  wayBetween: (from: string, to: string) => Way,
): Promise<Ways> {
  removeHosts()
  const hosts = regions.map((region, at): Host => ({
    region,
    namespace: addHost(region),
    address: `10.213.77.${at + 1}`,
  }))
  const lines = await (kind === 'netem' ? netemLines(hosts) : wireLines(hosts)).catch((error: unknown) => {
    removeHosts()
    throw error
  })
  const cuts = new Set<{ readonly from: readonly string[]; readonly to: readonly string[] }>()
  const apply = (): void => {
    for (const { region: from } of hosts) {
      for (const { region: to } of hosts) {
        if (from === to) continue
        const isCut = [...cuts].some((cut) => cut.from.includes(from) && cut.to.includes(to))
        lines.set(from, to, isCut ? undefined : wayBetween(from, to))
      }
    }
  }
  apply()
  return {
    berth(region): Berth {
      const host = hosts.find((one) => one.region === region)
      if (host === undefined) throw new Error(`no host in ${region}`)
      const addressOf = ({ address }: Host): string => `/ip4/${address}/tcp/${port}`
      return {
        listen: addressOf(host),
        announce: addressOf(host),
        seeds: hosts.filter((other) => other !== host).map(addressOf),
        wrapper: ['ip', 'netns', 'exec', host.namespace],
      }
    },
    cut(from, to) {
      const cut = { from, to }
      cuts.add(cut)
      apply()
      return () => {
        cuts.delete(cut)
        apply()
      }
    },
    async close() {
      await lines.close()
      removeHosts()
    },
  }
}
