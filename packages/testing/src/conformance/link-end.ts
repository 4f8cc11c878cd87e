import assert from 'node:assert/strict'
import type { LinkClosed, RawLane, RawLink } from '@skerry/core/transport'
import type { Waits } from './waits.ts'

/** One end of a link as a case sees it: what came on each lane, and waits for more. */
export interface LinkEnd {
  readonly link: RawLink
  /** What came on lane `n`, in order of arrival. */
  frames(n: number): readonly Uint8Array[]
  /** Resolves with the first `count` frames of lane `n`; rejects when the link closes before they came. */
  received(n: number, count: number): Promise<readonly Uint8Array[]>
  /** Sends frames one after the other, waiting for room whenever the lane says that it is full. */
  sendAll(n: number, frames: Iterable<Uint8Array>): Promise<void>
  /** How often lane `n` said that it has room again. */
  drains(n: number): number
  /** Resolves when lane `n` said so `count` times in all. */
  drained(n: number, count: number): Promise<void>
  closed(): Promise<LinkClosed>
  /** How many frames came after `closed` had resolved. */
  lateFrames(): number
}

interface LaneRecord {
  readonly lane: RawLane
  readonly frames: Uint8Array[]
  drains: number
  /** Called after each frame, drain and close; true when its wait is over. */
  watchers: (() => boolean)[]
}

/** Attaches to every lane of a link that was just handed over. */
export function linkEnd(link: RawLink, lanes: number, waits: Waits, name: string): LinkEnd {
  let closed: LinkClosed | undefined
  let late = 0
  const records = Array.from({ length: lanes }, (_none, n): LaneRecord => {
    const record: LaneRecord = { lane: link.lane(n), frames: [], drains: 0, watchers: [] }
    record.lane.onFrame((frame) => {
      if (closed !== undefined) late += 1
      record.frames.push(frame)
      wake(record)
    })
    record.lane.onDrain(() => {
      record.drains += 1
      wake(record)
    })
    return record
  })
  const closing = link.closed.then((end) => {
    closed = end
    for (const record of records) wake(record)
    return end
  })

  function recordOf(n: number): LaneRecord {
    const record = records[n]
    assert.ok(record, `lane ${n} exists`)
    return record
  }

  function until(record: LaneRecord, what: string, done: () => boolean, progress: () => string): Promise<void> {
    const wait = new Promise<void>((resolve, reject) => {
      const watch = (): boolean => {
        if (done()) resolve()
        else if (closed === undefined) return false
        else reject(new Error(`${name} closed (${closed.reason}) ${progress()}`))
        return true
      }
      if (!watch()) record.watchers.push(watch)
    })
    return waits.until(`${name}: ${what}`, wait)
  }

  const end: LinkEnd = {
    link,
    frames: (n) => recordOf(n).frames,
    drains: (n) => recordOf(n).drains,
    lateFrames: () => late,
    closed: () => waits.until(`${name} to close`, closing),
    async received(n, count) {
      const record = recordOf(n)
      const progress = (): string => `after ${record.frames.length} of ${count} frames on lane ${n}`
      await until(record, `${count} frames on lane ${n}`, () => record.frames.length >= count, progress)
      return record.frames.slice(0, count)
    },
    async drained(n, count) {
      const record = recordOf(n)
      await until(
        record,
        `room on lane ${n}`,
        () => record.drains >= count,
        () => `before lane ${n} had room`,
      )
    },
    async sendAll(n, frames) {
      for (const frame of frames) {
        const drains = end.drains(n)
        if (!recordOf(n).lane.send(frame)) await end.drained(n, drains + 1)
      }
    },
  }
  return end
}

function wake(record: LaneRecord): void {
  if (record.watchers.length > 0) record.watchers = record.watchers.filter((watch) => !watch())
}
