import {
  createIdentity,
  createNatsTransport,
  natsAddress,
  natsTransport,
  type NatsTransportOptions,
} from '@skerry/transport-nats'
import { describe, expect, it } from 'vitest'
import { subjectsOf } from '../src/subjects.ts'

const good = { cluster: 'shop', secrets: ['sixteen characters or more'] }

describe('options', () => {
  it.each([
    [{}, 'cluster'],
    [{ cluster: '' }, 'cluster'],
    [{ cluster: 'x'.repeat(256) }, 'cluster'],
    [{ ...good, secrets: ['short'] }, 'secrets[0]'],
    [{ ...good, secrets: [good.secrets[0], good.secrets[0]] }, 'secrets[1]'],
    [{ ...good, secrets: Array.from({ length: 9 }, (_none, at) => `${good.secrets[0]} ${at}`) }, 'secrets'],
    [{ ...good, servers: [] }, 'servers'],
    [{ ...good, servers: ['nats://user:hidden@host:4222'] }, 'servers[0]'],
    [{ ...good, servers: ['http://host'] }, 'servers[0]'],
    [{ ...good, user: 'me' }, 'user'],
    [{ ...good, token: 'a', creds: 'b' }, 'user, token, nkeySeed, creds'],
    [{ ...good, tls: { caFiles: 'x' } }, 'tls.caFiles'],
    [{ ...good, tls: { handshakeFirst: 'yes' } }, 'tls.handshakeFirst'],
    [{ ...good, maxFrameBytes: 1 }, 'maxFrameBytes'],
    [{ ...good, windowBytes: 1 }, 'windowBytes'],
    [{ ...good, identities: { a: { role: [] } } }, 'identities[a].role'],
    [{ ...good, identitiesOnly: 'yes' }, 'identitiesOnly'],
    [{ ...good, seeds: [] }, 'seeds'],
  ])('%j is refused by the name %s', (options, name) => {
    for (const make of [createNatsTransport, (given: unknown) => natsTransport(given as NatsTransportOptions)]) {
      expect(() => make(options)).toThrow(
        expect.objectContaining({
          code: 'ERR_TRANSPORT_START',
          message: expect.stringContaining(`NATS transport: ${name} `),
        }),
      )
    }
  })

  it('never show a secret', () => {
    for (const options of [
      { ...good, secrets: ['hidden'] },
      { ...good, servers: ['nats://user:hidden@host:4222'] },
      { ...good, user: 'hidden' },
    ]) {
      expect(() => natsTransport(options)).toThrow(
        expect.not.objectContaining({ message: expect.stringContaining('hidden') }),
      )
    }
  })

  it('say which regions a node may name, whoever relays its record', () => {
    const transport = createNatsTransport({ ...good, identities: { a: { regions: ['syd'] }, b: {} } })
    expect(['a', 'b', 'c'].map((node) => transport.regionsOf?.(node))).toEqual([['syd'], undefined, undefined])
    const closed = createNatsTransport({
      ...good,
      identities: { a: { regions: ['syd'] }, b: {} },
      identitiesOnly: true,
    })
    expect(['a', 'b', 'c'].map((node) => closed.regionsOf?.(node))).toEqual([['syd'], undefined, []])
  })

  it('with a private key that is none fail at the start', async () => {
    const transport = createNatsTransport({ ...good, privateKey: 'bm90IGEga2V5' })
    const host = { accepted() {}, found() {} }
    await expect(transport.start(host, {} as never)).rejects.toMatchObject({ code: 'ERR_TRANSPORT_START' })
  })
})

describe('names', () => {
  it('have a bounded length and only letters that a subject may have, whatever the cluster is called', async () => {
    const { id } = await createIdentity()
    for (const cluster of ['shop', '>', '*.*', 'a b\r\nPUB x 0', '漢'.repeat(85), 'x'.repeat(255)]) {
      const subjects = subjectsOf(cluster)
      const all = [subjects.broadcast, subjects.node(id), subjects.link('A'.repeat(22), 2 ** 32 - 1)]
      for (const subject of all) expect(subject).toMatch(/^skerry\.1\.[\w-]{22}\.[a-z]+(?:\.[\w-]+)*$/)
      for (const subject of all) expect(subject.length).toBeLessThan(100)
      expect(natsAddress(cluster, id)).toMatch(/^nats:[\w-]{22}\/[\w-]{43}$/)
    }
  })

  it('of two clusters never meet', () => {
    const prefixes = ['shop', 'shop ', 'Shop', 'shop.'].map((cluster) => subjectsOf(cluster).tag)
    expect(new Set(prefixes).size).toBe(4)
  })
})
