import { describe, expect, it } from 'vitest'
import { createWorld, type SimWorld, type TestLink, type TestNode } from './sim-world.ts'

const noLoss = { loss: 0, duplicate: 0, reorder: 0 }
const mebibyte = 1024 * 1024

async function connected(
  world: SimWorld,
  from = 'x-1',
  to = 'y-1',
): Promise<{ a: TestNode; b: TestNode; ours: TestLink; theirs: TestLink }> {
  const a = await world.start(from)
  const b = await world.start(to)
  const ours = await a.dial(to)
  await world.pass(2_000)
  return { a, b, ours, theirs: b.accepted[0] as TestLink }
}

function send(end: TestLink, first: number, lane = 0, bytes = 1): boolean {
  return end.link.lane(lane).send(new Uint8Array(bytes).fill(first))
}

function firsts(end: TestLink, lane = 0): number[] {
  return end.came.filter((one) => one.lane === lane).map(({ first }) => first)
}

describe('a dial', () => {
  it('takes one round trip, and half of one more at the other side', async () => {
    const world = await createWorld()
    const a = await world.start('x-1')
    const b = await world.start('y-1')
    await a.dial('y-1')
    expect(world.nowMs).toBeGreaterThanOrEqual(100)
    expect(b.accepted).toHaveLength(0)
    await world.pass(51)
    expect(b.accepted).toHaveLength(1)
    expect(world.network.rttMs('x-1', 'y-1')).toBe(100)
  })

  it('is refused where nothing runs, after a round trip', async () => {
    const world = await createWorld()
    const a = await world.start('x-1')
    await expect(a.dial('y-1')).rejects.toThrow(expect.objectContaining({ code: 'ERR_DIAL_FAILED' }))
    expect(world.nowMs).toBeGreaterThanOrEqual(100)
  })

  it.each([
    ['over a cut path', (world: SimWorld) => cut(world, ['x'], ['y'])],
    ['when only the answer is cut off', (world: SimWorld) => cut(world, ['y'], ['x'], true)],
    ['to a machine that is gone', (world: SimWorld, b: TestNode) => world.crash(b, true)],
  ])('is not answered %s: it ends when it is given up', async (_why, break_) => {
    const world = await createWorld()
    const a = await world.start('x-1')
    break_(world, await world.start('y-1'))
    const giveUp = new AbortController()
    let settled = false
    const dial = a.transport.dial('sim:y-1', 'y-1', giveUp.signal)
    const rejected = expect(dial).rejects.toThrow(expect.objectContaining({ code: 'ERR_DIAL_FAILED' }))
    dial.catch(() => (settled = true))
    await world.pass(60_000)
    expect(settled).toBe(false)
    giveUp.abort()
    await world.driven(rejected)
  })

  it.each([
    ['the path there', ['x'], ['y']],
    ['the path back', ['y'], ['x']],
  ])('that a cut of %s swallowed is tried again after 1, 3 and 7 s, as TCP does', async (_what, from, to) => {
    const world = await createWorld()
    const a = await world.start('x-1')
    await world.start('y-1')
    cut(world, from, to, true)
    const dial = a.transport.dial('sim:y-1', 'y-1', new AbortController().signal)
    await world.pass(3_500)
    world.network.remove('cut')
    await world.driven(dial)
    expect(world.nowMs).toBeGreaterThanOrEqual(7_100)
    expect(world.nowMs).toBeLessThan(7_300)
    expect(world.network.counters.connections).toBe(1)
    await world.pass(20_000)
    expect(world.network.counters.connections).toBe(1)
  })

  it('is answered by a machine that comes back while it is tried', async () => {
    const world = await createWorld()
    const a = await world.start('x-1')
    world.crash(await world.start('y-1'), true)
    const dial = a.transport.dial('sim:y-1', 'y-1', new AbortController().signal)
    await world.pass(500)
    const back = await world.start('y-1')
    await world.driven(dial)
    await world.pass(1_000)
    expect(back.accepted).toHaveLength(1)
  })

  it('finds the addresses of all others, or of the seeds', async () => {
    const all = await createWorld()
    const some = await createWorld({ seeds: ['x-1', 'z-2'] })
    const [one, other] = [await all.start('x-1'), await some.start('x-1')]
    await all.pass(1)
    await some.pass(1)
    expect(one.found).toEqual(['sim:x-2', 'sim:y-1', 'sim:y-2', 'sim:z-1', 'sim:z-2'])
    expect(other.found).toEqual(['sim:z-2'])
  })
})

