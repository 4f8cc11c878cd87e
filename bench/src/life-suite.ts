import { actor, actorName, child, defineApp, silentLog, startNode, supervisorBehavior } from '@skerry/core'
import { contest, type Figures, type Pace, slower } from './contest.ts'
import { counter } from './counter.ts'
import { startDriver } from './driver.ts'
import { idleMemory } from './idle-memory.ts'
import { type RoundTrip, sequentialLatency, sequentialRate } from './load.ts'
import { startOtp } from './otp.ts'
import { restarted } from './restarted.ts'
import { type Row, rowOf, skerry } from './row.ts'

const otpSpawn = 'OTP spawn_link'
const otpStart = 'OTP gen_server:start_link + stop'
const otpIdle = 'OTP gen_server'
const otpHibernated = 'OTP gen_server, hibernated'
const otpRestart = 'OTP supervisor'

const shortLived = actor({ name: 'shortLived', run: () => undefined })

/** How actors begin, idle, end, and are begun again, in one thread. Nothing is logged, here or in OTP. */
export async function lifeSuite(pace: Pace): Promise<Row[]> {
  const otp = await startOtp()
  const node = await startNode(defineApp({ name: 'bench', children: [] }), { log: silentLog })
  const ctx = await startDriver(node)
  const spawnAndExit: RoundTrip = () => {
    ctx.spawn(shortLived, [], { link: true })
    return ctx.receive()
  }
  const startAndStop: RoundTrip = async () => {
    ctx.exit(await ctx.start(counter, [0]), 'shutdown')
    await ctx.receive()
  }
  const spawns = await contest(
    [
      { name: skerry, run: (sliceMs) => sequentialRate(spawnAndExit, sliceMs) },
      ...otp.contestant(otpSpawn, 'spawn_link'),
    ],
    pace,
  )
  const starts = await contest(
    [
      { name: skerry, run: (sliceMs) => sequentialRate(startAndStop, sliceMs) },
      ...otp.contestant(otpStart, 'start_stop'),
    ],
    pace,
  )

  const name = actorName('restarted')
  const one = child('one', restarted, [ctx.self], { register: name })
  await ctx.start(
    supervisorBehavior('restarts', { children: [one], intensity: { maxRestarts: 1e6, withinMs: 1_000 } }),
    [],
  )
  await ctx.receive()
  const restart: RoundTrip = () => {
    ctx.exit(name, 'kill')
    return ctx.receive()
  }
  const restarts = await contest(
    [{ name: skerry, run: (sliceMs) => sequentialLatency(restart, sliceMs) }, ...otp.contestant(otpRestart, 'restart')],
    slower(pace, 0.5),
  )
  await node.stop()
  const memory = new Map<string, Figures>([[skerry, await idleMemory()]])
  for (const one of otp.contestant(otpIdle, 'memory')) {
    const { bytes, hibernated } = await one.run(0)
    memory.set(otpIdle, { bytes: bytes! }).set(otpHibernated, { bytes: hibernated! })
  }
  otp.stop()

  return [
    rowOf(spawns, {
      id: 'kernel/spawn-exit',
      quantity: 'spawn and exit of a linked actor',
      unit: 'actors/s',
      figure: 'rate',
      goals: [{ compare: '>=', factor: 1, peer: otpSpawn }],
    }),
    rowOf(starts, {
      id: 'kernel/start-stop',
      quantity: 'start and stop of a GenServer',
      unit: 'servers/s',
      figure: 'rate',
      goals: [{ compare: '>=', factor: 2, peer: otpStart }],
    }),
    rowOf(memory, {
      id: 'kernel/idle-memory',
      quantity: 'memory of an idle GenServer, of 100,000',
      unit: 'B',
      figure: 'bytes',
      goals: [{ compare: '<=', factor: 1_024 }],
    }),
    rowOf(restarts, {
      id: 'kernel/restart-p50',
      quantity: 'kill to registered again, median',
      unit: 'us',
      figure: 'p50',
      goals: [{ compare: '<=', factor: 1, peer: otpRestart }],
    }),
    rowOf(restarts, {
      id: 'kernel/restart-p99',
      quantity: 'kill to registered again, 99th percentile',
      unit: 'us',
      figure: 'p99',
    }),
  ]
}
