import { expect, it } from 'vitest'
import { meshEventOf } from '../../src/mesh/membership-event.ts'
import { encodeDigest, encodeSealed } from '../../src/mesh/mesh-message.ts'
import { digestParts } from '../../src/mesh/record-digest.ts'

it('a control payload of a peer is an event with who sent it, and nothing where this node can not read it', () => {
  const one = Uint8Array.of(1)
  const sealed = (kind: 'records' | 'accusations'): Uint8Array => encodeSealed(kind, [one], 100).chunks[0] as Uint8Array
  expect(meshEventOf('a', sealed('records'))).toEqual({ event: 'records', via: 'a', records: [one] })
  const accused = { kind: 'accusations', accusations: [one] }
  expect(meshEventOf('a', sealed('accusations'))).toEqual({ event: 'told', via: 'a', message: accused })
  const digest = new Uint32Array(digestParts)
  const message = { kind: 'digest', digest, isAnswer: true }
  expect(meshEventOf('a', encodeDigest(digest, true))).toEqual({ event: 'told', via: 'a', message })
  expect(meshEventOf('a', Uint8Array.of(99))).toBeUndefined()
})