describe('a stream', () => {
  it('keeps the order of each lane while latency varies, and lets one lane overtake the other', async () => {
    const world = await createWorld({ jitter: true, rtt: { rtt: () => ({ p50Ms: 20, p95Ms: 400 }) } })
    const { ours, theirs } = await connected(world)
    for (let n = 0; n < 200; n += 1) {
      send(ours, n, n % 2)
      await world.pass(1)
    }
    await world.pass(60_000)
    const even = Array.from({ length: 100 }, (_none, index) => index * 2)
    expect(firsts(theirs, 0)).toEqual(even)
    expect(firsts(theirs, 1)).toEqual(even.map((n) => n + 1))
    expect(theirs.came.map(({ first }) => first)).not.toEqual(firsts(theirs, 0).flatMap((n) => [n, n + 1]))
  })

  it('stalls while its path is cut, and goes on after it, in order and after a retry', async () => {
    const world = await createWorld()
    const { ours, theirs } = await connected(world)
    send(ours, 1)
    await world.pass(10)
    cut(world, ['x'], ['y'])
    for (const n of [2, 3]) send(ours, n)
    send(ours, 4, 1)
    await world.pass(3_000)
    expect(firsts(theirs)).toEqual([1])

    world.network.remove('cut')
    const healedMs = world.nowMs
    send(ours, 5)
    await world.pass(10_000)
    expect(firsts(theirs)).toEqual([1, 2, 3, 5])
    expect(firsts(theirs, 1)).toEqual([4])
    expect(theirs.came.at(-1)?.atMs).toBeGreaterThan(healedMs + 50)
    expect(theirs.came.every(({ atMs }) => atMs < healedMs + 5_000)).toBe(true)
    expect([ours.closed, theirs.closed]).toEqual([undefined, undefined])
    expect(world.network.counters.held).toBe(3)
  })

  it('goes on when the sender would have tried again, each wait twice the last', async () => {
    const world = await createWorld()
    const { ours, theirs } = await connected(world)
    cut(world, ['x'], ['y'])
    const sentMs = world.nowMs
    send(ours, 1)
    await world.pass(3_000)
    world.network.remove('cut')
    send(ours, 2)
    await world.pass(10_000)
    // Tries after 300, 900, 2100 and 4500 ms.
    expect(theirs.came.map(({ atMs }) => Math.round(atMs - sentMs))).toEqual([4_550, 4_550])

    cut(world, ['x'], ['y'])
    const againMs = world.nowMs
    send(ours, 3)
    await world.pass(1)
    world.network.remove('cut')
    await world.pass(10_000)
    expect(Math.round((theirs.came[2]?.atMs ?? 0) - againMs)).toBe(350)
  })

  it('stays stalled until the last of two partitions heals', async () => {
    const world = await createWorld()
    const { ours, theirs } = await connected(world)
    cut(world, ['x'], ['y'])
    world.network.apply('other', { kind: 'flap', from: ['y-1'], to: ['rest'] })
    send(ours, 1)
    world.network.remove('cut')
    await world.pass(20_000)
    expect(firsts(theirs)).toEqual([])
    world.network.remove('other')
    await world.pass(20_000)
    expect(firsts(theirs)).toEqual([1])
  })

  it('is cut in one direction only by a one-way partition', async () => {
    const world = await createWorld()
    const { ours, theirs } = await connected(world)
    cut(world, ['x'], ['y'], true)
    send(ours, 1)
    send(theirs, 2)
    await world.pass(20_000)
    expect([firsts(ours), firsts(theirs)]).toEqual([[2], []])
  })

  it('tells of its end only when the path is open again', async () => {
    const world = await createWorld()
    const { ours, theirs } = await connected(world)
    cut(world, ['x'], ['y'])
    send(ours, 1)
    ours.link.close('enough')
    await world.pass(20_000)
    expect([ours.closed?.local, theirs.closed]).toEqual([true, undefined])
    world.network.remove('cut')
    await world.pass(20_000)
    expect(firsts(theirs)).toEqual([1])
    expect(theirs.closed).toEqual({ local: false, reason: 'enough' })
  })

  it('takes longer while its path is clogged', async () => {
    const world = await createWorld()
    const { ours, theirs } = await connected(world)
    world.network.apply('clog', { kind: 'clog', from: ['x'], to: ['rest'], extraMs: 400 })
    const sentMs = world.nowMs
    send(ours, 1)
    await world.pass(1_000)
    expect(theirs.came[0]?.atMs).toBeCloseTo(sentMs + 450, 0)
  })

  it('pays for a loss with the time until it is sent again, never with order or a frame', async () => {
    const world = await createWorld()
    const { ours, theirs } = await connected(world)
    world.network.apply('loss', {
      ...noLoss,
      kind: 'loss',
      from: ['x'],
      to: ['y'],
      loss: 0.3,
      duplicate: 0.5,
      reorder: 0.5,
    })
    const sentMs: number[] = []
    for (let n = 0; n < 100; n += 1) {
      sentMs.push(world.nowMs)
      send(ours, n)
      await world.pass(1_000)
    }
    await world.pass(60_000)
    expect(firsts(theirs)).toEqual(Array.from(sentMs.keys()))
    const late = theirs.came.filter(({ atMs, first }) => atMs - (sentMs[first] as number) > 200)
    expect(late.length).toBeGreaterThan(15)
    expect(late.length).toBeLessThan(60)
  })

  it('takes the time that its bytes need, one after the other', async () => {
    const world = await createWorld({ bandwidthMbps: 8 })
    const { ours, theirs } = await connected(world)
    const sentMs = world.nowMs
    send(ours, 1, 0, 100_000)
    send(ours, 2, 1, 100_000)
    await world.pass(2_000)
    expect(theirs.came.map(({ atMs }) => Math.round(atMs - sentMs))).toEqual([150, 250])
  })

  it('says when its buffer is full, and that there is room after what was taken came to be known', async () => {
    const world = await createWorld()
    const { ours, theirs } = await connected(world)
    const drained: number[] = []
    ours.link.lane(0).onDrain(() => drained.push(world.nowMs))
    theirs.link.lane(0).pause()
    expect(send(ours, 1, 0, mebibyte / 2)).toBe(true)
    expect(send(ours, 2, 0, mebibyte)).toBe(false)
    await world.pass(10_000)
    expect([theirs.came, drained]).toEqual([[], []])

    const resumedMs = world.nowMs
    theirs.link.lane(0).resume()
    await world.pass(10_000)
    expect(firsts(theirs)).toEqual([1, 2])
    expect(drained).toHaveLength(1)
    expect(drained[0]).toBeGreaterThanOrEqual(resumedMs + 50)
  })

  it('is closed at both ends when its sender never waits', async () => {
    const world = await createWorld()
    const { ours, theirs } = await connected(world)
    theirs.link.lane(0).pause()
    for (let n = 0; n < 65; n += 1) send(ours, n, 0, mebibyte)
    await world.pass(60_000)
    expect([ours.closed?.local, theirs.closed?.local]).toEqual([true, false])
  })

  it('waits at a node that stands still, and arrives afterwards, in order', async () => {
    const world = await createWorld()
    const { b, ours, theirs } = await connected(world)
    world.kernel.block(b.unit, world.kernel.nowUs + 5_000_000)
    for (const n of [1, 2, 3]) send(ours, n)
    await world.pass(4_900)
    expect(theirs.came).toEqual([])
    await world.pass(200)
    expect(firsts(theirs)).toEqual([1, 2, 3])
  })

  it('keeps its order when a frame arrives at the moment in which a pause ends', async () => {
    const world = await createWorld()
    const { b, ours, theirs } = await connected(world)
    theirs.link.lane(0).pause()
    for (const n of [1, 2]) send(ours, n)
    await world.pass(1_000)
    const atUs = world.kernel.nowUs + 50_001
    world.kernel.schedule(b.unit, atUs, 'step', () => theirs.link.lane(0).resume())
    send(ours, 3)
    await world.pass(1_000)
    expect(theirs.came.map(({ first, atMs }) => [first, Math.round(atMs * 1_000)])).toEqual([
      [1, atUs],
      [2, atUs],
      [3, atUs],
    ])
  })

  it('is not changed by what its sender does next with the buffer that a frame was a part of', async () => {
    const world = await createWorld()
    const { ours, theirs } = await connected(world)
    const pool = Buffer.alloc(100, 1)
    ours.link.lane(0).send(pool.subarray(10, 20))
    pool.fill(2)
    await world.pass(1_000)
    expect(firsts(theirs)).toEqual([1])
  })

  it('lets a frame be kept back, and what follows on its lane', async () => {
    const world = await createWorld({ describe: (frame) => `number ${frame[0]}` })
    const { ours, theirs } = await connected(world)
    const release = world.network.hold({ from: ['x-1'], caption: 'number 2' })
    for (const n of [1, 2, 3]) send(ours, n)
    for (const n of [1, 3]) send(ours, n, 1)
    send(theirs, 2)
    await world.pass(10_000)
    expect([firsts(theirs), firsts(theirs, 1), firsts(ours)]).toEqual([[1], [1, 3], [2]])

    release()
    release()
    const releasedMs = world.nowMs
    await world.pass(10_000)
    expect(firsts(theirs)).toEqual([1, 2, 3])
    expect(theirs.came.at(-1)?.atMs).toBeCloseTo(releasedMs + 50, 0)
  })
})

