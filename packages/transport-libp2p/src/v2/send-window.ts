import { streamWindowBytesMax } from '../limits.ts'

/** The part of yamux's stream that counts what it may still send. */
interface SendWindow {
  sendWindowCapacity: number
  handleWindowUpdate(update: unknown): void
}

/**
 * Takes no more room from the peer than the largest window that one of ours has: 4 MiB. What yamux may send it writes at once, to a queue before
 * the socket that has no bound, so a peer that gives 4 GiB of room and reads nothing from its socket would have our memory for it. What is
 * cut off is only room: who sends waits for the peer to read, and to say so.
 */
export function boundSendWindow(stream: object): void {
  if (!hasSendWindow(stream)) return
  const take = stream.handleWindowUpdate.bind(stream)
  const cut = (): void => {
    if (stream.sendWindowCapacity > streamWindowBytesMax) stream.sendWindowCapacity = streamWindowBytesMax
  }
  stream.handleWindowUpdate = (update) => {
    take(update)
    cut()
  }
  // Some may have come with the peer's first word.
  cut()
}

/** Another version of yamux may keep its window elsewhere; then it works as it comes. */
function hasSendWindow(stream: object): stream is SendWindow {
  return (
    'sendWindowCapacity' in stream &&
    typeof stream.sendWindowCapacity === 'number' &&
    'handleWindowUpdate' in stream &&
    typeof stream.handleWindowUpdate === 'function'
  )
}
