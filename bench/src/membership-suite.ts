import { fullPace, type Pace } from './contest.ts'
import { membershipOfProcesses } from './membership-processes.ts'
import { type MeshNode, MeshWorld } from './membership-world.ts'
import { type Goal, type Row, rowOf, skerry } from './row.ts'

/** What one size of cluster is put through. */
interface Size {
  readonly nodes: number
  /** How often one joins and one dies; the slowest counts. */
  readonly times: number
  /** How long nothing goes wrong but lost segments, and how long a tenth of the nodes is sick, in virtual seconds. */
  readonly quietS: number
  readonly sickS: number
  readonly goals: { readonly joinS: number; readonly deadS: number; readonly healS: number }
}

const sizes: readonly Size[] = [
  { nodes: 10, times: 5, quietS: 3_600, sickS: 40, goals: { joinS: 1.5, deadS: 4.5, healS: 5 } },
  { nodes: 100, times: 3, quietS: 60, sickS: 40, goals: { joinS: 2, deadS: 7, healS: 8 } },
  { nodes: 1_000, times: 1, quietS: 20, sickS: 0, goals: { joinS: 2.5, deadS: 9.5, healS: 15 } },
]
const tried: readonly Size[] = [{ ...sizes[0]!, times: 1, quietS: 20, sickS: 20 }]

/** `SKERRY_MEMBERSHIP_NODES`: which sizes. Default `10,100`: a thousand nodes take many minutes of a CPU. */
const chosen = (process.env['SKERRY_MEMBERSHIP_NODES'] ?? '10,100').split(',').map(Number)

/** `SKERRY_MEMBERSHIP_HOURS`: how long each size is left alone, in virtual hours. Default: an hour for ten nodes, less for more. */
const quietHours = process.env['SKERRY_MEMBERSHIP_HOURS']

const loss = 0.01

/** What others need to know a death: not measured here, but published, or computed from their defaults. */
const deathAtAnySize = {
  // A pause of 3 s, about two heartbeats, a round of gossip, and 20 s of calm before it is downed.
  'Akka, computed (reference)': 25,
  'Orleans (reference)': 15,
  'Phoenix (reference)': 30,
  // Each node finds it by itself: measured at two.
  'OTP, half-open (reference)': 73.9,
}
const deathElsewhere: Readonly<Record<number, Readonly<Record<string, number>>>> = {
  10: { 'memberlist, computed (reference)': 6.2, ...deathAtAnySize },
  100: { 'memberlist, computed (reference)': 10.6, ...deathAtAnySize },
  1_000: { 'memberlist, computed (reference)': 15, ...deathAtAnySize },
}
const joinElsewhere: Readonly<Record<number, Readonly<Record<string, number>>>> = {
  1_000: { 'Akka, 1,500 nodes (reference)': 15 },
}

/** How a mesh of 10 and 100 nodes, or 1,000, in 24 regions gets to know of joins, deaths and cuts, in virtual time. */
export async function membershipSuite(pace: Pace): Promise<Row[]> {
  const rows: Row[] = []
  const wanted = sizes.filter(({ nodes }) => chosen.includes(nodes))
  for (const size of pace === fullPace ? wanted : tried) {
    process.stderr.write(`  ${size.nodes} nodes …\n`)
    rows.push(...(await measure(size)))
  }
  process.stderr.write('  a host that stands still …\n')
  rows.push(await measureHost(pace === fullPace ? 600 : 10))
  return [...rows, ...(await measureProcesses())]
}

/**
 * Two of twenty nodes are on one host, which stands still for 5 s again and again: they wake, accuse together, and stand still again before they hear what refutes it.
 * Paused one by one, or for less, a tenth of the nodes makes no false death without self-health either: one accuser alone has to wait for longer.
 */
async function measureHost(seconds: number): Promise<Row> {
  const nodes = 20
  const still = { kind: 'paused', atLeastMs: 4_900, atMostMs: 5_000, isTogether: true } as const
  const own = await deathsOfTheSick(nodes, seconds, still, true)
  const control = await deathsOfTheSick(nodes, seconds, still, false)
  const quantity = `running nodes believed dead in ${seconds} s, two of ${nodes} paused together, 5 s each time`
  return row(
    'membership/host',
    quantity,
    'deaths',
    own.running,
    fewerThanControl(control.running),
    besideControl(control.running),
  )
}

async function measureProcesses(): Promise<Row[]> {
  const { killedMs, stoppedMs, deadMs } = await membershipOfProcesses()
  const otp = { 'OTP, half-open (reference)': 73.9 }
  return [
    row('membership/killed', 'a killed process is routed around by all of five', 's', killedMs / 1_000, 1),
    row('membership/stopped', 'a stopped process is routed around by all of five', 's', stoppedMs / 1_000, 2),
    row('membership/stopped-dead', 'a stopped process is believed dead by all of five', 's', deadMs / 1_000, 5, otp),
  ]
}

