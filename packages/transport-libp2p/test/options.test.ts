import { silentLog } from '@skerry/core'
import type { Platform } from '@skerry/core/platform'
import { recordedLog } from '@skerry/testing'
import { describe, expect, it } from 'vitest'
import { createIdentity, createLibp2pTransport, libp2pTransport } from '../src/index.ts'
import { connect, never, startNode } from './nodes.ts'
import { testPlatform } from './test-platform.ts'

const host = { accepted() {}, found() {} }

describe('the options', () => {
  it.each([
    ['nothing', undefined, 'options'],
    ['no cluster', {}, 'cluster'],
    ['an empty cluster', { cluster: '' }, 'cluster'],
    ['a misspelt option', { cluster: 'c', secret: 'x' }, 'secret'],
    ['a secret that can be guessed', { cluster: 'c', secrets: ['long enough to do', 'short'] }, 'secrets[1]'],
    [
      'a secret of a variable that is not set',
      { cluster: 'c', secrets: [process.env['NO_SUCH_SECRET']] },
      'secrets[0]',
    ],
    ['the same secret twice', { cluster: 'c', secrets: ['0123456789abcdef', '0123456789abcdef'] }, 'secrets[1]'],
    [
      'too many secrets',
      { cluster: 'c', secrets: Array.from({ length: 9 }, (_, n) => `0123456789abcdef${n}`) },
      'secrets',
    ],
    ['an address that is none', { cluster: 'c', listen: ['127.0.0.1:80'] }, 'listen[0]'],
    ['an announced address that is none', { cluster: 'c', announce: ['/ip4/1.2.3.4/tcp/1', '/what'] }, 'announce[1]'],
    ['a seed that is none', { cluster: 'c', seeds: [7] }, 'seeds[0]'],
    ['seeds that are no list', { cluster: 'c', seeds: '/ip4/127.0.0.1/tcp/1' }, 'seeds'],
    ['a key that is no text', { cluster: 'c', privateKey: 5 }, 'privateKey'],
    ['frames of no size', { cluster: 'c', maxFrameBytes: 0 }, 'maxFrameBytes'],
    ['identities that are no object', { cluster: 'c', identities: 'a' }, 'identities'],
    ['roles that are no list', { cluster: 'c', identities: { a: { roles: 'billing' } } }, 'identities[a].roles'],
    ['an identity with a misspelt part', { cluster: 'c', identities: { a: { role: [] } } }, 'identities[a].role'],
    ['a flag that is no flag', { cluster: 'c', identitiesOnly: 'yes' }, 'identitiesOnly'],
    ['networks that are addresses', { cluster: 'c', dialNetworks: ['10.0.0.1'] }, 'dialNetworks'],
    ['a network that is too long', { cluster: 'c', dialNetworks: ['10.0.0.0/33'] }, 'dialNetworks'],
    ['frames of any size', { cluster: 'c', maxFrameBytes: Infinity }, 'maxFrameBytes'],
  ])('refuses %s, and names the option', (_what, options, name) => {
    expect(() => createLibp2pTransport(options)).toThrow(
      expect.objectContaining({ code: 'ERR_TRANSPORT_START', message: expect.stringContaining(`: ${name} `) }),
    )
  })

  it('never shows a secret in an error', () => {
    expect(() => createLibp2pTransport({ cluster: 'c', secrets: ['hunter2'] })).not.toThrow(/hunter2/)
    expect(() => createLibp2pTransport({ cluster: 'c', secrets: ['hunter2'] })).toThrow()
  })

  it('refuses a private key that is none when it starts', async () => {
    for (const privateKey of ['not a key', 'AAAA', 'CAESQA==']) {
      const transport = createLibp2pTransport({ cluster: 'c', privateKey })
      await expect(transport.start(host, testPlatform())).rejects.toMatchObject({
        code: 'ERR_TRANSPORT_START',
        message: expect.stringContaining('privateKey'),
      })
    }
  })

  it('become plain data that names the factory', async () => {
    const spec = libp2pTransport({ cluster: 'c', secrets: ['0123456789abcdef'] })
    expect(structuredClone(spec)).toEqual(spec)
    const loaded: Record<string, unknown> = await import(/* @vite-ignore */ spec.module)
    expect(loaded[spec.export]).toBe(createLibp2pTransport)
  })
})

describe('identities', () => {
  it('give each link the roles and regions of its peer, and a node its own roles', async () => {
    const a = await createIdentity()
    const b = await createIdentity()
    const identities = { [a.id]: { roles: ['billing'], regions: ['syd'] }, [b.id]: { roles: ['audit'] } }
    const one = await startNode({ privateKey: a.privateKey, identities })
    const other = await startNode({ privateKey: b.privateKey, identities })
    const [ours, theirs] = await connect(one, other)
    expect(ours).toMatchObject({ peer: b.id, roles: ['audit'], regions: undefined })
    expect(theirs).toMatchObject({ peer: a.id, roles: ['billing'], regions: ['syd'] })
    const stranger = await startNode({ identities })
    const [, unknown] = await connect(stranger, other)
    expect(unknown).toMatchObject({ roles: [], regions: undefined })
    const transport = createLibp2pTransport({ cluster: 'c', privateKey: a.privateKey, identities })
    expect(await transport.start(host, testPlatform())).toMatchObject({ id: a.id, roles: ['billing'] })
    await transport.stop()
  })
})