describe('what ends a stream', () => {
  it('is noticed at both ends when it is reset', async () => {
    const world = await createWorld()
    const { a, ours, theirs } = await connected(world)
    const other = await world.start('z-1')
    const unconcerned = await a.dial('z-1')
    world.network.reset(['x'], ['y'], false)
    send(ours, 1)
    await world.pass(10_000)
    const reset = { local: false, reason: 'reset' }
    expect([ours.closed, theirs.closed, theirs.came]).toEqual([reset, reset, []])
    send(unconcerned, 1)
    await world.pass(1_000)
    expect(other.accepted[0]?.came).toHaveLength(1)
  })

  it('is noticed at one end only when it is half-open; the other talks to nobody', async () => {
    const world = await createWorld()
    const { ours, theirs } = await connected(world)
    world.network.reset(['y'], ['x'], true)
    await world.pass(1)
    expect([theirs.closed?.reason, ours.closed]).toEqual(['reset', undefined])
    send(ours, 1)
    await world.pass(60_000)
    expect([ours.closed, theirs.came]).toEqual([undefined, []])
    expect(world.network.counters.drops.broken).toBe(1)
    ours.link.close('nobody there')
    await world.pass(1_000)
    expect(ours.closed?.local).toBe(true)
  })

  it('is told by the machine of a process that crashed, behind what it had sent', async () => {
    const world = await createWorld()
    const { b, ours, theirs } = await connected(world)
    send(theirs, 7)
    const crashedMs = world.nowMs
    world.crash(b, false)
    await world.pass(49)
    expect(ours.closed).toBeUndefined()
    await world.pass(3)
    expect([firsts(ours), ours.closed]).toEqual([[7], { local: false, reason: 'reset' }])
    expect(ours.came[0]?.atMs).toBeGreaterThanOrEqual(crashedMs + 50)
  })

  it('is told by nobody when the machine went, until it runs again and is asked', async () => {
    const world = await createWorld()
    const { b, ours } = await connected(world)
    world.crash(b, true)
    send(ours, 1)
    await world.pass(60_000)
    expect(ours.closed).toBeUndefined()

    const next = await world.start('y-1')
    await world.pass(20_000)
    expect(ours.closed).toEqual({ local: false, reason: 'reset' })
    expect(next.accepted).toEqual([])
  })

  it('is asked by what was under way when the machine went', async () => {
    const world = await createWorld()
    const { b, ours } = await connected(world)
    send(ours, 1)
    world.crash(b, true)
    await world.pass(10_000)
    await world.start('y-1')
    await world.pass(20_000)
    expect(ours.closed).toEqual({ local: false, reason: 'reset' })
  })

  it('is not told over a cut path that the machine runs again', async () => {
    const world = await createWorld()
    const { b, ours } = await connected(world)
    world.crash(b, true)
    send(ours, 1)
    cut(world, ['y'], ['x'], true)
    await world.start('y-1')
    await world.pass(30_000)
    expect(ours.closed).toBeUndefined()
    world.network.remove('cut')
    await world.pass(30_000)
    expect(ours.closed).toEqual({ local: false, reason: 'reset' })
  })

  it('is not told by a machine that runs again as long as nobody asks', async () => {
    const world = await createWorld()
    const { b, ours } = await connected(world)
    world.crash(b, true)
    await world.start('y-1')
    await world.pass(60_000)
    expect(ours.closed).toBeUndefined()
    send(ours, 1)
    await world.pass(101)
    expect(ours.closed).toEqual({ local: false, reason: 'reset' })
  })

  it('is asked for again after a cut that swallowed the reset of a crashed process', async () => {
    const world = await createWorld()
    const { b, ours } = await connected(world)
    cut(world, ['x'], ['y'])
    world.crash(b, false)
    await world.pass(10_000)
    world.network.remove('cut')
    await world.pass(10_000)
    expect(ours.closed).toBeUndefined()
    send(ours, 1)
    await world.pass(1_000)
    expect(ours.closed).toEqual({ local: false, reason: 'reset' })
  })

  it('is told to a dialler whose peer crashed before it had accepted', async () => {
    const world = await createWorld()
    const a = await world.start('x-1')
    const b = await world.start('y-1')
    const ours = await a.dial('y-1')
    world.crash(b, false)
    await world.pass(1_000)
    expect([b.accepted, ours.closed]).toEqual([[], { local: false, reason: 'reset' }])
  })

  it('lets a new life take the place of one that crashed, never of one that runs', async () => {
    const world = await createWorld()
    const { a, b } = await connected(world)
    await expect(world.start('y-1')).rejects.toThrow(expect.objectContaining({ code: 'ERR_TRANSPORT_START' }))
    world.crash(b, true)
    const next = await world.start('y-1')
    const link = await a.dial('y-1')
    send(link, 1)
    await world.pass(1_000)
    expect(next.accepted[0]?.came).toHaveLength(1)
    expect(() => world.network.transportFor('nobody', a.unit)).toThrow(
      expect.objectContaining({ code: 'ERR_NO_SUCH_NODE' }),
    )
  })
})

describe('the trace', () => {
  it('links what arrives to what was sent, calls frames by name, and says why something never arrives', async () => {
    const world = await createWorld({ trace: true, describe: (frame) => `number ${frame[0]}` })
    const { b, ours } = await connected(world)
    send(ours, 1)
    await world.pass(1_000)
    world.crash(b, true)
    send(ours, 2)
    const events = world.kernel.log.trace() ?? []
    const [sent] = events.filter(({ kind, msg }) => kind === 'send' && msg === 'number 1')
    const [came] = events.filter(({ kind, msg }) => kind === 'recv' && msg === 'number 1')
    expect(sent).toMatchObject({ node: 'x-1', peer: 'y-1' })
    expect(came).toMatchObject({ node: 'y-1', peer: 'x-1', cause: sent?.i })
    expect(events.at(-1)).toMatchObject({ kind: 'drop', node: 'x-1', peer: 'y-1', msg: 'dead' })
    expect(events.filter(({ kind }) => kind === 'open').map(({ node }) => node)).toEqual(['x-1', 'y-1'])
  })
})

function cut(world: SimWorld, from: string[], to: string[], oneWay = false): void {
  world.network.apply('cut', { kind: 'partition', from, to, oneWay })
}
