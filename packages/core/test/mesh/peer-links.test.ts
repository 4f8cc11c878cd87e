import { describe, expect, it } from 'vitest'
import type { Platform } from '../../src/platform/platform.ts'
import { disagreement, observe, type ObserveOptions, type ObservedNode } from './peer-links-observed.ts'
import { addressOf, constantDelays, seededRandom, World, type WorldOptions } from './peer-links-world.ts'

describe('sending', () => {
  it('says why a frame was not taken', async () => {
    const { a } = await linkedPair({ world: { maxFrameBytes: 2_000 } })
    expect(a.links.send('stranger', bytesOf('hi'))).toBe('no-link')
    expect(a.links.controlBytesMax).toBe(1_999)
    expect(a.links.send('b', new Uint8Array(a.links.frameBytesMax + 1))).toBe('too-large')
    expect(a.links.sendControl('b', new Uint8Array(2_000))).toBe('too-large')
    expect(a.links.sendControl('nobody', new Uint8Array(1))).toBe('no-link')
    expect(a.links.counters).toMatchObject({ controlsNoLink: 1, controlsUnsent: 1 })
    expect(a.links.send('b', new Uint8Array(1_999))).toBe('sent')
    expect(a.links.counters).toMatchObject({ framesNoLink: 1, framesTooLarge: 1, framesSent: 1 })
  })

  it('queues in order while the transport is full, up to its bound, and goes on when it drains', async () => {
    const { world, a, b } = await linkedPair({ world: { window: 2 }, settings: { backlogBytesMax: 1_000 } })
    const results: string[] = []
    for (let number = 0; number < 30; number += 1) results.push(a.links.send('b', bytesOf(String(number))))
    const taken = results.filter((result) => result === 'sent').length
    expect(results).toEqual([...Array<string>(taken).fill('sent'), ...Array<string>(30 - taken).fill('overloaded')])
    expect(taken).toBeGreaterThan(10)
    expect(a.links.counters.framesOverloaded).toBe(30 - taken)
    await world.pass(1_000)
    expect(b.frames).toEqual(Array.from({ length: taken }, (_, number) => `a:${number}`))
    expect(a.links.send('b', bytesOf('again'))).toBe('sent')
  })

  it('takes any one frame however small the bound', async () => {
    const { a } = await linkedPair({ world: { window: 1 }, settings: { backlogBytesMax: 10 } })
    const results = [1, 2, 3].map(() => a.links.send('b', new Uint8Array(5_000)))
    expect(results).toEqual(['sent', 'sent', 'overloaded'])
  })

  it('counts what was queued when the link ended', async () => {
    const { world, a } = await linkedPair({ world: { window: 1 } })
    for (const text of ['1', '2', '3']) a.links.send('b', bytesOf(text))
    world.transports.get('b')?.kill()
    await world.pass(15)
    expect(a.events).toEqual(['up b', 'down b closed'])
    expect(a.links.counters.framesLost).toBeGreaterThan(0)
  })

  it('may send from the up event, and those frames come first', async () => {
    const world = newWorld()
    const b = observe({ world, node: 'b' })
    const a: ObservedNode = observe({ world, node: 'a', on: { up: () => void a.links.send('b', bytesOf('first')) } })
    await connect(world, b, a)
    a.links.send('b', bytesOf('second'))
    await world.pass(100)
    expect(b.frames).toEqual(['a:first', 'a:second'])
  })
})

