import type { PropertyCount } from '../simulation/run-result.ts'
import type { CaseOutcome } from './check-case.ts'

// A swarm smaller than this may well miss something rare.
const seedsForCoverage = 1_000
// The ids of core's own properties begin so.
const runtimePrefix = 'skerry/'

/** How a property fared in a whole swarm. */
export interface SwarmProperty extends PropertyCount {
  /** The seeds in which it held (`chance`: fired) at least once. */
  readonly seeds: number
}

/** What a swarm has shown so far. */
export class SwarmTally {
  readonly #expected: readonly string[]
  readonly #properties = new Map<string, { -readonly [Key in keyof SwarmProperty]: SwarmProperty[Key] }>()
  readonly #escapes = new Set<string>()
  /** Seeds that were run. */
  seeds = 0
  /** Seeds that were run twice. */
  rerun = 0
  failed = 0
  inconclusive = 0
  /** Of the first runs. */
  events = 0
  virtualMs = 0

  /** `expected`: ids of properties that must be come across. */
  constructor(expected: readonly string[] = []) {
    this.#expected = expected
  }

  add({ verdict, result, rerunHash }: Pick<CaseOutcome, 'verdict' | 'rerunHash'> & { readonly result: Counted }): void {
    this.seeds += 1
    if (rerunHash !== undefined) this.rerun += 1
    if (verdict === 'failed' || verdict === 'nondeterministic') this.failed += 1
    if (verdict === 'inconclusive') this.inconclusive += 1
    this.events += result.events
    this.virtualMs += result.virtualMs
    for (const escape of result.escapes) this.#escapes.add(escape)
    for (const count of result.properties) this.#addProperty(count)
  }

  /** A seed that gave no result at all. */
  addLost(): void {
    this.seeds += 1
    this.inconclusive += 1
  }

  /** By kind and id. */
  properties(): SwarmProperty[] {
    const byName = (a: SwarmProperty, b: SwarmProperty): number => {
      return compare(a.kind, b.kind) || compare(a.id, b.id)
    }
    return [...this.#properties.values()].map((property) => ({ ...property })).sort(byName)
  }

  escapes(): string[] {
    return [...this.#escapes]
  }

  /** What so many seeds should have shown and did not; nothing for fewer than 1,000 seeds. */
  notCovered(): string[] {
    if (this.seeds < seedsForCoverage) return []
    const all = this.properties()
    const neverHit = all.flatMap(({ kind, id, hit, reached }) => {
      return kind === 'sometimes' && hit === 0 && this.#isAsked(id)
        ? [`sometimes "${id}" was reached ${reached} times and never held`]
        : []
    })
    const known = new Set(all.flatMap(({ id, reached }) => (reached > 0 ? [id] : [])))
    const neverReached = this.#expected.flatMap((id) => (known.has(id) ? [] : [`"${id}" was never reached`]))
    return [...neverHit, ...neverReached]
  }

  /** What the runtime says of itself need not happen to every app: it is asked for by name. */
  #isAsked(id: string): boolean {
    return !id.startsWith(runtimePrefix) || this.#expected.includes(id)
  }

  #addProperty({ kind, id, reached, hit }: PropertyCount): void {
    const key = `${kind}/${id}`
    let sum = this.#properties.get(key)
    if (sum === undefined) {
      sum = { kind, id, reached: 0, hit: 0, seeds: 0 }
      this.#properties.set(key, sum)
    }
    sum.reached += reached
    sum.hit += hit
    if (hit > 0) sum.seeds += 1
  }
}

/** What of a run is counted. */
type Counted = Pick<CaseOutcome['result'], 'events' | 'virtualMs' | 'properties' | 'escapes'>

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
