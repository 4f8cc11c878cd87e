import {
  CallError,
  type ChildInfo,
  type ChildSpec,
  child,
  defineApp,
  formatPid,
  type Node,
  type Pid,
  supervisor,
} from '@skerry/core'
import { defineSimulation, type Sim } from '@skerry/testing'
import {
  crew,
  crewCensus,
  crewComplaints,
  crewFailures,
  crewLog,
  crewName,
  type CrewPid,
  crewSink,
  crewSinkName,
  crewWork,
  type Ending,
} from './crew.ts'
import { type ModelSpec, type ModelSupervision, TreeModel } from './tree-model.ts'

// One description for both: what runs, and what the model expects of it.
const description: readonly ModelSpec[] = [
  {
    id: 'rest',
    restart: 'permanent',
    supervises: {
      strategy: 'restForOne',
      maxRestarts: 3,
      withinMs: 5_000,
      children: [
        { id: 'r1', restart: 'permanent' },
        { id: 'r2', restart: 'transient' },
        { id: 'r3', restart: 'permanent' },
        { id: 'r4', restart: 'temporary' },
        { id: 'r5', restart: 'permanent' },
      ],
    },
  },
  {
    id: 'all',
    restart: 'permanent',
    supervises: {
      strategy: 'oneForAll',
      maxRestarts: 2,
      withinMs: 3_000,
      children: [
        { id: 'a1', restart: 'permanent' },
        { id: 'a2', restart: 'transient' },
        { id: 'a3', restart: 'permanent' },
      ],
    },
  },
  {
    id: 'nest',
    restart: 'permanent',
    supervises: {
      strategy: 'oneForOne',
      maxRestarts: 1,
      withinMs: 10_000,
      children: [
        {
          id: 'inner',
          restart: 'permanent',
          supervises: {
            strategy: 'oneForAll',
            maxRestarts: 1,
            withinMs: 4_000,
            children: [
              { id: 'n1', restart: 'permanent' },
              { id: 'n2', restart: 'permanent' },
            ],
          },
        },
        { id: 'n3', restart: 'transient' },
      ],
    },
  },
]
const whole: ModelSupervision = { strategy: 'oneForOne', maxRestarts: 1_000, withinMs: 1, children: description }

/** How long its `terminate` takes, in milliseconds. The second is killed before that, at `shutdownMs`. */
const endMs: Readonly<Record<string, number>> = { r3: 30, r5: 10_000, a2: 20 }
const shutdownMs = 100
// By then the slowest cascade is over: a few stops, of which some wait for the kill.
const settleMs = 600
// A restart may be so much later than the end that asks for it, as it may be tried again after others were stopped.
const slackMs = 400

const app = defineApp({
  name: 'crew',
  intensity: { maxRestarts: 1_000, withinMs: 1_000 },
  children: [
    child('sink', crewSink, [], { register: crewSinkName }),
    ...description.map(specOf),
    supervisor('threads', {
      strategy: 'restForOne',
      intensity: { maxRestarts: 50, withinMs: 1_000 },
      children: [
        child('port', crew, ['port', 0], { register: crewName('port'), thread: 'own' }),
        child('desk', crew, ['desk', 0], { register: crewName('desk') }),
      ],
    }),
  ],
})

/**
 * A supervised tree whose children end in every way, fail to start, and lose their threads: the order and the number of
 * restarts are exactly the model's, nobody lives whom no supervisor knows, and names follow their owners.
 */
export const supervision = defineSimulation({
  name: 'supervision',
  app,
  regions: { here: 1 },
  durationMs: 40_000,
  healMs: 20_000,
  faults: { threadLoss: true },
  async workload(sim) {
    crewCensus.begin(sim)
    crewComplaints.begin()
    crewLog.length = 0
    crewFailures.clear()
    crewWork.clear()
    await sim.ready()
    const node = sim.node('here-1').up
    await followModel(sim, node)
    await endManyAtOnce(sim, node)
    await sim.whenHealed()
    await checkThreads(sim, node)
  },
  invariants: [crewComplaints.none('order of starts, and timers')],
})

function specOf({ id, restart, supervises }: ModelSpec): ChildSpec {
  if (supervises === undefined) {
    return child(id, crew, [id, endMs[id] ?? 0], { restart, shutdownMs, register: crewName(id) })
  }
  const { strategy, maxRestarts, withinMs, children } = supervises
  return supervisor(id, { strategy, intensity: { maxRestarts, withinMs }, children: children.map(specOf) }, { restart })
}

/** One end after the other, each with all that follows from it, until half of the time is over. */
async function followModel(sim: Sim, node: Node): Promise<void> {
  const model = new TreeModel(whole)
  // A node that lost a thread while it booted has booted twice: only the second time counts.
  crewLog.splice(0, crewLog.lastIndexOf(model.log[0] ?? ''))
  for (let step = 0; sim.nowMs < 22_000; step += 1) {
    compareLogs(model, step)
    await checkTree(sim, node, model.running())
    const random = sim.random.fork(`step/${step}`)
    await sim.advance(random.int(700))
    while (model.isAmbiguous(sim.nowMs, slackMs)) await sim.advance(100)
    const running = model.running()
    const id = running[random.int(running.length)] as string
    // Half of the ends strike where it hurts: the same few again and again, up to the bound.
    const again = random.int(2) === 0 ? id : (['r1', 'a1', 'n1', 'r2'].find((one) => running.includes(one)) ?? id)
    const how = (['crash', 'crash', 'normal', 'shutdown', 'kill'] as const)[random.int(5)] as Ending
    if (random.int(4) === 0) {
      const failing = running[random.int(running.length)] as string
      const times = 1 + random.int(2)
      model.failures.set(failing, times)
      crewFailures.set(failing, times)
    }
    model.end(again, how === 'normal' || how === 'shutdown', sim.nowMs)
    end(node, again, how)
    await sim.advance(settleMs)
  }
}

