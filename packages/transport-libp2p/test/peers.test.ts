import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import {
  connect,
  dialFromBareNode,
  frames,
  never,
  openBareLanes,
  preamble,
  roundTrip,
  startBareNode,
  startNode,
} from './nodes.ts'
import type { Identity } from '../src/identity.ts'
import { handClock, testPlatform } from './test-platform.ts'

const unusedMs = 2000

describe('who is at the other end', () => {
  it('is checked when the address does not say it', async () => {
    const [a, b, c] = [await startNode(), await startNode(), await startNode()]
    await expect(a.transport.dial(b.bareAddress, c.id, never)).rejects.toMatchObject({ code: 'ERR_WRONG_PEER' })
  })

  it('is checked when the address says another', async () => {
    const [a, b, c] = [await startNode(), await startNode(), await startNode()]
    const address = `${b.bareAddress}/p2p/${c.id}`
    await expect(a.transport.dial(address, undefined, never)).rejects.toMatchObject({ code: 'ERR_WRONG_PEER' })
    await expect(a.transport.dial(address, b.id, never)).rejects.toMatchObject({ code: 'ERR_WRONG_PEER' })
    expect(b.accepted).toEqual([])
  })

  it('is checked by the gater too, below our own check', async () => {
    const [bare, b, c] = [await startBareNode(), await startNode(), await startNode()]
    await expect(bare.dial(multiaddr(`${b.bareAddress}/p2p/${c.id}`))).rejects.toMatchObject({ code: 'ERR_WRONG_PEER' })
  })

  it('is never ourselves', async () => {
    const a = await startNode()
    for (const address of [a.address, a.bareAddress]) {
      await expect(a.transport.dial(address, undefined, never)).rejects.toMatchObject({ code: 'ERR_OWN_ADDRESS' })
    }
  })

  it('has an Ed25519 key, or is refused in both directions', async () => {
    const key = await generateKeyPair('secp256k1')
    const other = await startBareNode({ id: '', key } as unknown as Identity)
    const node = await startNode()
    const address = String(other.getMultiaddrs()[0])
    await expect(node.transport.dial(address, undefined, never)).rejects.toMatchObject({ code: 'ERR_PEER_REFUSED' })
    // Its own dial may succeed before we refuse; then its connection closes under it.
    await dialFromBareNode(other, node).catch((error: unknown) => expect(error).toBeInstanceOf(Error))
    await expect.poll(() => other.getConnections().length).toBe(0)
    expect(node.accepted).toEqual([])
    await expect.poll(() => node.uncarried.refused).toBe(1)
  })
})

describe('a connection', () => {
  it('stays while one of two links over it is in use, and so does its twin; unused, both are closed', async () => {
    const clock = handClock()
    const node = await startNode({}, testPlatform({ clock }))
    const peer = await startBareNode()
    const connections = [await dialFromBareNode(peer, node), await dialFromBareNode(peer, node, true)] as const
    const links = []
    for (const [index, connection] of connections.entries()) {
      const accepted = node.nextAccepted()
      const streams = await openBareLanes(connection)
      for (const [lane, stream] of streams.entries()) stream.write(preamble(index, lane))
      links.push({ link: await accepted, streams })
    }
    const [first, second] = links
    first?.link.close('a duplicate')
    for (const stream of first?.streams ?? []) await stream.close()
    clock.fire(unusedMs)
    await roundTrip(connections[0])
    expect(connections.map(({ status }) => status)).toEqual(['open', 'open'])

    const gone = new Promise<void>((resolve) => peer.addEventListener('peer:disconnect', () => resolve()))
    second?.link.close('the last one')
    for (const stream of second?.streams ?? []) await stream.close()
    // The link is gone a little after its streams, and only then does the time of the connection's disuse begin.
    await expect.poll(() => (clock.fire(unusedMs), peer.getConnections().length)).toBe(0)
    await gone
  })

  it('over which no link is ever opened is closed', async () => {
    const clock = handClock()
    const node = await startNode({}, testPlatform({ clock }))
    const peer = await startBareNode()
    await dialFromBareNode(peer, node)
    await expect.poll(() => (clock.fire(unusedMs), peer.getConnections().length)).toBe(0)
  })

  it('that is closing just now makes a dial take a fresh one', async () => {
    const clock = handClock()
    const a = await startNode({}, testPlatform({ clock }))
    const b = await startNode()
    const [ours, theirs] = await connect(a, b)
    ours.close('idle')
    await theirs.closed
    const accepted = b.nextAccepted()
    // Until the link is gone and its connection unused. Then the dial in the same turn finds the connection closing.
    while (clock.fire(unusedMs) === 0) await new Promise<void>((resolve) => setImmediate(resolve))
    const again = await a.transport.dial(b.address, b.id, never)
    const thereAgain = await accepted
    const arrived = frames(thereAgain, 0, 1)
    again.lane(0).send(Uint8Array.of(1))
    expect(await arrived).toHaveLength(1)
  })
})
