import {
  type DownMessage,
  actorName,
  child,
  defineApp,
  type ExitReason,
  formatPid,
  genServer,
  type InitContext,
  type Message,
  type Pid,
  sometimes,
} from '@skerry/core'
import { type Client, defineSimulation, type Sim, type SimNode } from '@skerry/testing'
import { Census } from './census.ts'
import { Complaints } from './complaints.ts'

const census = new Census()
const complaints = new Complaints()

type Ending = 'normal' | 'shutdown' | 'crash' | 'kill'

/** One monitor, and what came of it. */
interface Monitor {
  readonly watcher: Pid
  readonly target: Pid
  readonly setMs: number
  readonly downs: { readonly reason: ExitReason; readonly atMs: number }[]
}

const monitors = new Map<string, Monitor>()
/** Pairs that were linked, the one who asked for it first. */
const pairs: { readonly one: Pid; readonly other: Pid; readonly linkedMs: number; arrived: boolean }[] = []
/** How targets were told to end. */
const endings = new Map<string, Ending>()

interface TargetProtocol {
  call: { link(other: Pid<TargetProtocol>): void }
  cast: { linked(one: Pid): void; end(how: Ending): void }
}
type TargetPid = Pid<TargetProtocol>

/** Somebody to be watched and linked to. */
const target = genServer({
  // Its Pid goes from node to node in the simulation's own hands.
  remote: 'members',
  name: 'target',
  init(ctx: InitContext) {
    census.born(ctx, 'target')
  },
  call: {
    /** Links it to another. */
    link(ctx, other: TargetPid) {
      ctx.link(other)
      pairs.push({ one: ctx.self, other, linkedMs: census.sim.nowMs, arrived: false })
      ctx.cast(other, 'linked', [ctx.self])
    },
  },
  cast: {
    /** Comes behind the link itself, so that is there now. */
    linked(ctx, one: Pid) {
      const pair = pairs.find((each) => formatPid(each.one) === formatPid(one))
      if (pair !== undefined && formatPid(pair.other) === formatPid(ctx.self)) pair.arrived = true
    },
    end(ctx, how: Ending) {
      endings.set(formatPid(ctx.self), how)
      if (how === 'crash') throw new Error('crashed as told')
      return ctx.stop(how)
    },
  },
})

/** One on each node: sets monitors and tells what comes of them. */
const watcher = genServer({
  remote: 'members',
  name: 'watcher',
  init(ctx: InitContext) {
    census.born(ctx, 'watcher')
  },
  call: {
    watch(ctx, pid: Pid): number {
      const { ref } = ctx.monitor(pid)
      monitors.set(monitorKey(ctx.self, ref), { watcher: ctx.self, target: pid, setMs: census.sim.nowMs, downs: [] })
      return ref
    },
  },
  info(ctx, message: Message) {
    const { type, ref, pid, reason } = message as DownMessage
    if (type !== 'DOWN') {
      complaints.add(`a watcher got ${JSON.stringify(message)}`)
      return
    }
    const monitor = monitors.get(monitorKey(ctx.self, ref))
    if (monitor === undefined || formatPid(monitor.target) !== formatPid(pid)) {
      complaints.add(`a watcher got a DOWN of ${formatPid(pid)}, whom it did not watch`)
      return
    }
    monitor.downs.push({ reason, atMs: census.sim.nowMs })
    if (monitor.downs.length > 1) complaints.add(`the monitor of ${formatPid(pid)} fired twice`)
    const wrong = wrongReason(pid, reason)
    if (wrong !== undefined) complaints.add(wrong)
  },
})

interface WatcherProtocol {
  call: { watch(pid: Pid): number }
  cast: Record<never, never>
}
const watcherName = actorName<WatcherProtocol>('watcher')

const app = defineApp({ name: 'links', children: [child('watcher', watcher, [], { register: watcherName })] })

/**
 * Actors watch and link to others on all nodes, which end in every way while links break, nodes crash and stand still:
 * a monitor fires exactly once for an end or a lost link, and never otherwise; of two that are linked none survives the
 * other; and when all is healed new ones work.
 */
export const links = defineSimulation({
  name: 'links',
  app,
  regions: { syd: 2, lax: 1, fra: 1 },
  durationMs: 25_000,
  healMs: 60_000,
  faults: 'all',
  async workload(sim) {
    census.begin(sim)
    complaints.begin()
    monitors.clear()
    pairs.length = 0
    endings.clear()
    await sim.clients(6, (client) => useLinks(sim, client), { thinkMs: [50, 700] })
    // The last link that was broken is noticed by now at both of its ends.
    await sim.advance(12_000)
  },
  invariants: [
    complaints.none('DOWN comes once, with its reason'),
    { id: 'no linked actor survives the other', atEnd: checkPairs },
    { id: 'no monitor is forgotten', atEnd: checkMonitors },
    { id: 'new monitors work', atEnd: watchAnew },
  ],
})

/** Starts a target somewhere, watches it and is linked to it from here, and mostly ends it after a while. */
async function useLinks(sim: Sim, client: Client): Promise<void> {
  const { random, home } = client
  const up = sim.running
  const there = up[random.fork('there').int(up.length)] ?? home
  const pid = (await there.whileUp((node) => node.start(target, []))) as TargetPid
  await client.call(watcherName, 'watch', [pid])
  if (random.fork('link').int(2) === 0) {
    const mate = (await home.whileUp((node) => node.start(target, []))) as TargetPid
    await home.whileUp((node) => node.call(mate, 'link', [pid]))
    await client.sleep(random.fork('before').int(2_000))
    // Either of the two.
    if (random.fork('who').int(2) === 0) end(home, mate, random.fork('mate').int(6))
  }
  await client.sleep(random.fork('life').int(3_000))
  end(there, pid, random.fork('end').int(6))
}

