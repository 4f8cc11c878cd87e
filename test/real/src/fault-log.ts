import { consoleLog, type Log } from '@skerry/core'

/** What a node rightly says when its peers are cut off, stopped and killed, as the tests do that run these processes. */
const caused: ReadonlySet<string> = new Set([
  'a node is believed dead',
  'The gossip stream to a peer could not be renewed',
])

/** To standard error as ever, but for the warnings that the test itself causes. */
export function faultLog(): Log {
  const log = consoleLog()
  return {
    ...log,
    warn(fields, message) {
      if (!caused.has(message)) log.warn(fields, message)
    },
  }
}
