import { describe, expect, it } from 'vitest'
import { encodeLinkMessage, encodePart, type LinkMessage } from '../../src/mesh/link-message.ts'
import type { PeerLinkSettings } from '../../src/mesh/peer-link-settings.ts'
import { createPeerLinks, type PeerLinks } from '../../src/mesh/peer-links.ts'
import type { NodeId } from '../../src/mesh/transport.ts'
import { addressOf, type Delays, seededRandom, World } from './peer-links-world.ts'

// Frames here are text: a key, a colon, a number, and padding. What is checked is what arrives, and in which order.

const settings: Partial<PeerLinkSettings> = { bulkFrameBytes: 1_000, bulkPartBytes: 300, bodyBytesMax: 100_000 }
const kB = 1_000

interface Side {
  readonly node: NodeId
  readonly links: PeerLinks
  /** `key:number`, or `key:number of 5000` for a large frame, as they arrived. */
  readonly got: string[]
  readonly downs: string[]
  send(label: string, bytes?: number): string
}

function side(world: World, node: NodeId, more: Partial<PeerLinkSettings> = {}): Side {
  const got: string[] = []
  const downs: string[] = []
  const links = createPeerLinks({
    transport: world.transport(node),
    platform: world.platform(),
    self: { life: 1, cluster: 'test', region: 'here' },
    settings: { ...settings, ...more },
    orderKey: (frame) => textOf(frame).split(':')[0] as string,
    on: {
      up() {},
      down: (_peer, reason) => downs.push(reason),
      frame(_peer, frame) {
        const text = textOf(frame)
        expect(/^[^ ]+ *$/.test(text), 'a frame came whole').toBe(true)
        got.push(frame.byteLength > 100 ? `${text.trimEnd()} of ${frame.byteLength}` : text)
      },
      control() {},
      suspect() {},
      trusted() {},
      refused() {},
    },
  })
  const other = node === 'a' ? 'b' : 'a'
  return {
    node,
    links,
    got,
    downs,
    send: (label, bytes = label.length) => links.send(other, new TextEncoder().encode(label.padEnd(bytes))),
  }
}

const textOf = (frame: Uint8Array): string => new TextDecoder().decode(frame)

async function pair(options: {
  lanes?: number
  window?: number
  frameMs?: (lane: number) => number
  a?: Partial<PeerLinkSettings>
  b?: Partial<PeerLinkSettings>
}): Promise<{ world: World; a: Side; b: Side }> {
  const frame: Delays['frame'] = (_link, _forward, lane) => options.frameMs?.(lane) ?? 1
  const delays: Delays = { dialled: () => 1, accepted: () => 1, frame, closed: () => 1 }
  const { lanes = 3, window } = options
  const world = new World({ random: seededRandom(1), delays, lanes, maxFrameBytes: 2_000, ...(window && { window }) })
  const a = side(world, 'a', options.a)
  const b = side(world, 'b', options.b)
  await Promise.all([a.links.start(), b.links.start()])
  a.links.addSeed(addressOf('b'))
  await world.pass(500)
  expect(a.links.linkTo('b')).toBeDefined()
  return { world, a, b }
}

for (const lanes of [1, 2, 3]) {
  describe(`a frame larger than the transport takes, on ${lanes} lanes`, () => {
    it('arrives whole, and those of its order behind it', async () => {
      const { world, a, b } = await pair({ lanes, window: 2, frameMs: (lane) => (lane === 2 ? 50 : 1) })
      expect([a.send('x:0'), a.send('x:1', 20 * kB), a.send('x:2'), a.send('x:3', 5 * kB), a.send('x:4')]).toEqual(
        Array<string>(5).fill('sent'),
      )
      await world.pass(20_000)
      expect(b.got).toEqual(['x:0', 'x:1 of 20000', 'x:2', 'x:3 of 5000', 'x:4'])
      expect(b.links.counters).toMatchObject({ largeFramesReceived: 2, framesReceived: 3 })
      expect(a.links.counters).toMatchObject({ largeFramesSent: 2, framesSent: 5 })
    })

    it('goes both ways at once', async () => {
      const { world, a, b } = await pair({ lanes, window: 1 })
      for (let number = 0; number < 5; number += 1) {
        a.send(`x:${number}`, 3 * kB)
        b.send(`y:${number}`, 4 * kB)
      }
      await world.pass(5_000)
      expect(b.got).toEqual([0, 1, 2, 3, 4].map((number) => `x:${number} of 3000`))
      expect(a.got).toEqual([0, 1, 2, 3, 4].map((number) => `y:${number} of 4000`))
    })
  })
}

