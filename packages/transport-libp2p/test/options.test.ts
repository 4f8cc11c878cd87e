import { describe, expect, it } from 'vitest'
import { createIdentity, createLibp2pTransport, libp2pTransport } from '../src/index.ts'
import { connect, startNode } from './nodes.ts'
import { testPlatform } from './test-platform.ts'

const host = { accepted() {}, found() {} }

describe('the options', () => {
  it.each([
    ['nothing', undefined, 'options'],
    ['no cluster', {}, 'cluster'],
    ['an empty cluster', { cluster: '' }, 'cluster'],
    ['a misspelt option', { cluster: 'c', secret: 'x' }, 'secret'],
    ['a secret that can be guessed', { cluster: 'c', secrets: ['long enough to do', 'short'] }, 'secrets[1]'],
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

  it('only dials when it listens nowhere', async () => {
    const quiet = await startNode({ listen: [] })
    expect(quiet.address).toBe('')
    const other = await startNode()
    const link = await quiet.transport.dial(other.address, undefined, new AbortController().signal)
    expect(link.peer).toBe(other.id)
  })
})
