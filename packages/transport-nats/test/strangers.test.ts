import { createHash } from 'node:crypto'
import { connect as connectClient, type NatsConnection } from '@nats-io/transport-node'
import { createIdentity } from '@skerry/transport-nats'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { subjectsOf } from '../src/subjects.ts'
import { describeOnServer, type NatsServer, startNatsServer } from './nats-server.ts'
import { cluster, connect, frames, never, roundTrip, secret, startNode } from './nodes.ts'

describeOnServer('somebody else on the same server', () => {
  const { broadcast, node } = subjectsOf(cluster)
  let server: NatsServer
  beforeAll(async () => {
    server = await startNatsServer()
  })
  afterAll(() => server.stop())

  /** A client that hears everything, as whoever may use the account can. */
  async function eavesdropper(): Promise<{ client: NatsConnection; heard: { subject: string; data: Uint8Array }[] }> {
    const client = await connectClient({ servers: server.url })
    onTestFinished(() => client.close())
    const heard: { subject: string; data: Uint8Array }[] = []
    client.subscribe('skerry.>', { callback: (_error, { subject, data }) => void heard.push({ subject, data }) })
    await client.flush()
    return { client, heard }
  }

  it('reads nothing of what two nodes say to each other', async () => {
    const { client, heard } = await eavesdropper()
    const pair = await connect(await startNode(server), await startNode(server))
    const said = 'this is nobody else’s business'
    const received = frames(pair[1], 0, 1)
    pair[0].lane(0).send(Buffer.from(said))
    await received
    await client.flush()
    expect(heard.length).toBeGreaterThan(3)
    expect(heard.some(({ data }) => Buffer.from(data).includes(said))).toBe(false)
  })

  it('gets no link although it knows the secret, where only the identities that are named are members', async () => {
    const [one, other] = [await createIdentity(), await createIdentity()]
    const only = { identities: { [one.id]: {}, [other.id]: {} }, identitiesOnly: true }
    const a = await startNode(server, { privateKey: one.privateKey, ...only })
    const b = await startNode(server, { privateKey: other.privateKey, ...only })
    await roundTrip(await connect(a, b))
    const stranger = await startNode(server)
    const records: string[] = []
    a.transport.subscribe?.('records', (via) => void records.push(via))
    await expect(stranger.transport.dial(a.address, a.id, never)).rejects.toMatchObject({ code: 'ERR_PEER_REFUSED' })
    await expect(a.transport.dial(stranger.address, undefined, never)).rejects.toMatchObject({
      code: 'ERR_PEER_REFUSED',
    })
    stranger.transport.publish?.('records', Uint8Array.of(1))
    b.transport.publish?.('records', Uint8Array.of(1))
    await expect.poll(() => records).toEqual([b.id])
    await expect.poll(() => a.dropped('not-admitted')).toBeGreaterThan(0)
    expect([...a.found, ...b.found].filter((address) => address === stranger.address)).toEqual([])
    expect([a.accepted, stranger.accepted]).toEqual([[], []])
  })

  it('is refused without end in few lines of the log, and in the end their number', async () => {
    const node = await startNode(server)
    const stranger = await startNode(server, { secrets: ['another secret of another cluster'] })
    // A signal each, as core gives: on one for all Node warns of a leak.
    const dials = Array.from({ length: 20 }, () =>
      stranger.transport.dial(node.address, node.id, new AbortController().signal),
    )
    for (const dial of await Promise.allSettled(dials)) {
      expect(dial).toMatchObject({ status: 'rejected', reason: { code: 'ERR_PEER_REFUSED' } })
    }
    await node.transport.stop()
    const refused = node.log.entries.filter(({ message }) => message.startsWith('NATS transport: a node was refused'))
    expect(refused.map(({ fields }) => fields)).toEqual([
      ...Array.from({ length: 8 }, () => ({ peer: stranger.id, refusal: 'secret' })),
      { leftOut: 12, periodMs: 60_000 },
    ])
    expect(node.uncarried.refused).toBe(20)
  })

  it('gets no link by saying again what was said, and breaks none', async () => {
    const { client, heard } = await eavesdropper()
    const [a, b] = [await startNode(server), await startNode(server)]
    const pair = await connect(a, b)
    await roundTrip(pair)
    await client.flush()
    for (const { subject, data } of [...heard]) client.publish(subject, data)
    for (const subject of new Set(heard.map((one) => one.subject))) {
      for (const bytes of [0, 1, 2, 50, 279, 2_000, 65_536]) client.publish(subject, Buffer.alloc(bytes, bytes))
      for (let kind = 0; kind < 6; kind += 1) client.publish(subject, Buffer.alloc(300, kind))
    }
    await client.flush()
    await roundTrip(pair)
    expect(b.accepted).toEqual([])
    expect(b.dropped('malformed')).toBeGreaterThan(0)
    expect(b.dropped('forged') + b.dropped('repeated')).toBeGreaterThan(0)
    expect(b.uncarried).toMatchObject({ dropped: expect.any(Number), lost: 0 })
    expect(b.uncarried.dropped).toBeGreaterThan(10)
    // Records and signs of life may be repeated; garbage in their place is dropped.
    expect(b.dropped('not-authentic')).toBeGreaterThan(0)
  })

  it('is not heard: a record that no member signed, or that a member of another secret did', async () => {
    const { client, heard } = await eavesdropper()
    const [a, b] = [await startNode(server), await startNode(server)]
    const stranger = await startNode(server, { secrets: ['a secret of somebody else'] })
    const records: { via: string; text: string }[] = []
    b.transport.subscribe?.('news', (via, record) => void records.push({ via, text: Buffer.from(record).toString() }))
    stranger.transport.publish?.('news', Buffer.from('false'))
    a.transport.publish?.('news', Buffer.from('true'))
    a.transport.publish?.('nobody listens to that', Buffer.from('anything'))
    await expect.poll(() => records).toEqual([{ via: a.id, text: 'true' }])
    await expect.poll(() => b.dropped('unheard')).toBe(1)
    await client.flush()
    for (const { data } of heard.filter(({ subject }) => subject === broadcast)) {
      for (let index = 0; index < data.byteLength; index += 5) {
        const changed = Uint8Array.from(data)
        changed[index] = changed[index]! ^ 1
        client.publish(broadcast, changed)
      }
    }
    await client.flush()
    a.transport.publish?.('news', Buffer.from('true again'))
    await expect.poll(() => records.at(-1)?.text).toBe('true again')
    expect(records.map(({ text }) => text)).toEqual(['true', 'true again'])
  })

  it('is refused by name of the reason when it knows no secret of ours, and one that knows an old one gets in', async () => {
    const old = 'the secret that we had before'
    const both = await startNode(server, { secrets: [secret, old] })
    const onlyOld = await startNode(server, { secrets: [old] })
    const onlyNew = await startNode(server)
    await roundTrip(await connect(both, onlyOld))
    await roundTrip(await connect(onlyOld, both))
    await roundTrip(await connect(onlyNew, both))
    for (const [from, to] of [
      [onlyOld, onlyNew],
      [onlyNew, onlyOld],
    ] as const) {
      await expect(from.transport.dial(to.address, to.id, never)).rejects.toMatchObject({
        code: 'ERR_PEER_REFUSED',
        message: expect.stringContaining('knows none of our cluster secrets'),
      })
    }
  })

  it('may say a thousand times that it wants a link: few are held for it, and members still get in', async () => {
    const { client, heard } = await eavesdropper()
    const [a, b] = [await startNode(server), await startNode(server)]
    const pair = await connect(a, b)
    await client.flush()
    const [open] = heard.filter(({ subject }) => subject === node(b.id))
    for (let time = 0; time < 1_000; time += 1) client.publish(node(b.id), open!.data)
    await client.flush()
    const c = await startNode(server)
    await roundTrip(await connect(c, b))
    await roundTrip(pair)
    expect(b.dropped('too-many')).toBeGreaterThan(100)
  })

  it('finds nobody, and the members each other, without an address', async () => {
    const stranger = await startNode(server, { secrets: ['a secret of somebody else'] })
    const a = await startNode(server)
    const b = await startNode(server)
    await expect.poll(() => [a.found, b.found]).toEqual([[b.address], [a.address]])
    expect(stranger.found).toEqual([])
  })

  it('a node keeps its name by its key', async () => {
    const { id, privateKey } = await createIdentity()
    const first = await startNode(server, { privateKey })
    expect(first.id).toBe(id)
    await first.transport.stop()
    const second = await startNode(server, {
      privateKey,
      identities: { [id]: { roles: ['writer'], regions: ['syd'] } },
    })
    expect(second.id).toBe(id)
    const other = await startNode(server, { identities: { [id]: { roles: ['writer'], regions: ['syd'] } } })
    const [ours] = await connect(other, second)
    expect(ours).toMatchObject({ peer: id, roles: ['writer'], regions: ['syd'] })
  })
})

