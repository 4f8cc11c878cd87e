import type { AutoShutdown, Restart, Strategy } from '@skerry/core'

export interface LeafSpec {
  readonly id: string
  readonly restart: Restart
  readonly significant: boolean
  /** Its `shutdownMs` is `'kill'`: its terminate does not run. */
  readonly brutal: boolean
}

export interface TreeSpec extends LeafSpec {
  readonly strategy: Strategy
  readonly autoShutdown: AutoShutdown
  readonly maxRestarts: number
  readonly children: readonly Spec[]
}

export type Spec = LeafSpec | TreeSpec

export const withinMs = 5_000

/** What `whichChildren` shows of one child, and of its own. */
export interface Shown {
  readonly id: string
  readonly status: 'running' | 'stopped'
  readonly children?: readonly Shown[]
}

interface Member {
  readonly spec: Spec
  /** Absent while it is stopped. */
  life: Life | undefined
}

/** One life: of a supervisor, it has children. */
export interface Life {
  readonly parent: Life | undefined
  readonly member: Member
  members: Member[]
  /** When it restarted somebody. */
  restarts: number[]
}

export const isTree = (spec: Spec): spec is TreeSpec => 'children' in spec

/** OTP's rules for supervisors, as one writes them down: nothing waits, each thing is done when its cause is. */
export class SupervisorModel {
  nowMs = 0
  /** Starts and orderly ends, in order. */
  log: string[] = []
  /** Restarts that were counted and begun. */
  restarts = 0
  readonly failures = new Map<string, number>()
  readonly #top: Member

  constructor(root: TreeSpec) {
    this.#top = { spec: root, life: undefined }
    this.#start(this.#top, undefined)
  }

  get root(): Life | undefined {
    return this.#top.life
  }

  /** The supervisors that run, each before those below it. */
  get trees(): Life[] {
    const below = (life: Life): Life[] => [
      life,
      ...life.members.flatMap((one) => (one.life !== undefined && isTree(one.spec) ? below(one.life) : [])),
    ]
    return this.root === undefined ? [] : below(this.root)
  }

  /** How many actors run. */
  get size(): number {
    return this.trees.reduce(
      (sum, { members }) => sum + members.filter((one) => one.life !== undefined && !isTree(one.spec)).length,
      this.trees.length,
    )
  }

  show(life: Life | undefined = this.root): Shown[] {
    return (life?.members ?? []).map(({ spec, life: its }) => ({
      id: spec.id,
      status: its === undefined ? 'stopped' : 'running',
      ...(its !== undefined && isTree(spec) && { children: this.show(its) }),
    }))
  }

  // --- what happens to it ---

  /** A leaf ends: by itself with a word that its terminate tells, or by a kill. */
  end(life: Life, how: 'normal' | 'shutdown' | 'crash' | 'kill'): void {
    if (how !== 'kill') this.log.push(`${life.member.spec.id} ends ${how}`)
    life.member.life = undefined
    this.#childEnded(life.parent, life.member, how === 'normal' || how === 'shutdown')
  }

  /** A supervisor is killed: its children hear of it by their links, all at once. */
  killTree(life: Life): void {
    life.member.life = undefined
    for (const member of life.members) {
      if (member.life === undefined) continue
      if (isTree(member.spec)) this.#stop(member)
      else this.log.push(`${member.spec.id} ends killed`)
    }
    this.#childEnded(life.parent, life.member, false)
  }

  startChild(life: Life, spec: Spec): string {
    const known = life.members.find((one) => one.spec.id === spec.id)
    if (known !== undefined) return known.life === undefined ? 'ERR_ALREADY_PRESENT' : 'ERR_ALREADY_STARTED'
    const member: Member = { spec, life: undefined }
    life.members.push(member)
    if (this.#start(member, life)) return 'ok'
    life.members.pop()
    return 'ERR_START_FAILED'
  }

  terminateChild(life: Life, member: Member): string {
    this.#stop(member)
    if (member.spec.restart === 'temporary') this.#forget(life, member)
    return 'ok'
  }

  restartChild(life: Life, member: Member): string {
    if (member.life !== undefined) return 'ERR_CHILD_RUNNING'
    return this.#start(member, life) ? 'ok' : 'ERR_START_FAILED'
  }

  deleteChild(life: Life, member: Member): string {
    if (member.life !== undefined) return 'ERR_CHILD_RUNNING'
    this.#forget(life, member)
    return 'ok'
  }

  // --- the rules ---

  /** S1, S6: in order, and what was started is stopped when the next one fails. */
  #start(member: Member, parent: Life | undefined): boolean {
    const { spec } = member
    const life: Life = { parent, member, members: [], restarts: [] }
    if (isTree(spec)) {
      life.members = spec.children.map((child) => ({ spec: child, life: undefined }))
      for (const child of life.members) {
        if (this.#start(child, life)) continue
        for (const started of life.members.toReversed()) this.#stop(started)
        return false
      }
    } else {
      this.log.push(`${spec.id} starts`)
      const failures = this.failures.get(spec.id) ?? 0
      if (failures > 0) {
        this.failures.set(spec.id, failures - 1)
        return false
      }
    }
    member.life = life
    return true
  }

  #stop(member: Member): void {
    const { life, spec } = member
    member.life = undefined
    if (life === undefined) return
    if (isTree(spec)) for (const child of life.members.toReversed()) this.#stop(child)
    else if (!spec.brutal) this.log.push(`${spec.id} ends shutdown`)
  }

  #forget(life: Life, member: Member): void {
    life.members = life.members.filter((one) => one !== member)
  }

  /** S3, S8 */
  #childEnded(life: Life | undefined, member: Member, isClean: boolean): void {
    if (life === undefined) return
    const { restart, significant } = member.spec
    if (restart === 'permanent' || (restart === 'transient' && !isClean)) {
      this.#restart(life, member)
      return
    }
    if (restart === 'temporary') this.#forget(life, member)
    const { autoShutdown } = life.member.spec as TreeSpec
    const isLast = life.members.every((one) => !one.spec.significant || one.life === undefined)
    if (significant && (autoShutdown === 'anySignificant' || (autoShutdown === 'allSignificant' && isLast))) {
      this.#giveUp(life)
    }
  }

  /** S2, S4, S5: each try counts. */
  #restart(life: Life, member: Member): void {
    const { strategy, maxRestarts } = life.member.spec as TreeSpec
    for (let next: Member | undefined = member; next !== undefined;) {
      const begun: Member = next
      life.restarts = [...life.restarts, this.nowMs].filter((at) => this.nowMs - at <= withinMs)
      if (life.restarts.length > maxRestarts) {
        this.#giveUp(life)
        return
      }
      this.restarts += 1
      const from = strategy === 'restForOne' ? life.members.indexOf(begun) : 0
      const concerned = strategy === 'oneForOne' ? [begun] : life.members.slice(from)
      const others = concerned.filter((one) => one !== begun)
      for (const other of others.toReversed()) this.#stop(other)
      for (const other of others) if (other.spec.restart === 'temporary') this.#forget(life, other)
      // The first one that does not start is tried again, with those behind it where the strategy says so.
      next = concerned.filter((one) => life.members.includes(one)).find((one) => !this.#start(one, life))
    }
  }

  #giveUp(life: Life): void {
    this.#stop(life.member)
    this.#childEnded(life.parent, life.member, true)
  }
}
