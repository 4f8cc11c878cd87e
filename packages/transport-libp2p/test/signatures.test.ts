import { peerIdFromString } from '@libp2p/peer-id'
import { describe, expect, it } from 'vitest'
import { createIdentity } from '../src/index.ts'
import { startNode } from './nodes.ts'

describe('signatures', () => {
  it('hold for an author that the node has never met', async () => {
    const { id, privateKey } = await createIdentity()
    const author = await startNode({ privateKey })
    const reader = await startNode()
    const bytes = Uint8Array.of(1, 2, 3)
    const signature = author.transport.sign(bytes)
    expect(signature).toHaveLength(64)
    expect(reader.transport.verify(id, bytes, signature)).toBe(true)
    expect(reader.transport.verify(id, Uint8Array.of(1, 2, 4), signature)).toBe(false)
  })

  it('do not hold under another spelling of the author, which would be a second name for one node', async () => {
    const node = await startNode()
    const bytes = Uint8Array.of(1)
    const signature = node.transport.sign(bytes)
    const otherSpelling = peerIdFromString(node.id).toCID().toString()
    expect(peerIdFromString(otherSpelling).toString()).toBe(node.id)
    expect(node.transport.verify(otherSpelling, bytes, signature)).toBe(false)
  })

  it('of garbage are false and no error', async () => {
    const node = await startNode()
    const bytes = Uint8Array.of(1)
    const signature = node.transport.sign(bytes)
    // A peer id of another key type, one of the right form with a key that is none, and things that are no peer ids.
    const authors = [
      'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
      `12D3KooW${'1'.repeat(44)}`,
      '',
      '1',
      'Q',
      'bafz',
      '\0',
    ]
    for (const author of authors) expect(node.transport.verify(author, bytes, signature)).toBe(false)
    for (const garbage of [new Uint8Array(0), new Uint8Array(64), new Uint8Array(64).fill(255), new Uint8Array(9999)]) {
      expect(node.transport.verify(node.id, bytes, garbage)).toBe(false)
    }
  })

  it('still hold after more authors than are remembered', async () => {
    const node = await startNode()
    const bytes = Uint8Array.of(1)
    const signature = node.transport.sign(bytes)
    for (let other = 0; other < 1100; other += 1) {
      node.transport.verify((await createIdentity()).id, bytes, signature)
    }
    expect(node.transport.verify(node.id, bytes, signature)).toBe(true)
  })
})
