import { setTimeout as pause } from 'node:timers/promises'
import { type BareContext, child, type Node, supervisorBehavior } from '@skerry/core'
import { type Figures, quantile } from './contest.ts'
import { openPiscina, openTinypool, type TaskPool } from './pools.ts'
import { restarted, type Running } from './restarted.ts'
import { startDriver } from './driver.ts'
import { skerry } from './row.ts'

// Long enough for the loop to be under way.
const loopingMs = 20

interface Killer {
  readonly name: string
  /** Stops a `while (true)` and waits for what comes after it: the milliseconds between. */
  kill(): Promise<number>
  close(): Promise<void>
}

/** From the kill of an actor that never yields to its restarted successor, and of a pool's task to the next one's result. */
export async function killFigures(node: Node, kills: number, names: Record<'piscina' | 'tinypool', string>) {
  const killers = [
    await ourKiller(await startDriver(node)),
    await poolKiller(names.piscina, await openPiscina()),
    await poolKiller(names.tinypool, await openTinypool()),
  ]
  const samples = new Map<string, number[]>(killers.map(({ name }) => [name, []]))
  // The first of each warms up.
  for (let round = -1; round < kills; round += 1) {
    for (const { name, kill } of killers) {
      const ms = await kill()
      if (round >= 0) samples.get(name)!.push(ms)
    }
  }
  for (const { close } of killers) await close()
  const figures = new Map<string, Figures>()
  for (const [name, taken] of samples) {
    const sorted = Float64Array.from(taken)
    figures.set(name, { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) })
  }
  return figures
}

async function ourKiller(ctx: BareContext): Promise<Killer> {
  const runaway = child('runaway', restarted, [ctx.self], { thread: 'own' })
  const intensity = { maxRestarts: 1e6, withinMs: 1_000 }
  await ctx.start(supervisorBehavior('runaways', { children: [runaway], intensity }), [])
  let { running } = (await ctx.receive()) as Running
  return {
    name: skerry,
    async kill() {
      ctx.cast(running, 'runAway', [])
      await pause(loopingMs)
      const started = performance.now()
      ctx.exit(running, 'kill')
      running = ((await ctx.receive()) as Running).running
      return performance.now() - started
    },
    // It ends with the node.
    close: () => Promise.resolve(),
  }
}

async function poolKiller(name: string, pool: TaskPool): Promise<Killer> {
  await pool.run(1, { name: 'add' })
  return {
    name,
    async kill() {
      const abort = new AbortController()
      const aborted = pool.run(1, { name: 'runAway', signal: abort.signal }).catch(() => undefined)
      await pause(loopingMs)
      const started = performance.now()
      abort.abort()
      await aborted
      await pool.run(1, { name: 'add' })
      return performance.now() - started
    },
    close: () => pool.destroy(),
  }
}
