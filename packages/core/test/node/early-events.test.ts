import { describe, expect, it } from 'vitest'
import type { FrameRecord } from '../../src/mesh/transport.ts'
import { EarlyEvents, type LinkEvents } from '../../src/node/early-events.ts'

const peer = { node: 'b', life: 7 }
const bytes = new Uint8Array([1, 2, 3])
const record = {} as FrameRecord
const refusal = { by: 'us', code: 'ERR_WRONG_CLUSTER', text: 'another one' } as const

/** Notes what it is told, as `name` and arguments. */
function listener(said: unknown[][] = []): LinkEvents & { readonly said: unknown[][] } {
  const names = Object.keys(told) as (keyof LinkEvents)[]
  const note =
    (name: string) =>
    (...args: unknown[]) => {
      said.push([name, ...args])
      return true
    }
  return { ...(Object.fromEntries(names.map((name) => [name, note(name)])) as unknown as LinkEvents), said }
}

/** Each event once, with arguments that tell it from the others. */
const told: { readonly [Name in keyof LinkEvents]: Parameters<LinkEvents[Name]> } = {
  up: [{ ...peer, region: 'syd' } as Parameters<LinkEvents['up']>[0]],
  frame: [peer, bytes],
  frameWithin: [peer, bytes, 1, 2],
  record: [peer, record],
  control: [peer, bytes],
  suspect: [peer],
  trusted: [peer],
  room: [peer],
  stuck: [peer],
  failed: [new Error('over')],
  uncarried: ['lost', 3],
  refused: ['c', refusal],
  unreached: ['d'],
  down: [peer, 'goodbye', 'left'],
}

function tellAll(early: EarlyEvents): unknown[][] {
  const calls = Object.entries(told) as [keyof LinkEvents, unknown[]][]
  for (const [name, args] of calls) (early[name] as (...args: unknown[]) => unknown)(...args)
  return calls.map(([name, args]) => [name, ...args])
}

function start() {
  const refusals: unknown[] = []
  return { early: new EarlyEvents((node) => refusals.push(node)), refusals, events: listener() }
}

describe('what links tell a node that starts', () => {
  it('waits, all of it, and comes in the order in which it happened when the node begins', () => {
    const { early, events } = start()
    const all = tellAll(early)
    expect(events.said).toEqual([])
    early.begin(events)
    expect(events.said).toEqual(all)
  })

  it('goes straight on once the node has begun, and only once', () => {
    const { early, events } = start()
    early.begin(events)
    const all = tellAll(early)
    expect(events.said).toEqual(all)
    early.begin(listener())
    expect(events.said).toEqual(all)
  })

  it('comes behind what waits, if it happens while that is told', () => {
    const { early, events } = start()
    early.suspect(peer)
    early.trusted(peer)
    const { suspect } = events
    early.begin({
      ...events,
      suspect(silent) {
        suspect(silent)
        early.stuck(silent)
      },
    })
    expect(events.said.map(([name]) => name)).toEqual(['suspect', 'trusted', 'stuck'])
  })

  it('is forgotten by a node that does not start, which is told what comes then', () => {
    const { early, events } = start()
    tellAll(early)
    early.drop(events)
    expect(events.said).toEqual([])
    early.down(peer, 'goodbye', 'left')
    early.begin(events)
    expect(events.said).toEqual([['down', peer, 'goodbye', 'left']])
  })

  it('keeps the bytes of a frame that waits, and gives back those of one that was read', () => {
    const { early, events } = start()
    expect(early.frameWithin(peer, bytes, 0, 2)).toBe(false)
    early.begin(events)
    expect(early.frameWithin(peer, bytes, 0, 2)).toBe(true)
  })

  it('says at once who refused it, also before it begins', () => {
    const { early, refusals, events } = start()
    early.refused('c', refusal)
    expect(refusals).toEqual(['c'])
    early.begin(events)
    expect([refusals, events.said]).toEqual([['c'], [['refused', 'c', refusal]]])
  })
})
