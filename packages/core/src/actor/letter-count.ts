import type { NodeId } from './pid.ts'

/** What a letter of another node counts while it waits. Small ones have none. */
export interface HeldLetter {
  readonly node: NodeId
  readonly bytes: number
}

/** Counts the letters of other nodes that wait on this thread. */
export interface LetterCount {
  add(node: NodeId, bytes: number): void
  giveBack(node: NodeId, bytes: number): void
}

export const noLetterCount: LetterCount = { add() {}, giveBack() {} }
