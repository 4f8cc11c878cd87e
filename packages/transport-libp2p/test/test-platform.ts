import { randomInt, randomUUID } from 'node:crypto'
import { systemPlatform } from '@skerry/core'
import type { Clock, Log, Platform, Turn } from '@skerry/core/platform'

/** The machine as a Platform. */
export function testPlatform({ clock = machineClock, log = silentLog }: { clock?: Clock; log?: Log } = {}): Platform {
  return {
    clock,
    random: {
      u32: () => randomInt(2 ** 32),
      int: (below) => randomInt(below),
      float: () => randomInt(2 ** 32) / 2 ** 32,
      id: () => randomUUID(),
    },
    turns: { enqueue: (turn: Turn) => queueMicrotask(() => turn.runTurn()) },
    threads: { parallelism: 1, start: noThreads, openPort: noThreads, adoptPort: noThreads },
    files: systemPlatform().files,
    log,
    environment: {},
    load: () => 0,
    setExitCode() {},
  }
}

const machineClock: Clock = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
}

/** The machine's clock, on which waits take a tenth. */
export const fastClock: Clock = { ...machineClock, after: (delayMs, run) => machineClock.after(delayMs / 10, run) }

/** A clock on which nothing falls due by itself: `fire` runs what waits for exactly so long. */
export function handClock(): Clock & { fire(delayMs: number): number } {
  const waiting = new Set<{ delayMs: number; run: () => void }>()
  return {
    ...machineClock,
    after(delayMs, run) {
      const entry = { delayMs, run }
      waiting.add(entry)
      return { cancel: () => void waiting.delete(entry) }
    },
    fire(delayMs) {
      const due = [...waiting].filter((entry) => entry.delayMs === delayMs)
      for (const entry of due) {
        waiting.delete(entry)
        entry.run()
      }
      return due.length
    },
  }
}

const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

function noThreads(): never {
  throw new Error('These tests start no threads')
}
