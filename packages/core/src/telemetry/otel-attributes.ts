import type { Attributes } from '@opentelemetry/api'
import type { EventChoice, EventError, RpcCallEvent, RpcServeEvent } from '../platform/telemetry.ts'

// The names of OpenTelemetry's semantic conventions 1.45.0, where those of RPC have become stable; ours begin with
// `skerry.`. Written out, so that core depends on the API alone.

/** What every span and measurement of a call has. */
export function methodAttributes(procedure: string): Attributes {
  return { 'rpc.system.name': 'skerry', 'rpc.method': procedure }
}

/** How it ended: `OK`, or the error's code, as in docs/errors.md. */
export function statusAttributes(error: EventError | undefined): Attributes {
  if (error === undefined) return { 'rpc.status_code': 'OK' }
  return { 'rpc.status_code': error.code, 'error.type': error.code }
}

/** Whom a call is for: the group of servers that was asked for, a region or a list of them, or one node. */
export function targetAttributes({ target, callerRegion, version }: RpcCallEvent): Attributes {
  return {
    ...(target !== undefined && { 'server.address': target, 'skerry.target.region': target }),
    'skerry.caller.region': callerRegion,
    'skerry.rpc.version': version,
  }
}

/** Who serves a call, and for whom. */
export function serveAttributes({ callerNode, callerRegion, isCast, version }: RpcServeEvent): Attributes {
  return {
    'skerry.caller.node': callerNode,
    'skerry.caller.region': callerRegion,
    'skerry.rpc.version': version,
    'skerry.rpc.cast': isCast,
  }
}

/** Where something happened. */
export function sourceAttributes({ node, thread }: { readonly node: string; readonly thread: number }): Attributes {
  return { 'skerry.node.id': node, 'skerry.thread': thread }
}

/** How many nodes of one choice a span names: a table may have thousands. */
const choiceNodesMax = 16

/** Why a node was taken and others were not: a text a node, the one that was taken first. */
export function choiceAttributes(choice: EventChoice | undefined): Attributes {
  if (choice === undefined) return {}
  const { nodes, refusal } = choice
  const texts = nodes.slice(0, choiceNodesMax).map(({ node, region, verdict, expectedWaitMs }) => {
    const wait = expectedWaitMs === undefined ? '' : ` (expected wait ${expectedWaitMs.toPrecision(3)} ms)`
    return `${region} ${node}: ${verdict}${wait}`
  })
  return {
    'skerry.rpc.choice': texts,
    ...(nodes.length > texts.length && { 'skerry.rpc.choice.omitted': nodes.length - texts.length }),
    ...(refusal !== undefined && { 'skerry.rpc.choice.refusal': refusal }),
  }
}

export function seconds(ms: number): number {
  return ms / 1_000
}
