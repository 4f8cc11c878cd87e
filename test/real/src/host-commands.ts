import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'

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

export type HostKind = 'netem' | 'wire'

/** How hosts can be had here, or why they can't. */
export function hostKind(): { readonly kind: HostKind } | { readonly missing: string } {
  try {
    removeHosts()
    const host = addHost('try')
    try {
      ip('-n', host, 'link', 'add', 'left', 'type', 'veth', 'peer', 'name', 'right')
      if (works(() => command('tc', '-n', host, 'qdisc', 'add', 'dev', 'left', 'root', 'netem', 'delay', '1ms'))) {
        return { kind: 'netem' }
      }
    } finally {
      ip('netns', 'del', host)
    }
  } catch (error) {
    return { missing: `no network namespaces: ${String(error).split('\n')[0]}` }
  }
  const tap = works(() => accessSync('/dev/net/tun', constants.W_OK)) && works(() => command('perl', '-e', '1'))
  return tap ? { kind: 'wire' } : { missing: 'neither tc netem, nor TAP devices and Perl to do it by hand' }
}

function works(attempt: () => unknown): boolean {
  try {
    attempt()
    return true
  } catch {
    // Why does not matter: there is another way, or the test is skipped with a reason.
    return false
  }
}
