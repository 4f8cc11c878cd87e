/** What a supervisor should do, as its manual says it, written a second time and without any concurrency. */
export interface ModelSpec {
  readonly id: string
  readonly restart: 'permanent' | 'transient' | 'temporary'
  /** Of a supervisor. */
  readonly supervises?: ModelSupervision
}

export interface ModelSupervision {
  readonly strategy: 'oneForOne' | 'oneForAll' | 'restForOne'
  readonly maxRestarts: number
  readonly withinMs: number
  readonly children: readonly ModelSpec[]
}

interface ModelChild {
  readonly spec: ModelSpec
  running: boolean
  /** While it runs, of a supervisor. */
  tree: Tree | undefined
}

interface Tree {
  readonly supervision: ModelSupervision
  children: ModelChild[]
  restartsMs: number[]
}

/** The whole tree. It says in `log` what its workers do, in order: `start a`, `fail a` (to start), `end a`. */
export class TreeModel {
  readonly log: string[] = []
  /** How often the start of this worker will fail from now on. */
  readonly failures = new Map<string, number>()
  readonly #root: Tree

  constructor(supervision: ModelSupervision) {
    this.#root = planted(supervision)
    this.#startAll(this.#root)
  }

  /** The workers that run. */
  running(): string[] {
    return workersOf(this.#root)
  }

  /** This worker ends by itself. `false`: the root gave up. */
  end(id: string, clean: boolean, nowMs: number): boolean {
    return this.#endIn(this.#root, id, clean, nowMs) !== 'gaveUp'
  }

  /** Whether some restart is about as old as its window is long: then it is open whether it counts. */
  isAmbiguous(nowMs: number, slackMs: number): boolean {
    return treesOf(this.#root).some(({ supervision: { withinMs }, restartsMs }) =>
      restartsMs.some((atMs) => Math.abs(nowMs - atMs - withinMs) <= slackMs),
    )
  }

  #endIn(tree: Tree, id: string, clean: boolean, nowMs: number): 'elsewhere' | 'done' | 'gaveUp' {
    for (const child of tree.children) {
      if (child.spec.id === id && child.running) {
        this.log.push(`end ${id}`)
        return this.#ended(tree, child, clean, nowMs)
      }
      if (child.tree === undefined) continue
      const inner = this.#endIn(child.tree, id, clean, nowMs)
      if (inner === 'done') return inner
      // A supervisor that gives up ends with "shutdown", which is a clean end.
      if (inner === 'gaveUp') return this.#ended(tree, child, true, nowMs)
    }
    return 'elsewhere'
  }

  #ended(tree: Tree, child: ModelChild, clean: boolean, nowMs: number): 'done' | 'gaveUp' {
    child.running = false
    child.tree = undefined
    const { restart } = child.spec
    if (restart === 'temporary') tree.children = tree.children.filter((one) => one !== child)
    if (restart === 'temporary' || (restart === 'transient' && clean)) return 'done'
    for (let next: ModelChild | undefined = child; next !== undefined;) {
      const { maxRestarts, withinMs } = tree.supervision
      tree.restartsMs = [...tree.restartsMs.filter((atMs) => nowMs - atMs <= withinMs), nowMs]
      if (tree.restartsMs.length > maxRestarts) {
        this.#stop(tree.children)
        return 'gaveUp'
      }
      next = this.#restart(tree, next)
    }
    return 'done'
  }

  /** Gives back the child whose start failed. */
  #restart(tree: Tree, child: ModelChild): ModelChild | undefined {
    const at = tree.children.indexOf(child)
    const { strategy } = tree.supervision
    const first = strategy === 'oneForAll' ? 0 : at
    const concerned = strategy === 'oneForOne' ? [child] : tree.children.slice(first)
    const others = concerned.filter((one) => one !== child)
    this.#stop(others)
    tree.children = tree.children.filter((one) => !(others.includes(one) && one.spec.restart === 'temporary'))
    return concerned.find((one) => tree.children.includes(one) && !this.#start(one))
  }

  #start(child: ModelChild): boolean {
    const { spec } = child
    if (spec.supervises !== undefined) {
      const tree = planted(spec.supervises)
      if (!this.#startAll(tree)) return false
      child.tree = tree
    } else {
      const failures = this.failures.get(spec.id) ?? 0
      if (failures > 0) {
        this.failures.set(spec.id, failures - 1)
        this.log.push(`fail ${spec.id}`)
        return false
      }
      this.log.push(`start ${spec.id}`)
    }
    child.running = true
    return true
  }

  #startAll(tree: Tree): boolean {
    if (tree.children.every((child) => this.#start(child))) return true
    this.#stop(tree.children)
    return false
  }

  #stop(children: readonly ModelChild[]): void {
    for (const child of children.toReversed()) {
      if (!child.running) continue
      if (child.tree !== undefined) this.#stop(child.tree.children)
      else this.log.push(`end ${child.spec.id}`)
      child.running = false
      child.tree = undefined
    }
  }
}

function planted(supervision: ModelSupervision): Tree {
  const children = supervision.children.map((spec) => ({ spec, running: false, tree: undefined }))
  return { supervision, children, restartsMs: [] }
}

function workersOf(tree: Tree): string[] {
  return tree.children.flatMap((child) => {
    if (!child.running) return []
    return child.tree === undefined ? [child.spec.id] : workersOf(child.tree)
  })
}

function treesOf(tree: Tree): Tree[] {
  return [tree, ...tree.children.flatMap((child) => (child.tree === undefined ? [] : treesOf(child.tree)))]
}
