import {
  child,
  defineApp,
  formatPid,
  genServer,
  type GroupMessage,
  type Message,
  type Pid,
  processGroups,
  sometimes,
} from '@skerry/core'
import { type Client, defineSimulation, type Sim } from '@skerry/testing'
import { Complaints } from './complaints.ts'

const complaints = new Complaints()
const rooms = processGroups('rooms')
const groupNames = ['tea', 'cake', 'rain']
const convergeMs = 20_000

/** Joins and leaves as it is told, and ends. */
const guest = genServer({
  name: 'guest',
  init: () => undefined,
  call: {
    join: (ctx, group: string): Promise<void> => rooms.join(ctx, group, ctx.self),
    leave: (ctx, group: string): Promise<boolean> => rooms.leave(ctx, group, ctx.self),
  },
})

interface GuestProtocol {
  call: { join(group: string): void; leave(group: string): boolean }
}

/** What the watcher of each node's life has heard, by `node/life`: who is in which group by that, as often as it joined. */
const heard = new Map<string, Map<string, number>>()

/** One on each node: watches the scope, and adds up what it is told. Starts anew with the scope. */
const watcher = genServer({
  name: 'watcher',
  init: async (ctx) => {
    const { groups: now } = await rooms.monitorScope(ctx)
    const members = new Map<string, number>()
    for (const [group, pids] of now) for (const pid of pids) add(members, memberKey(group, pid), 1)
    heard.set(`${ctx.self.node}/${ctx.self.life}`, members)
    return members
  },
  info(ctx, message: Message) {
    const { type, group, pids } = message as GroupMessage
    if (type !== 'join' && type !== 'leave') return ctx.stop('shutdown')
    for (const pid of pids) {
      const key = memberKey(group, pid)
      add(ctx.state, key, type === 'join' ? 1 : -1)
      if ((ctx.state.get(key) ?? 0) < 0) complaints.add(`${ctx.node} heard that ${key} left, which had not joined`)
    }
  },
})

const app = defineApp({
  name: 'groups',
  strategy: 'restForOne',
  intensity: { maxRestarts: 100, withinMs: 5_000 },
  children: [rooms.child(), child('watcher', watcher, [])],
  procedures: [rooms.procedure],
})

/**
 * Actors of all nodes join and leave groups and end, scopes crash, links break, nodes come and go, and what scopes tell
 * each other is lost. Healed, the scopes of all nodes soon name exactly those who are members at their own node, each as
 * often as it joined, and who watched was told of just these changes.
 */
export const groups = defineSimulation({
  name: 'groups',
  app,
  regions: { syd: 2, lax: 1, fra: 1 },
  durationMs: 25_000,
  healMs: 60_000,
  faults: 'all',
  async workload(sim) {
    complaints.begin()
    heard.clear()
    await Promise.all([sim.clients(6, (client) => visit(client), { thinkMs: [50, 700] }), crashScopes(sim)])
    await converge(sim)
    // Each of these is the last change of its node for a while: only a beat tells who missed it.
    for (const { up } of sim.running) {
      const pid = (await up.start(guest, [])) as Pid<GuestProtocol>
      await up.call(pid, 'join', ['tea'])
      await converge(sim)
    }
  },
  invariants: [
    complaints.none('who watches hears of no leave without a join'),
    { id: 'who watches has heard of all members', atEnd: checkHeard },
  ],
})

/** Starts a guest who visits some groups, and mostly ends it. */
async function visit(client: Client): Promise<void> {
  const { random, home } = client
  const pid = (await home.whileUp((node) => node.start(guest, []))) as Pid<GuestProtocol>
  const visits = 1 + random.fork('visits').int(4)
  for (let at = 0; at < visits; at += 1) {
    const draw = random.fork(`visit/${at}`)
    const group = groupNames[draw.int(groupNames.length)] as string
    // A scope that was just killed refuses it, and may forget it: only what it holds at the end counts.
    const verb = draw.int(3) === 0 ? 'leave' : 'join'
    await home.whileUp((node) => node.call(pid, verb, [group])).catch(() => undefined)
    await client.sleep(draw.int(1_500))
  }
  if (random.fork('end').int(4) > 0) home.node?.exit(pid, 'kill')
}

async function crashScopes(sim: Sim): Promise<void> {
  for (let round = 0; sim.phase === 'safety'; round += 1) {
    const random = sim.random.fork(`crash/${round}`)
    await sim.advance(3_000 + random.int(6_000))
    if (sim.phase !== 'safety') return
    sim.nodes[random.int(sim.nodes.length)]?.node?.exit(rooms.scope, 'kill')
  }
}

async function converge(sim: Sim): Promise<void> {
  let last = 'nothing was compared'
  const startMs = sim.nowMs
  for (;;) {
    const difference = await differenceNow(sim)
    if (difference === undefined) return
    last = difference
    if (sim.nowMs - startMs > convergeMs) throw new Error(`The scopes do not agree: ${last}`)
    await sim.advance(500)
  }
}

/** In what a scope differs from what the others say of themselves. */
async function differenceNow(sim: Sim): Promise<string | undefined> {
  if (sim.running.length === 0) return 'no node runs'
  const truth = new Map<string, readonly Pid[]>()
  for (const group of groupNames) {
    const own = await Promise.all(sim.running.map(({ up }) => rooms.getLocalMembers(up, group)))
    truth.set(group, own.flat())
  }
  sometimes(
    [...truth.values()].some((pids) => pids.length > 0),
    'swarm/a group had members at the end',
  )
  for (const { name, up } of sim.running) {
    for (const [group, expected] of truth) {
      const seen = sorted(await rooms.getMembers(up, group))
      if (seen !== sorted(expected)) return `${name} sees [${seen}] in ${group}, which has [${sorted(expected)}]`
    }
  }
}

async function checkHeard(sim: Sim): Promise<string | void> {
  await sim.advance(1_000)
  for (const { name, up } of sim.running) {
    const members = heard.get(`${name}/${up.life}`)
    if (members === undefined) return `the watcher of ${name} is not there`
    for (const group of groupNames) {
      const seen = await rooms.getMembers(up, group)
      const told = [...members].flatMap(([key, times]) =>
        key.startsWith(`${group} `) ? Array.from({ length: times }, () => key.slice(group.length + 1)) : [],
      )
      if (told.sort().join() !== sorted(seen))
        return `${name} was told of [${told.join()}] in ${group}, and shows [${sorted(seen)}]`
    }
  }
}

function sorted(pids: readonly Pid[]): string {
  return pids.map(formatPid).sort().join()
}

function memberKey(group: string, pid: Pid): string {
  return `${group} ${formatPid(pid)}`
}

function add(members: Map<string, number>, key: string, times: number): void {
  members.set(key, (members.get(key) ?? 0) + times)
}
