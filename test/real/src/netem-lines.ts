import { addHost, command, ip } from './host-commands.ts'
import { type Host, type Lines, setAddress } from './lines.ts'
import type { Way } from './ways.ts'

/**
 * Lines made by the kernel: a veth pair from each host to a bridge. What leaves a host for another goes through a class of its
 * own, by address, with netem behind it; the rest (ARP) goes through untouched.
 */
export async function netemLines(hosts: readonly Host[]): Promise<Lines> {
  const hub = addHost('hub')
  ip('-n', hub, 'link', 'add', 'bridge0', 'type', 'bridge')
  ip('-n', hub, 'link', 'set', 'bridge0', 'up')
  for (const [at, host] of hosts.entries()) {
    const far = `port${at}`
    ip('-n', hub, 'link', 'add', far, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', host.namespace)
    ip('-n', hub, 'link', 'set', far, 'master', 'bridge0', 'up')
    setAddress(host, 'eth0')
    tc(host, 'qdisc', 'add', 'dev', 'eth0', 'root', 'handle', '1:', 'htb', 'default', '99')
    tc(host, 'class', 'add', 'dev', 'eth0', 'parent', '1:', 'classid', '1:99', ...rate)
    for (const [number, other] of hosts.entries()) {
      if (other === host) continue
      const classId = `1:${number + 1}`
      tc(host, 'class', 'add', 'dev', 'eth0', 'parent', '1:', 'classid', classId, ...rate)
      const match = ['match', 'ip', 'dst', `${other.address}/32`]
      tc(host, 'filter', 'add', 'dev', 'eth0', 'parent', '1:', 'protocol', 'ip', 'u32', ...match, 'flowid', classId)
      tc(host, 'qdisc', 'add', 'dev', 'eth0', ...leaf(number), ...netem(undefined))
    }
  }
  const at = (region: string): number => hosts.findIndex((host) => host.region === region)
  return {
    set(from, to, way) {
      tc(hosts[at(from)] as Host, 'qdisc', 'change', 'dev', 'eth0', ...leaf(at(to)), ...netem(way))
    },
    // It goes with the namespaces.
    async close() {},
  }
}

const rate = ['htb', 'rate', '1gbit', 'quantum', '60000']

function leaf(number: number): readonly string[] {
  return ['parent', `1:${number + 1}`, 'handle', `${number + 10}:`]
}

/** The end of a command of tc: what one way does to packets. */
export function netem(way: Way | undefined): readonly string[] {
  if (way === undefined) return ['netem', 'limit', '1000', 'loss', '100%']
  const { delayMs, jitterMs, loss } = way
  return ['netem', 'limit', '1000', 'delay', `${delayMs}ms`, `${jitterMs}ms`, 'loss', `${loss * 100}%`]
}

function tc({ namespace }: Host, ...args: readonly string[]): void {
  command('tc', '-n', namespace, ...args)
}
