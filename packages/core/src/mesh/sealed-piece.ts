import type { SealedList } from './mesh-message.ts'

/** What bounds a piece. */
export interface PieceBounds {
  /** Takes one of those that the peer may have looked at; `false`: there is none left, and the rest of the message is dropped. */
  readonly mayLook: () => boolean
  /** The turn has had its time: the rest is read in another one. Asked after each, so that a piece is never empty. */
  readonly isTimeUp: () => boolean
  /** So many were dropped. */
  readonly dropped: (count: number) => void
}

/**
 * As much of a message as one turn has time for, and the peer may have looked at. What was not taken stays in the list.
 *
 * @example
 * for (const sealed of pieceOf(message.sealed, bounds)) judge(sealed)
 */
export function* pieceOf(
  list: Pick<SealedList, 'left' | 'next' | 'drop'>,
  { mayLook, isTimeUp, dropped }: PieceBounds,
): Iterable<Uint8Array> {
  while (list.left > 0) {
    if (!mayLook()) {
      dropped(list.drop())
      return
    }
    yield list.next() as Uint8Array
    if (isTimeUp()) return
  }
}