describe('beside a large frame', () => {
  it('frames of other orders pass', async () => {
    const { world, a, b } = await pair({ window: 2, frameMs: (lane) => (lane === 2 ? 50 : 1) })
    a.send('x:0', 20 * kB)
    a.send('x:1')
    a.send('y:0')
    await world.pass(20)
    expect(b.got).toEqual(['y:0'])
    expect(b.links.counters.framesHeld).toBe(1)
    await world.pass(20_000)
    expect(b.got).toEqual(['y:0', 'x:0 of 20000', 'x:1'])
  })

  it('a shorter one does not wait for its end', async () => {
    const { world, a, b } = await pair({ window: 2, frameMs: (lane) => (lane === 2 ? 10 : 1) })
    a.send('x:0', 50 * kB)
    a.send('y:0', 2 * kB)
    await world.pass(20_000)
    expect(b.got).toEqual(['y:0 of 2000', 'x:0 of 50000'])
  })

  it('the place may come long after the parts', async () => {
    const { world, a, b } = await pair({ frameMs: (lane) => (lane === 1 ? 200 : 1) })
    a.send('x:0', 5 * kB)
    a.send('x:1')
    await world.pass(100)
    expect(b.got).toEqual([])
    await world.pass(500)
    expect(b.got).toEqual(['x:0 of 5000', 'x:1'])
  })

  it('a frame that overtakes nobody waits for all', async () => {
    const { world, a, b } = await pair({ frameMs: (lane) => (lane === 2 ? 100 : 1) })
    a.send('x:0', 5 * kB)
    a.send('*:0')
    a.send('y:0')
    await world.pass(1_000)
    expect(b.got).toEqual(['y:0', 'x:0 of 5000', '*:0'])
  })
})

describe('what was sent long ago', () => {
  it('is known to be under way until it has left, a large frame until it was handed on', async () => {
    const { world, a, b } = await pair({ window: 2, frameMs: (lane) => (lane === 2 ? 1_000 : 1) })
    expect(a.links.isSendingTo('b')).toBe(false)
    a.send('x:0', 20 * kB)
    await world.pass(30_000)
    expect([a.links.isSendingTo('b'), b.links.isSendingTo('a'), b.got]).toEqual([true, false, []])
    await world.pass(60_000)
    expect(b.got).toEqual(['x:0 of 20000'])
    expect(a.links.isSendingTo('b')).toBe(false)
    for (let number = 0; number < 3; number += 1) a.send(`x:${number}`)
    expect(a.links.isSendingTo('b')).toBe(true)
    await world.pass(10)
    expect([a.links.isSendingTo('b'), a.links.isSendingTo('nobody')]).toEqual([false, false])
  })
})

describe('bounds', () => {
  it('refuses what is larger than the peer takes, and what is larger than we do', async () => {
    const { a, b } = await pair({ a: { bodyBytesMax: 200_000 }, b: { bodyBytesMax: 50_000 } })
    expect(a.send('x:0', 60 * kB)).toBe('too-large')
    expect(a.send('x:0', 300 * kB)).toBe('too-large')
    expect(b.send('y:0', 60 * kB)).toBe('too-large')
    expect(a.send('x:0', 50 * kB)).toBe('sent')
  })

  it('sends no more at a time than the peer gives credit for, and the rest later', async () => {
    const { world, a, b } = await pair({ b: { bodyBytesMax: 20_000 }, frameMs: () => 10 })
    for (let number = 0; number < 10; number += 1) expect(a.send(`x${number}:0`, 20 * kB)).toBe('sent')
    await world.pass(1_000)
    expect(b.got.length).toBe(10)
    expect(b.downs).toEqual([])
  })

  it('queues so many bytes of large frames, and one however large', async () => {
    const { world, a, b } = await pair({ window: 1, a: { bulkQueueBytesMax: 10_000 } })
    expect(a.send('x:0', 50 * kB)).toBe('sent')
    expect(a.send('y:0', 2 * kB)).toBe('overloaded')
    expect(a.send('z:0')).toBe('sent')
    await world.pass(5_000)
    expect(a.send('y:1', 2 * kB)).toBe('sent')
    await world.pass(5_000)
    expect(b.got).toEqual(['z:0', 'x:0 of 50000', 'y:1 of 2000'])
  })

  it('refuses small frames when too much waits behind large ones, and ends the link where one must not be missing', async () => {
    const { world, a, b } = await pair({ a: { backlogBytesMax: 1_000 }, frameMs: (lane) => (lane === 2 ? 500 : 1) })
    a.send('x:0', 5 * kB)
    let sent = 0
    while (a.send('x:1') === 'sent') sent += 1
    expect(sent).toBeGreaterThan(0)
    expect(a.send('y:0')).toBe('sent')
    await world.pass(10)
    expect(b.got).toEqual(['y:0'])
    while (a.links.send('b', new TextEncoder().encode('x:2'), true) === 'sent') sent += 1
    expect(a.downs).toEqual(['overloaded'])
  })
})

