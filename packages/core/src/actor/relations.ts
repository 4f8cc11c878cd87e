import { type EdgeHolder, isLost, type LostPeer } from './edges.ts'
import type { ExitReason } from './exit-reason.ts'
import type { Host } from './host.ts'
import { formatPid, type Pid, samePid } from './pid.ts'
import { Watchers } from './watchers.ts'

/** What the loss of a thread or node fires at one actor: the links that break and the monitors that report. */
export interface BrokenRelations {
  readonly links: readonly Pid[]
  readonly monitors: readonly { readonly ref: number; readonly pid: Pid }[]
}

/**
 * One actor's links, the monitors it set on others, and those that others set on it. Nothing is made before its first
 * use: most actors have one link and no monitor, and there may be 100,000 of them.
 */
export class Relations {
  readonly #host: Host
  readonly #holder: EdgeHolder
  /** As long as there is but one: most actors have no more, and a map costs much more than the link. */
  #onlyLink: Pid | undefined
  /** All, from the second on. By serial where both are of one thread, as most are: a text for each would cost more than the link. */
  #links: Map<number | string, Pid> | undefined
  #watchers: Watchers | undefined
  #monitors: Map<number, Pid> | undefined

  constructor(host: Host, holder: EdgeHolder) {
    this.#host = host
    this.#holder = holder
  }

  /** At most one link between two actors. */
  addLink(pid: Pid): void {
    if (this.#links === undefined) {
      if (this.#onlyLink === undefined) this.#onlyLink = pid
      else if (samePid(this.#onlyLink, pid)) return
      else {
        this.#links = new Map([[this.#keyOf(this.#onlyLink), this.#onlyLink]])
        this.#onlyLink = undefined
      }
    }
    if (this.#links !== undefined) {
      const key = this.#keyOf(pid)
      if (this.#links.has(key)) return
      this.#links.set(key, pid)
    }
    this.#host.addEdge(pid, this.#holder)
  }

  /** Whether there was one. */
  removeLink(pid: Pid): boolean {
    if (!this.#takeLink(pid)) return false
    this.#host.removeEdge(pid, this.#holder)
    return true
  }

  #takeLink(pid: Pid): boolean {
    if (this.#links !== undefined) return this.#links.delete(this.#keyOf(pid))
    if (this.#onlyLink === undefined || !samePid(this.#onlyLink, pid)) return false
    this.#onlyLink = undefined
    return true
  }

  #allLinks(): readonly Pid[] {
    if (this.#links !== undefined) return [...this.#links.values()]
    return this.#onlyLink === undefined ? nobody : [this.#onlyLink]
  }

  #keyOf(pid: Pid): number | string {
    return this.#host.isLocal(pid) ? pid.serial : formatPid(pid)
  }

  /** This actor watches `pid`. */
  addMonitor(ref: number, pid: Pid): void {
    this.#monitors ??= new Map()
    this.#monitors.set(ref, pid)
    this.#host.addEdge(pid, this.#holder)
  }

  /** Whom the monitor watched, or `undefined` if it has fired or never was, or is not on `from`. */
  removeMonitor(ref: number, from?: Pid): Pid | undefined {
    const pid = this.#monitors?.get(ref)
    if (pid === undefined || (from !== undefined && !samePid(pid, from))) return undefined
    this.#monitors?.delete(ref)
    this.#host.removeEdge(pid, this.#holder)
    return pid
  }

  /** `pid` watches this actor. */
  addWatcher(ref: number, pid: Pid): void {
    this.#watchers ??= new Watchers()
    this.#watchers.add({ pid, ref })
    this.#host.addEdge(pid, this.#holder)
  }

  removeWatcher(ref: number, pid: Pid): void {
    if (this.#watchers?.remove(ref, pid) !== true) return
    this.#host.removeEdge(pid, this.#holder)
  }

  /** Forgets the monitors and watchers of a lost peer; its links stay until their exit is received. */
  breakWith(lost: LostPeer): BrokenRelations {
    this.#watchers?.removeWhere((watcher) => isLost(watcher.pid, lost))
    const monitors = [...(this.#monitors ?? [])]
      .filter(([, pid]) => isLost(pid, lost))
      .map(([ref, pid]) => ({ ref, pid }))
    for (const { ref } of monitors) this.#monitors?.delete(ref)
    const links = this.#allLinks().filter((pid) => isLost(pid, lost))
    return { links, monitors }
  }

  /** The actor `self` has ended: tells everybody who is concerned. */
  tellEnd(self: Pid, reason: ExitReason): void {
    if (this.#watchers !== undefined) {
      for (const { pid, ref } of this.#watchers.all()) {
        this.#host.removeEdge(pid, this.#holder)
        this.#host.route({ type: 'down', from: self, to: pid, ref, reason })
      }
    }
    if (this.#monitors !== undefined) {
      for (const [ref, pid] of this.#monitors) {
        this.#host.removeEdge(pid, this.#holder)
        this.#host.route({ type: 'demonitor', from: self, to: pid, ref })
      }
    }
    for (const pid of this.#allLinks()) {
      this.#host.removeEdge(pid, this.#holder)
      this.#host.route({ type: 'exit', from: self, to: pid, reason, viaLink: true })
    }
  }
}

const nobody: readonly Pid[] = []
