import { dispatch, query, spawn, start, stop } from 'nact'
import type { RoundTrip } from './load.ts'

/** The counter as an actor of nact. */
export interface NactCounter {
  readonly query: RoundTrip
  dispatch(): void
  stop(): void
}

interface Add {
  readonly by: number
  readonly sender?: Parameters<typeof dispatch>[0]
}

export function startNactCounter(): NactCounter {
  const system = start()
  const counter = spawn(
    system,
    (count: number | undefined, { by, sender }: Add) => {
      const next = (count ?? 0) + by
      if (sender !== undefined) dispatch(sender, next)
      return next
    },
    'counter',
  )
  return {
    query: () => query(counter, (sender: Add['sender']) => ({ by: 1, sender }) as Add, 5_000),
    dispatch: () => dispatch(counter, { by: 1 }),
    stop: () => stop(system),
  }
}
