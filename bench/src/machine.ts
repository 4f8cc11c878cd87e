import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'

/** Where and when something was measured. */
export interface MachineFacts {
  readonly cpu: string
  readonly cpus: number
  readonly memoryGib: number
  readonly os: string
  readonly node: string
  readonly date: string
  /** The load average of the last minute, before the measurement: what is not near 0 was shared with somebody. */
  readonly loadBefore: number
}

export function machineFacts(): MachineFacts {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpus: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    os: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    date: new Date().toISOString(),
    loadBefore: Number(loadavg()[0]?.toFixed(2)),
  }
}
