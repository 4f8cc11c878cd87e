import { createHook } from 'node:async_hooks'
import type { EscapeWorld } from './escape-world.ts'
import { findCulprit } from './find-culprit.ts'
import { isDoingRealWork } from './real-work.ts'

// Taken when this module loads: one that counts calls may refuse.
const realQueueMicrotask = queueMicrotask

/**
 * What Node calls the things that real I/O, real timers and other threads make, and what they are in plain words. Not here:
 * the pipes and terminals that `console` writes to, and what functions that finish at once make too, such as `gzipSync` and
 * `pbkdf2Sync`; for the slow forms of these there are traps.
 */
const realThings: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'a file': [
      'FSREQCALLBACK',
      'FSREQPROMISE',
      'FILEHANDLE',
      'FILEHANDLECLOSEREQ',
      'FSEVENTWRAP',
      'STATWATCHER',
      'DIRHANDLE',
    ],
    'a name look-up': ['GETADDRINFOREQWRAP', 'GETNAMEINFOREQWRAP', 'QUERYWRAP'],
    'a socket': [
      'TCPWRAP',
      'TCPCONNECTWRAP',
      'TCPSERVERWRAP',
      'PIPECONNECTWRAP',
      'PIPESERVERWRAP',
      'UDPWRAP',
      'UDPSENDWRAP',
    ],
    'a TLS or QUIC session': ['TLSWRAP', 'QUIC_ENDPOINT', 'QUIC_SESSION'],
    'an HTTP exchange': ['HTTPCLIENTREQUEST', 'HTTPINCOMINGMESSAGE', 'HTTP2SESSION', 'HTTP2STREAM'],
    'a child process': ['PROCESSWRAP'],
    'a signal handler': ['SIGNALWRAP'],
    'a thread or its messages': ['WORKER', 'MESSAGEPORT'],
    'a real timer': ['Timeout', 'Immediate'],
    cryptography: [
      'CIPHERREQUEST',
      'HASHREQUEST',
      'KEYEXPORTREQUEST',
      'KEYGENREQUEST',
      'KEYPAIRGENREQUEST',
      'RANDOMBYTESREQUEST',
      'RANDOMPRIMEREQUEST',
    ],
  }).flatMap(([words, types]) => types.map((type) => [type, words] as const)),
)

/**
 * Reports everything real that comes into being while an event runs, also by ways that no replaced function sees, such as a
 * `setTimeout` that was copied before. Costs 0.1 to 0.2 µs an event: for runs that are checked. `world.escaped` may throw:
 * the error then reaches the process's listeners, since an async hook must not throw.
 *
 * It misses what makes no async resource: `WebAssembly.compile`, `Atomics.waitAsync`.
 *
 * @example
 * const stop = detectEscapes(world)
 * try { await kernel.run(untilUs) } finally { stop() }
 */
export function detectEscapes(world: EscapeWorld): () => void {
  // The first structured clone on a thread makes the channel that all of them use: its own affair, not a user's.
  structuredClone(null)
  const hook = createHook({
    init(_asyncId, type) {
      const words = realThings.get(type)
      if (words === undefined || !world.inside || isDoingRealWork()) return
      const culprit = findCulprit(`${words} (${type})`)
      if (culprit !== undefined) report(world, culprit)
    },
  })
  hook.enable()
  return () => {
    hook.disable()
  }
}

function report(world: EscapeWorld, culprit: Parameters<EscapeWorld['escaped']>[0]): void {
  try {
    world.escaped(culprit)
  } catch (error) {
    realQueueMicrotask(() => {
      throw error
    })
  }
}