describe('dialling', () => {
  it('dials a learned peer at once from the smaller id only', async () => {
    const { world, a, b } = await startedPair()
    a.links.learn(addressOf('b'), 'b')
    b.links.learn(addressOf('a'), 'a')
    await world.pass(3_000)
    expect(disagreement(world, a, b)).toEqual([])
    expect([a.links.counters.dials, b.links.counters.dials]).toEqual([1, 0])
  })

  it('dials from the larger id when the smaller one does not', async () => {
    const { world, a, b } = await startedPair()
    b.links.learn(addressOf('a'), 'a')
    await world.pass(900)
    expect(b.links.counters.dials).toBe(0)
    await world.pass(1_000)
    expect(disagreement(world, a, b)).toEqual([])
  })

  it('links with a peer that reaches us while our own dial to it hangs', async () => {
    const { world, a, b } = await startedPair()
    a.links.learn('blackhole:b', 'b')
    b.links.learn(addressOf('a'), 'a')
    await world.pass(3_000)
    expect(a.links.linkTo('b')).toBeDefined()
  })

  it('redials a seed for ever, at most every few seconds', async () => {
    const world = newWorld()
    const a = observe({ world, node: 'a' })
    await a.links.start()
    a.links.addSeed(addressOf('b'))
    await world.pass(60_000)
    const dials = a.links.counters.dials
    expect(dials).toBeGreaterThan(12)
    expect(dials).toBeLessThan(35)
    await observe({ world, node: 'b' }).links.start()
    await world.pass(6_000)
    expect(a.events).toEqual(['up b'])
  })

  it('dials an offered address until it is withdrawn', async () => {
    const world = newWorld()
    const a = observe({ world, node: 'a' })
    await a.links.start()
    a.links.offer(addressOf('b'))
    await world.pass(10_000)
    expect(a.links.counters.dials).toBeGreaterThan(3)
    a.links.withdraw(addressOf('b'))
    await world.pass(1_000)
    const { dials } = a.links.counters
    await observe({ world, node: 'b' }).links.start()
    await world.pass(60_000)
    expect([a.links.counters.dials, a.events]).toEqual([dials, []])
    a.links.offer(addressOf('b'))
    await world.pass(100)
    expect(a.events).toEqual(['up b'])
  })

  it('keeps the link to an address that is withdrawn, and does not dial it again', async () => {
    const { world, a } = await startedPair()
    a.links.offer(addressOf('b'))
    await world.pass(100)
    a.links.withdraw(addressOf('b'))
    await world.pass(10_000)
    expect(a.events).toEqual(['up b'])
    world.links[0]?.sever(constantDelays(5))
    await world.pass(20_000)
    expect(a.events).toEqual(['up b', 'down b closed'])
  })

  it('keeps a seed whose address was also offered and withdrawn, in either order', async () => {
    for (const seedFirst of [true, false]) {
      const world = newWorld()
      const a = observe({ world, node: 'a' })
      await a.links.start()
      if (seedFirst) a.links.addSeed(addressOf('b'))
      a.links.offer(addressOf('b'))
      if (!seedFirst) a.links.addSeed(addressOf('b'))
      a.links.withdraw(addressOf('b'))
      await observe({ world, node: 'b' }).links.start()
      await world.pass(6_000)
      expect(a.events).toEqual(['up b'])
    }
  })

  it('has room for a new address in place of a withdrawn one', async () => {
    const { world, a } = await startedPair({ settings: { addressesMax: 2 } })
    for (let round = 0; round < 5; round += 1) {
      a.links.offer(`fake:moved-${round}`)
      await world.pass(200)
      a.links.withdraw(`fake:moved-${round}`)
    }
    a.links.offer(addressOf('b'))
    await world.pass(100)
    expect([a.events, a.links.counters.addressesDropped]).toEqual([['up b'], 0])
  })

  it('dials again after a loss, but not a peer that was forgotten', async () => {
    const { world, a, b } = await startedPair()
    a.links.learn(addressOf('b'), 'b')
    await world.pass(100)
    world.links[0]?.sever(constantDelays(5))
    await world.pass(500)
    expect(a.events).toEqual(['up b', 'down b closed', 'up b'])
    a.links.forget('b')
    expect(a.links.linkTo('b')).toBeDefined()
    world.links[1]?.sever(constantDelays(5))
    await world.pass(20_000)
    expect(a.events).toHaveLength(4)
    expect(b.links.linkTo('a')).toBeUndefined()
  })

  it('redials ever more slowly while links do not last, and quickly once one did', async () => {
    const { world, a } = await startedPair()
    a.links.learn(addressOf('b'), 'b')
    const gaps: number[] = []
    for (let round = 0; round < 8; round += 1) {
      await world.pass(50)
      const dials = a.links.counters.dials
      world.links.at(-1)?.sever(constantDelays(0))
      const before = world.now
      while (a.links.counters.dials === dials && world.now < before + 20_000) await world.pass(10)
      gaps.push(world.now - before)
    }
    expect(Math.min(...gaps.slice(-2))).toBeGreaterThan(2_000)
    await world.pass(10_000)
    world.links.at(-1)?.sever(constantDelays(0))
    await world.pass(150)
    expect(a.links.linkTo('b')).toBeDefined()
  })

  it('tries a new address of a peer first', async () => {
    const { world, a } = await startedPair()
    for (const number of [1, 2, 3]) a.links.learn(`fake:old-${number}`, 'b')
    await world.pass(2)
    a.links.learn(addressOf('b'), 'b')
    await world.pass(300)
    expect(a.events).toEqual(['up b'])
    expect(a.links.counters.dials).toBe(2)
  })

  it('tries the addresses of a peer in turn', async () => {
    const { world, a } = await startedPair()
    a.links.learn(addressOf('b'), 'b')
    // The newest goes first, and nobody is there.
    a.links.learn('fake:nobody', 'b')
    await world.pass(1_000)
    expect(a.events).toEqual(['up b'])
    expect(a.links.counters.dials).toBe(2)
  })

  it('dials a peer once that it knows both as a seed and by its record', async () => {
    const { world, a } = await startedPair({ world: { delays: constantDelays(300) } })
    a.links.addSeed(addressOf('b'))
    await world.pass(2_000)
    a.links.learn(addressOf('b'), 'b')
    world.links[0]?.sever(constantDelays(0))
    await world.pass(250)
    expect(a.links.counters.dials).toBe(2)
    await world.pass(10_000)
    expect(a.events).toEqual(['up b', 'down b closed', 'up b'])
    expect(a.links.counters.dials).toBe(2)
  })

  it('hurries: a node that waits, or hangs, is dialled at once', async () => {
    const { world, a, b } = await startedPair()
    b.links.learn(addressOf('a'), 'a')
    await world.pass(100)
    expect(b.links.counters.dials).toBe(0)
    b.links.hurry('a')
    await world.pass(50)
    expect(b.events).toEqual(['up a'])
    a.links.learn('blackhole:c', 'c')
    a.links.hurry('c')
    await world.pass(900)
    expect(a.links.counters.dials).toBe(1)
    a.links.hurry('c')
    await world.pass(500)
    expect(a.links.counters.dials).toBe(1)
    a.links.hurry('c')
    await world.pass(10)
    expect(a.links.counters.dials).toBe(2)
  })

  it('leaves seeds alone while they rest, and dials them when they do not', async () => {
    const { world, a } = await startedPair()
    a.links.addSeed(addressOf('b'))
    await world.pass(100)
    a.links.restSeeds(true)
    world.links[0]?.sever(constantDelays(0))
    await world.pass(30_000)
    expect(a.events).toEqual(['up b', 'down b closed'])
    a.links.restSeeds(false)
    await world.pass(200)
    expect(a.events).toEqual(['up b', 'down b closed', 'up b'])
  })

  it('leaves one peer with a goodbye, behind the last frame, and counts what crossed the link', async () => {
    const { world, a, b } = await linkedPair()
    expect([a.links.trafficOf('b'), a.links.trafficOf('c')]).toEqual([0, undefined])
    a.sendNumbered('b')
    a.links.leave('b')
    a.links.leave('c')
    await world.pass(200)
    expect(b.frames).toHaveLength(1)
    expect([a.events, b.events]).toEqual([
      ['up b', 'down b idle'],
      ['up a', 'down a goodbye'],
    ])
  })

  it('does not dial itself again', async () => {
    const { world, a } = await startedPair()
    a.links.addSeed(addressOf('a'))
    a.links.addSeed(`${addressOf('a')}@another-way`)
    await world.pass(20_000)
    a.links.addSeed(`${addressOf('a')}@another-way`)
    await world.pass(20_000)
    expect(a.links.counters.dials).toBe(1)
    expect(a.events).toEqual([])
    expect(world.openLinks('a', 'a')).toEqual([])
  })

  it('does not dial itself again where the transport says so, and has room for the others', async () => {
    const { world, a } = await startedPair({ settings: { dialsMax: 1 } })
    a.links.offer(`${addressOf('a')}@known`)
    await world.pass(20_000)
    expect(a.links.counters).toMatchObject({ dials: 1, dialsFailed: 0 })
    a.links.offer(addressOf('b'))
    await world.pass(100)
    expect(a.events).toEqual(['up b'])
  })

  it('drops a second way to a peer that has a link', async () => {
    const { world, a, b } = await linkedPair()
    a.links.addSeed(`${addressOf('b')}@another-way`)
    await world.pass(10_000)
    expect(disagreement(world, a, b)).toEqual([])
    expect(a.links.counters).toMatchObject({ dials: 1, linksDropped: 1, linksUp: 1 })
  })

  it('dials a few at a time, and the rest in turn', async () => {
    const world = newWorld()
    const a = observe({ world, node: 'a' })
    await a.links.start()
    for (let number = 0; number < 40; number += 1) a.links.addSeed(`blackhole:${number}`)
    await world.pass(9_000)
    expect(a.links.counters.dials).toBe(16)
    await world.pass(20_000)
    expect(a.links.counters.dials).toBe(48)
  })

  it('keeps a bounded number of addresses and counts the others', async () => {
    const world = newWorld()
    const a = observe({ world, node: 'a', settings: { addressesMax: 3, addressesPerPeerMax: 2 } })
    await a.links.start()
    for (const number of [1, 2, 3]) a.links.learn(`blackhole:${number}`, 'b')
    expect(a.links.counters.addressesDropped).toBe(1)
    a.links.addSeed('blackhole:4')
    a.links.addSeed('blackhole:4')
    expect(a.links.counters.addressesDropped).toBe(1)
    a.links.addSeed('blackhole:5')
    a.links.addSeed('x'.repeat(10_000))
    expect(a.links.counters.addressesDropped).toBe(3)
    a.links.forget('b')
    a.links.addSeed('blackhole:5')
    expect(a.links.counters.addressesDropped).toBe(3)
  })

  it('refuses links beyond its bound', async () => {
    const world = newWorld()
    const [a, b, c] = ['a', 'b', 'c'].map((node) => observe({ world, node, settings: { linksMax: 1 } })) as Trio
    await connect(world, a, b)
    await c.links.start()
    c.links.addSeed(addressOf('a'))
    await world.pass(1_000)
    expect(c.events).toContain('refused a peer ERR_TOO_MANY_LINKS')
    expect(a.links.peers().map(({ node }) => node)).toEqual(['b'])
  })
})