function compareLogs(model: TreeModel, step: number): void {
  const seen = crewLog.filter(isOfModel)
  const at = model.log.findIndex((line, index) => line !== seen[index])
  if (at === -1 && seen.length === model.log.length) return
  const place = at === -1 ? model.log.length : at
  const expected = model.log.slice(place, place + 6).join(', ')
  const found = seen.slice(place, place + 6).join(', ')
  throw new Error(`after step ${step}: the model says "${expected}", the tree did "${found}"`)
}

function isOfModel(line: string): boolean {
  return !line.endsWith('desk') && !line.endsWith('port')
}

/** Several ends in a moment, so that they meet the restarts of each other. Whatever the order, a whole tree comes of it. */
async function endManyAtOnce(sim: Sim, node: Node): Promise<void> {
  for (let round = 0; sim.phase === 'safety'; round += 1) {
    const random = sim.random.fork(`round/${round}`)
    for (let count = 1 + random.int(6); count > 0; count -= 1) {
      const alive = crewCensus.alive().map(({ label }) => label)
      const id = alive[random.int(alive.length)]
      if (id !== undefined) askForWork(node, id, 100 * round + count)
      if (random.int(2) === 0) await sim.advance(random.int(10))
      if (id !== undefined) end(node, id, (['crash', 'normal', 'shutdown', 'kill'] as const)[random.int(4)] as Ending)
      if (random.int(2) === 0) await sim.advance(random.int(40))
    }
    await sim.advance(3 * settleMs)
    await checkTree(sim, node)
  }
}

/** Asks for work, and whatever comes of it must be told truly. */
function askForWork(node: Node, id: string, work: number): void {
  const pid = node.whereis(crewName(id))
  if (pid === undefined) return
  void node.call(pid, 'work', [work]).catch((error: unknown) => {
    const outcome = error instanceof CallError ? error.outcome : 'unknown'
    if ((outcome === 'not-run') === crewWork.has(work)) {
      crewComplaints.add(`a call of ${id} was told "${outcome}", and was ${crewWork.has(work) ? '' : 'not '}begun`)
    }
  })
}

function end(node: Node, id: string, how: Ending): void {
  const pid = node.whereis(crewName(id))
  if (pid === undefined) return
  if (how === 'kill') node.exit(pid, 'kill')
  else node.cast(pid, 'end', [how])
}

/** Nobody lives whom no supervisor knows; everybody who should is there, and has its name. */
async function checkTree(sim: Sim, node: Node, expected?: readonly string[]): Promise<void> {
  const known = new Map<string, ChildInfo & { pid: Pid }>()
  for (const info of await everyChild(node)) if (info.type === 'worker') known.set(formatPid(info.pid), info)
  for (const { pid, label } of crewCensus.alive()) {
    if (!known.has(formatPid(pid)) && label !== 'desk') throw new Error(`${label} lives and no supervisor knows it`)
  }
  for (const { id, pid } of known.values()) {
    if (id === 'sink' || id === 'port' || id === 'desk') continue
    if (!crewCensus.isAlive(pid)) throw new Error(`the supervisor of ${id} believes that it lives`)
    const named = node.whereis(crewName(id))
    if (named === undefined || formatPid(named) !== formatPid(pid)) {
      throw new Error(
        `the name ${id} belongs to ${named === undefined ? 'nobody' : formatPid(named)} at ${sim.nowMs} ms`,
      )
    }
  }
  const ids = [...known.values()].map(({ id }) => id)
  for (const id of expected ?? []) if (!ids.includes(id)) throw new Error(`${id} should run and does not`)
}

async function everyChild(node: Node, parent?: Pid): Promise<(ChildInfo & { pid: Pid })[]> {
  const found: (ChildInfo & { pid: Pid })[] = []
  for (const info of await node.whichChildren(parent)) {
    if (info.pid === undefined || info.status !== 'running') continue
    found.push({ ...info, pid: info.pid })
    // The supervisor of the threads may be at work when we come by.
    if (info.type === 'supervisor' && info.id !== 'threads') found.push(...(await everyChild(node, info.pid)))
  }
  return found
}

/** With no thread lost any more, the child of the thread is there and answers under its name. */
async function checkThreads(sim: Sim, node: Node): Promise<void> {
  await sim.advance(settleMs)
  for (const id of ['port', 'desk']) {
    const pid: CrewPid | undefined = node.whereis(crewName(id))
    if (pid === undefined) throw new Error(`nobody is called ${id}`)
    await node.call(pid, 'ping', [])
  }
}
