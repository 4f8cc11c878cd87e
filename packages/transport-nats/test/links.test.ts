import { createSecretKey } from 'node:crypto'
import { manualPlatform } from '@skerry/testing'
import type { LinkClosed } from '@skerry/core/transport'
import { describe, expect, it } from 'vitest'
import { NatsLink } from '../src/nats-link.ts'
import { Opener, Sealer } from '../src/sealed-channel.ts'

const window = 64 * 1024

interface End {
  readonly link: NatsLink
  /** What this end sent and nobody was given yet. */
  readonly sent: Uint8Array[]
  readonly ignored: string[]
  lost: number
  closed: LinkClosed | undefined
}

/** Two ends of a link whose packets go nowhere by themselves. */
function pair(options: { maxFrameBytes?: number } = {}): {
  a: End
  b: End
  platform: ReturnType<typeof manualPlatform>
  deliver: (from: End, to: End) => void
  all: () => Promise<void>
} {
  const platform = manualPlatform()
  const keys = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)].map((key) => createSecretKey(key))
  const end = (own: number): End => {
    const sealer = new Sealer(keys[own]!)
    const made: End = {
      sent: [],
      ignored: [],
      lost: 0,
      closed: undefined,
      link: new NatsLink({
        peer: 'peer',
        identity: undefined,
        opener: new Opener(keys[1 - own]!),
        maxFrameBytes: options.maxFrameBytes ?? 1024 * 1024,
        windowBytes: window,
        peerWindowBytes: window,
        packetBytesMax: 4 * 1024,
        clock: platform.clock,
        turns: platform.turns,
        publish: (packet) => void made.sent.push(sealer.seal(packet, 0)),
        confirmed: () => undefined,
        ignored: (why) => void made.ignored.push(why),
        lost: (packets) => void (made.lost += packets),
        gone: () => undefined,
      }),
    }
    void made.link.closed.then((closed) => {
      made.closed = closed
    })
    return made
  }
  const [a, b] = [end(0), end(1)]
  const deliver = (from: End, to: End): void => {
    for (const packet of from.sent.splice(0)) to.link.receive(packet)
  }
  return {
    a,
    b,
    platform,
    deliver,
    async all() {
      do {
        await platform.settle()
        deliver(a, b)
        deliver(b, a)
        await platform.settle()
      } while (a.sent.length + b.sent.length > 0)
    },
  }
}

function collect(end: End, lane = 0): number[] {
  const sizes: number[] = []
  end.link.lane(lane).onFrame((frame) => void sizes.push(frame.byteLength))
  return sizes
}