function end(where: SimNode, pid: TargetPid, drawn: number): void {
  const { node } = where
  if (node === undefined || node.life !== pid.life || census.of(pid)?.endedMs !== undefined) return
  const how = (['normal', 'shutdown', 'crash', 'kill'] as const)[drawn]
  if (how === undefined) return
  if (how !== 'kill') {
    node.cast(pid, 'end', [how])
    return
  }
  endings.set(formatPid(pid), how)
  node.exit(pid, 'kill')
}

/** Why `pid` can't have gone down for this reason, at this moment. */
function wrongReason(pid: Pid, reason: ExitReason): string | undefined {
  if (reason === 'noconnection') {
    sometimes(census.isAlive(pid), 'swarm/a monitor fired for a link that broke')
    const own = monitorsOf(pid).some(({ watcher: { node } }) => node === pid.node)
    return own ? `the node of ${formatPid(pid)} was lost to its own watcher` : undefined
  }
  const text = typeof reason === 'string' ? reason : reason.type
  if (census.isAlive(pid)) return `${formatPid(pid)} lives, and its watcher was told that it is down: ${text}`
  const told = endings.get(formatPid(pid))
  const expected = told === 'crash' ? 'error' : told === 'kill' ? 'killed' : told
  const isLinked = pairs.some(({ one, other }) => [one, other].some((each) => formatPid(each) === formatPid(pid)))
  // A linked one may have ended by the other's end.
  if (text === 'noproc' || isLinked || text === expected) return undefined
  return `${formatPid(pid)} ended by ${expected ?? 'nothing'}, and its watcher was told ${text}`
}

function monitorsOf(pid: Pid): Monitor[] {
  return [...monitors.values()].filter((monitor) => formatPid(monitor.target) === formatPid(pid))
}

/** Every monitor of a watcher that lives has fired, or still would: those that did not are tried. */
async function checkMonitors(sim: Sim): Promise<string | void> {
  const open = [...monitors.values()].filter(({ watcher: pid, downs }) => census.isAlive(pid) && downs.length === 0)
  for (const { target: pid, watcher: by, setMs } of open) {
    if (!census.isAlive(pid))
      return `${formatPid(pid)} is dead; its watcher ${formatPid(by)} since ${setMs} was not told`
  }
  sometimes(open.length > 0, 'swarm/a monitor outlived the safety phase')
  for (const { target: pid } of open) kill(sim, pid)
  await sim.advance(3_000)
  const silent = open.find(({ downs }) => downs.length === 0)
  if (silent === undefined) return
  return `the monitor of ${formatPid(silent.target)} by ${formatPid(silent.watcher)} since ${silent.setMs} never fired`
}

/** Of two that were linked both live, or none; and those that live are still linked. */
async function checkPairs(sim: Sim): Promise<string | void> {
  const whole: (typeof pairs)[number][] = []
  for (const pair of pairs) {
    const { one, other, linkedMs, arrived } = pair
    const [first, second] = [census.isAlive(one), census.isAlive(other)]
    if (first && second) whole.push(pair)
    const dead = first ? other : one
    // A normal end leaves the other alive; and whoever never heard of the link is not bound by it.
    if (first === second || endedNormally(dead) || (second && !arrived)) continue
    return `${formatPid(first ? one : other)} lives, ${formatPid(dead)}, linked to it at ${linkedMs}, does not`
  }
  sometimes(whole.length > 0, 'swarm/a link outlived the safety phase')
  for (const { one } of whole) kill(sim, one)
  await sim.advance(3_000)
  const left = whole.find(({ other }) => census.isAlive(other))
  if (left !== undefined) return `${formatPid(left.other)} survived ${formatPid(left.one)}, to which it is linked`
}

function kill(sim: Sim, pid: Pid): void {
  endings.set(formatPid(pid), 'kill')
  sim.node(pid.node).up.exit(pid, 'kill')
}

function endedNormally(pid: Pid): boolean {
  return census.of(pid)?.endedMs !== undefined && endings.get(formatPid(pid)) === 'normal'
}

/** Each node watches a new actor on each other node. */
async function watchAnew(sim: Sim): Promise<string | void> {
  const fresh: Monitor[] = []
  for (const there of sim.running) {
    const pid = (await there.up.start(target, [])) as TargetPid
    for (const here of sim.running) {
      const by = here.up.whereis(watcherName)
      if (by === undefined) return `${here.name} has no watcher`
      const ref = await here.up.call(watcherName, 'watch', [pid])
      fresh.push(monitors.get(monitorKey(by, ref)) as Monitor)
    }
    // Longer than the slowest message takes: the monitors are there.
    await sim.advance(3_000)
    there.up.cast(pid, 'end', ['shutdown'])
  }
  await sim.advance(3_000)
  const wrong = fresh.find(({ downs: [down, ...more] }) => down?.reason !== 'shutdown' || more.length > 0)
  if (wrong === undefined) return
  return `${formatPid(wrong.watcher)} was told ${JSON.stringify(wrong.downs)} of the end of ${formatPid(wrong.target)}`
}

function monitorKey(by: Pid, ref: number): string {
  return `${formatPid(by)} ${ref}`
}
