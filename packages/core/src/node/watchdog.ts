import { Worker } from 'node:worker_threads'
import type { Log } from '../platform/log.ts'
import { BlockMarker } from '../thread/block-marker.ts'
import { checkMsOf, stopWord } from '../thread/block-words.ts'
import { NodeError } from './errors.ts'
import type { BlockReport, WatchdogBoot } from './watchdog-boot.ts'

export interface WatchdogOptions {
  /** How long the thread may give no sign of life, in milliseconds, from 50. Default 1,000. */
  readonly blockedMs?: number
  /** Ends the process then, by SIGKILL, for whoever started it to start it again. Default false: it is said and logged. */
  readonly exit?: boolean
}

const blockedMsDefault = 1_000

/** The marker that a watchdog reads; `undefined` where none is wanted. Throws `ERR_BAD_CONFIG`. */
export function blockMarker(options: WatchdogOptions | undefined): BlockMarker | undefined {
  if (options === undefined) return undefined
  const { blockedMs } = options
  if (blockedMs !== undefined && !(blockedMs >= 50 && blockedMs <= 3_600_000)) {
    throw new NodeError('ERR_BAD_CONFIG', `options.watchdog.blockedMs must be from 50 to 3,600,000, not ${blockedMs}`)
  }
  return new BlockMarker()
}

/**
 * Starts a thread that looks for signs of life of this one. When there was none for `blockedMs` it names the actor whose
 * turn it is on standard error, at once, since a log of this thread would wait as well; with `exit` it then kills the
 * process. When this thread goes on, its log says so too. A paused process or machine is not taken for a blocked one.
 */
export function startWatchdog(
  marker: BlockMarker,
  options: WatchdogOptions,
  node: { readonly node: string; readonly life: number },
  log: Log,
): { stop(): void } {
  const blockedMs = options.blockedMs ?? blockedMsDefault
  const { words, labels } = marker
  const boot: WatchdogBoot = { words, labels, ...node, blockedMs, exit: options.exit ?? false }
  // In a source tree that runs unbuilt the entry is a .ts file, as this one is.
  const entry = new URL(
    import.meta.url.endsWith('.ts') ? './watchdog-entry.ts' : './watchdog-entry.js',
    import.meta.url,
  )
  const worker = new Worker(entry, { workerData: boot, stdin: false })
  const beating = setInterval(() => marker.beat(), checkMsOf(blockedMs))
  worker.on('message', (report: BlockReport) => log.warn(report, 'the main thread was blocked'))
  worker.on('error', (error) => {
    clearInterval(beating)
    log.error({ err: { name: error.name, message: error.message } }, 'the watchdog ended')
  })
  // Neither may keep alive a process that has nothing else to do.
  worker.unref()
  beating.unref()
  return {
    stop() {
      clearInterval(beating)
      Atomics.store(words, stopWord, 1)
      Atomics.notify(words, stopWord)
    },
  }
}