describe('heartbeat', () => {
  it('measures round-trip times and loads', async () => {
    const { world, a } = await linkedPair()
    await world.pass(5_000)
    expect(a.links.linkTo('b')).toMatchObject({ rttMs: 20, load: 0.25, inFlight: 7, suspected: false })
  })

  it('suspects a silent peer, then gives up the link', async () => {
    const { world, a } = await linkedPair()
    silence(world)
    await world.pass(1_150)
    expect(a.events).toEqual(['up b'])
    await world.pass(850)
    expect(a.events).toEqual(['up b', 'suspect b'])
    expect(a.links.linkTo('b')?.suspected).toBe(true)
    await world.pass(3_000)
    expect(a.events).toEqual(['up b', 'suspect b', 'down b heartbeat'])
    expect(a.links.counters).toMatchObject({ suspicions: 1, heartbeatDeaths: 1 })
  })

  it('trusts a peer again as soon as anything comes from it', async () => {
    const { world, a } = await linkedPair()
    const link = world.links[0]
    silence(world)
    await world.pass(3_500)
    if (link !== undefined) link.cut = false
    await world.pass(600)
    expect(a.events).toEqual(['up b', 'suspect b', 'trusted b'])
    await world.pass(10_000)
    expect(a.events).toHaveLength(3)
  })

  it('accuses nobody after its own pause, while a peer that is dead is still found', async () => {
    const world = newWorld()
    const pause = { until: 0 }
    const a = observe({ world, node: 'a', clock: pausable(world, pause) })
    await connect(world, a, observe({ world, node: 'b', settings: { deadMs: 60_000 } }))
    silence(world)
    pause.until = world.now + 20_000
    await world.pass(20_010)
    expect(a.links.counters.lateBeats).toBe(1)
    expect(a.events).toEqual(['up b'])
    await world.pass(8_000)
    expect(a.events).toEqual(['up b', 'suspect b', 'down b heartbeat'])
  })
})

