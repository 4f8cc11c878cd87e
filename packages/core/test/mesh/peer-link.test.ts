import { describe, expect, it } from 'vitest'
import { decodeLinkMessage, encodeLinkMessage, type Greeting, type LinkMessage } from '../../src/mesh/link-message.ts'
import type { NodeId, RawLink } from '../../src/mesh/transport.ts'
import { observe, type ObservedNode } from './peer-links-observed.ts'
import { addressOf, constantDelays, seededRandom, World } from './peer-links-world.ts'

// One node of ours, `b`, and a peer, `a`, that is played by hand, byte by byte.

describe('the handshake, as acceptor', () => {
  it('is up when it sends accept, and says who it is', async () => {
    const { b, peer } = await dialledByHand()
    peer.say({ kind: 'hello', greeting: greeting() })
    expect(await peer.heard()).toMatchObject([
      { kind: 'accept', greeting: { node: 'b', cluster: 'test', region: 'region-b', life: 1, addresses: ['fake:b'] } },
    ])
    expect(b.events).toEqual(['up a'])
    expect(b.links.linkTo('a')).toMatchObject({ life: 7, region: 'syd', addresses: ['fake:a'], peerEpoch: 1 })
  })

  it.each<[string, Partial<Greeting>]>([
    ['ERR_WRONG_CLUSTER', { cluster: 'other' }],
    ['ERR_WRONG_PEER', { node: 'mallory' }],
    ['ERR_PROTOCOL_VERSION', { protocolVersion: 9, protocolVersionMin: 9 }],
  ])('refuses with %s and tells its node', async (code, wrong) => {
    const { b, peer } = await dialledByHand()
    peer.say({ kind: 'hello', greeting: greeting(wrong) })
    expect(await peer.heard()).toMatchObject([{ kind: 'refuse', code }])
    expect(b.events).toEqual([`refused a us ${code}`])
  })

  it('closes a refused link itself when the peer does not', async () => {
    const { world, peer } = await dialledByHand()
    peer.say({ kind: 'hello', greeting: greeting({ cluster: 'other' }) })
    await world.pass(100)
    expect(peer.raw.isClosed).toBe(false)
    await world.pass(1_000)
    expect(peer.raw.isClosed).toBe(true)
  })

  it('takes a newer protocol that still speaks ours, with fields it does not know', async () => {
    const { b, peer } = await dialledByHand()
    const hello = encodeLinkMessage({ kind: 'hello', greeting: greeting({ protocolVersion: 9 }) })
    peer.raw.lane(0).send(Buffer.concat([hello, Buffer.from('of version 9')]))
    await peer.heard()
    expect(b.events).toEqual(['up a'])
  })

  it.each<[string, Uint8Array]>([
    ['a frame', encodeLinkMessage({ kind: 'frame', bytes: new Uint8Array(3) })],
    ['a ping', encodeLinkMessage({ kind: 'ping', seq: 1, load: 0, inFlight: 0 })],
    ['an accept', encodeLinkMessage({ kind: 'accept', greeting: greeting() })],
    ['an unknown kind', Uint8Array.of(99, 1, 2)],
    ['nothing', new Uint8Array()],
    ['half a hello', encodeLinkMessage({ kind: 'hello', greeting: greeting() }).subarray(0, 12)],
    ['a huge hello', Buffer.concat([encodeLinkMessage({ kind: 'hello', greeting: greeting() }), Buffer.alloc(20_000)])],
  ])('closes and counts when %s comes first', async (_what, bytes) => {
    const { world, b, peer } = await dialledByHand()
    peer.raw.lane(0).send(bytes)
    await world.pass(100)
    expect(peer.raw.isClosed).toBe(true)
    expect(b.events).toEqual([])
    expect(b.links.counters.protocolErrors).toBe(1)
  })

  it('closes a link that stays silent', async () => {
    const { world, b, peer } = await dialledByHand()
    await world.pass(4_900)
    expect(peer.raw.isClosed).toBe(false)
    await world.pass(200)
    expect(peer.raw.isClosed).toBe(true)
    expect(b.links.counters.handshakeTimeouts).toBe(1)
  })

  it('rejects further links while too many are silent', async () => {
    const { world, b } = await dialledByHand({ greetingLinksMax: 2 })
    const second = await handDial(world, 'a', 'b')
    const third = await handDial(world, 'a', 'b')
    await world.pass(100)
    expect([second.raw.isClosed, third.raw.isClosed]).toEqual([false, true])
    expect(b.links.counters.linksRejected).toBe(1)
    expect(b.events).toEqual(['refused a us ERR_TOO_MANY_LINKS'])
  })

  it('gives up its old link when the peer says hello anew, and only for a newer hello', async () => {
    const { world, b, peer } = await dialledByHand()
    peer.say({ kind: 'hello', greeting: greeting({ epoch: 5 }) })
    await peer.heard()
    const stale = await handDial(world, 'a', 'b')
    stale.say({ kind: 'hello', greeting: greeting({ epoch: 5 }) })
    expect(await stale.heard()).toMatchObject([{ kind: 'refuse', code: 'ERR_DUPLICATE_LINK' }])
    expect(b.events).toEqual(['up a'])
    const newer = await handDial(world, 'a', 'b')
    newer.say({ kind: 'hello', greeting: greeting({ epoch: 6 }) })
    expect(await newer.heard()).toMatchObject([{ kind: 'accept' }])
    expect(b.events).toEqual(['up a', 'down a superseded', 'up a'])
    expect(peer.raw.isClosed).toBe(true)
  })

  it('takes no new link when it was stopped from the end of the old one', async () => {
    const world = newWorld()
    const b: ObservedNode = observe({ world, node: 'b', on: { down: () => void b.links.stop('enough') } })
    await b.links.start()
    for (const epoch of [1, 2]) {
      const peer = await handDial(world, 'a', 'b')
      peer.say({ kind: 'hello', greeting: greeting({ epoch }) })
      await peer.heard()
    }
    await world.pass(1_000)
    expect(b.events).toEqual(['up a', 'down a superseded'])
    expect(world.transports.has('b')).toBe(false)
    expect(b.broken).toEqual([])
  })

  it('gives up its old link when another life of the peer says hello, whatever its epoch', async () => {
    const { world, b, peer } = await dialledByHand()
    peer.say({ kind: 'hello', greeting: greeting({ epoch: 5 }) })
    await peer.heard()
    const reborn = await handDial(world, 'a', 'b')
    reborn.say({ kind: 'hello', greeting: greeting({ life: 8, epoch: 1 }) })
    await reborn.heard()
    expect(b.events).toEqual(['up a', 'down a superseded', 'up a'])
    expect(b.links.linkTo('a')?.life).toBe(8)
  })
})

