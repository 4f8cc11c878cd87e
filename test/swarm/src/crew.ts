import { actorName, type Behavior, genServer, type InitContext, type Message, type Pid, sometimes } from '@skerry/core'
import { Census } from './census.ts'
import { Complaints } from './complaints.ts'

/** How a member of the crew ends. */
export type Ending = 'crash' | 'normal' | 'shutdown' | 'kill'

interface CrewProtocol {
  call: { ping(): string; work(id: number): void }
  cast: { end(how: Ending): void }
}

export type CrewPid = Pid<CrewProtocol>
export const crewName = (id: string): ReturnType<typeof actorName<CrewProtocol>> => actorName<CrewProtocol>(id)

/** What the children of the supervised tree do and are to do in this run. */
export const crewCensus = new Census()
export const crewComplaints = new Complaints()
/** `start a`, `fail a` (to start), `end a`, in order, of all that run on the main thread. */
export const crewLog: string[] = []
/** The work that was begun. */
export const crewWork = new Set<number>()
/** How often the start of this child is to fail from now on. */
export const crewFailures = new Map<string, number>()
/** Siblings in start order, of a supervisor that stops the later ones before it starts an earlier one. */
const ordered: readonly (readonly string[])[] = [
  ['r1', 'r2', 'r3', 'r4', 'r5'],
  ['a1', 'a2', 'a3'],
  ['n1', 'n2'],
  ['port', 'desk'],
]

/** A child of the tree: tells everything that happens to it. */
export const crew: Behavior<[string, number], CrewProtocol> = genServer({
  module: import.meta,
  name: 'crew',
  trapExit: true,
  init(ctx: InitContext, id: string, endMs: number) {
    const onMain = ctx.self.thread === 0
    const failures = crewFailures.get(id) ?? 0
    if (failures > 0) {
      crewFailures.set(id, failures - 1)
      crewLog.push(`fail ${id}`)
      throw new Error(`${id} was told to fail`)
    }
    if (onMain) {
      checkOrder(id)
      crewLog.push(`start ${id}`)
      crewCensus.born(ctx, id, () => crewLog.push(`end ${id}`))
      // It must end with this actor, else the sink hears of a dead one.
      ctx.sendAfter(100 + ctx.random.int(1_900), crewSinkName, { from: ctx.self })
    }
    return { endMs, endsByItself: false }
  },
  call: {
    ping: () => 'pong',
    async work(ctx, id: number) {
      crewWork.add(id)
      await new Promise<void>((resolve) => ctx.clock.after(20, resolve))
    },
  },
  cast: {
    end(ctx, how: Ending) {
      ctx.state.endsByItself = true
      if (how === 'crash') throw new Error('crashed as told')
      return ctx.stop(how)
    },
  },
  async terminate(ctx) {
    const { endMs, endsByItself } = ctx.state
    if (endMs > 0 && !endsByItself) await new Promise<void>((resolve) => ctx.clock.after(endMs, resolve))
  },
})

interface Tick {
  readonly from: Pid
}

export const crewSinkName = actorName('crewSink')

/** Hears the timers of the others. */
export const crewSink = genServer({
  name: 'crewSink',
  init: () => undefined,
  info(_ctx, message: Message) {
    const { from } = message as Tick
    const life = crewCensus.of(from)
    sometimes(life?.endedMs === undefined, 'swarm/a timer came in time')
    // Local messages take a turn: less than that is no leak.
    const lateMs = life?.endedMs === undefined ? 0 : crewCensus.sim.nowMs - life.endedMs
    if (lateMs > 1) crewComplaints.add(`a timer of ${life?.label} fired ${lateMs} ms after its end`)
  },
})

function checkOrder(id: string): void {
  const siblings = ordered.find((all) => all.includes(id)) ?? []
  const alive = new Set(crewCensus.alive().map(({ label }) => label))
  for (const later of siblings.slice(siblings.indexOf(id))) {
    if (alive.has(later)) crewComplaints.add(`${id} was started while ${later} was still running`)
  }
}
