import { manualPlatform } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { Discovery, type DiscoverySettings, defaultDiscoverySettings } from '../../src/discovery/discovery.ts'
import type { DiscoverySource, PartialAnswer, Place } from '../../src/discovery/source.ts'

type Answer = readonly Place[] | PartialAnswer

/** A source that gives what the test put there, and counts. */
class Scripted implements DiscoverySource {
  readonly name: string
  asked = 0
  closed = 0
  answer: () => Answer | Promise<Answer>

  constructor(name: string, answer: () => Answer | Promise<Answer>) {
    this.name = name
    this.answer = answer
  }

  open(): ReturnType<DiscoverySource['open']> {
    return {
      find: async () => {
        this.asked += 1
        return await this.answer()
      },
      close: async () => {
        this.closed += 1
      },
    }
  }
}

const places = (...addresses: string[]): Place[] => addresses.map((address) => ({ address }))
const fail = (): never => {
  throw new Error('no such server')
}

function world(sources: DiscoverySource[], settings: Partial<DiscoverySettings> = {}) {
  const platform = manualPlatform()
  const dialled = new Set<string>()
  const done: string[] = []
  let isAlone = false
  const discovery = new Discovery({
    sources,
    self: { node: 'us', cluster: 'shop', region: 'syd', addresses: ['/ip4/10.0.0.9/tcp/1/p2p/us', 'bare'] },
    platform,
    settings,
    dialer: {
      offer: (address) => (dialled.add(address), done.push(`+${address}`)),
      withdraw: (address) => (dialled.delete(address), done.push(`-${address}`)),
      isAlone: () => isAlone,
    },
  })
  const alone = (yes: boolean): void => void (isAlone = yes)
  const started = async (): Promise<void> => (discovery.start(), platform.settle())
  return { discovery, platform, dialled, done, alone, started }
}

