import type { Invariant } from '../simulation/definition.ts'
import type { Sim } from '../simulation/sim.ts'

/**
 * When all is healed, every node that is up knows exactly the nodes that are up, in their regions, within so many virtual
 * milliseconds (default 30,000).
 *
 * @example
 * invariants: [converges({ withinMs: 10_000 })]
 */
export function converges({ withinMs = 30_000 }: { readonly withinMs?: number } = {}): Invariant {
  return {
    id: 'converges',
    async atEnd(sim) {
      const deadline = sim.nowMs + withinMs
      for (;;) {
        const difference = disagreement(sim)
        if (difference === undefined) return undefined
        if (sim.nowMs >= deadline) return `after ${withinMs} ms ${difference}`
        await sim.advance(50)
      }
    },
  }
}

/** How one of the nodes that are up differs from the truth. */
function disagreement({ running }: Sim): string | undefined {
  const truth = viewOf(running.map(({ name, region }) => `${region}/${name}`))
  for (const { name, up } of running) {
    const view = viewOf(up.regions().flatMap((region) => up.regionNodes(region).map((node) => `${region}/${node}`)))
    if (view !== truth) return `${name} knows ${view}, and up are ${truth}`
  }
}

function viewOf(nodes: readonly string[]): string {
  return [...nodes].sort().join(' ')
}