describe('the handshake, as dialler', () => {
  it('hands on what overtook accept after up, in order', async () => {
    const { world, b, peer } = await diallingByHand()
    for (const text of ['one', 'two', 'three', 'four']) peer.say({ kind: 'frame', bytes: Buffer.from(text) }, 1)
    await world.pass(50)
    expect(b.frames).toEqual([])
    peer.say({ kind: 'accept', greeting: greeting() })
    peer.say({ kind: 'frame', bytes: Buffer.from('five') }, 1)
    await world.pass(50)
    expect(b.events).toEqual(['up a'])
    expect(b.frames).toEqual(['a:one', 'a:two', 'a:three', 'a:four', 'a:five'])
  })

  it('counts what overtook accept by frames too: a flood of small ones ends the link', async () => {
    const { world, b, peer } = await diallingByHand({ backlogBytesMax: 64 * 1024 })
    // As if it could not pause.
    world.links[0]?.near.lane(1).resume()
    const say = async (frames: number): Promise<number> => {
      for (let more = 0; more < frames; more += 1) peer.say({ kind: 'frame', bytes: new Uint8Array(1) }, 1)
      await world.pass(50)
      return b.links.counters.protocolErrors
    }
    expect(await say(1_500)).toBe(0)
    expect(await say(1_500)).toBe(1)
    expect(b.events).toEqual([])
  })

  it('pauses the frame lane until accept', async () => {
    const { world, peer } = await diallingByHand()
    const ours = world.links[0]?.near.lane(1)
    expect(ours?.isPaused).toBe(true)
    peer.say({ kind: 'accept', greeting: greeting() })
    await world.pass(50)
    expect(ours?.isPaused).toBe(false)
  })

  it('gives up its own hello at once for that of a smaller id', async () => {
    const { world, b, peer } = await diallingByHand()
    const other = await handDial(world, 'a', 'b')
    other.say({ kind: 'hello', greeting: greeting() })
    expect(await other.heard()).toMatchObject([{ kind: 'accept' }])
    expect(b.events).toEqual(['up a'])
    expect(peer.raw.isClosed).toBe(true)
  })

  it('takes no accept from a node of another cluster', async () => {
    const { world, b, peer } = await diallingByHand()
    peer.say({ kind: 'accept', greeting: greeting({ cluster: 'other' }) })
    await world.pass(50)
    expect(b.events).toEqual(['refused a us ERR_WRONG_CLUSTER'])
    expect(peer.raw.isClosed).toBe(true)
  })

  it('tells its node that the peer refused, and dials again later', async () => {
    const { world, b, peer } = await diallingByHand()
    peer.say({ kind: 'refuse', code: 'ERR_WRONG_CLUSTER', text: 'this is other' })
    await world.pass(50)
    expect(b.events).toEqual(['refused a peer ERR_WRONG_CLUSTER'])
    await world.pass(1_000)
    expect(b.links.counters.dials).toBeGreaterThan(1)
  })

  it('waits for the other link when refused as a duplicate', async () => {
    const { world, b, peer } = await diallingByHand()
    peer.say({ kind: 'refuse', code: 'ERR_DUPLICATE_LINK', text: '' })
    await world.pass(900)
    expect(b.events).toEqual([])
    expect(b.links.counters.dials).toBe(1)
    await world.pass(2_000)
    expect(b.links.counters.dials).toBe(2)
  })
})

