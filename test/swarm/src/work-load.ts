import type { BareContext, Pid } from '@skerry/core'
import type { Client } from '@skerry/testing'
import { caller, chainWork, type Done, failWork, sleepWork, threadWork, workLedger } from './work-procedures.ts'

/** A call that was given up, or whose caller is gone, at this moment. */
export interface GivenUp {
  readonly id: string
  readonly from: string
  readonly atMs: number
}

/** What users ask for: work of every kind, given up in every way. `regions` are those of the cluster. */
export async function askForWork(client: Client, regions: readonly string[], gaveUp: GivenUp[]): Promise<void> {
  const { random, home, op: id } = client
  const draw = random.fork('work')
  const ms = 1 + draw.int(1_200)
  const timeoutMs = 100 + draw.int(1_500)
  const region = ['primary', 'nearest', ...regions][draw.int(2 + regions.length)] as string
  const work = { id, ms, budgetMs: timeoutMs }
  const { sim } = workLedger.census
  if (sim.phase === 'healed') {
    // Now it must succeed.
    await workLedger.ask(id, () => client.rpcRegion('nearest', sleepWork, { id, ms, budgetMs: 5_000 }))
    return
  }
  const note = (): void => void gaveUp.push({ id, from: home.name, atMs: sim.nowMs })
  switch (draw.int(8)) {
    case 0:
    case 1:
      return await orGiveUp(
        () => workLedger.ask(id, () => client.rpcRegion(region, sleepWork, work, { timeoutMs })),
        note,
      )
    case 2:
      return await orGiveUp(
        () => workLedger.ask(id, () => client.rpcRegion(region, threadWork, work, { timeoutMs })),
        note,
      )
    case 3: {
      const route = Array.from({ length: 1 + draw.int(3) }, () => regions[draw.int(regions.length)] as string)
      const chain = { ...work, route }
      return await orGiveUp(
        () => workLedger.ask(id, () => client.rpcRegion(region, chainWork, chain, { timeoutMs })),
        note,
      )
    }
    case 4:
      return await orGiveUp(
        () => workLedger.ask(id, () => client.rpcRegion(region, failWork, work, { timeoutMs })),
        note,
      )
    case 5:
      return await abortLater(client, region, draw.int(3) === 0 ? 0 : draw.int(ms), note)
    default:
      return await dieWaiting(client, region, draw.int(2 * ms), note)
  }
}

async function orGiveUp(ask: () => Promise<Done>, note: () => void): Promise<void> {
  try {
    await ask()
  } catch (error) {
    // Whatever it says: from now on nobody waits for it.
    note()
    throw error
  }
}

/** Aborts it after so long; 0: in the moment in which it was made. */
async function abortLater(client: Client, region: string, afterMs: number, note: () => void): Promise<void> {
  const { op: id } = client
  const controller = new AbortController()
  const { signal } = controller
  const work = { id, ms: 2_000, budgetMs: 5_000 }
  const asking = orGiveUp(() => workLedger.ask(id, () => client.rpcRegion(region, sleepWork, work, { signal })), note)
  if (afterMs === 0) controller.abort()
  else void client.sleep(afterMs).then(() => controller.abort())
  await asking
}

/** An actor makes the call, and is killed after so long. */
async function dieWaiting(client: Client, region: string, afterMs: number, note: () => void): Promise<void> {
  const { op: id, home } = client
  const work = { id, ms: 1 + client.random.fork('ms').int(4_000), budgetMs: 5_000 }
  const ask = (ctx: BareContext): Promise<unknown> =>
    workLedger.ask(id, () => ctx.rpcRegion(region, sleepWork, work)).catch(() => undefined)
  const pid: Pid = await home.whileUp((node) => node.start(caller, [ask]))
  await client.sleep(afterMs)
  await home.whileUp(async (node) => {
    node.exit(pid, 'kill')
    await node.watch(pid)
  })
  note()
}
