import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { describe, expect, it } from 'vitest'
import { Gossip, gossipWireTopic, isValidRecord } from '../src/gossip.ts'
import { authorRate, uselessRate } from '../src/gossip-rates.ts'
import type { GossipMessage } from '../src/line.ts'
import { lineGossip } from '../src/v2/line-node.ts'
import { connect, never, startBareNode, startNode, type TestNode } from './nodes.ts'
import { fastClock, testPlatform } from './test-platform.ts'

describe('gossip', () => {
  it('reaches fifteen nodes behind one address, which all dial at once', async () => {
    const hub = await startNode()
    const nodes = await Promise.all(Array.from({ length: 15 }, () => startNode()))
    await Promise.all(nodes.map((node) => connect(node, hub)))
    const heard = Promise.all(nodes.map((node) => heardFirst(node, 'news')))
    expect(await repeated(() => hub.transport.publish?.('news', Uint8Array.of(1, 2, 3)), heard)).toEqual(
      nodes.map(() => ({ via: hub.id, record: Uint8Array.of(1, 2, 3) })),
    )
  })

  it('refuses to publish a record that is too large', async () => {
    const node = await startNode()
    for (const [topic, bytes] of [
      ['news', 16 * 1024 + 1],
      ['t'.repeat(256), 1],
    ] as const) {
      expect(() => node.transport.publish?.(topic, new Uint8Array(bytes))).toThrow(
        expect.objectContaining({ code: 'ERR_FRAME_TOO_LARGE' }),
      )
    }
  })

  it('passes on nothing unsigned, by an author without an Ed25519 key, too large or malformed', async () => {
    const author = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    const rsaAuthor = peerIdFromPrivateKey(await generateKeyPair('RSA', 2048))
    const data = Uint8Array.of(1, 65, 9, 9)
    const message = (changes: object): GossipMessage => ({ type: 'signed', from: author, data, ...changes })
    expect(isValidRecord(message({}))).toBe(true)
    for (const changes of [
      { type: 'unsigned' },
      { from: rsaAuthor },
      { data: new Uint8Array(0) },
      { data: Uint8Array.of(3, 65) },
      { data: new Uint8Array(1 + 16 * 1024 + 1) },
    ]) {
      expect(isValidRecord(message(changes))).toBe(false)
    }
  })

  it('keeps no topics but its own, whatever a peer subscribes to', async () => {
    const victim = await startBareNode()
    victim.services.pubsub.subscribe(gossipWireTopic)
    const flooder = await startBareNode()
    const topics = Array.from({ length: 40 }, (_none, number) => `flood ${number}`)
    for (const topic of [...topics, gossipWireTopic]) flooder.services.pubsub.subscribe(topic)
    await flooder.dial(victim.getMultiaddrs())
    await expect.poll(() => victim.services.pubsub.getSubscribers(gossipWireTopic)).toHaveLength(1)
    for (const topic of topics) expect(victim.services.pubsub.getSubscribers(topic)).toEqual([])
  })

  it('takes no message that holds more subscriptions than it allows', async () => {
    const victim = await startBareNode()
    victim.services.pubsub.subscribe(gossipWireTopic)
    const flooder = await startBareNode()
    for (const topic of [gossipWireTopic, ...Array.from({ length: 100 }, (_none, number) => `flood ${number}`)]) {
      flooder.services.pubsub.subscribe(topic)
    }
    const taken = new Promise<unknown>((resolve) => {
      victim.services.pubsub.addEventListener('subscription-change', ({ detail }) => resolve(detail.subscriptions))
    })
    await flooder.dial(victim.getMultiaddrs())
    // The stream opens with a message of all 101. The first that is taken is the next one, which takes one back.
    await until(() => flooder.services.pubsub.streamsOutbound.has(victim.peerId.toString()))
    flooder.services.pubsub.unsubscribe(gossipWireTopic)
    expect(await taken).toEqual([{ topic: gossipWireTopic, subscribe: false }])
  })

  it('reaches a peer again after the gossip stream to it was reset', async () => {
    const node = await startNode({}, testPlatform({ clock: fastClock }))
    const peer = await startBareNode()
    const heard: string[] = []
    const gossip = new Gossip({ ...testPlatform(), dropped() {} })
    gossip.subscribe('news', (_via, record) => void heard.push(String(record[0])))
    gossip.start(lineGossip(peer.services.pubsub))
    const publish = (number: number) => (): void => node.transport.publish?.('news', Uint8Array.of(number))
    await peer.handle('/skerry/lane/2.0.0', ({ stream }) => void drain(stream.source))
    await node.transport.dial(String(peer.getMultiaddrs()[0]), undefined, never)
    await repeated(
      publish(1),
      until(() => heard.includes('1')),
    )

    const [connection] = peer.getConnections()
    const gossipIn = connection?.streams.find(
      ({ direction, protocol }) => direction === 'inbound' && protocol?.startsWith('/meshsub'),
    )
    gossipIn?.abort(new Error('reset by the test'))
    await repeated(
      publish(2),
      until(() => heard.includes('2')),
    )
    expect(connection?.status).toBe('open')
  })

  it('takes no more of an author than it may say, hands on no more, and then does not listen to the neighbour', async () => {
    const [author, middle, far] = [await startNode(), await startNode(), await startNode()]
    await connect(author, middle)
    await connect(middle, far)
    let heard = 0
    let passedOn = 0
    middle.transport.subscribe?.('flood', () => void (heard += 1))
    far.transport.subscribe?.('flood', () => void (passedOn += 1))
    const news = heardFirst(middle, 'news')
    await repeated(() => author.transport.publish?.('news', Uint8Array.of(1)), news)
    const sinceMs = performance.now()
    const mayMs = (): number => authorRate.burst + authorRate.perSecond * ((performance.now() - sinceMs) / 1_000 + 1)
    for (let round = 0; round < 25; round += 1) {
      for (let said = 0; said < 20; said += 1) author.transport.publish?.('flood', new Uint8Array(100))
      await new Promise((resolve) => void setTimeout(resolve, 20))
    }
    await expect.poll(() => middle.uncarried.dropped).toBeGreaterThan(uselessRate.burst)
    // A score is looked at anew every second.
    await expect
      .poll(
        async () => {
          const before = middle.uncarried.dropped
          for (let said = 0; said < 20; said += 1) author.transport.publish?.('flood', new Uint8Array(100))
          await new Promise((resolve) => void setTimeout(resolve, 300))
          return middle.uncarried.dropped - before
        },
        { timeout: 10_000 },
      )
      .toBe(0)
    expect(heard).toBeGreaterThan(0)
    expect(heard).toBeLessThan(mayMs())
    expect(passedOn).toBeLessThanOrEqual(heard)
  })

  it('runs without the connection monitor, which leaks and kills healthy connections', async () => {
    const { components } = (await startBareNode()) as unknown as {
      components: { components: object }
    }
    const names = Object.keys(components.components)
    expect(names).toContain('connectionManager')
    expect(names).not.toContain('connectionMonitor')
  })

  it('counts what is said under a topic that nobody listens to', async () => {
    const [a, b] = [await startNode(), await startNode()]
    await connect(a, b)
    await repeated(
      () => a.transport.publish?.('unheard', Uint8Array.of(1)),
      until(() => b.uncarried.dropped > 0),
    )
    const { dropped } = b.uncarried
    const heard = heardFirst(b, 'news')
    await repeated(() => a.transport.publish?.('news', Uint8Array.of(1)), heard)
    expect(b.uncarried).toEqual({ dropped: expect.any(Number), lost: 0, refused: 0 })
    expect(b.uncarried.dropped - dropped).toBeLessThan(50)
  })

  it('says which neighbour handed a record on', async () => {
    const [a, b, c] = [await startNode(), await startNode(), await startNode()]
    await connect(a, b)
    await connect(b, c)
    const heard = heardFirst(c, 'news')
    expect((await repeated(() => a.transport.publish?.('news', Uint8Array.of(1)), heard)).via).toBe(b.id)
  })
})

function heardFirst(node: TestNode, topic: string): Promise<{ via: string; record: Uint8Array }> {
  return new Promise((resolve) => {
    node.transport.subscribe?.(topic, (via, record) => resolve({ via, record: Uint8Array.from(record) }))
  })
}

/** Gossip is best effort: it is done again and again until what it should bring about is there. */
async function repeated<T>(attempt: () => void, outcome: Promise<T>): Promise<T> {
  const timer = setInterval(attempt, 50)
  try {
    return await outcome
  } finally {
    clearInterval(timer)
  }
}

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 15_000, interval: 10 }).toBe(true)
}

async function drain(source: AsyncIterable<unknown>): Promise<void> {
  for await (const chunk of source) void chunk
}
