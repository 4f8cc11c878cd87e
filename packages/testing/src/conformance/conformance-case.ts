import type { ConformanceManifest } from './harness.ts'
import type { World } from './world.ts'

/** One promise of the transport contract and the cases that test it. */
export interface ConformancePromise {
  readonly promise: string
  readonly cases: readonly ConformanceCase[]
}

export interface ConformanceCase {
  readonly name: string
  /** Why a transport with these features is excused, or nothing. Shown in the name of the skipped case. */
  readonly excuse?: (supports: ConformanceManifest) => string | undefined
  /** How many times longer than others it may take. Default 1. */
  readonly slow?: number
  /** Whether it uses `world.network`. */
  readonly faults?: boolean
  /** Whether it uses `world.fromSettled`. */
  readonly settles?: boolean
  run(world: World): Promise<void>
}