describe('only the identities that are named', () => {
  it('connect, whoever dials; another one is refused although it knows the secret', async () => {
    const [a, b] = [await createIdentity(), await createIdentity()]
    const only = { identities: { [a.id]: {}, [b.id]: {} }, identitiesOnly: true }
    const one = await startNode({ privateKey: a.privateKey, ...only })
    const other = await startNode({ privateKey: b.privateKey, ...only })
    await connect(one, other)
    const stranger = await startNode()
    await expect(one.transport.dial(stranger.address, undefined, never)).rejects.toMatchObject({
      code: 'ERR_PEER_REFUSED',
    })
    // Its own dial may succeed before it is refused.
    const dialled = await stranger.transport.dial(one.address, undefined, never).catch(() => undefined)
    await dialled?.closed
    expect([...one.accepted, ...stranger.accepted]).toEqual([])
  })

  it('are refused without end in few lines of the log, and in the end their number', async () => {
    const a = await createIdentity()
    const log = recordedLog()
    const only = { identities: { [a.id]: {} }, identitiesOnly: true }
    const node = await startNode({ privateKey: a.privateKey, ...only }, testPlatform({ log }))
    const stranger = await startNode()
    for (let dial = 0; dial < 10; dial += 1) {
      // It may succeed before it is refused.
      const dialled = await stranger.transport.dial(node.address, undefined, never).catch(() => undefined)
      await dialled?.closed
    }
    await node.transport.stop()
    const refused = log.entries.filter(({ message }) => message.startsWith('Refused a peer'))
    expect(refused.slice(0, -1).map(({ fields }) => fields)).toEqual(
      Array.from({ length: 8 }, () => expect.objectContaining({ peer: stranger.id })),
    )
    expect(refused.at(-1)?.fields).toMatchObject({ leftOut: expect.any(Number) })
  })

  it('may say the regions that are theirs, and another one none', async () => {
    const [a, b, c] = [await createIdentity(), await createIdentity(), await createIdentity()]
    const identities = { [a.id]: { regions: ['syd'] }, [b.id]: {} }
    const open = createLibp2pTransport({ cluster: 'c', identities })
    expect([a, b, c].map(({ id }) => open.regionsOf?.(id))).toEqual([['syd'], undefined, undefined])
    const closed = createLibp2pTransport({ cluster: 'c', identities, identitiesOnly: true })
    expect([a, b, c].map(({ id }) => closed.regionsOf?.(id))).toEqual([['syd'], undefined, []])
  })
})

describe('the networks to dial', () => {
  it('bound where an address of another node may lead, and not where a seed does', async () => {
    const node = await startNode({ dialNetworks: ['10.0.0.0/8', 'fdaa::/16'] })
    const peer = await startNode()
    const port = /tcp\/(\d+)/.exec(peer.address)?.[1]
    for (const address of [peer.address, `/dns4/localhost/tcp/${port}`, '/ip6/fe80::1/tcp/1']) {
      await expect(node.transport.dial(address, peer.id, never)).rejects.toMatchObject({
        code: 'ERR_DIAL_FAILED',
        message: expect.stringContaining('dialNetworks'),
      })
    }
    expect(peer.accepted).toEqual([])
    expect(await node.transport.dial(peer.address, undefined, never)).toMatchObject({ peer: peer.id })
    await connect(await startNode({ dialNetworks: ['127.0.0.0/8'] }), peer)
  })
})

describe('starting', () => {
  it('keeps the identity that it is given', async () => {
    const { id, privateKey } = await createIdentity()
    expect((await startNode({ privateKey })).id).toBe(id)
    expect((await startNode({ privateKey })).id).toBe(id)
  })

  it('makes a fresh identity when it is given none', async () => {
    expect((await startNode()).id).not.toBe((await startNode()).id)
  })

  it('names addresses with its id in them, or the announced ones', async () => {
    const node = await startNode()
    expect(node.address).toMatch(new RegExp(`^/ip4/127\\.0\\.0\\.1/tcp/\\d+/p2p/${node.id}$`))
    const announced = await startNode({ announce: ['/dns4/here.example/tcp/4001'] })
    expect(announced.address).toBe(`/dns4/here.example/tcp/4001/p2p/${announced.id}`)
  })

  it('rejects with ERR_TRANSPORT_START when the address is taken', async () => {
    const first = await startNode()
    await expect(startNode({ listen: [first.bareAddress] })).rejects.toMatchObject({ code: 'ERR_TRANSPORT_START' })
  })

  it('reports every seed but itself', async () => {
    const first = await startNode()
    const { bareAddress } = first
    await first.transport.stop()
    const again = await startNode({ listen: [bareAddress], seeds: [bareAddress, '/dns4/other.example/tcp/4001'] })
    expect(again.found).toEqual(['/dns4/other.example/tcp/4001'])
  })

  it('says that nothing but a name keeps strangers out, where it has no secret and others than this machine reach it', async () => {
    const warned: string[] = []
    const platform = (): Platform =>
      testPlatform({ log: { ...silentLog, warn: (_fields, message) => void warned.push(message) } })
    const announce = ['/ip4/10.1.2.3/tcp/4001']
    await startNode({ secrets: [] }, platform())
    await startNode({ announce }, platform())
    await startNode({ secrets: [], announce, identitiesOnly: true }, platform())
    expect(warned).toEqual([])
    await startNode({ secrets: [], announce }, platform())
    expect(warned).toEqual([expect.stringContaining('no cluster secret')])
  })

  it('only dials when it listens nowhere', async () => {
    const quiet = await startNode({ listen: [] })
    expect(quiet.address).toBe('')
    const other = await startNode()
    const link = await quiet.transport.dial(other.address, undefined, new AbortController().signal)
    expect(link.peer).toBe(other.id)
  })
})
