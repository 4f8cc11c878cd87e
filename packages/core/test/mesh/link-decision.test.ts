import { describe, expect, it } from 'vitest'
import { judgeGreeting } from '../../src/mesh/link-decision.ts'
import { type Greeting, protocolVersion, protocolVersionMin } from '../../src/mesh/link-message.ts'

const self = { node: 'a', cluster: 'shop' }
const greeting: Greeting = {
  protocolVersion,
  protocolVersionMin,
  cluster: 'shop',
  node: 'b',
  life: 1,
  region: 'lax',
  epoch: 1,
  frameBytesMax: 1_024,
  meshVersion: 2,
  addresses: [],
}

describe('the region of a greeting', () => {
  it('is any, where the transport knows nothing of it', () => {
    expect(judgeGreeting(self, { peer: 'b' }, greeting)).toBeUndefined()
  })

  it('is one of those that the peer may be in, else the link is refused', () => {
    expect(judgeGreeting(self, { peer: 'b', regions: ['syd', 'lax'] }, greeting)).toBeUndefined()
    expect(judgeGreeting(self, { peer: 'b', regions: ['syd'] }, greeting)).toMatchObject({ code: 'ERR_WRONG_REGION' })
    expect(judgeGreeting(self, { peer: 'b', regions: [] }, greeting)).toMatchObject({ code: 'ERR_WRONG_REGION' })
  })
})
