import {
  actorName,
  child,
  type ChildSpec,
  CallError,
  defineApp,
  genServer,
  procedure,
  reachable,
  RpcError,
} from '@skerry/core'
import { resolveCase, runCase, type RunResult, type Sim, type SimCase, type SimulationOptions } from '@skerry/testing'
import { expect } from 'vitest'

export interface Clocks {
  readonly wall: number
  readonly date: number
  readonly monotonic: number
}

export interface Shop {
  call: {
    insert(order: string): number
    orders(): readonly string[]
    append(text: string, synced: boolean): void
    read(): string | undefined
    clocks(): Clocks
    spoil(list: string[]): void
  }
}

export const shopName = actorName<Shop>('shop')
const path = 'orders.log'

/** Keeps orders in memory, and what it is told to in a file. */
export const shop = genServer({
  name: 'shop',
  init: (): { orders: string[] } => ({ orders: [] }),
  call: {
    insert(ctx, order: string): number {
      ctx.state.orders.push(order)
      reachable('shop/inserted')
      return ctx.state.orders.length
    },
    orders: (ctx): readonly string[] => ctx.state.orders,
    async append(ctx, text: string, synced: boolean): Promise<void> {
      await ctx.files.append(path, new TextEncoder().encode(text))
      if (synced) await ctx.files.sync(path)
    },
    async read(ctx): Promise<string | undefined> {
      const bytes = await ctx.files.read(path)
      return bytes && new TextDecoder().decode(bytes)
    },
    clocks: ({ clock }): Clocks => ({ wall: clock.wall(), date: Date.now(), monotonic: clock.monotonic() }),
    spoil: (_ctx, list: string[]): void => void list.push('spoilt'),
  },
})

/** Inserts it at the shop of whatever node this runs on, and a moment later says so. */
export const insert = procedure({
  name: 'shop.insert',
  run: async (ctx, order: string): Promise<number> => {
    const place = await ctx.call(shopName, 'insert', [order])
    await new Promise<void>((resolve) => void ctx.clock.after(1, resolve))
    return place
  },
})

export const echo = procedure({ name: 'echo', run: (_ctx, text: string): string => text })

export const waitLong = procedure({
  name: 'waitLong',
  run: async (ctx, ms: number): Promise<string> => {
    await new Promise<void>((resolve) => void ctx.clock.after(ms, resolve))
    return 'waited'
  },
})

export function shopApp(...more: readonly ChildSpec[]): SimulationOptions['app'] {
  return defineApp({
    name: 'market',
    children: [child('shop', shop, [], { register: shopName }), ...more],
    procedures: [insert, echo, waitLong],
  })
}

/** Two regions, three nodes, half a minute in which nothing goes wrong. */
export function simulation(more: Partial<SimulationOptions> = {}): SimulationOptions {
  return { app: shopApp(), regions: { syd: 2, lax: 1 }, durationMs: 30_000, healMs: 10_000, ...more }
}

export async function run(more: Partial<SimulationOptions>, part: Partial<SimCase> = {}): Promise<RunResult> {
  const options = simulation(more)
  return await runCase(options, { ...resolveCase(options, 1), ...part })
}

/** Runs it and expects that nothing is found. */
export async function passes(
  workload: (sim: Sim) => Promise<void>,
  more: Partial<SimulationOptions> = {},
): Promise<void> {
  const { failure } = await run({ workload, ...more })
  expect(failure).toBeUndefined()
}

/** What became of the call: its answer, or the code and the outcome of its error. */
export async function told(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call
  } catch (error) {
    if (error instanceof RpcError || error instanceof CallError) return `${error.code} ${error.outcome}`
    throw error
  }
}

/** What one node is told when it asks another, and how long that took in virtual milliseconds. */
export async function ask(
  sim: Sim,
  from: string,
  to: string,
  timeoutMs = 1_000,
): Promise<{ answer: unknown; ms: number }> {
  const { nowMs } = sim
  const answer = await told(sim.node(from).up.rpc(to, echo, 'ok', { timeoutMs }))
  return { answer, ms: sim.nowMs - nowMs }
}

/** Lets the virtual time come. */
export function at(sim: Sim, ms: number): Promise<void> {
  return sim.advance(ms - sim.nowMs)
}
