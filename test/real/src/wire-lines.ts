import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { addHost, ip } from './host-commands.ts'
import { type Host, type Lines, setAddress } from './lines.ts'
import type { WireCommand } from './wire-process.ts'

// Node has no ioctl. This opens a TAP device for each name and hands the descriptors on; TUNSETIFF with IFF_TAP and IFF_NO_PI.
const openTaps = `
  $^F = 1000;
  my ($count, @rest) = @ARGV;
  my @taps;
  for my $number (0 .. $count - 1) {
    open(my $tap, '+<', '/dev/net/tun') or die "/dev/net/tun: $!";
    ioctl($tap, 0x400454ca, pack('a16 S x22', "tap$number", 0x1002)) or die "TUNSETIFF: $!";
    push @taps, $tap;
  }
  exec(@rest, join(',', map { fileno($_) } @taps)) or die "exec: $!";
`

const wireProcess = fileURLToPath(new URL('wire-process.js', import.meta.url))

/**
 * Lines for a kernel without netem: the interface of each host is a TAP device, whose other end is a file, and a process of ours
 * carries Ethernet frames from file to file, late, or not at all. IP, TCP and all that they do about a loss are the kernel's.
 */
export async function wireLines(hosts: readonly Host[]): Promise<Lines> {
  const hub = addHost('hub')
  const args = ['netns', 'exec', hub, 'perl', '-e', openTaps, '--', String(hosts.length), process.execPath, wireProcess]
  // A read of a TAP device holds a thread of the pool until a frame comes.
  const env = { ...process.env, UV_THREADPOOL_SIZE: String(hosts.length + 4) }
  const wire = spawn('ip', args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env })
  const ended = once(wire, 'exit')
  await Promise.race([
    once(wire, 'message'),
    ended.then(([code]) => {
      throw new Error(`the wire ended with ${String(code)} before it was ready`)
    }),
  ])
  for (const [at, host] of hosts.entries()) {
    ip('-n', hub, 'link', 'set', `tap${at}`, 'netns', host.namespace)
    ip('-n', host.namespace, 'link', 'set', `tap${at}`, 'name', 'eth0')
    setAddress(host, 'eth0')
  }
  const at = (region: string): number => hosts.findIndex((host) => host.region === region)
  return {
    set(from, to, way) {
      const told: WireCommand = { from: at(from), to: at(to), way }
      wire.send(told)
    },
    async close() {
      wire.kill('SIGKILL')
      await ended
    },
  }
}
