import type { Node } from '@skerry/core'
import { calleeRegion } from './rpc-regions.ts'
import { upcase } from './rpc-procedures.ts'

/** Waits until a caller of the rpc suite knows its callee, and what is served there. */
export async function calleeKnown(node: Node): Promise<void> {
  const isKnown = (): boolean => node.regionNodes(calleeRegion).some((id) => node.isRpcSupported(id, upcase))
  await node.waitFor(isKnown, 'the callee and its procedure')
}
