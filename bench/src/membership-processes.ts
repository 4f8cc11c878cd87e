import type { ChildProcess } from 'node:child_process'
import { endOf, forked } from './forked.ts'

/** What one process tells of the others. Times are of the machine's clock. */
export type Seen =
  | { readonly kind: 'up'; readonly addresses: readonly string[] }
  | { readonly kind: 'view'; readonly nodes: number; readonly atMs: number }
  | { readonly kind: 'dead'; readonly atMs: number }

export interface ProcessFigures {
  /** Until all route around a process that was killed, and one that was stopped, and until all believe that one dead. */
  readonly killedMs: number
  readonly stoppedMs: number
  readonly deadMs: number
}

interface Peer {
  readonly child: ChildProcess
  nodes: number
  seenAtMs: number
  deadAtMs: number
}

const count = 5

/** Five nodes over libp2p, each in a process of its own, of which one is killed and one stopped. */
export async function membershipOfProcesses(): Promise<ProcessFigures> {
  const peers: Peer[] = []
  const seeds: string[] = []
  for (let number = 0; number < count; number += 1) {
    const { child, ready } = await forked<Seen>('./membership-process.js', [JSON.stringify(seeds)])
    if (ready.kind === 'up' && number === 0) seeds.push(...ready.addresses)
    const peer: Peer = { child, nodes: 0, seenAtMs: 0, deadAtMs: 0 }
    child.on('message', (seen: Seen) => {
      if (seen.kind === 'view') [peer.nodes, peer.seenAtMs] = [seen.nodes, seen.atMs]
      if (seen.kind === 'dead') peer.deadAtMs = seen.atMs
    })
    peers.push(peer)
  }
  await untilAll(peers, ({ nodes }) => nodes === count)
  await pause(3_000)
  const killedMs = await end(peers.splice(2, 1)[0] as Peer, 'SIGKILL')
  await pause(3_000)
  const stopped = peers.splice(2, 1)[0] as Peer
  const stoppedAtMs = Date.now()
  const stoppedMs = await end(stopped, 'SIGSTOP')
  await untilAll(peers, ({ deadAtMs }) => deadAtMs > stoppedAtMs)
  const deadMs = Math.max(...peers.map(({ deadAtMs }) => deadAtMs)) - stoppedAtMs
  stopped.child.kill('SIGKILL')
  await Promise.all(peers.map(({ child }) => endOf(child)))
  return { killedMs, stoppedMs, deadMs }

  async function end({ child }: Peer, signal: 'SIGKILL' | 'SIGSTOP'): Promise<number> {
    const atMs = Date.now()
    child.kill(signal)
    await untilAll(peers, ({ nodes }) => nodes === peers.length)
    return Math.max(...peers.map(({ seenAtMs }) => seenAtMs)) - atMs
  }
}

async function untilAll(peers: readonly Peer[], holds: (peer: Peer) => boolean): Promise<void> {
  for (let waitedMs = 0; !peers.every(holds); waitedMs += 5) {
    if (waitedMs > 60_000) throw new Error('the processes did not come to see the same in a minute')
    await pause(5)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
