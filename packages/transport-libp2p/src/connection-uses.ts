import type { Clock, Timer } from '@skerry/core/platform'
import type { LineConnection } from './line.ts'

export interface ConnectionUsesOptions {
  readonly clock: Clock
  connectionsTo(peer: string): readonly LineConnection[]
}

// Long enough for a dial that crosses a close to find the connection still there, short enough not to gather them.
const unusedMs = 2000

/**
 * Closes the connections to a peer a while after their last use (a link, a dial). Never one of two while the other is in
 * use: the gossip streams are on one of them, and gossipsub does not move them to the other when that one is closed.
 */
export class ConnectionUses {
  readonly #options: ConnectionUsesOptions
  readonly #uses = new Map<string, number>()
  readonly #unused = new Map<string, Timer>()
  #stopped = false

  constructor(options: ConnectionUsesOptions) {
    this.#options = options
  }

  begin(peer: string): void {
    this.#unused.get(peer)?.cancel()
    this.#unused.delete(peer)
    this.#uses.set(peer, (this.#uses.get(peer) ?? 0) + 1)
  }

  end(peer: string): void {
    const left = (this.#uses.get(peer) ?? 1) - 1
    if (left > 0) {
      this.#uses.set(peer, left)
      return
    }
    this.#uses.delete(peer)
    this.closeIfUnused(peer)
  }

  /** For a new connection too: the peer may never open a link. */
  closeIfUnused(peer: string): void {
    if (this.#stopped || this.#uses.has(peer)) return
    this.#unused.get(peer)?.cancel()
    this.#unused.set(
      peer,
      this.#options.clock.after(unusedMs, () => {
        this.#unused.delete(peer)
        for (const connection of this.#options.connectionsTo(peer)) closeOrAbort(connection)
      }),
    )
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#unused.values()) timer.cancel()
    this.#unused.clear()
  }
}

function closeOrAbort(connection: LineConnection): void {
  connection.close().catch((error: unknown) => {
    connection.abort(error instanceof Error ? error : new Error(String(error)))
  })
}
