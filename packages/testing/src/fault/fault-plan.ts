import type { NetworkNode } from '../network/places.ts'
import type { SeededRandom } from '../platform/seeded-random.ts'
import type { Fault, FaultKind } from './fault.ts'

/** The families of faults that may go wrong in a run. Left out: never. */
export type FaultFamilies = { readonly [Kind in FaultKind]?: boolean }

export interface FaultPlanOptions {
  /** Explicit faults are taken as they are. */
  readonly families: FaultFamilies | 'all' | readonly Fault[]
  readonly nodes: readonly NetworkNode[]
  readonly primary: string
  /** When everything is healed again, but for nodes that stay dead. */
  readonly safetyMs: number
  readonly random: SeededRandom
}

/** At most this many faults of one family in one run. */
const faultsPerFamilyMax = 6
// One run in so many leaves nodes dead for good, and asks of the others to get on without them.
const leavesDeadOneIn = 3
// A day is longer than any run.
const foreverMs = 86_400_000

interface Draw {
  readonly nodes: readonly NetworkNode[]
  readonly primary: string
  readonly safetyMs: number
  readonly random: SeededRandom
}

/**
 * What goes wrong in the run of one seed, made up front. A swarm: each seed switches whole families off and draws the
 * strength of the others from wide ranges, because a little of everything hides what much of one thing shows (Groce et
 * al., "Swarm testing", 2012; the ranges are in the spirit of TigerBeetle's). A family draws from a stream of its own.
 */
export function planFaults({ families, nodes, primary, safetyMs, random }: FaultPlanOptions): Fault[] {
  if (isExplicit(families)) return [...families]
  const permitted = faultKinds.filter((kind) => families === 'all' || families[kind] === true)
  const on = someOf(permitted, random.fork('families'))
  const faults = on.flatMap((kind) => {
    const own = random.fork(kind)
    return times(own, safetyMs).map(([atMs, forMs], index) => {
      return makers[kind]({ nodes, primary, safetyMs, random: own.fork(String(index)) }, atMs, forMs)
    })
  })
  const dead = on.includes('crash') ? leftDead({ nodes, primary, safetyMs, random: random.fork('dead') }) : []
  return [...faults, ...dead].sort((one, other) => one.atMs - other.atMs)
}

const makers: { readonly [Kind in FaultKind]: (draw: Draw, atMs: number, forMs: number) => Fault } = {
  partition: (draw, atMs, forMs) => ({
    kind: 'partition',
    ...twoSides(draw),
    oneWay: chance(draw, 1 / 3),
    atMs,
    forMs,
  }),
  flap: (draw, atMs, forMs) => {
    const cutMs = between(draw.random.fork('cut'), 100, 4_000)
    const openMs = between(draw.random.fork('open'), 100, 4_000)
    return { kind: 'flap', ...twoSides(draw), cutMs, openMs, atMs, forMs }
  },
  crash: (draw, atMs, forMs) => {
    const files = pick(draw.random.fork('files'), ['keep', 'keep', 'loseUnsynced', 'torn'] as const)
    // Most processes die with their sockets reset by the kernel; a machine that goes says nothing.
    return { kind: 'crash', node: node(draw), files, silent: chance(draw, 1 / 3), atMs, forMs: Math.min(forMs, 8_000) }
  },
  regionLoss: (draw, atMs, forMs) => {
    return { kind: 'regionLoss', region: pick(draw.random.fork('region'), draw.nodes).region, atMs, forMs }
  },
  pause: (draw, atMs, forMs) => ({ kind: 'pause', node: node(draw), atMs, forMs: Math.min(forMs, 7_000) }),
  slow: (draw, atMs, forMs) => {
    return { kind: 'slow', node: node(draw), turnUs: between(draw.random.fork('turn'), 100, 3_000), atMs, forMs }
  },
  clog: (draw, atMs, forMs) => {
    return { kind: 'clog', ...twoSides(draw), extraMs: between(draw.random.fork('extra'), 20, 3_000), atMs, forMs }
  },
  loss: (draw, atMs, forMs) => ({
    kind: 'loss',
    ...twoSides(draw),
    loss: draw.random.fork('loss').int(31) / 100,
    duplicate: draw.random.fork('duplicate').int(31) / 100,
    reorder: draw.random.fork('reorder').int(31) / 100,
    atMs,
    forMs,
  }),
  reset: (draw, atMs) => ({ kind: 'reset', ...twoSides(draw), halfOpen: chance(draw, 1 / 3), atMs }),
  skew: (draw, atMs, forMs) => {
    const sign = chance(draw, 1 / 2) ? 1 : -1
    const jumpMs = sign * between(draw.random.fork('jump'), 10, 60_000)
    return { kind: 'skew', node: node(draw), jumpMs, driftPpm: draw.random.fork('drift').int(1_001) - 500, atMs, forMs }
  },
  threadLoss: (draw, atMs) => ({ kind: 'threadLoss', node: node(draw), pick: draw.random.fork('pick').int(16), atMs }),
}