describe('the end of the link', () => {
  it('drops what is not whole, on both sides, and a later link begins afresh', async () => {
    const { world, a, b } = await pair({ frameMs: (lane) => (lane === 2 ? 100 : 1) })
    a.send('x:0', 20 * kB)
    a.send('x:1')
    await world.pass(50)
    world.links[0]?.sever({ dialled: () => 1, accepted: () => 1, frame: () => 1, closed: () => 1 })
    await world.pass(5_000)
    expect(b.got).toEqual([])
    expect(a.downs).toEqual(['closed'])
    expect(b.downs).toEqual(['closed'])
    a.send('x:2', 3 * kB)
    a.send('x:3')
    await world.pass(1_000)
    expect(b.got).toEqual(['x:2 of 3000', 'x:3'])
  })
})

describe('a peer that breaks the rules of large frames loses its link:', () => {
  const place = (large: number, frameBytes: number): LinkMessage => ({
    kind: 'bulk',
    large,
    frameBytes,
    head: new TextEncoder().encode('x:0'),
  })
  const cases: [string, (say: (message: Uint8Array, lane: number) => void) => void][] = [
    ['one larger than the greeting said', (say) => say(encodeLinkMessage(place(0, 200_000)), 1)],
    ['parts of one larger than the greeting said', (say) => say(encodePart(0, 200_000, new Uint8Array(10)), 2)],
    ['a place with a number out of turn', (say) => say(encodeLinkMessage(place(5, 2_000)), 1)],
    ['parts with a number out of turn', (say) => say(encodePart(5, 2_000, new Uint8Array(10)), 2)],
    ['a part without bytes', (say) => say(encodePart(0, 2_000, new Uint8Array(0)), 2)],
    ['more bytes than it has', (say) => say(encodePart(0, 20, new Uint8Array(30)), 2)],
    [
      'parts of another size than before',
      (say) => {
        say(encodePart(0, 2_000, new Uint8Array(10)), 2)
        say(encodePart(0, 3_000, new Uint8Array(10)), 2)
      },
    ],
    [
      'a frame of another size than announced',
      (say) => {
        say(encodeLinkMessage(place(0, 20)), 1)
        say(encodePart(0, 10, new Uint8Array(10)), 2)
      },
    ],
    [
      'more at a time than there is credit for',
      (say) => {
        for (let large = 0; large < 3; large += 1) say(encodePart(large, 100_000, new Uint8Array(10)), 2)
      },
    ],
    [
      'more places than may be open',
      (say) => {
        for (let large = 0; large < 9; large += 1) say(encodeLinkMessage(place(large, 2_000)), 1)
      },
    ],
    ['credit for what was not sent', (say) => say(encodeLinkMessage({ kind: 'handedOn', large: 0 }), 0)],
  ]
  it.each(cases)('%s', async (_name, misbehave) => {
    const { world, a, b } = await pair({ b: { bulkOpenMax: 8 } })
    misbehave((bytes, lane) => world.links[0]?.near.lane(lane).send(bytes))
    await world.pass(100)
    expect(b.downs).toEqual(['protocol'])
    expect(a.links.counters.protocolErrors).toBe(0)
    expect(b.links.counters.protocolErrors).toBe(1)
  })
})