describe('stopping', () => {
  it('delivers what was sent, says goodbye, and fires down for all', async () => {
    const { world, a, b } = await linkedPair()
    for (const text of ['1', '2', '3']) a.links.send('b', bytesOf(text))
    const stopped = a.links.stop('deploy')
    expect(a.links.stop('again')).toBe(stopped)
    await world.pass(100)
    await stopped
    expect(b.frames).toEqual(['a:1', 'a:2', 'a:3'])
    expect(a.events).toEqual(['up b', 'down b stopped'])
    expect(b.events).toEqual(['up a', 'down a goodbye'])
    expect(a.links.send('b', bytesOf('4'))).toBe('no-link')
    expect(world.transports.has('a')).toBe(false)
  })

  it('waits only so long for a peer that does not answer', async () => {
    const { world, a } = await linkedPair()
    silence(world)
    let done = false
    void a.links.stop('deploy').then(() => {
      done = true
    })
    await world.pass(400)
    expect(done).toBe(false)
    await world.pass(200)
    expect(done).toBe(true)
  })

  it('stops at once when both say goodbye at the same time', async () => {
    const { world, a, b } = await linkedPair()
    let done = 0
    for (const node of [a, b]) void node.links.stop('deploy').then(() => (done += 1))
    await world.pass(50)
    expect(done).toBe(2)
  })

  it('stops when told so by its own listener, while it dials, and before it started', async () => {
    const world = newWorld()
    const a: ObservedNode = observe({ world, node: 'a', on: { up: () => void a.links.stop('enough') } })
    await connect(world, a, observe({ world, node: 'b' }))
    expect(a.events).toEqual(['up b', 'down b stopped'])

    const c = observe({ world, node: 'c' })
    await c.links.start()
    c.links.addSeed('blackhole:')
    await world.pass(100)
    await c.links.stop('enough')

    const d = observe({ world, node: 'd' })
    await d.links.stop('never started')
    expect(world.transports.has('d')).toBe(false)
  })
})