describe('a link over NATS', () => {
  it('is over when a packet was lost, whichever lane it was of: nothing after the gap is delivered', async () => {
    const { a, b, platform, deliver } = pair()
    const [control, frames] = [collect(b, 0), collect(b, 1)]
    a.link.lane(1).send(new Uint8Array(10))
    await platform.settle()
    deliver(a, b)
    a.link.lane(1).send(new Uint8Array(11))
    await platform.settle()
    expect(a.sent.splice(0)).toHaveLength(1)
    // The last frame of its lane, so that only another lane shows that it is missing.
    a.link.lane(0).send(new Uint8Array(12))
    await platform.settle()
    deliver(a, b)
    await platform.settle()
    expect(b.closed).toEqual({ local: false, reason: '1 packets of the peer were lost on the way' })
    expect(b.lost).toBe(1)
    deliver(b, a)
    await platform.settle()
    expect(a.closed).toEqual({ local: false, reason: '1 packets of the peer were lost on the way' })
    expect({ control, frames }).toEqual({ control: [], frames: [10] })
  })

  it('does not mind what others send to its subject: forged, changed, repeated', async () => {
    const { a, b, platform, deliver } = pair()
    const got = collect(b)
    a.link.lane(0).send(new Uint8Array(10))
    await platform.settle()
    const [packet] = a.sent as [Uint8Array]
    for (let index = 0; index < packet.byteLength; index += 1) {
      const changed = packet.slice()
      changed[index] = changed[index]! ^ 1
      b.link.receive(changed)
    }
    b.link.receive(new Uint8Array(0))
    b.link.receive(new Uint8Array(1_000))
    deliver(a, b)
    b.link.receive(packet)
    a.link.lane(0).send(new Uint8Array(11))
    await platform.settle()
    deliver(a, b)
    await platform.settle()
    expect(got).toEqual([10, 11])
    expect(new Set(b.ignored)).toEqual(new Set(['forged', 'repeated']))
    expect(b.closed).toBeUndefined()
  })

  it('lets at most a window of a lane be on its way, and goes on as it is taken', async () => {
    const { a, b, platform, deliver, all } = pair()
    const lane = b.link.lane(2)
    const got = collect(b, 2)
    lane.pause()
    let isFull = false
    for (let frame = 0; frame < 1_000; frame += 1) isFull = !a.link.lane(2).send(new Uint8Array(1_000)) || isFull
    await platform.settle()
    expect(isFull).toBe(true)
    const onTheWay = a.sent.reduce((sum, packet) => sum + packet.byteLength, 0)
    expect(onTheWay).toBeGreaterThan(window)
    expect(onTheWay).toBeLessThan(window * 1.05)
    deliver(a, b)
    await platform.settle()
    expect(got).toEqual([])
    // The other lanes have windows of their own.
    const others = collect(b, 1)
    a.link.lane(1).send(new Uint8Array(20))
    await all()
    expect(others).toEqual([20])

    lane.resume()
    await all()
    expect(got).toHaveLength(1_000)
  })

  it('is over when the peer sends beyond its window, or takes what was not sent', async () => {
    const greedy = pair()
    greedy.b.link.lane(0).pause()
    // What an honest end does not do: it is given credit that the other never gave.
    const forged = new Sealer(createSecretKey(Buffer.alloc(32, 1)))
    for (let sent = 0; sent <= window; sent += 4_000) {
      greedy.b.link.receive(forged.seal(Buffer.concat([Uint8Array.of(1, 0), Buffer.alloc(4_000)]), 0))
    }
    await greedy.platform.settle()
    expect(greedy.b.closed?.reason).toBe('The peer sent more than the window that it was given')

    const giving = pair()
    giving.b.link.receive(new Sealer(createSecretKey(Buffer.alloc(32, 1))).seal(Uint8Array.of(2, 0, 0, 0, 0, 1), 0))
    await giving.platform.settle()
    expect(giving.b.closed?.reason).toBe('The peer took more than was sent')
  })

  it('is over at a packet that does not exist, and at a frame that is too large, of which nothing is kept', async () => {
    for (const packet of [[], [9], [1, 0], [1, 3, 1], [2, 0, 0], [4, 4], [3, ...new Array<number>(600).fill(65)]]) {
      const { b, platform } = pair()
      b.link.receive(new Sealer(createSecretKey(Buffer.alloc(32, 1))).seal(Uint8Array.from(packet), 0))
      await platform.settle()
      expect(b.closed?.reason).toBe('The peer sent a packet that does not exist')
    }
    const { b, platform } = pair({ maxFrameBytes: 1_024 })
    collect(b)
    b.link.receive(new Sealer(createSecretKey(Buffer.alloc(32, 1))).seal(Uint8Array.of(1, 0, 0, 0, 4, 1), 0))
    await platform.settle()
    expect(b.closed?.reason).toBe('The peer sent a frame of 1025 bytes; the maximum is 1024')
  })

  it('is over when nothing was heard for forty beats, but not while this process was held up', async () => {
    const { a, b, platform, deliver } = pair()
    for (let beat = 0; beat < 50; beat += 1) {
      a.link.beat(false)
      b.link.beat(false)
      deliver(a, b)
      deliver(b, a)
    }
    for (let beat = 0; beat < 50; beat += 1) a.link.beat(true)
    for (let beat = 0; beat < 39; beat += 1) a.link.beat(false)
    await platform.settle()
    expect(a.closed).toBeUndefined()
    a.link.beat(false)
    await platform.settle()
    expect(a.closed).toEqual({ local: false, reason: 'Nothing was heard of the peer' })
  })

  it('is over, and says so, when a listener throws', async () => {
    const { a, b, platform, deliver } = pair()
    b.link.lane(0).onFrame(() => {
      throw new Error('a bug')
    })
    a.link.lane(0).send(new Uint8Array(1))
    await platform.settle()
    deliver(a, b)
    await platform.settle()
    expect(b.closed?.reason).toBe('The listener of a lane failed: Error: a bug')
  })
})
