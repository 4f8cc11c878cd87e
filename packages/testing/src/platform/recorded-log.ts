import type { Log } from '@skerry/core/platform'

export interface LogEntry {
  readonly level: keyof Log
  readonly message: string
  readonly fields: object
}

/** A log that keeps its entries. */
export interface RecordedLog extends Log {
  /** The latest 10,000 entries, oldest first. */
  readonly entries: readonly LogEntry[]
  /** How many older ones were let go. */
  readonly forgotten: number
}

const entriesMax = 10_000

/** Keeps what is logged, and hands it on to `log` when given. */
export function recordedLog(log?: Log): RecordedLog {
  const entries: LogEntry[] = []
  let forgotten = 0
  const record = (level: keyof Log) => (fields: object, message: string) => {
    entries.push({ level, message, fields })
    if (entries.length > entriesMax) {
      entries.shift()
      forgotten += 1
    }
    log?.[level](fields, message)
  }
  return {
    debug: record('debug'),
    info: record('info'),
    warn: record('warn'),
    error: record('error'),
    entries,
    get forgotten() {
      return forgotten
    },
  }
}
