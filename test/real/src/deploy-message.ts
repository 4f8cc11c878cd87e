import type { Done, Release } from './deploy-app.ts'

/** What a node's process is told at its start. */
export interface DeployPlace {
  readonly region: string
  readonly otherRegion: string
  readonly privateKey: string
  readonly port: number
  readonly seedPorts: readonly number[]
  readonly secrets: readonly string[]
  readonly release: Release
}

/** From the test to a node's process. */
export type ToDeployed =
  | { readonly type: 'work'; readonly ref: number; readonly ms: number }
  /** Whom does the node take this one for? */
  | { readonly type: 'lifeOf'; readonly ref: number; readonly node: string }

/** From a node's process to the test. */
export type FromDeployed =
  | { readonly type: 'up'; readonly node: string; readonly life: number }
  | { readonly type: 'done'; readonly ref: number; readonly value: Done | number }
  | { readonly type: 'failed'; readonly ref: number; readonly why: string }
