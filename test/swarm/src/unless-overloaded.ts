import { RpcError } from '@skerry/core'
import type { Sim } from '@skerry/testing'

/** Asks again while a node refuses the work as overloaded, at most 20 times: the simulation sees to it that some do. */
export async function unlessOverloaded<T>(sim: Sim, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof RpcError && error.code === 'ERR_OVERLOADED') || attempt === 20) throw error
      await sim.advance(50)
    }
  }
}
