import { setTimeout } from 'node:timers/promises'
import { defineApp, type ProcedureRef, startNode } from '@skerry/core'
import { contest, type Figures, type Pace } from './contest.ts'
import { endOf, forked } from './forked.ts'
import { inFlightRate } from './load.ts'
import { burns, waits } from './overload-procedures.ts'
import { type Row, rowOf, skerry } from './row.ts'
import { meshTransport } from './rpc-mesh.ts'
import { calleeRegion, callerRegion } from './rpc-regions.ts'

const overloadFactor = 4
const timeoutMs = 500
/** Calls are sent in batches, as timers are no finer than this. */
const batchMs = 5

/** How many calls are answered in time, of those that could be, when four times as many are made. */
export async function overloadSuite(pace: Pace): Promise<Row[]> {
  const { child, ready: addresses } = await forked<readonly string[]>('./overload-callee.js')
  const app = defineApp({ name: 'bench', children: [] })
  const transport = meshTransport(addresses)
  const node = await startNode(app, { region: callerRegion, primaryRegion: calleeRegion, transport })
  await node.waitFor(() => node.regionNodes(calleeRegion).some((id) => node.isRpcSupported(id, burns)), 'the callee')

  // A slice must be much longer than a call may take.
  const long: Pace = { warmUps: 1, rounds: Math.min(pace.rounds, 5), sliceMs: pace.sliceMs * 15 }
  const measured = async (procedure: ProcedureRef<void, unknown>, busy: number): Promise<Map<string, Figures>> =>
    contest(
      [
        {
          name: skerry,
          run: async (sliceMs) => {
            const call = (): Promise<unknown> => node.rpcRegion(calleeRegion, procedure, undefined, { timeoutMs })
            const { rate: capacity } = await inFlightRate(call, sliceMs / 3, busy)
            const goodput = await goodputAt(call, capacity! * overloadFactor, sliceMs)
            return { percent: (goodput / capacity!) * 100 }
          },
        },
      ],
      long,
    )
  const waiting = await measured(waits, 30)
  const burning = await measured(burns, 8)
  await node.stop()
  await endOf(child)

  const goals = [{ compare: '>=', factor: 80 }] as const
  const of = { unit: '% of capacity', figure: 'percent', goals }
  return [
    rowOf(waiting, { ...of, id: 'overload/waits', quantity: 'goodput at 4x: 20 at a time, 10 ms each' }),
    rowOf(burning, { ...of, id: 'overload/burns', quantity: 'goodput at 4x: 2 ms of the processor each' }),
  ]
}

/** Makes so many calls a second, whatever becomes of them: how many a second gave their result. */
async function goodputAt(call: () => Promise<unknown>, callsPerSecond: number, forMs: number): Promise<number> {
  const started = performance.now()
  let made = 0
  let answered = 0
  const open: Promise<void>[] = []
  for (let now = started; now - started < forMs; now = performance.now()) {
    for (; made < ((now - started) * callsPerSecond) / 1000; made += 1) {
      open.push(
        call().then(
          () => void (answered += 1),
          () => undefined,
        ),
      )
    }
    await setTimeout(batchMs)
  }
  const inTime = answered
  const tookMs = performance.now() - started
  await Promise.all(open)
  return (inTime * 1000) / tookMs
}
