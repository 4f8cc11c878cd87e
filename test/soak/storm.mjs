// A crash storm: random exits, kills, links, monitors, calls and crashes among actors that are supervised on main and run on
// the threads of a pool, with actors that are born linked on every kind of thread, and now and then a thread that is stuck.
// What it leaves behind when all of them are stopped must be what there was before.
import { actorName, child, defineApp, silentLog, startNode } from '@skerry/core'
import { crowd, probe } from './storm-actors.mjs'

/** @template B @typedef {B extends import('@skerry/core').Behavior<any, infer Protocol> ? Protocol : never} ProtocolOf */
/** @typedef {import('@skerry/core').Pid<ProtocolOf<typeof import('./storm-actors.mjs').victim>>} Victim */
/** @typedef {{ exits: number, kills: number, crashes: number, links: number, monitors: number, births: number, calls: number, stuck: number }} Deeds */
/** @typedef {{ node: import('@skerry/core').Node, random: () => number, population: number, deeds: Deeds }} Storm */

/**
 * What a thread holds: the main one first, then those of the pool.
 * @typedef {{ kind: string, actors: number, edges: number, awayCalls: number, names: number } & Look} Held
 * @typedef {{ timers: number, ports: number, handles: number, listeners: number, heapMb: number }} Look
 */

/** @type {import('@skerry/core').ActorName<ProtocolOf<typeof crowd>>} */
const crowdName = actorName('crowd')
const population = 200
const poolSize = 2

const places = /** @type {const} */ (['same', 'main', 'pool'])

/** @param {number} seed @returns {Promise<Storm>} */
export async function startStorm(seed) {
  const app = defineApp({ name: 'storm', children: [child('crowd', crowd, [], { register: crowdName })] })
  const node = await startNode(app, { log: silentLog, threadPool: { size: poolSize } })
  const deeds = { exits: 0, kills: 0, crashes: 0, links: 0, monitors: 0, births: 0, calls: 0, stuck: 0 }
  return { node, random: mulberry32(seed), population, deeds }
}

/**
 * Does `steps` random things, then ends every child. Resolves with what each thread holds after that.
 * @param {Storm} storm
 * @param {number} steps
 */
export async function rage({ node, random, population: size, deeds }, steps) {
  const pick = (/** @type {Victim[]} */ from) => /** @type {Victim} */ (from[Math.floor(random() * from.length)])
  /** @type {Victim[]} */
  let pids = []
  for (let step = 0; step < steps; step += 1) {
    // A look now and then: restarted ones have new addresses, and the turns in between let signals pass.
    if (step % 100 === 0) pids = await populate(node, size)
    const [one, other] = [pick(pids), pick(pids)]
    if (one === undefined || other === undefined) continue
    if (step % 10_000 === 5_000) {
      // Only a new thread helps. All others of the old one are started again as well.
      deeds.stuck += 1
      node.cast(one, 'spin', [])
      // A kill may overtake the cast.
      await node.call(one, 'echo', [step], { timeoutMs: 100 }).catch(() => undefined)
      node.exit(one, 'kill')
    }
    if (step % 5_000 === 0) {
      deeds.births += 1
      node.cast(one, 'bear', ['own'])
    }
    const what = Math.floor(random() * 100)
    if (what < 20) {
      deeds.links += 1
      node.cast(one, 'link', [other])
    } else if (what < 30) {
      deeds.monitors += 1
      node.cast(one, 'monitor', [other])
    } else if (what < 35) node.cast(one, 'unlink', [other])
    else if (what < 50) {
      deeds.kills += 1
      node.exit(one, 'kill')
    } else if (what < 65) {
      deeds.exits += 1
      node.exit(one, what < 60 ? 'boom' : 'shutdown')
    } else if (what < 75) {
      deeds[what < 70 ? 'kills' : 'exits'] += 1
      node.cast(one, 'exit', [other, what < 70 ? 'kill' : 'boom'])
    } else if (what < 80) {
      deeds.crashes += 1
      node.cast(one, 'crash', [])
    } else if (what < 85) {
      deeds.births += 1
      node.cast(one, 'bear', [places[what % 3] ?? 'same'])
    } else if (what < 90) node.cast(one, 'later', [])
    else {
      deeds.calls += 1
      if (what < 95) node.call(one, 'ask', [other]).catch(() => undefined)
      else node.call(one, 'echo', [step], { timeoutMs: 500 }).catch(() => undefined)
    }
  }
  return calm(node)
}

