import type { Pid } from '../actor/pid.ts'

/** The last one that was made: whom every request is for. */
let ofNode: Pid = { node: '', life: 0, thread: 0, serial: 0 }

/** The address of a node itself. */
export function itself({ node, life }: Pick<Pid, 'node' | 'life'>): Pid {
  if (ofNode.node !== node || ofNode.life !== life) ofNode = { node, life, thread: 0, serial: 0 }
  return ofNode
}