const faultKinds = Object.keys(makers) as FaultKind[]

function isExplicit(families: FaultPlanOptions['families']): families is readonly Fault[] {
  return Array.isArray(families)
}

/** Each with a chance of one half, but never none. */
function someOf(kinds: readonly FaultKind[], random: SeededRandom): FaultKind[] {
  if (kinds.length === 0) return []
  const some = kinds.filter((kind) => random.fork(kind).int(2) === 0)
  return some.length > 0 ? some : [pick(random.fork('one'), kinds)]
}

/** When each fault of a family begins, and for how long it lasts: all over before the safety phase is. */
function times(random: SeededRandom, safetyMs: number): (readonly [number, number])[] {
  const count = 1 + random.fork('count').int(faultsPerFamilyMax)
  // The longest that a fault of this seed lasts: short ones find other bugs than long ones.
  const longestMs = Math.min(safetyMs * 0.6, pick(random.fork('longest'), [500, 2_000, 6_000, 20_000]))
  return Array.from({ length: count }, (_, index) => {
    const own = random.fork(`time/${index}`)
    const atMs = between(own.fork('at'), 0, Math.max(1, Math.floor(safetyMs * 0.95) - 1))
    const forMs = between(own.fork('for'), 20, Math.max(21, Math.floor(longestMs)))
    return [atMs, Math.max(0, Math.min(forMs, safetyMs - atMs - 1))] as const
  })
}

/** Nodes outside the primary region, fewer than half of all, that crash and stay down. */
function leftDead({ nodes, primary, safetyMs, random }: Draw): Fault[] {
  if (random.fork('whether').int(leavesDeadOneIn) > 0) return []
  const mortal = nodes.filter(({ region }) => region !== primary)
  const most = Math.min(mortal.length, Math.ceil(nodes.length / 2) - 1)
  if (most < 1) return []
  const count = 1 + random.fork('count').int(most)
  const victims = [...mortal].sort((a, b) => random.fork(a.name).int(2 ** 31) - random.fork(b.name).int(2 ** 31))
  return victims.slice(0, count).map(({ name }) => {
    const atMs = between(random.fork(`at/${name}`), 0, safetyMs - 1)
    return { kind: 'crash', node: name, files: 'keep', silent: true, atMs, forMs: foreverMs }
  })
}

/** Two places that something lies between: one node and the rest, two regions, or two sides of everybody. */
function twoSides({ nodes, random }: Draw): { from: readonly string[]; to: readonly string[] } {
  const own = random.fork('sides')
  const names = nodes.map(({ name }) => name)
  const regions = [...new Set(nodes.map(({ region }) => region))]
  switch (own.fork('mode').int(4)) {
    case 0:
      return { from: [pick(own.fork('node'), names)], to: ['rest'] }
    case 1:
      return { from: [pick(own.fork('region'), regions)], to: ['rest'] }
    case 2: {
      const from = pick(own.fork('from'), names)
      const others = names.filter((name) => name !== from)
      return { from: [from], to: others.length === 0 ? ['rest'] : [pick(own.fork('to'), others)] }
    }
    default: {
      const side = names.filter((name) => own.fork(name).int(2) === 0)
      const isOneSided = side.length === 0 || side.length === names.length
      return { from: isOneSided ? [names[0] as string] : side, to: ['rest'] }
    }
  }
}

function node({ nodes, random }: Draw): string {
  return pick(random.fork('node'), nodes).name
}

function chance({ random }: Draw, share: number): boolean {
  return random.fork('chance').float() < share
}

function pick<T>(random: SeededRandom, items: readonly T[]): T {
  return items[random.int(items.length)] as T
}

/** A whole number from `least` to `most`. */
function between(random: SeededRandom, least: number, most: number): number {
  return least + random.int(most - least + 1)
}
