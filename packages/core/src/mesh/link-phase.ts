import type { LinkMessage } from './link-message.ts'

/**
 * How far one side of a link is.
 *
 * - `greeting`: no accept was sent or seen.
 * - `opening`: accept was seen, and what the peer sent right behind it is being handed on.
 * - `up`.
 * - `leaving`: goodbye or refuse was sent; what still comes is dropped, and the peer should close.
 * - `ended`.
 */
export type LinkPhase = 'greeting' | 'opening' | 'up' | 'leaving' | 'ended'

/** Which side of a link this is, and whether the hello has passed. */
export interface LinkSide {
  readonly dialled: boolean
  /** The dialling side has sent its hello, or the other one has it. */
  readonly helloDone: boolean
}

/** What is wrong with a message of this kind that comes now; `undefined` when nothing is. Asked while the link is neither leaving nor ended. */
export function violationBy(kind: LinkMessage['kind'], phase: LinkPhase, side: LinkSide): string | undefined {
  if (phase === 'greeting') return mayGreet(kind, side) ? undefined : `${kind} in the handshake`
  return isGreeting(kind) ? `${kind} on a link that is up` : undefined
}

function mayGreet(kind: LinkMessage['kind'], { dialled, helloDone }: LinkSide): boolean {
  if (kind === 'hello') return !dialled && !helloDone
  return (kind === 'accept' || kind === 'refuse') && dialled && helloDone
}

function isGreeting(kind: LinkMessage['kind']): boolean {
  return kind === 'hello' || kind === 'accept' || kind === 'refuse'
}
