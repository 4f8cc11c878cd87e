import { manualPlatform } from '@skerry/testing'
import { expect, it } from 'vitest'
import { LimitedLog } from '../../src/platform/limited-log.ts'

const minute = 60_000

it('writes eight lines of a kind for a peer in a minute, and how many it left out when that is over', async () => {
  const { platform, log, written } = limited()
  for (let at = 0; at < 100; at += 1) log.warn({ peer: 'a', at }, 'refused')
  log.warn({ peer: 'b' }, 'refused')
  log.error({ peer: 'a' }, 'another kind')
  expect(written()).toEqual(['refused a: 8', 'refused b: 1', 'another kind a: 1'])
  await platform.advance(minute)
  expect(platform.log.entries.at(-1)).toEqual({
    level: 'warn',
    message: 'refused: lines were left out',
    fields: { leftOut: 92, periodMs: minute },
  })
  // From then on anew; and where nothing was left out nothing is said.
  log.warn({ peer: 'a' }, 'refused')
  await platform.advance(minute)
  expect(written()).toEqual(['refused a: 9', 'refused b: 1', 'another kind a: 1', 'refused: lines were left out: 92'])
})

it('writes 64 lines of a kind in a minute, however many peers they are of', async () => {
  const { platform, log, written } = limited()
  for (let peer = 0; peer < 10_000; peer += 1) log.warn({ peer }, 'refused')
  expect(written()).toHaveLength(64)
  await platform.advance(minute)
  expect(written().at(-1)).toBe('refused: lines were left out: 9936')
})

it('has 64 kinds of lines, and one for all others, so that a text from a peer makes no room', () => {
  const { platform, log } = limited()
  for (let kind = 0; kind < 10_000; kind += 1) log.warn({ peer: 'a' }, `refused: ${kind}`)
  expect(platform.log.entries).toHaveLength(64 + 8)
  log.stop()
  expect(platform.log.entries.at(-1)).toMatchObject({ fields: { leftOut: 10_000 - 64 - 8 } })
})

it('says what it left out when it is stopped, and has no timer from then on', async () => {
  const { platform, log, written } = limited()
  for (let at = 0; at < 10; at += 1) log.warn({ peer: 'a' }, 'refused')
  log.stop()
  expect(written()).toEqual(['refused a: 8', 'refused: lines were left out: 2'])
  for (let at = 0; at < 10; at += 1) log.warn({ peer: 'a' }, 'refused')
  await platform.advance(minute)
  expect(written()).toEqual(['refused a: 16', 'refused: lines were left out: 2'])
})

it('goes by the first of several fields that a line has, and lets pass what is said for debugging', () => {
  const { platform, log } = limited(['peer', 'actor'])
  for (let at = 0; at < 10; at += 1) {
    log.info({ peer: 'a', actor: at }, 'refused')
    log.info({ actor: 'b' }, 'refused')
    log.info({}, 'refused')
    log.debug({ peer: 'a' }, 'details')
  }
  const levels = platform.log.entries.map(({ level }) => level)
  expect([levels.filter((level) => level === 'info').length, levels.length]).toEqual([24, 34])
})

function limited(by = ['peer']): {
  platform: ReturnType<typeof manualPlatform>
  log: LimitedLog
  written(): string[]
} {
  const platform = manualPlatform()
  return {
    platform,
    log: new LimitedLog(platform, { by }),
    /** How many lines of each kind and peer. */
    written() {
      const counts = new Map<string, number>()
      for (const { message, fields } of platform.log.entries) {
        const { peer, leftOut } = fields as { peer?: string; leftOut?: number }
        const kind = peer === undefined ? message : `${message} ${peer}`
        counts.set(kind, (counts.get(kind) ?? 0) + (leftOut ?? 1))
      }
      return [...counts].map(([kind, count]) => `${kind}: ${count}`)
    },
  }
}
