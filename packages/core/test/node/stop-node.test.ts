import { virtualClock } from '@skerry/testing'
import { expect, it } from 'vitest'
import type { NodeParts } from '../../src/node/node-parts.ts'
import { PlainOwner } from '../../src/node/plain-owner.ts'
import { stopNode } from '../../src/node/stop-node.ts'

it('a node is taken down from the outside in, each step when the one before it is over', async () => {
  const { parts, log, plain, clock } = running()
  // Nobody answers it.
  plain.calls.attach({ ownerExited: () => void log.push('the calls end') })
  const stopped = stopNode(parts, plain)
  await clock.advance(5_000)
  await stopped
  expect(log).toEqual([
    'calls are refused',
    'the waits end',
    'draining is said, within 2000 ms',
    'calls of others end, within 5000 ms',
    'the calls end',
    'discovery stops',
    'links stop',
    'threads stop',
    'inbound stops',
    'the kernel stops',
    'the watchdog stops',
  ])
  expect(parts.announced.state).toBe('leaving')
})

it('large answers that are on their way are waited for, in what is left of the time', async () => {
  const { parts, log, plain, clock } = running({ isSendingLarge: true, drainMs: 1_000, heardAfterMs: 300 })
  const stopped = stopNode(parts, plain)
  await clock.advance(300)
  await clock.advance(300)
  await stopped
  const said = log.filter((line) => line.startsWith('draining'))
  expect(said).toEqual(['draining is said, within 1000 ms', 'draining is said, within 700 ms'])
})

/** A node of nothing but its order: neither root is there any more. */
function running({ isSendingLarge = false, drainMs = 5_000, heardAfterMs = 0 } = {}) {
  const clock = virtualClock()
  const log: string[] = []
  const stops = (what: string) => () => void log.push(what)
  const parts = {
    kernel: {
      platform: { clock },
      names: { whereis: () => undefined },
      stop: stops('the kernel stops'),
    },
    router: {
      sayDraining: async (atMostMs: number) => {
        log.push(`draining is said, within ${atMostMs} ms`)
        if (heardAfterMs > 0) await new Promise<void>((resolve) => void clock.after(heardAfterMs, resolve))
      },
    },
    inbox: { close: stops('calls are refused') },
    inbound: {
      whenEmpty: async (_clock: unknown, atMostMs: number) => {
        log.push(`calls of others end, within ${atMostMs} ms`)
      },
      stop: stops('inbound stops'),
    },
    links: { isSendingLarge: () => isSendingLarge, stop: async () => stops('links stop')() },
    discovery: { stop: async () => stops('discovery stops')() },
    threads: { stop: stops('threads stop') },
    watchdog: { stop: stops('the watchdog stops') },
    announced: { ready: true, state: 'up', procedures: [] },
    appName: 'app',
    drainMs,
  } as unknown as NodeParts
  const plain = { calls: new PlainOwner(), waits: new PlainOwner() }
  plain.waits.attach({ ownerExited: stops('the waits end') })
  return { parts, log, plain, clock }
}