/** How many exits, kills, crashes, links and restarts there have been. @param {Storm} storm */
export async function violence({ node, deeds }) {
  const [main] = await node.threads()
  const restarts = main?.stats?.counters.restarts ?? 0
  return { restarts, total: deeds.exits + deeds.kills + deeds.crashes + deeds.links + restarts }
}

/**
 * What a thread may not hold more of than before; each difference as a line. A way to another thread is opened when it is
 * needed, and a spare thread may be booting; a timer for each duration of a call's time-out may
 * still be armed, and what a thread allocates once is allocated late.
 * @param {Held[]} before
 * @param {Held[]} now
 */
export function leaks(before, now) {
  const exact = /** @type {const} */ (['kind', 'actors', 'edges', 'awayCalls', 'names', 'listeners'])
  const lines = before.flatMap((was, index) => {
    const is = now[index]
    if (is === undefined) return [`a ${was.kind} thread is missing`]
    const differing = exact.filter((key) => was[key] !== is[key]).map((key) => `${key} ${was[key]} -> ${is[key]}`)
    if (is.ports > was.ports + 2) differing.push(`ports ${was.ports} -> ${is.ports}`)
    if (is.timers > was.timers + 5) differing.push(`timers ${was.timers} -> ${is.timers}`)
    if (is.heapMb > was.heapMb + 8) differing.push(`heap ${was.heapMb} -> ${is.heapMb} MiB`)
    return differing.map((line) => `${was.kind} thread ${index}: ${line}`)
  })
  return now.length > before.length ? [...lines, `${now.length - before.length} threads more`] : lines
}

/** @param {import('@skerry/core').Node} node */
async function calm(node) {
  for (;;) {
    const left = await node.call(crowdName, 'whichChildren', [])
    if (left.length === 0) break
    // A child that waits for its restart has no Pid that could be asked for.
    const ends = left.flatMap(({ pid }) => (pid === undefined ? [] : [node.call(crowdName, 'terminateChild', [pid])]))
    await Promise.all(ends)
  }
  return quiet(node)
}

/** What the threads hold once nothing changes any more, at most some seconds later. */
async function quiet(/** @type {import('@skerry/core').Node} */ node) {
  const probes = await startProbes(node)
  let before = ''
  for (let look = 0; look < 100; look += 1) {
    const infos = await node.threads()
    const now = JSON.stringify(infos)
    if (now === before) {
      const held = await Promise.all(infos.map((info) => holdings(node, info, probes)))
      for (const pid of probes) node.exit(pid, 'kill')
      return held
    }
    before = now
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`The threads did not come to rest: ${before}`)
}

/** @typedef {import('@skerry/core').Pid<ProtocolOf<typeof probe>>} Probe */

/** One on main and on each thread of the pool, which are started for it where they were lost. */
async function startProbes(/** @type {import('@skerry/core').Node} */ node) {
  /** @type {Probe[]} */
  const probes = [await node.start(probe, [], { thread: 'main' })]
  for (let key = 0; probes.length <= poolSize; key += 1) {
    /** @type {Probe} */
    const pid = await node.start(probe, [], { thread: { pool: `${key}` } })
    if (probes.every(({ thread }) => thread !== pid.thread)) probes.push(pid)
    else node.exit(pid, 'kill')
  }
  return probes
}

/**
 * @param {import('@skerry/core').Node} node
 * @param {import('@skerry/core').ThreadInfo} info
 * @param {Probe[]} probes
 * @returns {Promise<Held>}
 */
async function holdings(node, { kind, thread, stats }, probes) {
  const own = probes.find((pid) => pid.thread === thread)
  if (own === undefined || stats === undefined) throw new Error(`A thread is left: ${kind} ${thread}`)
  const { actors, edges, awayCalls, names } = stats
  return { kind, actors, edges, awayCalls, names, ...(await node.call(own, 'look', [])) }
}

/** @param {import('@skerry/core').Node} node @param {number} size @returns {Promise<Victim[]>} */
async function populate(node, size) {
  const { specs } = await node.call(crowdName, 'countChildren', [])
  // One whose thread is lost meanwhile is missed, and made up for by the next look. One after the other there, each a way to
  // another thread and back: long on a machine that is busy otherwise.
  const start = () => node.call(crowdName, 'startChild', [], { timeoutMs: 60_000 }).catch(() => undefined)
  await Promise.all(Array.from({ length: Math.max(0, size - specs) }, start))
  const children = await node.call(crowdName, 'whichChildren', [])
  return children.map(({ pid }) => /** @type {Victim} */ (pid)).filter(Boolean)
}

/** A small generator of its own, so that a seed gives the same storm on every machine. @param {number} seed */
function mulberry32(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
