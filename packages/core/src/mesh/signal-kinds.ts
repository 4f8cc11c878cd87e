import type { ExitSignal, LinkSignal, MonitorSignal, Signal } from '../actor/signal.ts'

// What the kind of a signal means between nodes. The test has them all in one table.

/** Whether it is worth a link: something begins with it. All others belong to what crossed an earlier link, and went with it. */
export function opensLink(signal: Signal): boolean {
  switch (signal.type) {
    case 'message':
    case 'cast':
    case 'call':
    case 'link':
    case 'monitor':
    case 'spawn':
      return true
    case 'exit':
      return !signal.viaLink
    default:
      return false
  }
}

/** Whether nobody would notice its absence, and others would wait for it for ever: it goes where there is no room, too, or the link ends. */
export function isUrgent({ type }: Signal): boolean {
  return (
    type !== 'message' && type !== 'cast' && type !== 'call' && type !== 'spawn' && type !== 'reply' && type !== 'item'
  )
}

/** Whether it is sent by the actor itself. A `down`, and an exit by a link, may as well be our answer for one that must not be reached. */
export function sendsOutItsSender(signal: Signal): signal is LinkSignal | MonitorSignal | ExitSignal {
  return signal.type === 'link' || signal.type === 'monitor' || (signal.type === 'exit' && !signal.viaLink)
}

/** Whether any peer may send it to any actor of the app: answers, parts of streams and the exits of what is linked act only where they are waited for. */
export function isJudgedByItsTarget(signal: Signal): boolean {
  switch (signal.type) {
    case 'reply':
    case 'item':
    case 'credit':
    case 'itemsEnd':
      return true
    case 'exit':
      return signal.viaLink
    default:
      return false
  }
}
