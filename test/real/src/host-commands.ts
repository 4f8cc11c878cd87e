import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { chooseHostKind, type HostChoice } from './host-kind.ts'

/** The program's output. Throws with what it said on standard error. */
export function command(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

export const ip = (...args: readonly string[]): string => command('ip', ...args)

const prefix = 'skerry-'

/** A network of its own, as a host has one. Named after this process, so that the next one can tell what was left behind. */
export function addHost(name: string): string {
  const host = `${prefix}${process.pid}-${name}`
  ip('netns', 'add', host)
  ip('-n', host, 'link', 'set', 'lo', 'up')
  return host
}

export function removeHosts(): void {
  const hosts = ip('netns', 'list')
    .split('\n')
    .flatMap((line) => /^skerry-(\d+)-\S+/.exec(line) ?? [])
    .filter((match) => match.startsWith(prefix))
  for (const host of hosts) {
    const pid = Number(host.split('-')[1])
    if (pid === process.pid || !isRunning(pid)) ip('netns', 'del', host)
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    // Nobody has this number, or nobody of ours.
    return false
  }
}

/** How hosts can be had here, or why they can't. */
export function hostKind(): HostChoice {
  return chooseHostKind({
    namespaces() {
      removeHosts()
      ip('netns', 'del', addHost('try'))
    },
    netem() {
      const host = addHost('try')
      try {
        ip('-n', host, 'link', 'add', 'left', 'type', 'veth', 'peer', 'name', 'right')
        command('tc', '-n', host, 'qdisc', 'add', 'dev', 'left', 'root', 'netem', 'delay', '1ms')
      } finally {
        ip('netns', 'del', host)
      }
    },
    tap() {
      accessSync('/dev/net/tun', constants.W_OK)
      command('perl', '-e', '1')
    },
  })
}
