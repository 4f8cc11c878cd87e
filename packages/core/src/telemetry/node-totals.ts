import { type PeerLinkCounters, zeroPeerLinkCounters } from '../mesh/peer-link-settings.ts'
import { type KernelCounters, newKernelCounters } from '../actor/counters.ts'
import type { ThreadInfo } from '../thread/node-threads.ts'

/** What is read of a node. */
export interface ObservedNode {
  readonly id: string
  readonly life: number
  readonly myRegion: string
  readonly primaryRegion: string
  threads(): Promise<ThreadInfo[]>
  linkCounters(): Readonly<PeerLinkCounters>
  regions(): readonly string[]
  regionNodes(region: string): readonly string[]
  primaryConflicts(): readonly unknown[]
}

export type ThreadKind = ThreadInfo['kind']
export type CounterName = keyof KernelCounters
export type LinkCounterName = keyof PeerLinkCounters

/** The threads of one kind, all together. */
export interface KindTotals {
  readonly threads: number
  /** Actors, and the entities that stand for watches and for calls to other regions. */
  readonly actors: number
  /** Calls to other threads and nodes that wait for their answers. */
  readonly awayCalls: number
  readonly names: number
  /** Since boot; they never go back. */
  readonly counters: Readonly<KernelCounters>
}

const kinds: readonly ThreadKind[] = ['main', 'pool', 'own']

/** All counters, as a node counts them. */
export const counterNames: readonly CounterName[] = Object.keys(newKernelCounters()) as CounterName[]

/** All that is counted of its links, once for the node. */
export const linkCounterNames: readonly LinkCounterName[] = Object.keys(zeroPeerLinkCounters()) as LinkCounterName[]

/**
 * A node's counters over all of its threads, also those that have ended: what such a thread counted after it was last read
 * is lost. Keeps what each living thread said last, and no more.
 */
export class NodeTotals {
  readonly #node: ObservedNode
  readonly #ended = new Map<ThreadKind, KernelCounters>(kinds.map((kind) => [kind, newKernelCounters()]))
  #last = new Map<number, ThreadInfo>()

  constructor(node: ObservedNode) {
    this.#node = node
  }

  /** Rejects with `ERR_NODE_STOPPED` when the node is stopped. A thread that does not answer counts as it did last. */
  async read(): Promise<ReadonlyMap<ThreadKind, KindTotals>> {
    const infos = await this.#node.threads()
    const now = new Map<number, ThreadInfo>()
    for (const info of infos) {
      const known = info.stats === undefined ? this.#last.get(info.thread)?.stats : info.stats
      now.set(info.thread, { ...info, stats: known })
    }
    for (const [thread, { kind, stats }] of this.#last) {
      if (!now.has(thread) && stats !== undefined) add(this.#endedOf(kind), stats.counters)
    }
    this.#last = now
    return new Map(kinds.map((kind) => [kind, this.#totalsOf(kind)]))
  }

  #totalsOf(kind: ThreadKind): KindTotals {
    const counters = { ...this.#endedOf(kind) }
    const totals = { threads: 0, actors: 0, awayCalls: 0, names: 0 }
    for (const { kind: its, stats } of this.#last.values()) {
      if (its !== kind) continue
      totals.threads += 1
      if (stats === undefined) continue
      totals.actors += stats.actors
      totals.awayCalls += stats.awayCalls
      totals.names += stats.names
      add(counters, stats.counters)
    }
    return { ...totals, counters }
  }

  #endedOf(kind: ThreadKind): KernelCounters {
    return this.#ended.get(kind) as KernelCounters
  }
}

function add(to: KernelCounters, more: Readonly<KernelCounters>): void {
  for (const name of counterNames) to[name] += more[name]
}