async function measure(size: Size): Promise<Row[]> {
  const { nodes, goals } = size
  const of = (what: string): string => `${what}, ${nodes.toLocaleString('en-US')} nodes`
  const id = (name: string): string => `membership/${name}-${nodes}`
  const world = new MeshWorld({ seed: 1, loss, localHealth: true })
  await boot(world, nodes)
  const steady = await steadyTraffic(world)
  const joins: number[] = []
  const suspicions: number[] = []
  const deaths: number[] = []
  for (let round = 0; round < size.times; round += 1) {
    joins.push(await join(world, `joiner-${round}`))
    await world.pass(3_000)
    const { suspectedMs, deadMs } = await die(world, world.nodes[Math.floor(nodes / 2) + round] as MeshNode)
    suspicions.push(suspectedMs)
    deaths.push(deadMs)
    await world.pass(5_000)
  }
  const { healMs, falseAtOnce, falseLater } = await cutAndHeal(world)
  const quietS = quietHours === undefined ? size.quietS : Number(quietHours) * 3_600
  const quiet = await falseDeathsOfAQuietMesh(world, quietS)
  const rows = [
    row(id('join'), of('a join is known by 99 %'), 's', Math.max(...joins) / 1_000, goals.joinS, joinElsewhere[nodes]),
    row(id('suspect'), of('a silent crash is routed around by 99 %'), 's', Math.max(...suspicions) / 1_000, undefined),
    row(
      id('dead'),
      of('its death is known by 99 %'),
      's',
      Math.max(...deaths) / 1_000,
      goals.deadS,
      deathElsewhere[nodes],
    ),
    row(id('heal'), of('a cut of 30 % has healed, all views are equal'), 's', healMs / 1_000, goals.healS),
    row(
      id('heal-at-once'),
      of('running nodes believed dead in the second after it healed'),
      'deaths',
      falseAtOnce,
      undefined,
    ),
    row(id('heal-later'), of('running nodes believed dead later than that'), 'deaths', falseLater, 0),
    row(id('links'), of('links of a node, mean'), 'links', steady.links, undefined),
    row(id('heartbeats'), of('pings and pongs that a node sends'), 'messages/s', steady.heartbeats, undefined),
    row(id('messages'), of('other membership messages that a node sends'), 'messages/s', steady.membership, undefined),
    row(id('bytes'), of('what all of these take, above the transport'), 'bytes/s', steady.bytes, undefined),
    row(id('quiet'), of(`false deaths in ${(quietS / 3_600).toPrecision(2)} h without faults`), 'deaths', quiet, 0),
  ]
  if (size.sickS === 0) return rows
  const slow = await deathsOfTheSick(nodes, size.sickS, sickness('slow'), true)
  const slowWithout = await deathsOfTheSick(nodes, size.sickS, sickness('slow'), false)
  const paused = await deathsOfTheSick(nodes, size.sickS, sickness('paused'), true)
  const pausedWithout = await deathsOfTheSick(nodes, size.sickS, sickness('paused'), false)
  const during = `in ${size.sickS} s with 10 %`
  const again = 'for 2 to 5 s again and again'
  return [
    ...rows,
    row(
      id('slow'),
      of(`running nodes believed dead ${during} slow to read ${again}`),
      'deaths',
      slow.running,
      fewerThanControl(slowWithout.running),
      besideControl(slowWithout.running),
    ),
    row(
      id('sick'),
      of(`running nodes believed dead ${during} paused ${again}`),
      'deaths',
      paused.running,
      fewerThanControl(pausedWithout.running),
      besideControl(pausedWithout.running),
    ),
    row(
      id('sick-paused'),
      of('and paused nodes'),
      'deaths',
      paused.paused,
      undefined,
      besideControl(pausedWithout.paused),
    ),
  ]
}

/** From so many on a mesh begins formed: to boot it takes more than all that is measured afterwards, which is the same either way. */
const formedMin = 500

async function boot(world: MeshWorld, nodes: number): Promise<void> {
  if (nodes >= formedMin) {
    await world.startFormed(Array.from({ length: nodes }, (_, node) => `node-${node}`))
    await world.pass(15_000)
    return
  }
  const eachMs = Math.max(2_000, nodes * 15) / nodes
  for (let node = 0; node < nodes; node += 1) {
    world.start(`node-${node}`)
    await world.pass(eachMs)
  }
  await world.until(() => areViewsWhole(world), 120_000)
  await world.pass(15_000)
}

async function steadyTraffic(
  world: MeshWorld,
): Promise<{ heartbeats: number; membership: number; bytes: number; links: number }> {
  const seconds = 20
  const before = world.nodes.map(({ traffic }) => ({ ...traffic }))
  await world.pass(seconds * 1_000)
  const each = (count: (node: MeshNode, at: number) => number): number =>
    world.nodes.reduce((sum, node, at) => sum + count(node, at), 0) / world.nodes.length
  return {
    heartbeats: each(({ traffic }, at) => traffic.heartbeats - before[at]!.heartbeats) / seconds,
    membership: each(({ traffic }, at) => traffic.membership - before[at]!.membership) / seconds,
    bytes: each(({ traffic }, at) => traffic.bytes - before[at]!.bytes) / seconds,
    links: each(({ links }) => links),
  }
}

