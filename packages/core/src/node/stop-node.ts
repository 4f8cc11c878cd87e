import type { Kernel } from '../actor/kernel.ts'
import { watchExit } from '../actor/watch.ts'
import type { NodeParts } from './node-parts.ts'
import type { PlainOwner } from './plain-owner.ts'
import { announceState, systemName } from './system-tree.ts'

/** How long a node that leaves waits at most for its peers to have heard so, in milliseconds. */
const hearDrainingMs = 2_000

/**
 * Takes a node down, the reverse of its start: says that it leaves, lets what runs end for up to `drainMs`, and then stops the app, the links,
 * the system and the threads. `calls`: of plain code, which are let end too. `waits`: what else it waits for, which ends at once. Never rejects.
 */
export async function stopNode(
  parts: NodeParts,
  { calls, waits }: { readonly calls: PlainOwner; readonly waits: PlainOwner },
): Promise<void> {
  const { kernel, router, inbox, inbound, links, threads, announced, appName, drainMs, discovery, watchdog } = parts
  announceState(kernel, announced, 'draining')
  inbox.close()
  waits.end()
  const { clock } = kernel.platform
  const drainedMs = clock.monotonic() + drainMs
  await Promise.all([
    router.sayDraining(Math.min(drainMs, hearDrainingMs)),
    inbound.whenEmpty(clock, drainMs),
    calls.whenNone(clock, drainMs),
  ])
  // Large answers are still on their way, and a goodbye would overtake them: said again, it is heard behind them.
  if (links.isSendingLarge()) await router.sayDraining(Math.max(0, drainedMs - clock.monotonic()))
  await stopTree(kernel, appName)
  calls.end()
  announceState(kernel, announced, 'leaving')
  await discovery.stop()
  await links.stop('the node was stopped')
  await stopTree(kernel, systemName)
  threads.stop()
  inbound.stop()
  kernel.stop()
  watchdog?.stop()
}

async function stopTree(kernel: Kernel, root: string): Promise<void> {
  const pid = kernel.names.whereis(root)
  if (pid === undefined) return
  const ended = watchExit(kernel, pid)
  kernel.actor(pid)?.stop('shutdown')
  await ended
}