describe('a link that is up', () => {
  it('ends, and is counted, when the peer breaks the protocol', async () => {
    const { world, b, peer } = await upByHand()
    peer.say({ kind: 'hello', greeting: greeting({ epoch: 2 }) })
    await world.pass(50)
    expect(b.events).toEqual(['up a', 'down a protocol'])
    expect(b.links.counters.protocolErrors).toBe(1)
  })

  it('answers pings with their number and its load', async () => {
    const { peer } = await upByHand()
    peer.say({ kind: 'ping', seq: 77, load: 0.5, inFlight: 4 })
    expect(await peer.heard()).toContainEqual({ kind: 'pong', seq: 77, load: 0.25, inFlight: 7 })
  })

  it('carries empty frames and controls', async () => {
    const { world, b, peer } = await upByHand()
    peer.say({ kind: 'frame', bytes: new Uint8Array() }, 1)
    peer.say({ kind: 'control', bytes: Buffer.from('snapshot') })
    await world.pass(50)
    expect([b.frames, b.controls]).toEqual([['a:'], ['a:snapshot']])
  })

  it('takes all frames before a goodbye, and closes', async () => {
    const { world, b, peer } = await upByHand()
    peer.say({ kind: 'frame', bytes: Buffer.from('last') }, 1)
    peer.say({ kind: 'goodbye', text: 'deploy' }, 1)
    await world.pass(50)
    expect(b.frames).toEqual(['a:last'])
    expect(b.events).toEqual(['up a', 'down a goodbye'])
    expect(peer.raw.isClosed).toBe(true)
  })

  it('delivers nothing after its node stopped it', async () => {
    const { world, b, peer } = await upByHand()
    peer.say({ kind: 'frame', bytes: Buffer.from('late') }, 1)
    void b.links.stop('over')
    await world.pass(5)
    peer.say({ kind: 'goodbye', text: 'me too' }, 1)
    await world.pass(50)
    expect(b.frames).toEqual([])
    expect(b.links.counters.framesLate).toBeGreaterThan(0)
    expect(peer.raw.isClosed).toBe(true)
  })
})

interface HandPeer {
  readonly raw: RawLink & { readonly isClosed: boolean }
  say(message: LinkMessage, lane?: number): void
  /** What came on lane 0 so far. */
  heard(): Promise<LinkMessage[]>
}

function greeting(changed: Partial<Greeting> = {}): Greeting {
  const whole = { protocolVersion: 1, protocolVersionMin: 1, cluster: 'test', node: 'a', life: 7 }
  return {
    ...whole,
    region: 'syd',
    epoch: 1,
    addresses: ['fake:a'],
    frameBytesMax: 100_000,
    meshVersion: 2,
    ...changed,
  }
}

function newWorld(): World {
  return new World({ random: seededRandom(1), delays: constantDelays(10) })
}

async function dialledByHand(settings = {}): Promise<{ world: World; b: ObservedNode; peer: HandPeer }> {
  const world = newWorld()
  const b = observe({ world, node: 'b', settings })
  await b.links.start()
  return { world, b, peer: await handDial(world, 'a', 'b') }
}

async function upByHand(): Promise<{ world: World; b: ObservedNode; peer: HandPeer }> {
  const { world, b, peer } = await dialledByHand()
  peer.say({ kind: 'hello', greeting: greeting() })
  await peer.heard()
  return { world, b, peer }
}

async function diallingByHand(settings = {}): Promise<{ world: World; b: ObservedNode; peer: HandPeer }> {
  const world = newWorld()
  const accepted: RawLink[] = []
  await world.transport('a').start({ accepted: (raw) => void accepted.push(raw), found: () => undefined })
  const b = observe({ world, node: 'b', settings })
  await b.links.start()
  b.links.addSeed(addressOf('a'))
  await world.pass(30)
  const peer = playedBy(world, accepted[0] as RawLink)
  expect(await peer.heard()).toMatchObject([{ kind: 'hello', greeting: { node: 'b' } }])
  return { world, b, peer }
}

async function handDial(world: World, from: NodeId, to: NodeId): Promise<HandPeer> {
  const dialling = world.transport(from).dial(addressOf(to), undefined, new AbortController().signal)
  await world.pass(20)
  return playedBy(world, await dialling)
}

function playedBy(world: World, raw: RawLink): HandPeer {
  const heard: LinkMessage[] = []
  raw.lane(0).onFrame((bytes) => void heard.push(decodeLinkMessage(bytes)))
  return {
    raw: raw as HandPeer['raw'],
    say: (message, lane = 0) => void raw.lane(lane).send(encodeLinkMessage(message)),
    async heard() {
      await world.pass(30)
      return heard
    },
  }
}