async function join(world: MeshWorld, name: string): Promise<number> {
  world.start(name)
  return world.until(() => share(world, ({ view }) => view.has(name)) >= 0.99, 60_000)
}

async function die(world: MeshWorld, victim: MeshNode): Promise<{ suspectedMs: number; deadMs: number }> {
  const from = world.now
  victim.crash()
  const suspectedMs = await world.until(() => share(world, ({ view }) => !view.has(victim.name)) >= 0.99, 60_000)
  const believers = (): number => {
    const observers = world.deaths.filter(({ subject, at }) => subject === victim.name && at >= from)
    return new Set(observers.map(({ observer }) => observer)).size / world.running.length
  }
  await world.until(() => believers() >= 0.99, 60_000)
  return { suspectedMs, deadMs: world.now - from }
}

/**
 * Three regions of ten are cut off for half a minute. A suspicion that runs out when the cut has only just healed ends in a false
 * death: nothing came over it yet. Later than that there is none to be.
 */
async function cutAndHeal(world: MeshWorld): Promise<{ healMs: number; falseAtOnce: number; falseLater: number }> {
  const isInside = ({ index }: MeshNode): boolean => index % 10 < 3
  world.cut((one, other) => isInside(one) !== isInside(other))
  await world.pass(30_000)
  world.cut(undefined)
  const from = world.now
  const healMs = await world.until(() => areViewsWhole(world), 120_000)
  await world.pass(20_000)
  const later = world.deaths.filter(({ at }) => at > from + 1_000).length
  return { healMs, falseAtOnce: world.deaths.filter(({ at }) => at > from).length - later, falseLater: later }
}

async function falseDeathsOfAQuietMesh(world: MeshWorld, seconds: number): Promise<number> {
  const before = world.deaths.length
  await world.pass(seconds * 1_000)
  return world.deaths.length - before
}

const withoutHealth = 'without self-health'

function besideControl(figure: number): Readonly<Record<string, number>> {
  return { [withoutHealth]: figure }
}

function fewerThanControl(figure: number): Goal {
  return {
    compare: '<=',
    factor: 1 / 50,
    peer: withoutHealth,
    unjudged: figure === 0 ? 'the control has none' : undefined,
  }
}

/** `paused`, or `slow`: it runs, its timers in time, but takes 0.3 s for each frame that it reads, as one whose CPU others have. */
interface Sickness {
  readonly kind: 'slow' | 'paused'
  readonly atLeastMs: number
  readonly atMostMs: number
  /** All that are sick are so at the same time, as those of one host are. */
  readonly isTogether: boolean
}

function sickness(kind: Sickness['kind']): Sickness {
  return { kind, atLeastMs: 2_000, atMostMs: 5_000, isTogether: false }
}

/**
 * A tenth of the nodes is sick, with only a moment between one time and the next. Deaths of nodes that ran, whoever believed in them, the
 * slow ones included; and those of the paused.
 */
async function deathsOfTheSick(
  nodes: number,
  seconds: number,
  { kind, atLeastMs, atMostMs, isTogether }: Sickness,
  localHealth: boolean,
): Promise<{ running: number; paused: number }> {
  const world = new MeshWorld({ seed: 2, loss, localHealth })
  await boot(world, nodes)
  const sick = world.nodes.filter(({ index }) => index % 10 === 0)
  const paused = new Set(kind === 'paused' ? sick.map(({ name }) => name) : [])
  const random = world.random('pauses')
  const end = world.now + seconds * 1_000
  for (const group of isTogether ? [sick] : sick.map((node) => [node])) {
    const again = (): void => {
      if (world.now > end) return
      const forMs = atLeastMs + random.int(atMostMs - atLeastMs)
      for (const node of group) {
        if (kind === 'paused') node.pause(forMs)
        else node.slowDown(forMs, slowFrameMs)
      }
      world.at(world.now + forMs + 20 + random.int(480), again)
    }
    world.at(world.now + random.int(5_000), again)
  }
  const before = world.deaths.length
  await world.pass(seconds * 1_000)
  const deaths = world.deaths.slice(before)
  const running = deaths.filter(({ subject }) => !paused.has(subject)).length
  return { running, paused: deaths.length - running }
}

const slowFrameMs = 300

function areViewsWhole(world: MeshWorld): boolean {
  const { running } = world
  return running.every(({ viewSize }) => viewSize === running.length)
}

function share(world: MeshWorld, holds: (node: MeshNode) => boolean): number {
  const { running } = world
  return running.filter(holds).length / running.length
}

function row(
  id: string,
  quantity: string,
  unit: string,
  value: number,
  most: number | Goal | undefined,
  versus: Readonly<Record<string, number>> = {},
): Row {
  const figures = new Map([[skerry, { value }]])
  for (const [name, figure] of Object.entries(versus)) figures.set(name, { value: figure })
  const goal: Goal | undefined = typeof most === 'number' ? { compare: '<=', factor: most } : most
  const goals = goal === undefined ? [] : [goal]
  return rowOf(figures, { id, quantity, unit, figure: 'value', goals })
}
