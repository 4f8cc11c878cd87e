/** What links, monitors and exits should do, as data: the smallest model that the runtime can be held against. */
export interface ModelActor {
  alive: boolean
  readonly traps: boolean
  readonly links: Set<number>
  /** Those that watch it, once for each monitor. */
  watchers: number[]
  /** What it should have received since it was last looked at, in any order. */
  inbox: string[]
}

export class LinkModel {
  readonly actors: ModelActor[] = []

  spawn(traps: boolean): void {
    this.actors.push({ alive: true, traps, links: new Set(), watchers: [], inbox: [] })
  }

  get living(): number[] {
    return this.actors.flatMap(({ alive }, index) => (alive ? [index] : []))
  }

  link(one: number, other: number): void {
    if (one === other) return
    if (!this.at(other).alive) {
      this.#signal(one, other, 'noproc')
      return
    }
    this.at(one).links.add(other)
    this.at(other).links.add(one)
  }

  unlink(one: number, other: number): void {
    this.at(one).links.delete(other)
    this.at(other).links.delete(one)
  }

  monitor(watcher: number, target: number): void {
    if (this.at(target).alive) this.at(target).watchers.push(watcher)
    else this.at(watcher).inbox.push(`DOWN ${target} noproc`)
  }

  exit(from: number, to: number, reason: string): void {
    if (!this.at(to).alive) return
    if (reason === 'kill') this.#end(to, 'killed')
    else if (reason === 'normal' && from === to && !this.at(to).traps) this.#end(to, 'normal')
    else this.#signal(to, from, reason)
  }

  at(index: number): ModelActor {
    return this.actors[index] as ModelActor
  }

  #signal(to: number, from: number, reason: string): void {
    const actor = this.at(to)
    if (!actor.alive) return
    if (actor.traps) actor.inbox.push(`EXIT ${from} ${reason}`)
    else if (reason !== 'normal') this.#end(to, reason)
  }

  #end(index: number, reason: string): void {
    const actor = this.at(index)
    actor.alive = false
    for (const watcher of actor.watchers)
      if (this.at(watcher).alive) this.at(watcher).inbox.push(`DOWN ${index} ${reason}`)
    actor.watchers = []
    const links = [...actor.links]
    actor.links.clear()
    for (const other of links) {
      this.at(other).links.delete(index)
      this.#signal(other, index, reason)
    }
  }
}
