import { memoryTransport, type NodeOptions, silentLog, startNode, systemPlatform } from '@skerry/core'
import type { Platform } from '@skerry/core/platform'
import { describe, expect, it } from 'vitest'
import { discoveryConfig, dnsConfig, regionConfig, transportThread } from '../../src/node/node-config.ts'

type Environment = Readonly<Record<string, string | undefined>>
type Regions = Pick<NodeOptions, 'region' | 'primaryRegion'>

const badConfig = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'ERR_BAD_CONFIG', message: expect.stringMatching(message) })

const found: [what: string, options: Regions, environment: Environment, region: string, primaryRegion: string][] = [
  ['nothing is set: both are local', {}, {}, 'local', 'local'],
  ['MY_REGION', {}, { MY_REGION: 'lax' }, 'lax', 'local'],
  ['FLY_REGION before MY_REGION', {}, { FLY_REGION: 'syd', MY_REGION: 'lax' }, 'syd', 'local'],
  ['PRIMARY_REGION', {}, { PRIMARY_REGION: 'syd' }, 'local', 'syd'],
  ['an option before the environment', { region: 'fra' }, { FLY_REGION: 'syd', MY_REGION: 'lax' }, 'fra', 'local'],
  ['a primary option before the environment', { primaryRegion: 'fra' }, { PRIMARY_REGION: 'syd' }, 'local', 'fra'],
  ['both, each from its own place', { region: 'fra' }, { MY_REGION: 'lax', PRIMARY_REGION: 'syd' }, 'fra', 'syd'],
]

const refused: [what: string, options: Regions, environment: Environment, message: RegExp][] = [
  [
    'an empty FLY_REGION, also beside a good MY_REGION',
    {},
    { FLY_REGION: '', MY_REGION: 'lax' },
    /^FLY_REGION: .*empty/,
  ],
  ['an empty MY_REGION', {}, { MY_REGION: '' }, /^MY_REGION: .*empty/],
  ['an empty PRIMARY_REGION', {}, { PRIMARY_REGION: '' }, /^PRIMARY_REGION: .*empty/],
  ['an empty option', { region: '' }, { FLY_REGION: 'syd' }, /^options\.region: .*empty/],
  ['an empty primary option', { primaryRegion: '' }, {}, /^options\.primaryRegion: .*empty/],
  ['"primary" as a region', {}, { MY_REGION: 'primary' }, /^MY_REGION: "primary"/],
  ['"nearest" as a region', { region: 'nearest' }, {}, /^options\.region: "nearest"/],
  ['"all" as the primary region', {}, { PRIMARY_REGION: 'all' }, /^PRIMARY_REGION: "all"/],
  ['"primary" as the primary region', { primaryRegion: 'primary' }, {}, /^options\.primaryRegion: "primary"/],
  ['a name with a space', {}, { FLY_REGION: 'new york' }, /^FLY_REGION: /],
]

describe('the regions of a node', () => {
  for (const [what, options, environment, region, primaryRegion] of found) {
    it(`are found: ${what}`, () => {
      expect(regionConfig(options, environment)).toMatchObject({ region, primaryRegion })
    })
  }

  it('come with the place where they were found', () => {
    const environment = { FLY_REGION: 'syd', MY_REGION: 'lax' }
    expect(regionConfig({}, environment).from).toEqual({ region: 'FLY_REGION', primaryRegion: 'default' })
    expect(regionConfig({ region: 'a', primaryRegion: 'b' }, environment).from).toEqual({
      region: 'options.region',
      primaryRegion: 'options.primaryRegion',
    })
  })

  for (const [what, options, environment, message] of refused) {
    it(`are refused, with the place: ${what}`, () => {
      expect(() => regionConfig(options, environment)).toThrow(badConfig(message))
    })
  }
})

describe('where a node looks for others', () => {
  const names = (...given: Parameters<typeof discoveryConfig>): string[] =>
    discoveryConfig(...given).map(({ name }) => name)

  it('is nowhere by default', () => {
    expect(names(undefined, {})).toEqual([])
  })

  it('is what SKERRY_DISCOVERY says, unless code says otherwise', () => {
    const environment = { SKERRY_DISCOVERY: 'dns:nodes.internal:4001' }
    expect(names(undefined, environment)).toEqual(['dns:nodes.internal:4001'])
    expect(names([], environment)).toEqual([])
  })

  it('is refused, with the name of the variable, when it can not be', () => {
    expect(() => names(undefined, { SKERRY_DISCOVERY: '' })).toThrow(badConfig(/^SKERRY_DISCOVERY: .*no source/))
    expect(() => dnsConfig({ SKERRY_DNS_SERVERS: 'nowhere' })).toThrow(badConfig(/^SKERRY_DNS_SERVERS: /))
  })

  it('stops the node from starting when it can not be', async () => {
    const platform = { ...systemPlatform({ log: silentLog }), environment: { SKERRY_DISCOVERY: 'dns' } }
    await expect(startNode({ name: 'config', children: [] }, { platform })).rejects.toEqual(
      badConfig(/^SKERRY_DISCOVERY/),
    )
  })
})

describe('a node', () => {
  const app = { name: 'config', children: [] }
  const platform = (environment: Environment): Platform => ({ ...systemPlatform({ log: silentLog }), environment })

  for (const [what, options, environment, region, primaryRegion] of found) {
    it(`has its regions from its options and its platform's environment: ${what}`, async () => {
      await using node = await startNode(app, { ...options, platform: platform(environment) })
      expect([node.myRegion, node.primaryRegion, node.isPrimary]).toEqual([
        region,
        primaryRegion,
        region === primaryRegion,
      ])
    })
  }

  it('does not look at the process’s environment when it was given another', async () => {
    const saved = process.env['FLY_REGION']
    process.env['FLY_REGION'] = 'elsewhere'
    try {
      await using node = await startNode(app, { platform: platform({}) })
      expect(node.myRegion).toBe('local')
    } finally {
      if (saved === undefined) delete process.env['FLY_REGION']
      else process.env['FLY_REGION'] = saved
    }
  })

  for (const [what, options, environment, message] of refused) {
    it(`does not start with ${what}`, async () => {
      const hub = `config ${what.replaceAll('/', '')}`
      const transport = memoryTransport({ hub, id: 'a' })
      const start = startNode(app, { ...options, transport, platform: platform(environment) })
      await expect(start).rejects.toEqual(badConfig(message))
    })
  }
})

describe('the thread of the transport', () => {
  it('is main by default, what SKERRY_TRANSPORT_THREAD says, and before that what code says', () => {
    expect(transportThread(undefined, {})).toBe('main')
    for (const thread of ['main', 'own'] as const) {
      expect(transportThread(undefined, { SKERRY_TRANSPORT_THREAD: thread })).toBe(thread)
      expect(transportThread('main', { SKERRY_TRANSPORT_THREAD: thread })).toBe('main')
      expect(transportThread('own', { SKERRY_TRANSPORT_THREAD: thread })).toBe('own')
    }
  })

  it('is refused, with the name of the variable, when it is none', () => {
    for (const text of ['', 'Own', 'pool', '1']) {
      expect(() => transportThread(undefined, { SKERRY_TRANSPORT_THREAD: text })).toThrow(
        badConfig(/^SKERRY_TRANSPORT_THREAD: must be "own" or "main"/),
      )
    }
  })
})
