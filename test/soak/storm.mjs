// A crash storm: random exits, kills, links, monitors, calls and crashes among actors that are supervised on main and run on
// the threads of a pool. What it leaves behind when all of them are stopped must be what there was before.
import { actorName, child, defineApp, silentLog, startNode } from '@skerry/core'
import { crowd } from './storm-actors.mjs'

/** @template B @typedef {B extends import('@skerry/core').Behavior<any, infer Protocol> ? Protocol : never} ProtocolOf */
/** @typedef {import('@skerry/core').Pid<ProtocolOf<typeof import('./storm-actors.mjs').victim>>} Victim */
/** @typedef {{ node: import('@skerry/core').Node, random: () => number, population: number }} Storm */

/** @type {import('@skerry/core').ActorName<ProtocolOf<typeof crowd>>} */
const crowdName = actorName('crowd')
const population = 200

const places = /** @type {const} */ (['same', 'main', 'pool'])

/** @param {number} seed */
export async function startStorm(seed) {
  const app = defineApp({ name: 'storm', children: [child('crowd', crowd, [], { register: crowdName })] })
  const node = await startNode(app, { log: silentLog, threadPool: { size: 2 } })
  return { node, random: mulberry32(seed), population }
}

/**
 * Does `steps` random things, then ends every child. Resolves with what each thread holds after that.
 * @param {Storm} storm
 * @param {number} steps
 */
export async function rage({ node, random, population: size }, steps) {
  const pick = (/** @type {Victim[]} */ from) => /** @type {Victim} */ (from[Math.floor(random() * from.length)])
  /** @type {Victim[]} */
  let pids = []
  for (let step = 0; step < steps; step += 1) {
    // A look now and then: restarted ones have new addresses, and the turns in between let signals pass.
    if (step % 200 === 0) pids = await populate(node, size)
    const [one, other] = [pick(pids), pick(pids)]
    const what = Math.floor(random() * 100)
    if (what < 20) node.cast(one, 'link', [other])
    else if (what < 30) node.cast(one, 'monitor', [other])
    else if (what < 35) node.cast(one, 'unlink', [other])
    else if (what < 50) node.exit(one, 'kill')
    else if (what < 60) node.exit(one, 'boom')
    else if (what < 65) node.exit(one, 'shutdown')
    else if (what < 75) node.cast(one, 'exit', [other, what < 70 ? 'kill' : 'boom'])
    else if (what < 80) node.cast(one, 'crash', [])
    else if (what < 85) node.cast(one, 'bear', [places[what % 3] ?? 'same'])
    else if (what < 90) node.cast(one, 'later', [])
    else if (what < 95) node.call(one, 'ask', [other]).catch(() => undefined)
    else node.call(one, 'echo', [step], { timeoutMs: 500 }).catch(() => undefined)
  }
  return calm(node)
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
  let before = ''
  for (let look = 0; look < 50; look += 1) {
    const infos = await node.threads()
    const now = JSON.stringify(infos)
    if (now === before) return infos
    before = now
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`The threads did not come to rest: ${before}`)
}

/** @param {import('@skerry/core').Node} node @param {number} size @returns {Promise<Victim[]>} */
async function populate(node, size) {
  const { active } = await node.call(crowdName, 'countChildren', [])
  const missing = Math.max(0, size - active)
  // One after the other there, each a way to another thread and back: long on a machine that is busy otherwise.
  const patient = { timeoutMs: 60_000 }
  await Promise.all(Array.from({ length: missing }, () => node.call(crowdName, 'startChild', [], patient)))
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
