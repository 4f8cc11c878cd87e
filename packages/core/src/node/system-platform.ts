import { resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { systemClock } from '../platform/clock.ts'
import type { Dns } from '../platform/dns.ts'
import { deepFreeze } from '../platform/deep-freeze.ts'
import { systemFiles } from '../platform/files.ts'
import { consoleLog, type Log } from '../platform/log.ts'
import type { Platform } from '../platform/platform.ts'
import { systemRandom } from '../platform/random.ts'
import { systemThreads } from '../platform/threads.ts'
import { systemTurnQueue, type TurnObserver } from '../platform/turn-queue.ts'
import { dnsConfig, freezesMessages } from './node-config.ts'

export interface SystemPlatformOptions {
  /** Default: one line an entry to standard error, from `warn` up. */
  readonly log?: Log
  /** Default: the process's. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** The folder below which `ctx.files` keeps everything. Default: the working directory at this moment. */
  readonly filesRoot?: string
  /** Default: the servers of `SKERRY_DNS_SERVERS`, else the machine's. */
  readonly dns?: Dns
  /** The heap of each thread, in MiB, from 16. As `startNode`'s option says. */
  readonly threadHeapMb?: number
  /** As `startNode`'s option says. */
  readonly spareThreads?: number
  /** As `startNode`'s option says. */
  readonly freezeMessages?: boolean
  /** As `startNode`'s option says. */
  readonly threadSetup?: string | URL
}

/** What only a node's composition adds. */
export interface SystemPlatformParts extends SystemPlatformOptions {
  readonly turnObserver?: TurnObserver
}

/** The real world: this machine's clock, randomness, event loop, threads, files and environment. */
export function systemPlatform(options: SystemPlatformParts = {}): Platform {
  const filesRoot = resolve(options.filesRoot ?? '.')
  const environment = options.environment ?? { ...process.env }
  const freezes = freezesMessages(options.freezeMessages, environment)
  let utilization = performance.eventLoopUtilization()
  return {
    clock: systemClock,
    random: systemRandom,
    turns: systemTurnQueue(options.turnObserver),
    // In a source tree that runs unbuilt the entry is a .ts file, as this one is.
    threads: systemThreads({
      entry: new URL(import.meta.url.endsWith('.ts') ? './thread-entry.ts' : './thread-entry.js', import.meta.url),
      filesRoot,
      heapMb: options.threadHeapMb,
      spares: options.spareThreads ?? 1,
      freezes,
      setup: options.threadSetup === undefined ? undefined : String(options.threadSetup),
    }),
    files: systemFiles(filesRoot),
    dns: options.dns ?? dnsConfig(environment),
    log: options.log ?? consoleLog(),
    environment,
    ...(freezes && { handOver: deepFreeze }),
    load() {
      const since = performance.eventLoopUtilization(utilization)
      utilization = performance.eventLoopUtilization()
      return since.utilization
    },
    onSignal(signals, act) {
      const letGo = (): void => {
        for (const signal of signals) process.removeListener(signal, on)
      }
      const on = (signal: NodeJS.Signals): void => {
        letGo()
        act(signal)
      }
      for (const signal of signals) process.on(signal, on)
      return letGo
    },
    setExitCode(code) {
      process.exitCode = code
    },
  }
}
