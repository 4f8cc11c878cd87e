import type { NodeId } from '../actor/pid.ts'
import type { RemoteWork } from '../actor/thread-starter.ts'

/** Who made a call, for `allow` and as `ctx.caller`. */
export interface Caller {
  /** The node, authenticated by its transport. This node's id: one of its own actors, or its plain code. */
  readonly node: NodeId
  /** The region that the node named when it connected; where its transport knows the regions of its peers, one of these. */
  readonly region: string
  /** What the node may act as, by the options of the transport on this side. */
  readonly roles: readonly string[]
}

export function callerOf({ caller, request }: RemoteWork): Caller {
  return { node: caller, region: request.callerRegion, roles: request.callerRoles ?? [] }
}

/** Decides whether a call may be run. What it throws or rejects with refuses the call too, and is logged. */
export type Allow = (request: { readonly caller: Caller }) => boolean | Promise<boolean>