describe('starting', () => {
  it('keeps what the transport reports before it knows its own id', async () => {
    const world = newWorld()
    const [a, b, c] = ['a', 'b', 'c'].map((node) => observe({ world, node })) as Trio
    await Promise.all([b.links.start(), c.links.start()])
    const start = a.transport.start.bind(a.transport)
    a.transport.start = async (host) => {
      const started = await start(host)
      host.found(addressOf('b'))
      await new Promise<void>((resolve) => void world.after(500, resolve))
      return started
    }
    const starting = a.links.start()
    c.links.addSeed(addressOf('a'))
    await world.pass(400)
    expect([a.events, c.events]).toEqual([[], []])
    await world.pass(200)
    await starting
    expect(a.events).toEqual(['up c', 'up b'])
  })
})

type Trio = [ObservedNode, ObservedNode, ObservedNode]

function newWorld(options: Partial<WorldOptions> = {}): World {
  return new World({ random: seededRandom(3), delays: constantDelays(10), ...options })
}

interface PairOptions {
  readonly world?: Partial<WorldOptions>
  readonly settings?: ObserveOptions['settings']
  readonly a?: Partial<ObserveOptions>
}

async function startedPair(options: PairOptions = {}) {
  const world = newWorld(options.world)
  const settings = options.settings === undefined ? {} : { settings: options.settings }
  const a = observe({ world, node: 'a', ...settings, ...options.a })
  const b = observe({ world, node: 'b', ...settings })
  await Promise.all([a.links.start(), b.links.start()])
  return { world, a, b }
}

/** `b` dialled, and `a` knows no address, so that nothing is redialled by `a`. */
async function linkedPair(options: PairOptions = {}) {
  const { world, a, b } = await startedPair(options)
  b.links.learn(addressOf('a'), 'a')
  await world.pass(2_000)
  b.links.forget('a')
  expect(disagreement(world, a, b)).toEqual([])
  return { world, a, b }
}

async function connect(world: World, a: ObservedNode, b: ObservedNode): Promise<void> {
  await Promise.all([a.links.start(), b.links.start()])
  b.links.addSeed(addressOf(a.node))
  await world.pass(100)
}

/** Nothing arrives any more on any link, and nobody is told. */
function silence(world: World): void {
  for (const link of world.links) link.cut = true
}

/** A clock whose timers wait while it is paused, as those of a blocked process do. */
function pausable(world: World, pause: { until: number }): Partial<Platform['clock']> {
  return {
    after(delayMs, run) {
      const fire = (): void => {
        if (world.now < pause.until) timer = world.after(pause.until - world.now, fire)
        else run()
      }
      let timer = world.after(delayMs, fire)
      return { cancel: () => timer.cancel() }
    },
  }
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
