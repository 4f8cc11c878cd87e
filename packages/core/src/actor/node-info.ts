import type { NodeId } from './pid.ts'

/** What this node knows of a node of the mesh, itself included. */
export interface NodeInfo {
  readonly node: NodeId
  /** The node's boot: another number after a restart. */
  readonly life: number
  readonly region: string
  /** Only a node that is `up` is given new work. */
  readonly state: 'up' | 'draining' | 'leaving'
  /** The version of its app, as the app's definition says; empty for none. */
  readonly appVersion: string
  readonly procedures: readonly ProcedureInfo[]
  /** How busy its event loop is, from 0 to 1. */
  readonly load: number
  /** The calls of others that it works on. */
  readonly inFlight: number
  /** Round trip from here in milliseconds; `undefined` when it was never measured. */
  readonly rttMs: number | undefined
  /**
   * Its main thread has given no sign of life for two seconds, though its links, which run on a thread of their own, do. It is chosen
   * only where no other node can serve.
   */
  readonly isStuck: boolean
}

/** A procedure that a node offers. */
export interface ProcedureInfo {
  readonly name: string
  readonly version: number
  /** Other versions whose callers it serves as well. */
  readonly compatible: readonly number[]
  /** A hash of its schemas, equal on nodes that have the same; `undefined` where there is none. See `schemaHash`. */
  readonly schema: string | undefined
}
