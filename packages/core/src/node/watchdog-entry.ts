import { writeSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { parentPort, workerData } from 'node:worker_threads'
import { formatPid } from '../actor/pid.ts'
import { beatWord, checkMsOf, readBlocker, stopWord } from '../thread/block-words.ts'
import type { BlockReport, WatchdogBoot } from './watchdog-boot.ts'

const boot = workerData as WatchdogBoot
const { words } = boot
const checkMs = checkMsOf(boot.blockedMs)
let beats = Atomics.load(words, beatWord)
let blockedMs = 0
let report: BlockReport | undefined
let lookedAt = performance.now()

while (Atomics.load(words, stopWord) === 0) {
  Atomics.wait(words, stopWord, 0, checkMs)
  const now = performance.now()
  // A process or machine that was paused wakes with one long wait: that is no time in which main could have run.
  const waitedMs = Math.min(now - lookedAt, 2 * checkMs)
  lookedAt = now
  const newBeats = Atomics.load(words, beatWord)
  if (newBeats === beats) {
    blockedMs += waitedMs
    if (blockedMs >= boot.blockedMs && report === undefined) tell()
    continue
  }
  beats = newBeats
  if (report !== undefined) parentPort?.postMessage({ ...report, blockedMs: Math.round(blockedMs) })
  report = undefined
  blockedMs = 0
}

function tell(): void {
  report = { actor: blockingActor(), blockedMs: Math.round(blockedMs) }
  const consequence = boot.exit ? '; the process is killed' : ''
  writeSync(2, `${new Date().toISOString()} error the main thread is blocked${consequence} ${JSON.stringify(report)}\n`)
  if (boot.exit) process.kill(process.pid, 'SIGKILL')
}

/** Whose turn it is. What runs after an `await`, in a timer or in a callback is nobody's turn. */
function blockingActor(): string {
  const blocker = readBlocker(boot)
  if (blocker === undefined) return 'none: code after an await, in a timer or in a callback'
  const pid = formatPid({ node: boot.node, life: boot.life, thread: 0, serial: blocker.serial })
  return `${pid} ${blocker.label}`
}