describeOnServer('the login to the server', () => {
  async function serverWith(config: string): Promise<NatsServer> {
    const started = await startNatsServer({ config })
    onTestFinished(() => started.stop('SIGKILL'))
    return started
  }

  it('is a user and password, or a token; a wrong one fails the start and is not shown', async () => {
    const byPassword = await serverWith('authorization { user: skerry, password: s3cret }')
    await startNode(byPassword, { user: 'skerry', password: 's3cret' })
    const byToken = await serverWith('authorization { token: t0ken }')
    await startNode(byToken, { token: 't0ken' })
    for (const [server, login] of [
      [byPassword, { user: 'skerry', password: 'wr0ng' }],
      [byPassword, {}],
      [byToken, { token: 'wr0ng' }],
    ] as const) {
      await expect(startNode(server, login)).rejects.toMatchObject({
        code: 'ERR_TRANSPORT_START',
        message: expect.stringMatching(/^(?!.*wr0ng).*uthoriz/i),
      })
    }
  })

  it('is an nkey', async () => {
    const { nkeys } = await import('@nats-io/transport-node')
    const user = nkeys.createUser()
    const server = await serverWith(`authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`)
    await startNode(server, { nkeySeed: Buffer.from(user.getSeed()).toString() })
    const other = Buffer.from(nkeys.createUser().getSeed()).toString()
    await expect(startNode(server, { nkeySeed: other })).rejects.toMatchObject({ code: 'ERR_TRANSPORT_START' })
  })

  it('is the text of a .creds file', async () => {
    const { nkeys } = await import('@nats-io/transport-node')
    const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()]
    const ofOperator = jwt(operator, {
      sub: operator.getPublicKey(),
      name: 'op',
      nats: { type: 'operator', version: 2 },
    })
    const ofAccount = jwt(operator, {
      sub: account.getPublicKey(),
      name: 'shop',
      nats: {
        type: 'account',
        version: 2,
        limits: { subs: -1, data: -1, payload: -1, conn: -1, leaf: -1, imports: -1, exports: -1 },
      },
    })
    const server = await serverWith(`operator: ${ofOperator}
      resolver: MEMORY
      resolver_preload: { ${account.getPublicKey()}: ${ofAccount} }`)
    const credsOf = (issuer: typeof account): string => {
      const limits = { subs: -1, data: -1, payload: -1 }
      const token = jwt(issuer, {
        sub: user.getPublicKey(),
        name: 'node',
        nats: { type: 'user', version: 2, ...limits },
      })
      const seed = Buffer.from(user.getSeed()).toString()
      return [
        '-----BEGIN NATS USER JWT-----',
        token,
        '------END NATS USER JWT------',
        '-----BEGIN USER NKEY SEED-----',
        seed,
        '------END USER NKEY SEED------',
        '',
      ].join('\n')
    }
    const creds = credsOf(account)
    await roundTrip(await connect(await startNode(server, { creds }), await startNode(server, { creds })))
    await expect(startNode(server, { creds: credsOf(nkeys.createAccount()) })).rejects.toMatchObject({
      code: 'ERR_TRANSPORT_START',
    })
  })

  it('must allow the subjects of Skerry: a server that does not is an error at the start', async () => {
    const server = await serverWith(`authorization { users: [
      { user: narrow, password: narrow, permissions: { subscribe: "other.>", publish: "other.>" } }
      { user: right, password: right, permissions: { subscribe: "skerry.>", publish: "skerry.>" } }
    ] }`)
    await expect(startNode(server, { user: 'narrow', password: 'narrow' })).rejects.toMatchObject({
      code: 'ERR_TRANSPORT_START',
      message: expect.stringContaining('skerry.1.'),
    })
    const login = { user: 'right', password: 'right' }
    await roundTrip(await connect(await startNode(server, login), await startNode(server, login)))
  })

  it('reaches a server, or the start fails and names where it was looked for', async () => {
    await expect(startNode({ url: 'nats://127.0.0.1:1' })).rejects.toMatchObject({
      code: 'ERR_TRANSPORT_START',
      message: expect.stringContaining('nats://127.0.0.1:1'),
    })
  })

  it('to a server that takes too little fails the start', async () => {
    const server = await serverWith('max_payload: 512')
    await expect(startNode(server)).rejects.toMatchObject({
      code: 'ERR_TRANSPORT_START',
      message: expect.stringContaining('512'),
    })
  })
})

/** A token in the form that the server's makers use: signed with an NKey, its id the digest of its claims. */
function jwt(
  issuer: { getPublicKey(): string; sign(bytes: Uint8Array): Uint8Array },
  claims: { readonly sub: string; readonly name: string; readonly nats: object },
): string {
  const all = { ...claims, iss: issuer.getPublicKey(), iat: 1_700_000_000 }
  const jti = createHash('sha256').update(JSON.stringify(all)).digest('hex')
  const encoded = [
    { typ: 'JWT', alg: 'ed25519-nkey' },
    { ...all, jti },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  const text = encoded.join('.')
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`
}