describe('discovery', () => {
  it('has what a source names dialled, without ourselves', async () => {
    const source = new Scripted('dns', () => places('a', '/ip4/10.0.0.9/tcp/1', 'bare', 'b'))
    const { dialled, started, discovery } = world([source])
    await started()
    expect([...dialled].sort()).toEqual(['a', 'b'])
    expect(discovery.info()).toMatchObject([{ name: 'dns', failure: undefined, questions: 1, failures: 0, dropped: 0 }])
  })

  it('asks soon at first, then ever more seldom while nothing changes, and soon again after a change', async () => {
    const source = new Scripted('dns', () => places('a'))
    const { platform, started } = world([source])
    await started()
    await platform.advance(2_000)
    const early = source.asked
    expect(early).toBeGreaterThanOrEqual(3)
    await platform.advance(120_000)
    const before = source.asked
    await platform.advance(100_000)
    // Every 5 to 10 s.
    expect(source.asked - before).toBeGreaterThanOrEqual(10)
    expect(source.asked - before).toBeLessThanOrEqual(20)
    source.answer = () => places('a', 'b')
    const changed = source.asked
    while (source.asked === changed) await platform.advance(100)
    await platform.advance(2_000)
    expect(source.asked - changed).toBeGreaterThanOrEqual(3)
  })

  it('asks at least every two seconds while nobody is linked', async () => {
    const source = new Scripted('dns', () => places('a'))
    const { platform, started, alone } = world([source])
    alone(true)
    await started()
    await platform.advance(60_000)
    expect(source.asked).toBeGreaterThanOrEqual(30)
  })

  it('does not ask at the same moments on two nodes', async () => {
    const moments = async (seed: number): Promise<number[]> => {
      const platform = manualPlatform({ seed })
      const asked: number[] = []
      const source = new Scripted('dns', () => (asked.push(platform.clock.monotonic()), []))
      const dialer = { offer() {}, withdraw() {}, isAlone: () => false }
      const self = { node: 'us', cluster: 'shop', region: 'syd', addresses: [] }
      const discovery = new Discovery({ sources: [source], self, platform, dialer })
      discovery.start()
      await platform.advance(20_000)
      return asked
    }
    expect(await moments(1)).not.toEqual(await moments(2))
  })

  it('dials no more what good answers have not named for half a minute', async () => {
    const source = new Scripted('dns', () => places('a', 'b'))
    const { platform, dialled, discovery, started } = world([source])
    await started()
    source.answer = () => places('a')
    await platform.advance(defaultDiscoverySettings.forgetMs - 1_000)
    expect([...dialled]).toEqual(['a', 'b'])
    await platform.advance(12_000)
    expect([...dialled]).toEqual(['a'])
    expect(discovery.info()).toMatchObject([{ forgotten: 1, places: [{ address: 'a' }] }])
  })

  it('keeps what it knows while a source fails, and says so once when that begins and once when it is over', async () => {
    const source = new Scripted('dns', () => places('a'))
    const { platform, dialled, discovery, started } = world([source])
    await started()
    source.answer = fail
    await platform.advance(300_000)
    expect([...dialled]).toEqual(['a'])
    expect(discovery.info()).toMatchObject([{ failure: 'no such server' }])
    expect(discovery.info()[0]!.failures).toBeGreaterThan(5)
    const before = source.asked
    await platform.advance(100_000)
    // Every 15 to 30 s.
    expect(source.asked - before).toBeGreaterThanOrEqual(3)
    expect(source.asked - before).toBeLessThanOrEqual(7)
    source.answer = () => places('a')
    await platform.advance(60_000)
    expect(discovery.info()).toMatchObject([{ failure: undefined }])
    const logged = platform.log.entries.map(({ level, message }) => `${level} ${message}`)
    expect(logged).toEqual(['warn discovery fails, and is tried again', 'info discovery works again'])
  })

  it('dials what a partial answer names, forgets nothing by it, and counts it as a failure', async () => {
    const source = new Scripted('fly', () => places('a', 'b'))
    const { platform, dialled, discovery, started } = world([source])
    await started()
    source.answer = () => ({ places: places('c'), failure: new Error('half of it') })
    await platform.advance(120_000)
    expect([...dialled]).toEqual(['a', 'b', 'c'])
    expect(discovery.info()).toMatchObject([{ failure: 'half of it' }])
  })

  it('goes on with the other sources when one fails, throws while it opens, or answers rubbish', async () => {
    const unopened: DiscoverySource = { name: 'unopened', open: fail }
    const rubbish = new Scripted('rubbish', () => 'nodes' as unknown as Place[])
    const none = new Scripted('none', () => undefined as unknown as Place[])
    const { dialled, discovery, started } = world([unopened, rubbish, none, new Scripted('good', () => places('a'))])
    await started()
    expect([...dialled]).toEqual(['a'])
    expect(discovery.info().map(({ failures }) => failures)).toEqual([1, 1, 1, 0])
  })

  it('counts a source that does not answer in time as failing, and asks it no second question meanwhile', async () => {
    const source = new Scripted('slow', () => new Promise<never>(() => undefined))
    const { platform, discovery, started } = world([source])
    await started()
    await platform.advance(600_000)
    expect(source.asked).toBe(1)
    expect(discovery.info()[0]!.failures).toBeGreaterThan(5)
  })

  it('takes no notice of an answer that comes too late', async () => {
    let answer: ((places: Place[]) => void) | undefined
    const source = new Scripted('slow', () => new Promise<Place[]>((resolve) => (answer = resolve)))
    const { platform, dialled, started } = world([source])
    await started()
    await platform.advance(defaultDiscoverySettings.timeoutMs + 1)
    source.answer = () => places('b')
    answer!(places('a'))
    await platform.advance(1_000)
    expect([...dialled]).toEqual(['b'])
  })

  it('dials a place until none of its sources names it', async () => {
    const one = new Scripted('one', () => places('a'))
    const two = new Scripted('two', () => places('a'))
    const { platform, dialled, started } = world([one, two])
    await started()
    one.answer = () => []
    await platform.advance(60_000)
    expect([...dialled]).toEqual(['a'])
    two.answer = () => []
    await platform.advance(60_000)
    expect([...dialled]).toEqual([])
  })

  it('holds at most twice the bound, however fast the names change', async () => {
    let round = 0
    const source = new Scripted(
      'wild',
      () => ((round += 1), places(...['x', 'y', 'z'].map((name) => `${name}${round}`))),
    )
    const { platform, dialled, discovery, started } = world([source], { placesMax: 2, intervalMs: 600 })
    await started()
    await platform.advance(30_000)
    expect(dialled.size).toBeLessThanOrEqual(4)
    expect(discovery.info()[0]!.dropped).toBe(source.asked)
  })

  it('asks and dials nothing after it was stopped, and closes its sources', async () => {
    const source = new Scripted('dns', () => places('a'))
    const { platform, discovery, done, started } = world([source])
    await started()
    await discovery.stop()
    await platform.advance(60_000)
    expect([source.asked, source.closed, done]).toEqual([1, 1, ['+a']])
  })

  it('waits a second at most for a source that does not close', async () => {
    const source: DiscoverySource = {
      name: 'stuck',
      open: () => ({ find: async () => [], close: () => new Promise<void>(() => undefined) }),
    }
    const { platform, discovery, started } = world([source])
    await started()
    let stopped = false
    void discovery.stop().then(() => (stopped = true))
    await platform.advance(999)
    expect(stopped).toBe(false)
    await platform.advance(1)
    expect(stopped).toBe(true)
  })
})
