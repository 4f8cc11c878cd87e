import type { NodeDownMessage, NodeUpMessage } from './mailbox.ts'
import type { NodeId } from './pid.ts'

/** An actor that subscribed. */
export interface NodeWatcher {
  notify(message: NodeUpMessage | NodeDownMessage): void
}

/** Which nodes this one is connected to, and which actors of this thread want to be told of changes. */
export class NodeWatchers {
  readonly #up = new Map<NodeId, NodeUpMessage>()
  readonly #watchers = new Set<NodeWatcher>()

  /** The nodes that are up, in the order in which they came up. */
  get nodes(): readonly NodeUpMessage[] {
    return [...this.#up.values()]
  }

  get size(): number {
    return this.#watchers.size
  }

  add(watcher: NodeWatcher): void {
    this.#watchers.add(watcher)
  }

  remove(watcher: NodeWatcher): void {
    if (this.#watchers.size > 0) this.#watchers.delete(watcher)
  }

  up(message: NodeUpMessage): void {
    this.#up.set(message.node, message)
    for (const watcher of [...this.#watchers]) watcher.notify(message)
  }

  /** Nothing for a node that was not up in that life. */
  down(message: NodeDownMessage): void {
    if (this.#up.get(message.node)?.life !== message.life) return
    this.#up.delete(message.node)
    for (const watcher of [...this.#watchers]) watcher.notify(message)
  }
}
