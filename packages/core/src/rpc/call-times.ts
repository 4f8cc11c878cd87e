import type { RemoteOwner, RpcOptions } from '../actor/remote-verbs.ts'
import type { Clock } from '../platform/clock.ts'
import type { RegionTableNode } from '../region/region-table-layout.ts'

/** The default time for a call by region, in milliseconds: Fly RPC's. */
const timeoutMsDefault = 5_000

// How long a connection may take to come back: the first redial waits up to 100 ms, and connecting takes about four round
// trips; twice that, and some.
const reconnectMsDefault = 300
const reconnectTrips = 8

/** How long a call may take, in milliseconds, from 1. A nested call never gets more time than its caller has left. */
export function timeLeftMs(
  clock: Pick<Clock, 'monotonic'>,
  owner: Pick<RemoteOwner, 'deadlineMs'>,
  options: Pick<RpcOptions, 'timeoutMs'>,
): number {
  const timeoutMs = options.timeoutMs ?? timeoutMsDefault
  const ownerLeftMs = owner.deadlineMs === undefined ? Infinity : owner.deadlineMs - clock.monotonic()
  return Math.max(1, Math.min(timeoutMs, ownerLeftMs))
}

/** How long a call with a key waits for its connection to come back, in milliseconds; 0: not at all. */
export function reconnectWaitMs(
  { reconnectMs }: Pick<RpcOptions, 'reconnectMs'>,
  { rttMs = 0 }: Pick<RegionTableNode, 'rttMs'>,
): number {
  return reconnectMs ?? reconnectMsDefault + reconnectTrips * rttMs
}
